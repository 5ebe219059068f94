"""Request bodies reach the upstream byte for byte, framed as the client framed them, never whole in memory."""

import asyncio
import gzip
import hashlib
import random

import psutil
import pytest

from tests.conftest import OpenHouse
from tests.relay.conftest import Dial, OpenUpstream
from tests.relay.neighbours import Visit, read_chunk, sized

OK = sized(b"{}", b"Content-Type: application/json")
NOISE = random.Random(7).randbytes(5_000_000)
LAST = b"0\r\n\r\n"


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE", "PUT", "PATCH", "OPTIONS", "QUERY"])
@pytest.mark.parametrize("size", [1, 3000, 200_000])
async def test_sized_body_arrives(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, method: str, size: int
) -> None:
    """A body with a Content-Length arrives whole, with that length, for every method."""
    upstream = await raw_upstream(OK)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.ask("/groq/v1/x", method, body=NOISE[:size])
    assert (await client.answer()).status == 200
    (visit,) = upstream.visits
    assert visit.body == NOISE[:size]
    assert visit.head.values(b"content-length") == [b"%d" % size]
    assert visit.head.values(b"transfer-encoding") == []
    assert (await home.details((await home.row())["id"]))["request"]["bytes"] == size


@pytest.mark.parametrize("upstream_name", ["groq", "openai"])
@pytest.mark.parametrize("piece", [1, 7, 4096])
async def test_chunked_body_arrives(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, upstream_name: str, piece: int
) -> None:
    """A chunked body arrives whole whatever the size of its chunks."""
    body = NOISE[: 300 * piece]
    upstream = await raw_upstream(OK)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.ask(f"/{upstream_name}/v1/chat/completions", "POST", "Transfer-Encoding: chunked")
    for start in range(0, len(body), piece):
        await client.say(b"%x\r\n%b\r\n" % (piece, body[start : start + piece]))
    await client.say(LAST)
    assert (await client.answer()).status == 200
    assert upstream.visits[0].body == body
    assert (await home.row())["outcome"] == "completed"


