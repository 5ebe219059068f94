"""What all tests share: a sandbox upstream, a house before it, and the count of recordings replayed."""

import os
import shutil
import signal
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
_MEMORY = Path("/dev/shm")
_ROOM_BYTES = 4 * 1024**3

# Whoever starts the tests in the background may have them ignore these, and all that they start would, too.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

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


def pytest_configure(config: pytest.Config) -> None:
    """Keep what tests write in memory where there is room for it: they wait for a disk at every commit."""
    chosen = config.getoption("basetemp") or "PYTEST_DEBUG_TEMPROOT" in os.environ
    if not chosen and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free >= _ROOM_BYTES:
        os.environ["PYTEST_DEBUG_TEMPROOT"] = str(_MEMORY)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where the tests are shared out among processes: what this one tells the one that sums up."""
    told = getattr(session.config, "workeroutput", None)
    if told is not None:
        told["replayed"] = session.config.stash.get(REPLAYED, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Add what a process has told that had a share of the tests."""
    told = getattr(node, "workeroutput", {})
    node.config.stash[REPLAYED] = node.config.stash.get(REPLAYED, 0) + told.get("replayed", 0)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say how many recordings were replayed; tests add to the count in `config.stash[REPLAYED]`."""
    terminalreporter.write_line(f"recordings replayed: {config.stash.get(REPLAYED, 0)}")
