"""One end of a websocket: its messages, as they come, and a way to send some, over aiohttp's frames.

Text stays bytes, but must be UTF-8. Pings are handed on, not answered: who sent one wants to know about the far end.
Whether the near end still lives is asked by pings of our own, whose answers nobody else sees.
"""

import asyncio

import aiohttp
import msgspec
from aiohttp._websocket.reader import WebSocketDataQueue
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_websocket import WebSocketError, WebSocketReader, WebSocketWriter, WSMsgType
from aiohttp.streams import EofStream

from proxy.websocket import codes

LARGEST = 32 * 1024 * 1024
"""Bytes of a message."""

_READ_BUFFER = 64 * 1024
_NEVER_WAITS = 2**62  # the writer's own waiting has no limit in time: ours has
_OUR_PING = b"tollbook"


class Message(msgspec.Struct, frozen=True, gc=False):
    """One message or ping or pong; closing is another thing (`End`)."""

    kind: WSMsgType
    data: bytes


class End(msgspec.Struct, frozen=True):
    """How a side ended: with a close frame, by breaking the rules, by falling silent, or by vanishing."""

    closed: bool
    code: int
    reason: str = ""
    silent: bool = False


VANISHED = End(closed=False, code=1006)


class Peer:
    """One end. `receive` and `send` have one user each."""

    __slots__ = (
        "_close_sent", "_heard", "_pinged", "_protocol", "_queue", "_silent", "_timer", "_transport",
        "_write_timeout_s", "_writer", "reader",
    )  # fmt: skip

    def __init__(
        self, protocol: BaseProtocol, transport: asyncio.Transport, *, masks: bool, write_timeout_s: float
    ) -> None:
        self._protocol = protocol
        self._transport = transport
        self._write_timeout_s = write_timeout_s
        loop = asyncio.get_running_loop()
        self._queue = WebSocketDataQueue(protocol, _READ_BUFFER, loop=loop)
        self.reader = WebSocketReader(self._queue, LARGEST, compress=False, decode_text=False)
        self._writer = WebSocketWriter(protocol, transport, use_mask=masks, limit=_NEVER_WAITS)
        self._close_sent = False
        self._heard = self._pinged = self._silent = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def queue(self) -> WebSocketDataQueue:
        """Where the reader puts what it understood."""
        return self._queue

    def heard(self) -> None:
        """Bytes came: this end lives."""
        self._heard = True

    def keep_asking(self, every_s: float) -> None:
        """Ping this end when nothing came from it for so long; one that is silent ever after has vanished."""
        loop = asyncio.get_running_loop()

        def beat() -> None:
            if self._heard or self._protocol._reading_paused:  # then it is the other end that is waited for
                self._heard = self._pinged = False
            elif self._pinged:
                self._silent = True
                self._transport.abort()
                return
            elif not self._close_sent and not self._transport.is_closing():
                self._pinged = True
                self._writer._write_websocket_frame(_OUR_PING, WSMsgType.PING, 0)
            self._timer = loop.call_later(every_s, beat)

        self._timer = loop.call_later(every_s, beat)

    async def receive(self) -> Message | End:
        """The next message, or how this end ended."""
        while True:
            try:
                kind, data, reason = await self._queue.read()
            except WebSocketError as error:
                return End(False, error.code, str(error))
            except (EofStream, aiohttp.ClientError, OSError, RuntimeError):
                return End(False, 1006, silent=True) if self._silent else VANISHED
            if kind is WSMsgType.TEXT or kind is WSMsgType.BINARY:
                if kind is WSMsgType.TEXT and not _is_text(data):
                    return End(False, 1007, "Invalid UTF-8 text message")
                return Message(kind, data)
            if kind is WSMsgType.CLOSE and data == VANISHED.code:
                return End(False, 1002, f"Invalid close code: {data}")
            if kind is WSMsgType.CLOSE:
                return End(True, data or codes.NOTHING, reason or "")
            if kind is WSMsgType.PONG and data == _OUR_PING:
                continue
            return Message(kind, bytes(data))

    async def send(self, message: Message) -> bool:
        """Send it, waiting while too much is unread; false when it cannot arrive."""
        if self._close_sent or self._transport.is_closing():
            return False
        self._writer._write_websocket_frame(message.data, message.kind, 0)
        return not self._protocol.writing_paused or await self._drained(self._write_timeout_s)

    async def _drained(self, patience_s: float) -> bool:
        """Wait until little is unread; an end that takes nothing for so long is cut off."""
        while self._protocol.writing_paused and not self._transport.is_closing():
            unread = self._transport.get_write_buffer_size()
            try:
                async with asyncio.timeout(patience_s):
                    await self._protocol._drain_helper()
            except TimeoutError:
                if self._transport.get_write_buffer_size() >= unread:
                    self._transport.abort()
            except (aiohttp.ClientError, OSError):
                return False
        return not self._transport.is_closing()

    def close(self, code: int, reason: str = "") -> None:
        """Say that this is the end; nothing is sent after it. Only the first time counts."""
        if not self._close_sent and not self._transport.is_closing():
            self._close_sent = True
            self._writer._write_websocket_frame(codes.payload(code, reason), WSMsgType.CLOSE, 0)

    async def flush(self, patience_s: float) -> None:
        """Let what was sent last arrive; cut off an end that does not take it."""
        await self._drained(patience_s)

    def abort(self) -> None:
        """End the connection without a word more."""
        self._transport.abort()

    def leave(self) -> None:
        """Look after it no more."""
        if self._timer is not None:
            self._timer.cancel()


def _is_text(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
