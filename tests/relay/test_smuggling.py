"""What one reader takes for one request and another for two: the upstream sees exactly one, or none.

What the upstream received is read by h11, which is strict and not of our making.
"""

import asyncio
import itertools

import h11
import pytest

from tests.conftest import OpenHouse
from tests.relay.conftest import Dial, OpenUpstream
from tests.relay.neighbours import RawClient

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
HEAD = b"POST /groq/v1/outer HTTP/1.1\r\nHost: x\r\n"
INNER = b"GET /groq/v1/inner HTTP/1.1\r\nHost: x\r\n\r\n"
_HIDDEN = b"0\r\n\r\n" + INNER

ENCODINGS = [
    b"Transfer-Encoding: xchunked", b"Transfer-Encoding : chunked", b" Transfer-Encoding: chunked",
    b"Transfer-Encoding:\tchunked", b"Transfer-Encoding:\x0bchunked", b"Transfer-Encoding:\x0cchunked",
    b"Transfer-Encoding: chunked\x0b", b"Transfer-Encoding: chunked\x00", b"Transfer-Encoding: \x00chunked",
    b"Transfer-Encoding: chunk", b"Transfer-Encoding: \"chunked\"", b"Transfer-Encoding: 'chunked'",
    b"Transfer-Encoding: chunked, identity", b"Transfer-Encoding: identity, chunked",
    b"Transfer-Encoding: identity", b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: chunked, chunked",
    b"Transfer-Encoding: chunked;q=1", b"Transfer-Encoding:", b"Transfer-Encoding: ", b"Transfer-Encoding: ,chunked",
    b"Transfer-Encoding: chunked,", b"Transfer-Encoding\x00: chunked", b"Transfer_Encoding: chunked",
    b"Transfer-Encoding\xff: chunked", b"\xffTransfer-Encoding: chunked", b"X: y\rTransfer-Encoding: chunked",
    b"X: y\nTransfer-Encoding: chunked", b"Transfer-Encoding:\n chunked", b"Transfer-Encoding:\r\n chunked",
    b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked", b"Transfer-Encoding: chunked\r\nTransfer-encoding: x",
    b"TRANSFER-ENCODING: CHUNKED", b"Transfer-Encoding: Chunked", b"Content-Encoding: chunked",
    b"Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nConnection: keep-alive",
]  # fmt: skip
LENGTHS = [
    b"Content-Length: 5\r\nContent-Length: 6", b"Content-Length: 5, 5", b"Content-Length: 5,6", b"Content-Length: +5",
    b"Content-Length: -5", b"Content-Length: 0x5", b"Content-Length: 5 5", b"Content-Length: 5_0", b"Content-Length:",
    b"Content-Length: 5.0", b"Content-Length : 5", b"Content-Length: 5\x0b", b"Content-Length: \x005",
    b"Content-Length: \xd9\xa5", b"Content-Length: 99999999999999999999999", b"Content-Length: 05",
    b"Content_Length: 5", b"Content-Length: 5\r\nContent_Length: 50", b"X: y\nContent-Length: 50",
    b"Connection: Content-Length\r\nContent-Length: 5",
]  # fmt: skip
CHUNKS = [
    b"5;a=b\r\nabcde\r\n" + _HIDDEN, b"5;\nabcde\r\n" + _HIDDEN, b"5 \r\nabcde\r\n" + _HIDDEN,
    b"05\r\nabcde\r\n" + _HIDDEN, b"0x5\r\nabcde\r\n" + _HIDDEN, b"+5\r\nabcde\r\n" + _HIDDEN,
    b"-5\r\nabcde\r\n" + _HIDDEN, b"5_0\r\nabcde\r\n" + _HIDDEN, b"5\nabcde\n0\n\n" + INNER,
    b"5\r\nabcdeXX0\r\n\r\n" + INNER, b"5\r\nabcde\n" + _HIDDEN, b"5\r\rabcde\r\n" + _HIDDEN,
    b"100000000000000005\r\nabcde\r\n" + _HIDDEN, b"5\r\nabcde\r\n0\r\nX: y\r\n\r\n" + INNER,
    b"5\r\nabcde\r\n0\r\nContent-Length: 99\r\n\r\n" + INNER, b"5\r\nabcde\r\n0\r\nX y\r\n\r\n" + INNER,
    b"5\r\nabcde\r\n0\r\n" + INNER, b"\r\n5\r\nabcde\r\n" + _HIDDEN, b"5;" + b"x" * 70_000 + b"\r\nabcde\r\n" + _HIDDEN,
    b"5;a=\"\r\nabcde\r\n" + _HIDDEN,
]  # fmt: skip


def as_h11_reads(raw: bytes) -> list[tuple[bytes, bytes]]:
    """Target and body of each request in what a connection to the upstream carried; fails where h11 does."""
    server = h11.Connection(h11.SERVER)
    server.receive_data(raw)
    found: list[tuple[bytes, bytes]] = []
    target, body = b"", b""
    while True:
        event = server.next_event()
        if isinstance(event, h11.Request):
            target, body = bytes(event.target), b""
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage):
            found.append((target, body))
            server.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
            server.send(h11.EndOfMessage())
            if server.our_state is h11.MUST_CLOSE:
                return found
            server.start_next_cycle()
        else:
            return found


