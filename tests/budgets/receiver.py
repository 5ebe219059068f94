"""A receiver of messages about budgets, on a real socket: it keeps what it was sent and answers as it is told to."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

SECRET = "hunter2-of-the-webhook"


@dataclass
class Heard:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def told(self) -> dict[str, Any]:
        """The message."""
        return dict(json.loads(self.body))


@dataclass
class Hears:
    """What came, in order. `answers`: those of the next requests; every other is answered 204."""

    port: int = 0
    heard: list[Heard] = field(default_factory=list)
    answers: list[Callable[[], Awaitable[web.StreamResponse]]] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        """Where it listens, with a secret in it."""
        return f"http://127.0.0.1:{self.port}/t0psecret/a%2Fb?k=s3cret"

    async def hear(self, request: web.Request) -> web.StreamResponse:
        """Keep it, and answer."""
        self.heard.append(Heard(request.raw_path, dict(request.headers), await request.read()))
        self.came.set()
        return await self.answers.pop(0)() if self.answers else web.Response(status=204)

    async def until(self, count: int) -> list[Heard]:
        """Those that came, once there are so many; waits for ever for what never comes."""
        while len(self.heard) < count:
            self.came.clear()
            await self.came.wait()
        return self.heard

    def events(self) -> list[tuple[str, str]]:
        """What was told, of whom."""
        return [(one.told["event"], one.told["name"]) for one in self.heard]


def status(number: int, **headers: str) -> Callable[[], Awaitable[web.StreamResponse]]:
    """An answer with this status."""

    async def answer() -> web.StreamResponse:
        return web.Response(status=number, headers=headers)

    return answer


async def never() -> web.StreamResponse:
    """No answer."""
    await asyncio.sleep(3600)
    raise AssertionError("the receiver was waited for")


@asynccontextmanager
async def receiving(hears: Hears | None = None, tls: ssl.SSLContext | None = None) -> AsyncIterator[Hears]:
    """Listens, on the port it had before if it had one."""
    hears = hears or Hears()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", hears.hear)
    server = TestServer(app, port=hears.port or None, scheme="https" if tls else "http")
    await server.start_server(access_log=None, shutdown_timeout=0.0, ssl=tls)
    hears.port = server.port or 0
    try:
        yield hears
    finally:
        await server.close()
