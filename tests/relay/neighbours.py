"""The two neighbours of the relay, down to the bytes: an upstream that does what a test says, and a raw client."""

import asyncio
import re
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

Headers = list[tuple[bytes, bytes]]


def values(headers: Headers, name: bytes) -> list[bytes]:
    """All values of this header, in order."""
    return [value for found, value in headers if found.lower() == name.lower()]


@dataclass
class Head:
    """A first line and headers, as they were on the wire."""

    line: bytes
    headers: Headers

    def values(self, name: bytes) -> list[bytes]:
        """All values of this header, in order."""
        return values(self.headers, name)


async def read_head(reader: asyncio.StreamReader) -> Head:
    """The next head; `IncompleteReadError` when the connection ends before it is whole."""
    raw = await reader.readuntil(b"\r\n\r\n")
    line, *fields = raw[:-4].split(b"\r\n")
    pairs = [one.partition(b":") for one in fields]
    return Head(line, [(name, value.strip(b" \t")) for name, _, value in pairs])


async def read_chunk(reader: asyncio.StreamReader) -> bytes:
    """One chunk of the chunked coding; empty for the last one."""
    size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
    data = await reader.readexactly(size)
    assert await reader.readexactly(2) == b"\r\n"
    return data


async def read_body(reader: asyncio.StreamReader, headers: Headers) -> bytes:
    """A body that is chunked or has a length."""
    if values(headers, b"transfer-encoding") == [b"chunked"]:
        body = b""
        while chunk := await read_chunk(reader):
            body += chunk
        return body
    lengths = values(headers, b"content-length")
    return await reader.readexactly(int(lengths[0])) if lengths else b""


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection with a RST in place of a FIN."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@dataclass
class Visit:
    """One request that reached the upstream, and the connection it came on."""

    head: Head
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    body: bytes = b""

    async def read(self) -> bytes:
        """The request body, to its end."""
        self.body = await read_body(self.reader, self.head.headers)
        return self.body

    async def say(self, *pieces: bytes) -> None:
        """Send these bytes, each in a write of its own."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()

    async def left(self) -> bytes:
        """Wait until the proxy closes the connection; gives what it still sent."""
        try:
            return await self.reader.read()
        except ConnectionError:
            return b""

    def abort(self) -> None:
        """Close at once, with a RST."""
        reset(self.writer)


Script = Callable[[Visit], Awaitable[None]]


def answering(data: bytes) -> Script:
    """An upstream that reads each request and answers these bytes."""

    async def script(visit: Visit) -> None:
        await visit.read()
        await visit.say(data)

    return script


@dataclass
class RawUpstream:
    """A listener on loopback that plays one script for every request."""

    url: str = ""
    visits: list[Visit] = field(default_factory=list)
    connections: int = 0
    failures: list[BaseException] = field(default_factory=list)  # of scripts: shown at the end of the test
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def open(self, script: Script) -> None:
        """Begin to listen."""

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._tasks.add(task)
            self.connections += 1
            try:
                while True:
                    visit = Visit(await read_head(reader), reader, writer)
                    self.visits.append(visit)
                    await script(visit)
            except (asyncio.IncompleteReadError, ConnectionError):
                pass
            except asyncio.CancelledError:
                pass
            except Exception as error:
                self.failures.append(error)
            finally:
                self._tasks.discard(task)
                writer.close()

        self._server = await asyncio.start_server(connected, "127.0.0.1", 0, limit=2**20)
        host, port = self._server.sockets[0].getsockname()[:2]
        self.url = f"http://{host}:{port}"

    @property
    def requests(self) -> list[Visit]:
        """What reached it (another word for visits, where only the request matters)."""
        return self.visits

    async def close(self) -> None:
        """Stop listening and end all connections."""
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()
        assert not self.failures, self.failures


@dataclass
class Received:
    """An answer as a client got it."""

    status: int
    reason: bytes
    headers: Headers
    body: bytes = b""

    def values(self, name: bytes) -> list[bytes]:
        """All values of this header, in order."""
        return values(self.headers, name)

    def value(self, name: bytes) -> bytes | None:
        """The only value of this header, or None."""
        found = self.values(name)
        assert len(found) <= 1, found
        return found[0] if found else None


class RawClient:
    """A client's connection: says bytes, reads answers."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def dial(cls, proxy: str, *, receive_buffer: int | None = None) -> "RawClient":
        """Connect to `http://HOST:PORT`."""
        host, _, port = proxy.removeprefix("http://").rpartition(":")
        sock = socket.socket()
        if receive_buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(sock, (host, int(port)))
        except BaseException:
            sock.close()
            raise
        return cls(*await asyncio.open_connection(sock=sock, limit=receive_buffer or 2**20))

    async def say(self, *pieces: bytes) -> None:
        """Send these bytes, each in a write of its own."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()

    async def ask(
        self,
        target: str = "/groq/v1/models",
        method: str = "GET",
        *lines: str,
        body: bytes = b"",
        host: str = "localhost",
    ) -> None:
        """Send a request; a body brings its Content-Length."""
        fields = [f"Host: {host}", *lines, *([f"Content-Length: {len(body)}"] if body else [])]
        head = f"{method} {target} HTTP/1.1\r\n" + "\r\n".join(fields) + "\r\n\r\n"
        await self.say(head.encode("latin-1") + body)

    async def head(self) -> Received:
        """The head of the next answer."""
        found = await read_head(self.reader)
        match = re.fullmatch(rb"HTTP/1\.[01] (\d{3}) (.*)", found.line)
        assert match is not None, found.line
        return Received(int(match[1]), match[2], found.headers)

    async def answer(self, method: str = "GET") -> Received:
        """The next answer, to its end, which may be the end of the connection."""
        got = await self.head()
        if method == "HEAD" or got.status in (204, 304):
            return got
        framed = got.values(b"transfer-encoding") or got.values(b"content-length")
        got.body = await (read_body(self.reader, got.headers) if framed else self.reader.read())
        return got

    async def chunk(self) -> bytes:
        """The next chunk of a chunked answer."""
        return await read_chunk(self.reader)

    async def rest(self) -> bytes:
        """Everything until the proxy closes the connection."""
        return await self.reader.read()

    def leave(self) -> None:
        """Close: the proxy sees a FIN (a RST when bytes are unread)."""
        self.writer.close()

    def reset(self) -> None:
        """Vanish: the proxy sees a RST."""
        reset(self.writer)


def sized(body: bytes, *lines: bytes, status: bytes = b"200 OK") -> bytes:
    """A whole answer with a Content-Length."""
    fields = b"".join(line + b"\r\n" for line in lines)
    return b"HTTP/1.1 " + status + b"\r\n" + fields + b"Content-Length: %d\r\n\r\n" % len(body) + body


CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
LAST = b"0\r\n\r\n"


def chunked(*pieces: bytes) -> bytes:
    """Pieces in the chunked coding, without its end."""
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