class Listening:
    """An upstream that keeps every byte, and answers when h11 sees a whole request."""

    def __init__(self) -> None:
        self.raw: list[bytes] = []  # of each connection
        self._told: dict[int, int] = {}
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []

    async def start(self) -> str:
        """Its base URL."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """End it and its connections."""
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.close()
        await self._server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        place, answered = len(self.raw), 0
        self.raw.append(b"")
        self._writers.append(writer)
        try:
            while data := await reader.read(65536):
                self.raw[place] += data
                whole = len(as_h11_reads(self.raw[place]))
                while answered < whole:
                    writer.write(OK)
                    answered += 1
                await writer.drain()
        except (ConnectionError, h11.RemoteProtocolError):
            pass
        finally:
            writer.close()

    def news(self) -> list[tuple[bytes, bytes]]:
        """The whole requests that came since this was asked last."""
        found = []
        for place, raw in enumerate(self.raw):
            requests = as_h11_reads(raw)
            found += requests[self._told.get(place, 0) :]
            self._told[place] = len(requests)
        return found


async def everything(client: RawClient) -> bytes:
    """What the proxy answers until it closes, or is silent because it waits for more."""
    got = b""
    try:
        while data := await asyncio.wait_for(client.reader.read(65536), 0.15):
            got += data
    except (TimeoutError, ConnectionError):
        pass
    return got


async def smuggled(house: OpenHouse, dial: Dial, requests: list[bytes]) -> list[str]:
    """Which of these made the proxy and h11 count differently; each on a connection of its own."""
    wrong = []
    upstream = Listening()
    home = await house(await upstream.start())
    try:
        for raw in requests:
            client = await dial(home.proxy)
            await client.say(raw)
            answers = await everything(client)
            client.leave()
            try:
                seen = upstream.news()
            except h11.RemoteProtocolError as error:
                wrong.append(f"{raw!r}: what is no request reached the upstream: {error}")
                continue
            ours = answers.count(b"HTTP/1.1 200")
            refused = answers.count(b"HTTP/1.1 4") + answers.count(b"HTTP/1.0 4")
            if len(seen) != ours:
                wrong.append(f"{raw!r}: {len(seen)} requests upstream, {ours} answers")
            elif not seen and not refused and b"Content-Length" not in raw and b"chunked" not in raw.lower():
                wrong.append(f"{raw!r}: neither an answer nor a refusal")
            elif [target for target, _ in seen] not in ([], [b"/v1/outer"], [b"/v1/outer", b"/v1/inner"]):
                wrong.append(f"{raw!r}: other requests reached the upstream: {seen}; {answers[:300]!r}")
    finally:
        await upstream.stop()
    return wrong


async def test_no_transfer_coding_hides_a_request(house: OpenHouse, dial: Dial) -> None:
    """However Transfer-Encoding is written, alone or beside a length, h11 sees upstream what was answered here."""
    both = [HEAD + one + b"\r\nContent-Length: 6\r\n\r\n0\r\n\r\nG" + INNER for one in ENCODINGS]
    alone = [HEAD + one + b"\r\n\r\n" + _HIDDEN for one in ENCODINGS]
    assert await smuggled(house, dial, both + alone) == []


async def test_no_length_hides_a_request(house: OpenHouse, dial: Dial) -> None:
    """However Content-Length is written, h11 sees upstream what was answered here."""
    assert await smuggled(house, dial, [HEAD + one + b"\r\n\r\nabcde" + INNER for one in LENGTHS]) == []


async def test_no_chunk_hides_a_request(house: OpenHouse, dial: Dial) -> None:
    """However chunks are written, h11 sees upstream what was answered here."""
    chunked = [HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + one for one in CHUNKS]
    assert await smuggled(house, dial, chunked) == []


async def test_a_coding_beside_a_length_is_refused(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """A request with both is a 400 and ends the connection, in either order."""
    upstream = await raw_upstream(OK)
    home = await house(upstream.url)
    for lines in itertools.permutations([b"Content-Length: 5", b"Transfer-Encoding: chunked"]):
        client = await dial(home.proxy)
        await client.say(HEAD + b"\r\n".join(lines) + b"\r\n\r\n" + _HIDDEN)
        got = await client.rest()
        assert got.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400"))
        assert got.count(b"HTTP/1.") == 1
    assert upstream.connections == 0


@pytest.mark.parametrize("target", ["/groq/v1/outer", "/groq/../outer", "/nobody/v1"])
async def test_nothing_behind_an_unsure_end_is_read(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, target: str
) -> None:
    """After a request whose coding is unknown, whatever else is wrong with it, the connection ends."""
    upstream = await raw_upstream(OK)
    client = await dial((await house(upstream.url)).proxy)
    await client.say(
        f"POST {target} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n".encode() + _HIDDEN
    )
    got = await client.rest()
    assert got.count(b"HTTP/1.") == 1
    assert b"Connection: close" in got
    assert upstream.connections == 0


def test_the_oracle_sees_two_requests() -> None:
    """Bytes in which a second request hides are two requests for h11."""
    hidden = b"POST /v1/outer HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + INNER
    assert [target for target, _ in as_h11_reads(hidden)] == [b"/v1/outer", b"/groq/v1/inner"]
