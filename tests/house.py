"""Tollbook in one piece for tests: a real worker and a real store, in this process, on real sockets and real files."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from proxy.config.builtin import BUILTIN
from proxy.config.model import Address, Config, Upstream
from proxy.worker import Worker
from store.filters import parse
from store.ingest import Ingest
from store.questions import call, logs
from store.reader import Reader
from store.service import serving


@dataclass
class House:
    """A running Tollbook."""

    config: Config
    worker: Worker
    ingest: Ingest
    proxy: str  # http://127.0.0.1:PORT
    dashboard: str

    async def rows(self, count: int, patience_s: float = 60.0) -> list[dict[str, Any]]:
        """The rows, newest first, once there are `count` of them; fails when they do not come, or more do."""
        async with Reader.open(self.config.store.data_dir) as reader:
            deadline = asyncio.get_running_loop().time() + patience_s
            while True:
                found = (await logs(reader, parse([("limit", "1000")], datetime.now(UTC), also=("limit",))))["logs"]
                if len(found) >= count or asyncio.get_running_loop().time() > deadline:
                    break
                await asyncio.sleep(0.02)
        assert len(found) == count, [(row["type"], row["outcome"], row["status"]) for row in found]
        return list(found)

    async def row(self, patience_s: float = 60.0) -> dict[str, Any]:
        """The only row."""
        (found,) = await self.rows(1, patience_s)
        return found

    async def details(self, call_id: str) -> dict[str, Any]:
        """Everything about one call."""
        async with Reader.open(self.config.store.data_dir) as reader:
            found = await call(reader, call_id)
        assert found is not None
        return dict(found)


def listening() -> socket.socket:
    """A loopback socket on a free port."""
    made = socket.socket()
    made.bind(("127.0.0.1", 0))
    made.listen(1024)
    return made


def upstreams(base_url: str, **changes: Any) -> dict[str, Upstream]:
    """All built-in upstreams, pointed at one loopback address."""
    return {name: replace(one, base_url=base_url, **changes) for name, one in BUILTIN.items()}


@asynccontextmanager
async def open_house(data_dir: Path, config: Config) -> AsyncIterator[House]:
    """Start both halves; stop them in order, so that every note is in the book afterwards."""
    config = replace(config, store=replace(config.store, data_dir=data_dir))
    calls, asked = listening(), listening()
    config = replace(
        config,
        proxy=replace(config.proxy, listen=Address("127.0.0.1", calls.getsockname()[1])),
        dashboard=replace(config.dashboard, listen=Address("127.0.0.1", asked.getsockname()[1])),
    )
    async with serving(config, [asked]) as ingest:
        worker = Worker(config)
        await worker.start([calls])
        try:
            yield House(config, worker, ingest, f"http://{config.proxy.listen}", f"http://{config.dashboard.listen}")
        finally:
            await worker.stop()
