"""The client's side of a call: writes the answer's bytes to its connection, framed for the HTTP it speaks.

The head is built from the raw bytes the upstream sent, so names, values, order and duplicates stay as they were;
aiohttp's own response class would add and re-encode some. Waiting happens only when the client reads too slowly, and
then for a limited time.
"""

import asyncio
import time
from collections.abc import Iterable

from aiohttp import web

from proxy.websocket.peer import Peer

_HIGH_WATER = 64 * 1024


class ClientGone(Exception):
    """The client closed its connection, or did not read for longer than it may."""


class Sent(web.StreamResponse):
    """Tells aiohttp's server that the answer has been written, and whether the connection may be used again."""

    def __init__(self, status: int, *, keep_alive: bool) -> None:
        super().__init__(status=status)
        self._keep_alive = keep_alive

    async def prepare(self, request: web.BaseRequest) -> None:
        """Nothing: the head went out already."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing: the end went out already."""


class Client:
    """One answer to one request."""

    __slots__ = (
        "_bodiless",
        "_chunked",
        "_holding_since",
        "_keep_alive",
        "_request",
        "_transport",
        "_write_timeout_s",
        "head_sent",
        "held_ns",
        "sent",
        "status",
    )

    def __init__(self, request: web.BaseRequest, write_timeout_s: float, *, keep_alive: bool) -> None:
        self._request = request
        self._transport = request.transport
        self._write_timeout_s = write_timeout_s
        self._keep_alive = keep_alive and request.keep_alive
        self._chunked = False
        self._bodiless = False
        self._holding_since = 0
        self.head_sent = False
        self.held_ns = 0  # how long it kept us waiting because it read too slowly, the present wait apart
        self.sent = 0  # body bytes
        self.status: int | None = None

    @property
    def gone(self) -> bool:
        """Whether the connection is closed."""
        return self._transport is None or self._transport.is_closing()

    @property
    def held_so_far_ns(self) -> int:
        """How long it kept us waiting until now."""
        since = self._holding_since
        return self.held_ns + (time.perf_counter_ns() - since if since else 0)

    def head(
        self, status: int, reason: bytes, headers: list[tuple[bytes, bytes]], length: int | None, *, has_length: bool
    ) -> bytes:
        """The bytes of the status line and headers. `length` None: as long as it takes.

        `has_length`: say the length even though no body will follow (HEAD, 304).
        """
        old = self._request.version < (1, 1)
        self.status = status
        self._bodiless = self._request.method == "HEAD" or status in (204, 304) or status < 200
        lines = [b"HTTP/1.%d %d %b\r\n" % (not old, status, reason)]
        lines += [b"%b: %b\r\n" % pair for pair in headers]
        if length is not None and (not self._bodiless or has_length):
            lines.append(b"Content-Length: %d\r\n" % length)
        elif not self._bodiless:
            if not old:
                self._chunked = True
                lines.append(b"Transfer-Encoding: chunked\r\n")
            else:
                self._keep_alive = False
        if not self._keep_alive:
            lines.append(b"Connection: close\r\n")
        elif old:
            lines.append(b"Connection: keep-alive\r\n")
        lines.append(b"\r\n")
        return b"".join(lines)

    def switching(self, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
        """The head that ends HTTP on this connection: what follows is another protocol."""
        self.status = 101
        self._bodiless = True
        self._keep_alive = False
        lines = [b"HTTP/1.1 101 Switching Protocols\r\n", *(b"%b: %b\r\n" % pair for pair in headers), b"\r\n"]
        return b"".join(lines)

    def frame(self, chunk: bytes, *, last: bool = False) -> bytes:
        """Body bytes as they go on the wire; with `last`, the end of the message too."""
        if self._bodiless:
            return b""
        if not self._chunked:
            return chunk
        if not chunk:
            return b"0\r\n\r\n" if last else b""
        return b"%x\r\n%b\r\n%b" % (len(chunk), chunk, b"0\r\n\r\n" if last else b"")

    async def send(self, data: bytes, body_bytes: int = 0) -> None:
        """Hand bytes to the connection; waits while too many are unread.

        Raises:
            ClientGone: they cannot arrive.
        """
        transport = self._transport
        if transport is None or transport.is_closing():
            raise ClientGone
        if data:
            transport.write(data)
            self.head_sent = True
            self.sent += body_bytes
            if transport.get_write_buffer_size() > _HIGH_WATER:
                await self.drained()

    def put(self, chunk: bytes) -> bool:
        """Hand a piece of the body to the connection, which is not gone. Returns whether the client reads fast enough;
        if not, `drained` comes before the next."""
        data, transport = self.frame(chunk), self._transport
        if not data or transport is None:
            return True
        transport.write(data)
        self.sent += len(chunk)
        return transport.get_write_buffer_size() <= _HIGH_WATER

    async def drained(self) -> None:
        """Wait while too many bytes are unread.

        Raises:
            ClientGone: they cannot arrive.
        """
        transport = self._transport
        if transport is None:
            raise ClientGone
        self._holding_since = time.perf_counter_ns()
        try:
            async with asyncio.timeout(self._write_timeout_s):
                await self._request.writer.drain()
        except TimeoutError:
            transport.abort()
            raise ClientGone from None
        except ConnectionError:
            raise ClientGone from None
        finally:
            self.held_ns = self.held_so_far_ns
            self._holding_since = 0

    async def go_on(self) -> None:
        """Tell a client that asked first (Expect: 100-continue) to send its body."""
        await self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.head_sent = False

    def take_over(self) -> Peer:
        """The connection, once protocols are switched.

        Raises:
            ClientGone: it is closed.
        """
        if self._transport is None or self._transport.is_closing():
            raise ClientGone
        protocol = self._request.protocol
        peer = Peer(protocol, self._transport, masks=False, write_timeout_s=self._write_timeout_s)
        protocol.set_parser(peer.reader, data_received_cb=peer.heard)
        return peer

    def close_after(self) -> None:
        """Have the connection end with this answer: what comes next on it cannot be told from a body not asked for."""
        self._keep_alive = False

    def finished(self) -> Sent:
        """What the server needs to know now that everything is written."""
        return Sent(self.status or 500, keep_alive=self._keep_alive)

    def break_off(self) -> Sent:
        """End the connection in the middle of the answer, so that the client sees it is not whole."""
        if self._transport is not None:
            self._transport.close()
        return Sent(self.status or 500, keep_alive=False)
