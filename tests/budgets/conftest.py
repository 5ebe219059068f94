"""What the tests of budgets share: an upstream whose calls cost one credit each, and `tollbook serve` before it."""

import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.budgets.receiver import receiving
from tests.budgets.told import Desk
from tests.relay.served import Served, serve

ANSWER = {
    "id": "chatcmpl-1", "object": "chat.completion", "model": "gpt-4o-mini",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 900, "completion_tokens": 100, "total_tokens": 1000},
}  # fmt: skip
CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}

Start = Callable[..., Awaitable[Served]]


@pytest.fixture
async def one_credit() -> AsyncIterator[str]:
    """The address of the upstream."""

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.json_response(ANSWER)

    app = web.Application()
    app.router.add_post("/{path:.*}", answer)
    server = TestServer(app)
    await server.start_server(access_log=None)
    yield str(server.make_url("/")).rstrip("/")
    await server.close()


@pytest.fixture
async def start(tmp_path: Path, one_credit: str) -> AsyncIterator[Start]:
    """Starts `tollbook serve` with these groups, on one data directory; ends it with the test.

    1000 tokens at a dollar a million are a tenth of a cent: one credit at the thousand to a dollar that is the default.
    """
    running: list[Served] = []

    async def factory(groups: str) -> Served:
        config = tmp_path / "tollbook.toml"
        config.write_text(
            f'[upstreams.groq]\nbase_url = "{one_credit}"\n{groups}\n'
            '[[prices]]\nmodel = "gpt-4o-mini"\ninput = 1\noutput = 1\n'
        )
        served = await serve(tmp_path / "data", config)
        running.append(served)
        return served

    yield factory
    for served in running:
        await served.stop(signal.SIGKILL)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A receiver that takes everything."""
    async with receiving() as hears:
        yield Desk(tmp_path, hears)
