"""An upstream that answers each request with the recording it names, byte for byte, over a transport of its own.

A socket server without an HTTP library: what a library would tidy up is what the proxy has to endure.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import orjson

from tests.recordings.corpus import Recording
from tests.recordings.transport import Wire, drawn

NUMBER = "x-recording"  # the request header that names the recording
_BODILESS = (204, 304)
_QUESTION = {"include_usage": True}
_USAGE = {"prompt_tokens": 1234, "completion_tokens": 567, "total_tokens": 1801}


@dataclass(frozen=True, slots=True)
class Replayed:
    """What the upstream got and what it gave."""

    method: str
    target: str
    request: bytes
    accept_encoding: str
    response: bytes  # before its content coding
    wire: Wire


class Upstream:
    """Answers by recordings."""

    def __init__(self, recordings: Mapping[int, Recording], seed: int) -> None:
        self._recordings = recordings
        self._seed = seed
        self._connections: set[asyncio.StreamWriter] = set()
        self.replayed: dict[int, Replayed] = {}

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's requests until one of them ends it."""
        self._connections.add(writer)
        try:
            while await self._answer(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the connection waited for another request when it was closed
        finally:
            self._connections.discard(writer)
            writer.close()

    async def end(self) -> None:
        """Close the connections that wait for another request."""
        waiting = list(self._connections)
        for writer in waiting:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in waiting), return_exceptions=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        request = await _body(reader, headers)
        recording = self._recordings[int(headers[NUMBER])]
        response = with_usage(recording.response) if _asked(request) and not _asked(recording.request) else None
        dice = random.Random(f"{self._seed} {recording.number}")
        offered = headers.get("accept-encoding", "")
        wire = drawn(recording.response if response is None else response, offered, dice)
        if recording.status in _BODILESS:
            wire = Wire("identity", "none", b"", ())
        self.replayed[recording.number] = Replayed(
            method, target, request, offered, recording.response if response is None else response, wire
        )
        writer.write(_head(recording, wire))
        for piece in wire.writes:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        return wire.framing != "close"


def _head(recording: Recording, wire: Wire) -> bytes:
    lines = [f"HTTP/1.1 {recording.status} Recorded"]
    lines += [f"{name}: {value}" for name, value in recording.response_headers]
    if wire.coding != "identity":
        lines.append(f"content-encoding: {wire.coding}")
    match wire.framing:
        case "length":
            lines.append(f"Content-Length: {len(wire.body)}")
        case "chunked":
            lines.append("Transfer-Encoding: chunked")
        case "close":
            lines.append("Connection: close")
    return "\r\n".join([*lines, "", ""]).encode()


async def _body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding") != "chunked":
        return await reader.readexactly(int(headers.get("content-length", 0)))
    body = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)
    return body


def _asked(request: bytes) -> bool:
    try:
        body = orjson.loads(request)
    except orjson.JSONDecodeError:
        return False
    return isinstance(body, dict) and body.get("stream_options") == _QUESTION


def with_usage(response: bytes) -> bytes:
    """A recorded chat stream as it would have been had it been asked for its usage."""
    before, done, after = response.rpartition(b"data: [DONE]")
    if not done or b'"choices":[],"usage":{' in response.replace(b" ", b""):
        return response
    extra = orjson.dumps({"id": "chatcmpl-x", "object": "chat.completion.chunk", "choices": [], "usage": _USAGE})
    return before + b"data: " + extra + b"\n\n" + done + after


@asynccontextmanager
async def replaying(recordings: Mapping[int, Recording], seed: int) -> AsyncIterator[tuple[str, Upstream]]:
    """The upstream listening on loopback, and its base URL."""
    upstream = Upstream(recordings, seed)
    server = await asyncio.start_server(upstream.accept, "127.0.0.1", 0, limit=1 << 20, backlog=1024)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", upstream
    finally:
        server.close()
        await upstream.end()
