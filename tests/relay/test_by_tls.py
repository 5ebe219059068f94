"""An upstream behind TLS, as all real ones are: what arrives is what it sent, when it sent it."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.conftest import OpenHouse
from tests.house import House
from tests.realtime.tls import tls_before
from tests.relay.conftest import Dial, OpenUpstream
from tests.relay.neighbours import CHUNKED, LAST, RawUpstream, Visit, chunked, sized

ByTls = Callable[[RawUpstream], Awaitable[House]]


@pytest.fixture
async def by_tls(house: OpenHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ByTls]:
    """Opens a house that asks this upstream by TLS, and trusts it."""
    async with AsyncExitStack() as stack:

        async def factory(upstream: RawUpstream) -> House:
            url, _ = await stack.enter_async_context(tls_before(upstream.url, tmp_path))
            monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
            return await house(url)

        yield factory


async def test_large_answers_arrive_whole_on_one_connection(
    raw_upstream: OpenUpstream, by_tls: ByTls, dial: Dial
) -> None:
    """More than is decrypted at once, sized and in chunks of any size; the connection is used again."""
    body = random.Random(1).randbytes(3_000_000)
    cuts = sorted(random.Random(2).sample(range(1, len(body)), 200))
    pieces = [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]

    async def script(visit: Visit) -> None:
        await visit.read()
        if visit.head.line.startswith(b"GET /v1/sized"):
            await visit.say(sized(body))
        else:
            await visit.say(CHUNKED)
            for piece in pieces:
                await visit.say(chunked(piece))
            await visit.say(LAST)

    upstream = await raw_upstream(script)
    home = await by_tls(upstream)
    client = await dial(home.proxy)
    for _ in range(3):
        for path in ("sized", "chunked"):
            await client.ask(f"/groq/v1/{path}")
            assert (await client.answer()).body == body
    assert upstream.connections == 1
    assert [row["outcome"] for row in await home.rows(6)] == ["completed"] * 6


async def test_each_event_goes_on_before_the_next_exists(raw_upstream: OpenUpstream, by_tls: ByTls, dial: Dial) -> None:
    """Nothing is held back in what decrypts."""
    seen = asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.read()
        await visit.say(CHUNKED)
        for number in range(20):
            await visit.say(chunked(b"data: %d\n\n" % number))
            await seen.wait()
            seen.clear()
        await visit.say(LAST)

    home = await by_tls(await raw_upstream(script))
    client = await dial(home.proxy)
    await client.ask("/groq/v1/events")
    await client.head()
    for number in range(20):
        assert await client.chunk() == b"data: %d\n\n" % number
        seen.set()
    assert await client.chunk() == b""
    assert (await home.row())["outcome"] == "completed"


async def test_a_body_that_breaks_off_is_not_whole(raw_upstream: OpenUpstream, by_tls: ByTls, dial: Dial) -> None:
    """The client sees it, and the row says whose fault it was."""

    async def script(visit: Visit) -> None:
        await visit.read()
        await visit.say(CHUNKED, chunked(b"data: 1\n\n"))
        visit.writer.close()

    home = await by_tls(await raw_upstream(script))
    client = await dial(home.proxy)
    await client.ask("/groq/v1/events")
    await client.head()
    assert not (await client.rest()).endswith(b"0\r\n\r\n")
    assert (await home.row())["outcome"] == "upstream_broke_off"


async def test_an_upstream_that_cannot_be_trusted_is_not_asked(
    raw_upstream: OpenUpstream, house: OpenHouse, dial: Dial, tmp_path: Path
) -> None:
    """A certificate that nobody vouches for is a 502, and no request reaches it."""
    upstream = await raw_upstream(sized(b"{}"))
    async with tls_before(upstream.url, tmp_path) as (url, _):
        home = await house(url)
        client = await dial(home.proxy)
        await client.ask()
        assert (await client.answer()).status == 502
        assert (await home.row())["outcome"] == "upstream_unreachable"
    assert upstream.visits == []
