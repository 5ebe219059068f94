"""What all tests share: a sandbox upstream, a house before it, and the count of recordings replayed."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Protocol

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import HealthCheck, settings

from proxy.config.model import Config, Proxy, Upstream
from proxy.sandbox.server import sandbox_app
from tests.house import House, open_house, upstreams

REPLAYED = pytest.StashKey[int]()

# Nothing is timed in a test: a machine that is busy with something else is no finding.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


class OpenHouse(Protocol):
    """Opens a house whose upstreams are all the given application (the sandbox unless told otherwise)."""

    async def __call__(
        self, app: web.Application | str | None = None, *, upstream: dict[str, Any] | None = None, **settings: Any
    ) -> House: ...


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[OpenHouse]:
    """See `houses`."""
    async with houses(tmp_path) as factory:
        yield factory


@asynccontextmanager
async def houses(tmp_path: Path) -> AsyncIterator[OpenHouse]:
    """A factory of houses; all are closed at the end.

    `app`: an aiohttp application or the base URL of a running upstream. `upstream`: changes to every
    `[upstreams.NAME]`. Other settings: `[proxy]` fields, or `capture=Capture(...)`, `prices=(...)`, `groups={...}`.
    """
    async with AsyncExitStack() as stack:

        async def factory(
            app: web.Application | str | None = None, *, upstream: dict[str, Any] | None = None, **settings: Any
        ) -> House:
            if not isinstance(app, str):
                server = TestServer(app or sandbox_app())
                await server.start_server(access_log=None)
                stack.push_async_callback(server.close)
                app = str(server.make_url("/")).rstrip("/")
            config = Config(upstreams=upstreams(app, **(upstream or {})))
            top = {name: settings.pop(name) for name in list(settings) if hasattr(config, name)}
            extra: dict[str, Upstream] = top.pop("upstreams", {})
            config = replace(config, **top, upstreams={**config.upstreams, **extra})
            defaults: dict[str, Any] = {"shutdown_timeout_s": 2.0}
            config = replace(config, proxy=replace(Proxy(), **{**defaults, **settings}))
            data_dir = Path(mkdtemp(prefix="data", dir=tmp_path))
            return await stack.enter_async_context(open_house(data_dir, config))

        yield factory


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say how many recordings were replayed; tests add to the count in `config.stash[REPLAYED]`."""
    terminalreporter.write_line(f"recordings replayed: {config.stash.get(REPLAYED, 0)}")
