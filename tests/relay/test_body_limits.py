"""Request bodies that are too large, or come too slowly, end with a clear answer, and hold nobody else up."""

import asyncio
from pathlib import Path

import orjson
import pytest

from tests.conftest import OpenHouse
from tests.house import House
from tests.relay.conftest import Dial, OpenUpstream
from tests.relay.hurried import hurried, jumping
from tests.relay.neighbours import CHUNKED, LAST, RawClient, Received, Visit, chunked, sized

OK = sized(b"{}", b"Content-Type: application/json")
MOST = 1000
MINUTE = 60.0


async def refused(home: House, got: Received, status: int, code: str) -> None:
    """The answer is clear, and so is the only row; calls of others go on."""
    assert (got.status, got.value(b"x-tollbook-error")) == (status, code.encode())
    assert orjson.loads(got.body)["error"]["code"] == code
    assert got.value(b"connection") == b"close"
    row = await home.row()
    assert (row["outcome"], row["status"], row["error"]["code"]) == ("rejected", status, code)
    assert (await home.details(row["id"]))["fault"] == "client"
    other = await RawClient.dial(home.proxy)
    await other.ask()
    assert (await other.answer()).status == 200
    other.leave()


@pytest.mark.parametrize("lines", [(), ("Expect: 100-continue",)], ids=["", "expect"])
@pytest.mark.parametrize("path", ["/groq/v1/x", "/openai/v1/chat/completions"])
async def test_a_length_that_is_too_large_is_refused_unread(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, path: str, lines: tuple[str, ...]
) -> None:
    """A Content-Length past the limit is a 413 at once: no 100, no byte of the body, no upstream."""
    upstream = await raw_upstream(OK)
    home = await house(upstream.url, max_body_bytes=MOST)
    client = await dial(home.proxy)
    await client.ask(path, "POST", f"Content-Length: {MOST + 1}", *lines)
    got = await client.answer()
    assert upstream.connections == 0
    assert f"{MOST:,} bytes" in orjson.loads(got.body)["error"]["message"]
    await refused(home, got, 413, "body_too_large")


