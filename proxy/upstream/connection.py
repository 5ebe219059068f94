"""One connection to an upstream: sends requests one after the other, and takes their answers apart as they come.

llhttp (by `httptools`) does the parsing, as strictly as it comes. What it cannot know is said here: an answer to HEAD
ends at its head, a body without a length ends with the connection, interim answers are passed over, heads have a bound,
and what nobody asked for ends the connection.
"""

import asyncio
import select
from collections.abc import Callable
from typing import cast

import httptools

from proxy.upstream import UpstreamFault
from proxy.upstream.end_of_tls import left_in
from proxy.upstream.incoming import Headers, Incoming

_LARGEST_HEAD = 64 * 1024
_MOST_HEADERS = 256
_BODILESS = frozenset({204, 304})
_DECRYPTED = memoryview(bytearray(64 * 1024))  # four of the longest records of TLS


class Connection:
    """Used by one call at a time. How bytes come to it is said by its two kinds, `Plain` and `ByTls`."""

    __slots__ = (
        "_answer", "_complete", "_excess", "_head_bytes", "_head_done", "_headers", "_interim", "_loop", "_method",
        "_more", "_needs_eof", "_parser", "_pieces", "_poll", "_reading", "_reason", "_reusable", "_sent_all",
        "_transport", "_whose", "_writable", "idle", "idle_since", "put_back",
    )  # fmt: skip

    def __init__(self, loop: asyncio.AbstractEventLoop, put_back: Callable[["Connection"], None]) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._answer: Incoming | None = None
        self._writable: asyncio.Future[None] | None = None
        self._poll: select.poll | None = None
        self._reading = True
        self.put_back = put_back
        self.idle = False
        self.idle_since = 0.0
        self._begin("", "")

    # ------------------------------------------------------------------------------ one exchange

    def expect(self, answer: Incoming, method: str, whose: str, *, sent_all: bool) -> None:
        """A request goes out next; this is where its answer belongs. `sent_all`: its body goes out with its head."""
        self._begin(method, whose)
        self._sent_all = sent_all
        self._answer = answer
        answer.attach(self._flow, self.abort)
        if self._parser is None:
            self._parser = httptools.HttpResponseParser(self)

    def _begin(self, method: str, whose: str) -> None:
        self._method, self._whose = method, whose
        self._headers: Headers = []
        self._reason = b""
        self._head_bytes = 0
        self._head_done = self._interim = self._complete = self._excess = self._needs_eof = False
        self._reusable = True
        self._more = False  # whether more may be here than was handed over
        self._sent_all = False
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Send bytes; see `drained`."""
        transport = self._transport
        if transport is not None and not transport.is_closing():
            transport.write(data)

    async def drained(self) -> None:
        """Wait while the upstream reads too slowly. Raises ConnectionError when it is gone."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError("the upstream closed the connection")
        if self._writable is not None:
            await asyncio.shield(self._writable)

    def uploaded(self) -> None:
        """All of the request is sent."""
        self._sent_all = True

    def abort(self) -> None:
        """End it at once."""
        self._answer = None
        if self._transport is not None:
            self._transport.abort()

    def usable(self) -> bool:
        """Whether an idle connection may be used again: open, and nothing has come that nobody asked for."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return False
        if self._poll is None:
            self._poll = select.poll()
            self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN | select.POLLRDHUP)
        # The end may be in the socket, and the loop not have come round to it.
        return not self._poll.poll(0)

    # ------------------------------------------------------------------------------ what the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        answer, parser = self._answer, self._parser
        if answer is None or parser is None:
            self.abort()
            return
        if not self._head_done:
            self._head_bytes += len(data)
        try:
            parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fail(f"{self._whose} switched protocols without being asked")
            return
        except httptools.HttpParserError as error:
            reason = error.__context__
            self._give(answer)
            if self._complete:  # what follows a whole answer is no part of it, only the end of the connection
                self._excess = True
                self._finish(answer)
            else:
                self._fail(str(reason) if isinstance(reason, _Refused) else self._no_http())
            return
        if not self._head_done and self._head_bytes > _LARGEST_HEAD:
            self._fail(self._too_large())
            return
        self._give(answer)
        if self._complete:
            self._finish(answer)

    def eof_received(self) -> None:
        """The upstream sends no more; the transport closes."""

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed."""
        answer, self._answer = self._answer, None
        self._transport = None
        if self._writable is not None and not self._writable.done():
            self._writable.set_exception(ConnectionResetError("the upstream closed the connection"))
            self._writable.exception()  # perhaps nobody waits
        if self.idle:
            self.put_back(self)  # which takes it out
        if answer is None:
            return
        if self._head_done and self._needs_eof and exc is None:
            answer.complete()
        elif self._head_done:
            answer.fail(_broke_off(f"{self._whose} closed the connection in the middle of its answer"))
        elif self._head_bytes:
            answer.fail(_broke_off(f"{self._whose} closed the connection in the middle of its headers"))
        else:
            answer.fail(_broke_off(f"{self._whose} closed the connection without answering"))

    def pause_writing(self) -> None:
        """The upstream reads too slowly."""
        if self._writable is None:
            self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        """It reads again."""
        if self._writable is not None:
            if not self._writable.done():
                self._writable.set_result(None)
            self._writable = None

    # ------------------------------------------------------------------------------ what the parser calls

    def on_message_begin(self) -> None:
        """A message begins."""
        if self._complete:
            self._excess = True

    def on_status(self, status: bytes) -> None:
        """The reason phrase, or a piece of it."""
        self._reason = status if not self._reason else self._reason + status

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer."""
        if self._head_done:
            return  # a trailer
        headers = self._headers
        headers.append((name, value))
        if len(headers) > _MOST_HEADERS:
            raise _Refused(self._too_large())

    def on_headers_complete(self) -> None:
        """The head is whole."""
        parser = self._parser
        if parser is None or self._complete:
            return
        status = parser.get_status_code()
        if status < 200:
            if status < 100 or status == 101:
                raise _Refused(
                    self._no_http() if status < 100 else f"{self._whose} switched protocols without being asked"
                )
            self._interim = True
            return
        if self._head_bytes > _LARGEST_HEAD and sum(len(n) + len(v) + 4 for n, v in self._headers) > _LARGEST_HEAD:
            raise _Refused(self._too_large())
        self._head_done = True
        framed = False
        for name, value in self._headers:
            if len(name) == 14 and name.lower() == b"content-length":
                framed = True
            elif len(name) == 17 and name.lower() == b"transfer-encoding":
                framed = value.strip().lower().endswith(b"chunked")
        bodiless = self._method == "HEAD" or status in _BODILESS
        self._needs_eof = not framed and not bodiless
        answer = self._answer
        if answer is not None:
            answer.take_head(status, self._reason, self._headers)
        if self._method == "HEAD":  # the parser waits for a body that never comes: it is of no more use
            self._complete = True
            self._reusable = parser.should_keep_alive()
            self._parser = None

    def on_body(self, data: bytes) -> None:
        """A piece of the body."""
        if self._complete:
            self._excess = True
        else:
            self._pieces.append(data)

    def on_message_complete(self) -> None:
        """The message is whole, as far as the parser can tell."""
        if self._interim:
            self._interim = False
            self._headers = []
            self._reason = b""
            self._head_bytes = 0
            return
        if self._complete or self._parser is None:
            return
        self._complete = True
        self._reusable = not self._needs_eof and self._parser.should_keep_alive()

    # ------------------------------------------------------------------------------ inside

    def _give(self, answer: Incoming) -> None:
        pieces = self._pieces
        if pieces:
            self._pieces = []
            answer.take(pieces[0] if len(pieces) == 1 else b"".join(pieces), last=self._complete)

    def _finish(self, answer: Incoming) -> None:
        self._answer = None
        answer.complete()
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if self._reusable and self._sent_all and not (self._excess or self._more):
            self._flow(True)
            self.put_back(self)
        elif self._sent_all:
            transport.close()
        else:
            transport.abort()

    def _fail(self, message: str) -> None:
        answer = self._answer
        self.abort()
        if answer is not None:
            answer.fail(_broke_off(message))

    def _flow(self, on: bool) -> None:
        transport = self._transport
        if transport is None or transport.is_closing() or self._reading == on:
            return
        self._reading = on
        if on:
            transport.resume_reading()
        else:
            transport.pause_reading()

    def _too_large(self) -> str:
        return f"{self._whose} answered with more than {_MOST_HEADERS} headers, or {_LARGEST_HEAD // 1024} KB of them"

    def _no_http(self) -> str:
        return f"{self._whose} did not answer in HTTP that can be relayed"


class Plain(Connection, asyncio.Protocol):
    """Over TCP."""

    __slots__ = ()


class ByTls(Connection, asyncio.BufferedProtocol):
    """Over TLS, decrypted into memory of our own. Else the loop asks for a fresh quarter of a megabyte each time
    something comes (`SSL_READ_MAX_SIZE` of uvloop and asyncio): new pages to map, clear and unmap for every event.
    """

    __slots__ = ()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed."""
        if self._answer is not None and self._transport is not None:
            for data in left_in(self._transport):
                self.data_received(data)
        super().connection_lost(exc)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where to put what comes next; `buffer_updated` takes it away at once, so that one is enough for all."""
        return _DECRYPTED

    def buffer_updated(self, nbytes: int) -> None:
        """So many bytes came."""
        self._more = nbytes == len(_DECRYPTED)  # then what follows may be decrypted next, and `usable` would not see it
        self.data_received(bytes(_DECRYPTED[:nbytes]))


class _Refused(Exception):
    """Why the parser was stopped."""


def _broke_off(message: str) -> UpstreamFault:
    return UpstreamFault("upstream_broke_off", message)
