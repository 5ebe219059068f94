"""Websocket peers for both ends, down to the frames: what is sent is written by hand, what comes is read by wsproto."""

import asyncio
import base64
import hashlib
import os
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage

from tests.relay.neighbours import Head, Headers, Script, Visit, read_body, read_head, reset

_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
_WAIT_S = 60.0

Told = str | bytes | Ping | Pong | CloseConnection | None
"""A text, bytes, a control frame, or None: the connection ended without more."""


def frame(opcode: int, data: bytes, *, masked: bool, fin: bool = True) -> bytes:
    """One frame."""
    first = (0x80 if fin else 0) | opcode
    size, mask_bit = len(data), 0x80 if masked else 0
    if size < 126:
        head = struct.pack("!BB", first, size | mask_bit)
    elif size < 2**16:
        head = struct.pack("!BBH", first, 126 | mask_bit, size)
    else:
        head = struct.pack("!BBQ", first, 127 | mask_bit, size)
    if not masked:
        return head + data
    mask = os.urandom(4)
    whole = mask * (size // 4 + 1)
    masked_data = (int.from_bytes(data, "big") ^ int.from_bytes(whole[:size], "big")).to_bytes(size, "big")
    return head + mask + masked_data


@dataclass
class Wire:
    """One end, after the handshake."""

    head: Head  # the request's at an upstream, the answer's at a client
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    client: bool
    _connection: Connection = field(init=False)
    _partial: list[str | bytes] = field(default_factory=list)
    _events: list[Told] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._connection = Connection(ConnectionType.CLIENT if self.client else ConnectionType.SERVER)

    async def send(self, data: str | bytes) -> None:
        """A message, in one frame."""
        if isinstance(data, str):
            await self.write(frame(TEXT, data.encode(), masked=self.client))
        else:
            await self.write(frame(BINARY, data, masked=self.client))

    async def frame(self, opcode: int, data: bytes = b"", *, fin: bool = True) -> None:
        """Any frame."""
        await self.write(frame(opcode, data, masked=self.client, fin=fin))

    async def close(self, code: int | None = 1000, reason: str = "") -> None:
        """A close frame."""
        await self.frame(CLOSE, b"" if code is None else struct.pack("!H", code) + reason.encode())

    async def write(self, data: bytes) -> None:
        """Any bytes."""
        self.writer.write(data)
        await self.writer.drain()

    async def next(self) -> Told:
        """What comes next."""
        async with asyncio.timeout(_WAIT_S):
            while not self._events:
                if self._connection.state is ConnectionState.CLOSED:
                    return None
                try:
                    data = await self.reader.read(2**18)
                except ConnectionError:
                    return None
                if not data:
                    return None
                self._take(data)
            return self._events.pop(0)

    async def message(self) -> str | bytes:
        """The next message; fails when something else comes."""
        told = await self.next()
        assert isinstance(told, str | bytes), told
        return told

    async def end(self) -> CloseConnection | None:
        """How it ends; what comes before is passed over."""
        while True:
            told = await self.next()
            if told is None or isinstance(told, CloseConnection):
                return told

    def abort(self) -> None:
        """Vanish, with a RST."""
        reset(self.writer)

    def _take(self, data: bytes) -> None:
        self._connection.receive_data(data)
        for event in self._connection.events():
            match event:
                case TextMessage() | BytesMessage():
                    self._partial.append(event.data if isinstance(event, TextMessage) else bytes(event.data))
                    if event.message_finished:
                        empty = "" if isinstance(event, TextMessage) else b""
                        self._events.append(empty.join(self._partial))  # type: ignore[arg-type]
                        self._partial.clear()
                case Ping() | Pong() | CloseConnection():
                    self._events.append(event)


def agreeing(key: bytes) -> bytes:
    """What an upstream answers to this key."""
    return base64.b64encode(hashlib.sha1(key + _MAGIC, usedforsecurity=False).digest())


Play = Callable[[Wire], Awaitable[None]]


def accepting(play: Play, *, subprotocol: str | None = None, more: bytes = b"") -> Script:
    """An upstream that opens every websocket it is asked for, and then plays this."""

    async def script(visit: Visit) -> None:
        (key,) = visit.head.values(b"sec-websocket-key")
        agrees = agreeing(key)
        chosen = b"" if subprotocol is None else b"Sec-WebSocket-Protocol: %b\r\n" % subprotocol.encode()
        await visit.say(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: %b\r\n%b%b\r\n" % (agrees, chosen, more)
        )
        await play(Wire(visit.head, visit.reader, visit.writer, client=False))
        visit.writer.close()
        raise ConnectionAbortedError

    return script


async def until_closed(wire: Wire) -> None:
    """Answer nothing but the close."""
    end = await wire.end()
    if end is not None:
        await wire.close(None if end.code == 1005 else end.code)


@dataclass
class Refused(Exception):
    """An answer that is not 101."""

    head: Head
    body: bytes


async def open_wire(
    url: str, target: str, headers: Headers | None = None, *, receive_buffer: int | None = None
) -> Wire:
    """Open a websocket as a client.

    Raises:
        Refused: by an ordinary answer.
    """
    host, _, port = url.removeprefix("http://").partition(":")
    sock = socket.socket()
    if receive_buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, (host, int(port)))
    reader, writer = await asyncio.open_connection(sock=sock, limit=receive_buffer or 2**20)
    key = base64.b64encode(os.urandom(16))
    lines = [
        b"GET %b HTTP/1.1" % target.encode(),
        b"Host: %b:%b" % (host.encode(), port.encode()),
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Version: 13",
        b"Sec-WebSocket-Key: %b" % key,
        *(b"%b: %b" % pair for pair in headers or []),
    ]
    writer.write(b"\r\n".join(lines) + b"\r\n\r\n")
    head = await read_head(reader)
    if b" 101 " not in head.line:
        body = await read_body(reader, head.headers)
        writer.close()
        raise Refused(head, body)
    agrees = base64.b64encode(hashlib.sha1(key + _MAGIC, usedforsecurity=False).digest())
    assert head.values(b"sec-websocket-accept") == [agrees]
    assert head.values(b"sec-websocket-extensions") == []
    return Wire(head, reader, writer, client=True)