@pytest.mark.parametrize("path", ["/groq/v1/x", "/openai/v1/chat/completions"])
@pytest.mark.parametrize("at_once", [True, False])
async def test_a_body_that_grows_too_large_is_cut(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, path: str, *, at_once: bool
) -> None:
    """A chunked body past the limit is a 413, and whoever was asked sees a request that is not whole, and is let go."""
    wholes: list[bytes] = []

    async def script(visit: Visit) -> None:
        if visit.head.line.startswith(b"POST"):
            wholes.append(await visit.read())
        await visit.say(OK)

    upstream = await raw_upstream(script)
    home = await house(upstream.url, max_body_bytes=MOST)
    client = await dial(home.proxy)
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    pieces = [head, *[chunked(b"x" * 100)] * (MOST // 100), chunked(b"x"), LAST]
    if at_once:
        await client.say(b"".join(pieces))
    else:
        for piece in pieces:
            await client.say(piece)
            await asyncio.sleep(0)
    await refused(home, await client.answer(), 413, "body_too_large")
    assert wholes == []


@pytest.mark.parametrize("path", ["/groq/v1/x", "/openai/v1/chat/completions"])
async def test_a_body_of_just_the_limit_arrives(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, path: str
) -> None:
    """A body of exactly the limit is none too large, sized or chunked."""
    upstream = await raw_upstream(OK)
    home = await house(upstream.url, max_body_bytes=MOST)
    client = await dial(home.proxy)
    await client.ask(path, "POST", body=b"x" * MOST)
    assert (await client.answer()).status == 200
    await client.ask(path, "POST", "Transfer-Encoding: chunked")
    await client.say(chunked(b"x" * MOST) + LAST)
    assert (await client.answer()).status == 200
    assert [len(visit.body) for visit in upstream.visits] == [MOST, MOST]


async def test_a_body_too_large_after_the_answer_began(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial
) -> None:
    """An answer that began before its request grew too large breaks off, and the row says whose fault that was."""

    async def script(visit: Visit) -> None:
        await visit.say(CHUNKED + chunked(b"data: 1\n\n"))
        await visit.left()

    upstream = await raw_upstream(script)
    home = await house(upstream.url, max_body_bytes=MOST)
    client = await dial(home.proxy)
    await client.ask("/groq/v1/x", "POST", "Transfer-Encoding: chunked")
    await client.say(chunked(b"x"))
    assert (await client.head()).status == 200
    assert await client.chunk() == b"data: 1\n\n"
    await client.say(chunked(b"x" * MOST))
    assert await client.rest() == b""
    row = await home.row()
    assert (row["outcome"], row["status"], row["error"]["code"]) == ("rejected", 200, "body_too_large")


@pytest.mark.parametrize("size", [50, 200_000], ids=["small", "streamed"])
def test_a_body_that_drips_ends(tmp_path: Path, size: int) -> None:
    """A client that never pauses for long but says next to nothing is answered 408; no upstream takes it for whole."""
    wholes: list[bytes] = []

    async def script(visit: Visit) -> None:
        if visit.head.line.startswith(b"POST"):
            wholes.append(await visit.read())
        await visit.say(OK)

    async def told(house: OpenHouse, url: str) -> None:
        home, loop = await house(url), jumping()
        client = await RawClient.dial(home.proxy)
        await client.ask("/groq/v1/x", "POST", f"Content-Length: {size}")
        answer = asyncio.ensure_future(client.answer())
        began = loop.time()
        while not answer.done() and loop.time() - began < 10 * MINUTE:
            await client.say(b"x")
            await loop.jump(10)
        await refused(home, answer.result(), 408, "body_too_slow")
        client.leave()

    hurried(tmp_path, script, told)
    assert wholes == []


def test_a_slow_body_arrives_at_its_pace(tmp_path: Path) -> None:
    """A body that takes many minutes, much longer than any pause may be, arrives: its bytes come fast enough."""
    pieces, size = 20, 100_000
    came: asyncio.Queue[bytes] = asyncio.Queue()

    async def script(visit: Visit) -> None:
        for _ in range(pieces):
            came.put_nowait(await visit.reader.readexactly(size))
        await visit.say(OK)

    async def told(house: OpenHouse, url: str) -> None:
        home, loop = await house(url), jumping()
        client = await RawClient.dial(home.proxy)
        await client.ask("/groq/v1/x", "POST", f"Content-Length: {pieces * size}")
        for _ in range(pieces):
            await client.say(b"x" * size)
            await came.get()
            await loop.jump(50)
        assert (await client.answer()).status == 200
        assert (await home.row())["outcome"] == "completed"
        client.leave()

    hurried(tmp_path, script, told)


def test_an_upstream_that_does_not_read_is_not_the_clients_slowness(tmp_path: Path) -> None:
    """A client that is held up by the upstream for minutes has all its time left afterwards."""
    size = 30_000_000
    reading: list[asyncio.Event] = []

    async def script(visit: Visit) -> None:
        await reading[0].wait()
        await visit.read()
        await visit.say(OK)

    async def told(house: OpenHouse, url: str) -> None:
        reading.append(asyncio.Event())
        home, loop = await house(url, min_body_bytes_per_s=50_000), jumping()
        client = await RawClient.dial(home.proxy)
        await client.ask("/groq/v1/x", "POST", f"Content-Length: {size}")
        client.writer.write(b"x" * size)
        left, looks = size, 0
        while looks < 50:  # on the loop of all of them
            await asyncio.sleep(0.02)
            before, left = left, client.writer.transport.get_write_buffer_size()
            looks = looks + 1 if left == before else 0
        assert left > size / 2  # so that what has come is worth less time than is lost now
        await loop.jump(8 * MINUTE)
        reading[0].set()
        assert (await client.answer()).status == 200
        assert (await home.row())["outcome"] == "completed"
        client.leave()

    hurried(tmp_path, script, told)
