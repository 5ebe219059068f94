"""The listener that clients call: aiohttp's server, without what a proxy must not have.

Requests whose head is refused here never become calls: they are counted, answered plainly, and neither echoed nor
logged, because the line that was refused may hold a credential. They are those that the parser does not understand
(400), whose head is too large (431), or whose head does not come to its end (408). A connection on which no request is
under way is closed after a while without a word; one past `max_connections` is told so (`proxy/turned_away.py`).
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

from aiohttp import web
from aiohttp.http_exceptions import BadHttpMessage, LineTooLong
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_protocol import RequestHandler, _ErrInfo

from proxy import refusal
from proxy.config.model import Proxy
from proxy.journal.tally import Tally
from proxy.refusal import Refusal
from proxy.turned_away import TurnedAway

_READ_BUFFER = 64 * 1024
_HEAD_OF_LINES = 8  # a whole head may be as long as so many of the longest lines

_MALFORMED = Refusal(400, "malformed", "This is no HTTP request that can only be understood in one way.", False)
_INTERNAL = Refusal(500, "internal", "Something went wrong in Tollbook.")
_LATE = Refusal(408, "headers_timed_out", "The headers of the request did not come in time.", False)


class _Unfinished(Exception):
    """A head that is refused before its end."""

    def __init__(self, why: Refusal) -> None:
        super().__init__(why.message)
        self.why = why


class _Connection(RequestHandler):
    """One client connection."""

    server: "ProxyServer"
    _head_bytes = 0  # of a head that has begun and is not whole
    _head_late: asyncio.TimerHandle | None = None  # there for as long as such a head is

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open, or one too many."""
        if self.server.full:
            self.server.tally.count("turned_away")
            away = TurnedAway(self.server.turned_away)
            cast(asyncio.Transport, transport).set_protocol(away)
            away.connection_made(transport)
            return
        super().connection_made(transport)

    async def start(self) -> None:
        """Serve what is asked on it, to its end."""
        transport = self.transport
        try:
            await super().start()
        finally:
            if transport is not None:
                transport.close()  # aiohttp leaves one open that was idle when it was told to stop
                self._see_off(transport)

    def _see_off(self, transport: asyncio.Transport, before: int | None = None) -> None:
        """A closed connection lives until its client has taken what was sent: only while it goes on taking some."""
        unread = transport.get_write_buffer_size()
        if unread and (before is None or unread < before):
            self._loop.call_later(self.server.limits.write_timeout_s, self._see_off, transport, unread)
        elif unread:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Read on; tells whoever reads a body when its framing breaks, whom aiohttp leaves waiting for ever."""
        super().data_received(data)
        messages = self._messages
        if messages and isinstance(messages[-1][0], _ErrInfo):
            before = self._current_request
            content = messages[-2][1] if len(messages) > 1 else before.content if before is not None else None
            if content is not None and not content.is_eof():
                content.set_exception(web.RequestPayloadError("broken framing"))
            if self._refusal(messages[-1][0].exc).status == 431:
                self._hear_out()
        waiter = self._waiter
        # No request is under way, and this made none: a new connection's first bytes may even come before its task.
        if not waiter.done() if waiter is not None else not self._request_count:
            if data and not data.isspace():  # empty lines before a request are no request
                self._head_goes_on(len(data))
        elif self._head_late is not None:
            self._head_is_over()

    def connection_lost(self, exc: BaseException | None) -> None:
        """It is closed."""
        self._head_is_over()
        super().connection_lost(exc)

    def _head_goes_on(self, size: int) -> None:
        """So many bytes of a head came, and not its end."""
        self._head_bytes += size
        if self._head_late is None:
            patience_s = self.server.limits.header_timeout_s
            self._head_late = self._loop.call_later(patience_s, self._refuse_head, _LATE)
            # It is not idle any more: aiohttp's own timer comes after ours.
            self._next_keepalive_close_time = self._loop.time() + patience_s + 1
        most = _HEAD_OF_LINES * self.server.limits.max_header_bytes
        if self._head_bytes > most:
            self._refuse_head(Refusal(431, "headers_too_large", f"The headers are more than {most:,} bytes.", False))

    def _head_is_over(self) -> None:
        if self._head_late is not None:
            self._head_late.cancel()
            self._head_late = None
            self._head_bytes = 0

    def _refuse_head(self, why: Refusal) -> None:
        self._head_is_over()
        self._messages.append((_ErrInfo(why.status, _Unfinished(why), ""), EMPTY_PAYLOAD))
        if why.status == 431:
            self._hear_out()
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _hear_out(self) -> None:
        """Have what the client is still sending read and dropped for a while: a connection that is closed over unread
        bytes is reset, and the answer may be lost with it."""
        self._messages[-1] = (self._messages[-1][0], StreamReader(self, _READ_BUFFER, loop=self._loop))

    def _refusal(self, error: BaseException | None) -> Refusal:
        if isinstance(error, _Unfinished):
            return error.why
        if isinstance(error, LineTooLong):
            message = f"The request line, or a header, is longer than {self.server.limits.max_header_bytes:,} bytes."
            return Refusal(431, "headers_too_large", message, False)
        if isinstance(error, BadHttpMessage) and error.message == "Too many headers received":
            return Refusal(
                431, "headers_too_large", f"There are more than {self.server.limits.max_headers:,} headers.", False
            )
        return _MALFORMED

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is no request, or what went wrong in us, without saying what it was."""
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun; nothing can be put in its place")
        why = self._refusal(exc) if status < 500 else _INTERNAL
        if status < 500:
            self.server.tally.count("late_heads" if why is _LATE else "malformed")
            self._close = True  # nothing behind it is read
        headers = {name.decode(): value.decode() for name, value in refusal.headers(why)}
        response = web.Response(
            status=why.status, body=refusal.body(why, None), headers={**headers, "Server": "tollbook"}
        )
        response.force_close()
        return response

    def log_exception(self, *args: object, **kwargs: object) -> None:
        """Nothing: a call logs what is ours (proxy/forward.py); what clients send is not repeated."""


class ProxyServer(web.Server):
    """Makes connections; everything they receive goes to `handler`."""

    def __init__(
        self, handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]], tally: Tally, limits: Proxy
    ) -> None:
        super().__init__(
            handler,
            handler_cancellation=True,  # a client that leaves is noticed at once, not at the next write
            keepalive_timeout=limits.idle_timeout_s,
            access_log=None,
            auto_decompress=False,
            max_line_size=limits.max_header_bytes,
            max_field_size=limits.max_header_bytes,
            max_headers=limits.max_headers,
            read_bufsize=_READ_BUFFER,
            lingering_time=10.0,
        )
        self.tally = tally
        self.limits = limits
        self.turned_away: set[TurnedAway] = set()

    @property
    def full(self) -> bool:
        """Whether as many connections are open as may be."""
        return len(self._connections) >= self.limits.max_connections

    def __call__(self) -> RequestHandler:
        """A new connection."""
        connection = _Connection(self, loop=self._loop, **self._kwargs)
        connection.server = self
        return connection
