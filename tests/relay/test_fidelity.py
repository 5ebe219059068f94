"""Whatever a client and an upstream say to each other arrives byte for byte, apart from what belongs to one hop."""

import asyncio
import gzip
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import houses
from tests.relay.neighbours import LAST, Headers, RawClient, RawUpstream, Received, Visit, chunked

_HOPS = (b"host", b"content-length", b"transfer-encoding", b"x-tollbook-call-id", b"connection")
_NAMES = st.text("abcXYZ019-_!#$%&'*+.^`|~", min_size=1, max_size=12).map(lambda name: b"x-t" + name.encode())
_VALUES = st.binary(max_size=60).map(lambda raw: bytes(one for one in raw if one == 9 or 32 <= one != 127).strip())
_HEADERS = st.lists(st.tuples(_NAMES, _VALUES), max_size=8)
_CODINGS = st.sampled_from([None, b"identity", b"gzip", b"br", b"zstd", b"x-unknown"])
_BODIES = st.one_of(
    st.binary(max_size=300),
    st.binary(min_size=1, max_size=200).map(lambda piece: piece * 700),
    st.binary(max_size=300).map(gzip.compress),
)
_PIECES = st.lists(st.integers(1, 5000), min_size=1, max_size=6)  # how long the pieces are, over and over


def message(first: bytes, headers: Headers, coding: bytes | None, body: bytes, pieces: list[int] | None) -> list[bytes]:
    """A message as it goes on the wire, in pieces; None: with its length, in one."""
    lines = [first, *(name + b": " + value for name, value in headers)]
    lines += [b"Content-Encoding: " + coding] if coding else []
    if pieces is None:
        return [b"\r\n".join([*lines, b"Content-Length: %d" % len(body), b"", body])]
    cut = []
    while body:
        size = pieces[len(cut) % len(pieces)]
        cut.append(chunked(body[:size]))
        body = body[size:]
    return [b"\r\n".join([*lines, b"Transfer-Encoding: chunked", b"", b""]), *cut, LAST]


Exchange = Callable[[list[bytes], list[bytes]], tuple[Visit, Received]]


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    """Sends a request through a house to an upstream that answers this; gives what either side received."""
    answers: list[list[bytes]] = []

    async def script(visit: Visit) -> None:
        await visit.read()
        await visit.say(*answers[-1])

    with asyncio.Runner() as runner:
        stack, upstream = AsyncExitStack(), RawUpstream()

        async def begin() -> RawClient:
            await upstream.open(script)
            stack.push_async_callback(upstream.close)
            open_house = await stack.enter_async_context(houses(tmp_path))
            return await RawClient.dial((await open_house(upstream.url)).proxy)

        client = runner.run(begin())

        async def one(request: list[bytes], answer: list[bytes]) -> tuple[Visit, Received]:
            answers.append(answer)
            await client.say(*request)
            got = await asyncio.wait_for(client.answer(), 60)
            return upstream.visits[-1], got

        yield lambda request, answer: runner.run(one(request, answer))
        client.leave()
        runner.run(stack.aclose())


def passed(headers: Headers) -> Headers:
    """Without what belongs to one hop."""
    return [(name, value) for name, value in headers if name.lower() not in _HOPS]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_HEADERS, _CODINGS, _BODIES, st.none() | _PIECES, _HEADERS, _CODINGS, _BODIES, st.none() | _PIECES)
def test_any_exchange_arrives_unchanged(
    exchange: Exchange,
    asked_headers: Headers, asked_coding: bytes | None, asked: bytes, asked_pieces: list[int] | None,
    told_headers: Headers, told_coding: bytes | None, told: bytes, told_pieces: list[int] | None,
) -> None:  # fmt: skip
    """Headers of any bytes in their order, bodies of any bytes, in any coding and framing, arrive as they were sent."""
    first = b"POST /groq/v1/x HTTP/1.1\r\nHost: localhost"
    visit, got = exchange(
        message(first, asked_headers, asked_coding, asked, asked_pieces),
        message(b"HTTP/1.1 200 Fine", told_headers, told_coding, told, told_pieces),
    )
    assert visit.body == asked
    assert passed(visit.head.headers) == asked_headers + ([(b"Content-Encoding", asked_coding)] if asked_coding else [])
    assert got.body == told
    assert (got.status, got.reason) == (200, b"Fine")
    assert passed(got.headers) == told_headers + ([(b"Content-Encoding", told_coding)] if told_coding else [])