async def test_compressed_body_arrives_as_it_is(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """A compressed body is not decoded on its way."""
    body = gzip.compress(b'{"model":"gpt-4o","stream":true}', mtime=0)
    upstream = await raw_upstream(OK)
    client = await dial((await house(upstream.url)).proxy)
    await client.ask("/openai/v1/chat/completions", "POST", "Content-Encoding: gzip", body=body)
    assert (await client.answer()).status == 200
    assert upstream.visits[0].body == body
    assert upstream.visits[0].head.values(b"content-encoding") == [b"gzip"]


@pytest.mark.parametrize("framing", ["Content-Length: 0", "Transfer-Encoding: chunked"])
async def test_empty_body_arrives_empty(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, framing: str) -> None:
    """An empty body arrives as an empty body."""
    upstream = await raw_upstream(OK)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.ask("/openai/v1/chat/completions", "POST", framing)
    if "chunked" in framing:
        await client.say(LAST)
    assert (await client.answer()).status == 200
    assert upstream.visits[0].body == b""
    assert (await home.row())["outcome"] == "completed"


@pytest.mark.parametrize("chunked", [False, True])
async def test_large_body_is_not_held(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, *, chunked: bool
) -> None:
    """Of a body of 200 MB only what fits the buffers leaves the client while the upstream does not read."""
    size, piece = 200_000_000, NOISE[:1_000_000]
    reading = asyncio.Event()
    digest = hashlib.sha256()

    async def script(visit: Visit) -> None:
        await reading.wait()
        left = size
        while left:
            data = await (read_chunk(visit.reader) if chunked else visit.reader.read(min(left, 2**20)))
            digest.update(data)
            left -= len(data)
        if chunked:
            await read_chunk(visit.reader)
        await visit.say(OK)

    upstream = await raw_upstream(script)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {size}"
    await client.ask("/openai/v1/chat/completions", "POST", framing)
    said = 0

    async def upload() -> None:
        nonlocal said
        for _ in range(size // len(piece)):
            await client.say(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            said += 1
        if chunked:
            await client.say(LAST)

    before = psutil.Process().memory_info().rss
    uploading = asyncio.create_task(upload())
    stuck = -1
    while said > stuck:  # until it moves no more
        stuck = said
        await asyncio.sleep(0.3)
    assert said < 40
    reading.set()
    await uploading
    assert (await client.answer()).status == 200
    assert psutil.Process().memory_info().rss - before < 60_000_000
    assert digest.digest() == hashlib.sha256(piece * (size // len(piece))).digest()
    row = await home.row()
    assert row["outcome"] == "completed"
    detail = await home.details(row["id"])
    assert (detail["request"]["bytes"], detail["request"]["truncated"]) == (size, True)


async def test_slow_small_body_holds_no_upstream(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """The upstream hears of a small body only when all of it is here."""
    upstream = await raw_upstream(OK)
    client = await dial((await house(upstream.url)).proxy)
    await client.say(b"POST /groq/v1/x HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab")
    await asyncio.sleep(0.05)
    assert upstream.connections == 0
    await client.say(b"cd")
    assert (await client.answer()).status == 200
    assert upstream.visits[0].body == b"abcd"


async def test_expect_is_answered_after_admission(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """A client that asks first is told to go on, once, and Expect is not forwarded."""
    upstream = await raw_upstream(OK)
    client = await dial((await house(upstream.url)).proxy)
    await client.ask("/groq/v1/x", "POST", "Expect: 100-continue", "Content-Length: 4")
    assert (await client.head()).status == 100
    await client.say(b"abcd")
    assert (await client.answer()).status == 200
    assert upstream.visits[0].body == b"abcd"
    assert upstream.visits[0].head.values(b"expect") == []


@pytest.mark.parametrize("target", ["/nowhere/v1/x", "/groq/../x"])
async def test_refusal_comes_before_the_body(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, target: str
) -> None:
    """A client that asks first and is refused is not told to send its body, and the connection says it will close."""
    upstream = await raw_upstream(OK)
    client = await dial((await house(upstream.url)).proxy)
    await client.ask(target, "POST", "Expect: 100-continue", "Content-Length: 4")
    got = await client.answer()
    assert got.status in (400, 404)
    assert got.value(b"connection") == b"close"


async def test_other_expectations_are_refused(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """Any other expectation is a 417."""
    upstream = await raw_upstream(OK)
    client = await dial((await house(upstream.url)).proxy)
    await client.ask("/groq/v1/x", "POST", "Expect: 200-ok", "Content-Length: 4")
    assert (await client.answer()).status == 417
    assert upstream.connections == 0


async def test_old_clients_are_not_told_to_go_on(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """HTTP/1.0 knows no 100, so its Expect is ignored."""
    upstream = await raw_upstream(OK)
    client = await dial((await house(upstream.url)).proxy)
    await client.say(b"POST /groq/v1/x HTTP/1.0\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab")
    assert (await client.answer()).status == 200


@pytest.mark.parametrize("framing", ["sized", "chunked"])
async def test_early_answer_is_relayed(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, framing: str) -> None:
    """An upstream that refuses in the middle of an upload is heard by the client at once."""

    async def script(visit: Visit) -> None:
        await visit.reader.read(1000)
        await visit.say(sized(b"too large", b"Connection: close", status=b"413 Too Large"))
        await visit.left()

    upstream = await raw_upstream(script)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    chunked = framing == "chunked"
    size = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(NOISE)}"
    await client.ask("/groq/v1/x", "POST", size)
    await client.say(b"%x\r\n%b\r\n" % (4000, NOISE[:4000]) if chunked else NOISE[:4000])
    got = await client.answer()
    assert (got.status, got.body) == (413, b"too large")
    client.leave()
    row = await home.row()
    assert (row["status"], row["outcome"]) == (413, "completed")


@pytest.mark.parametrize("framing", ["sized", "chunked"])
async def test_upload_past_an_early_answer_ends_well(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, framing: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A client that goes on uploading after an early answer gets it whole, and may end its upload in peace."""
    answered = asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.reader.read(1000)
        await visit.say(sized(b"no", status=b"400 Bad Request"))
        answered.set()
        await visit.left()

    upstream = await raw_upstream(script)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    chunked = framing == "chunked"
    size = "Transfer-Encoding: chunked" if chunked else "Content-Length: 2000000"
    await client.ask("/groq/v1/x", "POST", size)
    piece = b"%x\r\n%b\r\n" % (100_000, NOISE[:100_000]) if chunked else NOISE[:100_000]
    await client.say(piece)
    await answered.wait()
    got = await client.answer()
    assert (got.status, got.body) == (400, b"no")
    try:
        for _ in range(19):
            await client.say(piece)
        await client.say(LAST if chunked else b"")
    except ConnectionError:
        pass
    row = await home.row()
    assert (row["status"], row["outcome"]) == (400, "completed")
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]


@pytest.mark.parametrize("answers", [True, False])
@pytest.mark.parametrize("framing", ["sized", "chunked"])
async def test_upload_after_an_early_answer_is_heard_out(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, framing: str, answers: bool
) -> None:
    """A client that only then sends the rest of its upload is not cut off, and its connection serves the next call."""

    async def script(visit: Visit) -> None:
        if visit.head.line.startswith(b"POST"):
            await visit.reader.readexactly(100_000)
            if answers:
                await visit.say(sized(b"no", status=b"400 Bad Request"))
                await visit.left()
            else:
                visit.abort()
        else:
            await visit.say(OK)

    upstream = await raw_upstream(script)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    chunked = framing == "chunked"
    piece = b"%x\r\n%b\r\n" % (100_100, NOISE[:100_100]) if chunked else NOISE[:100_100]
    await client.ask("/groq/v1/x", "POST", "Transfer-Encoding: chunked" if chunked else "Content-Length: 300300")
    await client.say(piece)
    assert (await client.answer()).status == (400 if answers else 502)
    await client.say(piece, piece, LAST if chunked else b"")
    await client.ask()
    assert (await client.answer()).status == 200
    await home.rows(2)


@pytest.mark.parametrize("sent", [10, 200_000])
async def test_stalled_upload_is_the_clients_fault(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, sent: int
) -> None:
    """A client that stops in the middle of its body is told so after a while, and no upstream is blamed for it."""

    async def script(visit: Visit) -> None:
        await visit.read()

    upstream = await raw_upstream(script)
    home = await house(upstream.url, upstream={"read_timeout_s": 0.1}, body_timeout_s=0.5)
    client = await dial(home.proxy)
    await client.ask("/groq/v1/x", "POST", "Content-Length: 300000" if sent > 10 else "Content-Length: 20")
    await client.say(NOISE[:sent])
    answer = await client.answer()
    assert answer.status == 408
    assert answer.value(b"x-tollbook-error") == b"body_timed_out"
    row = await home.row()
    assert row["outcome"] == "rejected"
    assert (await home.details(row["id"]))["fault"] == "client"
