"""The dashboard listener: how many connections it takes, and how long one may ask nothing.

Each connection is an open file, and the process that answers here is the one that fills the book: people and programs
that look must not take the files it needs. What is under way, a live page or a long export, may take its time.
"""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final, cast

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

MOST: Final = 400
IDLE_S: Final = 150.0
"""As for clients of calls: longer than proxies in front keep connections that they mean to use again."""
_LOOKS: Final = 10  # in the time that a connection may be idle
_LONGEST_ADDRESS: Final = 64 * 1024
"""Bytes. All state of a page is in it, the way back too, and browsers name it as Referer."""
_CLOSED_AFTER_S: Final = 1.0

_BODY: Final = b'{"error":"too many connections are open; try again"}'
_TOO_MANY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\n"
    b"Cache-Control: no-store\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(_BODY), _BODY)
)


@asynccontextmanager
async def answering(
    app: web.Application, sockets: Sequence[socket.socket], most: int = MOST, idle_s: float = IDLE_S
) -> AsyncIterator[None]:
    """Answer on these sockets while the block lasts."""
    runner = web.AppRunner(
        app,
        access_log=None,
        shutdown_timeout=1.0,
        keepalive_timeout=idle_s,
        max_line_size=_LONGEST_ADDRESS,
        max_field_size=_LONGEST_ADDRESS,
    )
    await runner.setup()
    server = cast(web.Server, runner.server)
    loop = asyncio.get_running_loop()
    listeners: list[asyncio.Server] = []
    looking = asyncio.create_task(_end_idle_ones(server, idle_s))

    def connection() -> asyncio.Protocol:
        return _OneTooMany() if len(server.connections) >= most else server()

    try:
        listeners += [await loop.create_server(connection, sock=one) for one in sockets]
        yield
    finally:
        looking.cancel()
        for listener in listeners:
            listener.close()
        await runner.cleanup()


async def _end_idle_ones(server: web.Server, idle_s: float) -> None:
    """aiohttp ends a connection that is idle after an answer; not one whose first request does not come to its end."""
    since: dict[RequestHandler, tuple[int, float]] = {}
    while True:
        await asyncio.sleep(idle_s / _LOOKS)
        now = time.monotonic()
        asking_nothing = [one for one in server.connections if one._current_request is None]
        before, since = since, {}
        for one in asking_nothing:
            answered, began = before.get(one, (-1, now))
            if answered == one._request_count and now - began >= idle_s:
                one.force_close()
            else:
                since[one] = (one._request_count, began if answered == one._request_count else now)


class _OneTooMany(asyncio.Protocol):
    """A connection past those there may be: told so when it asks, and closed in any case."""

    _transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self._transport = cast(asyncio.Transport, transport)
        asyncio.get_running_loop().call_later(_CLOSED_AFTER_S, transport.close)

    def data_received(self, data: bytes) -> None:
        """It asks something. What still comes is dropped: over unread bytes the answer would be lost."""
        if self._transport is not None:
            self._transport.write(_TOO_MANY)
            self._transport.write_eof()
            self._transport = None
