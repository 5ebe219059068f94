"""A real browser: chromium, driven by Playwright. Tests are skipped, with the reason, where there is none.

One browser serves all tests, so they share one event loop: each module here says
`pytestmark = pytest.mark.asyncio(loop_scope="session")`. Each test has a context of its own. Whatever a page complains
about in its console, a dialog, and any request that leaves its origin fail the test, unless it takes the complaint
out of `complaints` because it expects it.
"""

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import mkdtemp
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestServer
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Page,
    Request,
    async_playwright,
    expect,
)

from store.book import Entry
from store.call import Call
from tests.api.listener import an_app
from tests.conftest import OpenHouse, houses
from tests.demo import Demo, demo

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip
_PATIENCE_MS = 40_000  # no test is slow; machines are

ServeBook = Callable[..., Awaitable[str]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium, once for all tests."""
    path = os.environ.get("TOLLBOOK_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        pytest.skip("there is no chromium here (TOLLBOOK_CHROMIUM may name one)")
    expect.set_options(timeout=_PATIENCE_MS)
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=path, args=list(_FLAGS))
        yield started
        await started.close()


@pytest.fixture
def complaints() -> list[str]:
    """What pages complained about; must be empty in the end."""
    return []


@pytest_asyncio.fixture(loop_scope="session")
async def servers() -> AsyncIterator[AsyncExitStack]:
    """What a test serves; closed after its windows are, so that no page finds nobody at home."""
    async with AsyncExitStack() as stack:
        yield stack


@pytest_asyncio.fixture(loop_scope="session")
async def context(browser: Browser, complaints: list[str], servers: AsyncExitStack) -> AsyncIterator[BrowserContext]:
    """A fresh browser of somebody in Berlin; may read and write the clipboard."""
    made = await browser.new_context(
        viewport={"width": 1280, "height": 900}, timezone_id="Europe/Berlin", locale="en-GB"
    )
    made.set_default_timeout(_PATIENCE_MS)
    # As after a first visit: a page seen for the first time is drawn again once its zone is known.
    await made.add_cookies([{"name": "tollbook_zone", "value": "Europe%2FBerlin", "domain": "127.0.0.1", "path": "/"}])
    await made.grant_permissions(["clipboard-read", "clipboard-write"])

    async def dismiss(dialog: Dialog) -> None:
        complaints.append(f"dialog: {dialog.message}")
        await dialog.dismiss()

    def listen(opened: Page) -> None:
        opened.on("dialog", dismiss)

    made.on("page", listen)
    made.on("console", lambda message: _note_console(complaints, message))
    made.on("weberror", lambda error: complaints.append(f"exception: {error.error}"))
    made.on("request", lambda request: _note_request(complaints, request))
    yield made
    await made.close()
    assert complaints == []


@pytest_asyncio.fixture(loop_scope="session")
async def page(context: BrowserContext) -> Page:
    """A window of it, 1280 x 900."""
    return await context.new_page()


async def stop_timers(page: Page) -> None:
    """What the page would do later it does not do: words that it says for a second stay."""
    await page.evaluate("window.setTimeout = () => 0")


async def copied(page: Page, text: str) -> None:
    """Wait until this is on the clipboard."""
    await page.wait_for_function("text => navigator.clipboard.readText().then((found) => found === text)", arg=text)


def _note_console(complaints: list[str], message: ConsoleMessage) -> None:
    if message.type in ("error", "warning"):
        complaints.append(f"console {message.type}: {message.text}")


def _note_request(complaints: list[str], request: Request) -> None:
    asked = urlsplit(request.url)
    if asked.scheme not in ("data", "blob") and asked.hostname != "127.0.0.1":
        complaints.append(f"request to {request.url}")


@pytest.fixture
def serve_book(tmp_path: Path, servers: AsyncExitStack) -> ServeBook:
    """Serves the dashboard over a book of the given calls: `url = await serve_book([a_call(...), Entry(...)])`.

    Further keywords are `[dashboard]` settings.
    """

    async def serve(calls: Iterable[Call | Entry] = (), **dashboard: object) -> str:
        data_dir = Path(mkdtemp(prefix="book", dir=tmp_path))
        server = TestServer(an_app(data_dir, calls, **dashboard), host="127.0.0.1")
        await server.start_server(access_log=None)
        servers.push_async_callback(server.close)
        return str(server.make_url("/")).rstrip("/")

    return serve


@pytest_asyncio.fixture(loop_scope="session")
async def house(tmp_path: Path, servers: AsyncExitStack) -> OpenHouse:
    """Whole houses, as the fixture of the same name, on the loop of the browser."""
    return await servers.enter_async_context(houses(tmp_path))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def running_demo(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Demo]:
    """`tollbook demo`, once for all tests; new calls come while it runs."""
    async with demo(tmp_path_factory.mktemp("demo") / "own") as running:
        yield running
