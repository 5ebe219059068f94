"""Heads of requests that are too large, or do not come to their end, and connections that say nothing."""

import asyncio
import socket
from pathlib import Path

import orjson
import pytest
import uvloop

from tests.conftest import OpenHouse
from tests.house import House
from tests.relay.conftest import Dial, OpenUpstream
from tests.relay.hurried import hurried, jumping
from tests.relay.neighbours import RawClient, Received, Visit, sized

OK = sized(b"{}", b"Content-Type: application/json")
LINE = 2048
HEADERS = 10
START = b"GET /groq/v1/x HTTP/1.1\r\nHost: x\r\n"


async def counted(home: House, field: str) -> None:
    """Wait until one is counted in the health numbers, and none as a call."""
    for _ in range(1000):
        if getattr(home.ingest.live(), field):
            break
        await asyncio.sleep(0.01)
    assert (getattr(home.ingest.live(), field), home.ingest.live().received) == (1, 0)


def says(got: Received, status: int, code: str) -> str:
    """The message of an answer that has this status and code, and ends the connection."""
    assert (got.status, got.value(b"x-tollbook-error"), got.value(b"connection")) == (status, code.encode(), None)
    error = orjson.loads(got.body)["error"]
    assert error["code"] == code
    return str(error["message"])


@pytest.mark.parametrize(
    ("head", "why"),
    [
        (b"GET /groq/v1/x?" + b"q" * LINE + b" HTTP/1.1\r\nHost: x\r\n\r\n", "longer than 2,048 bytes"),
        (START + b"X: " + b"v" * (LINE + 1) + b"\r\n\r\n", "longer than 2,048 bytes"),
        (START + b"n" * (LINE + 1) + b": v\r\n\r\n", "longer than 2,048 bytes"),
        (START + b"X: v\r\n" * HEADERS + b"\r\n", "more than 10 headers"),
        (b"GET /groq/v1/x?" + b"q" * 3_000_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", "longer than 2,048 bytes"),
    ],
    ids=["target", "value", "name", "number", "enormous"],
)
async def test_a_head_that_is_too_large_is_a_431(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, head: bytes, why: str
) -> None:
    """A long target or header, or too many, is a 431 that says the limit, however much was sent; it reaches nobody."""
    upstream = await raw_upstream(OK)
    home = await house(upstream.url, max_header_bytes=LINE, max_headers=HEADERS)
    client = await dial(home.proxy)
    saying = asyncio.ensure_future(client.say(head))
    assert why in says(await client.answer(), 431, "headers_too_large")
    client.leave()
    await asyncio.gather(saying, return_exceptions=True)
    await counted(home, "malformed")
    assert upstream.connections == 0


async def test_a_head_within_the_limits_is_a_call(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """Just as many headers as there may be, and just as long, in many small pieces, are a call; so is the next one."""
    upstream = await raw_upstream(OK)
    home = await house(upstream.url, max_header_bytes=LINE, max_headers=HEADERS)
    client = await dial(home.proxy)
    head = START + b"X: " + b"v" * (LINE - 1) + b"\r\n" + b"Y: v\r\n" * (HEADERS - 2) + b"\r\n"
    for _ in range(2):
        for at in range(0, len(head), 97):
            await client.say(head[at : at + 97])
            await asyncio.sleep(0)
        assert (await client.answer()).status == 200
    await home.rows(2)


async def test_a_head_that_is_too_large_in_all_is_a_431(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial
) -> None:
    """A head that goes on past eight of the longest lines is a 431, although no line is too long."""
    upstream = await raw_upstream(OK)
    home = await house(upstream.url, max_header_bytes=LINE, max_headers=10_000)
    client = await dial(home.proxy)
    await client.say(START)
    answer = asyncio.ensure_future(client.answer())
    for _ in range(100):
        await client.say(b"X: " + b"v" * 1000 + b"\r\n")
        await asyncio.sleep(0.001)
        if answer.done():
            break
    assert "more than 16,384 bytes" in says(await answer, 431, "headers_too_large")
    await counted(home, "malformed")
    assert upstream.connections == 0


@pytest.mark.parametrize("how", ["silent", "dripping"])
@pytest.mark.parametrize("first", [True, False], ids=["new", "kept"])
def test_a_head_that_does_not_end_is_a_408(tmp_path: Path, how: str, *, first: bool) -> None:
    """Half a head gets its time from its first byte on, not more for dripping, on a new connection and a kept one."""

    async def script(visit: Visit) -> None:
        await visit.say(OK)

    async def told(house: OpenHouse, url: str) -> None:
        home, loop = await house(url, header_timeout_s=120.0), jumping()
        client = await RawClient.dial(home.proxy)
        if not first:
            await client.ask()
            assert (await client.answer()).status == 200
        await loop.jump(100)
        began = loop.time()
        await client.say(START + b"X-Drip: ")
        await loop.jump(0)
        answer = asyncio.ensure_future(client.answer())
        while not answer.done() and loop.time() - began < 1000:
            if how == "dripping":
                await client.say(b"x")
            await loop.jump(10)
        assert 120 <= loop.time() - began < 1000
        says(answer.result(), 408, "headers_timed_out")
        assert await client.rest() == b""
        for _ in range(1000):
            if home.ingest.live().late_heads:
                break
            await asyncio.sleep(0.01)
        live = home.ingest.live()
        assert (live.late_heads, live.malformed, live.received) == (1, 0, 0 if first else 1)
        client.leave()

    hurried(tmp_path, script, told)


def test_half_a_head_at_once_is_a_408(tmp_path: Path) -> None:
    """Half a head that comes with its connection, before the worker has looked at it, has no more time than others."""

    async def script(visit: Visit) -> None:
        await visit.say(OK)

    async def told(house: OpenHouse, url: str) -> None:
        home = await house(url, header_timeout_s=0.2, idle_timeout_s=600.0)
        host, _, port = home.proxy.removeprefix("http://").rpartition(":")
        for _ in range(5):
            made = socket.create_connection((host, int(port)))
            made.sendall(START)  # while the loop of both stands still
            client = RawClient(*await asyncio.open_connection(sock=made))
            says(await asyncio.wait_for(client.answer(), 60), 408, "headers_timed_out")
            client.leave()

    hurried(tmp_path, script, told, uvloop.new_event_loop)


@pytest.mark.parametrize("first", [True, False], ids=["new", "kept"])
def test_an_idle_connection_is_closed_without_a_word(tmp_path: Path, *, first: bool) -> None:
    """A connection without a request is closed after its time, not before, and is no error of anybody."""

    async def script(visit: Visit) -> None:
        await visit.say(OK)

    async def told(house: OpenHouse, url: str) -> None:
        home, loop = await house(url, header_timeout_s=10.0, idle_timeout_s=1000.0), jumping()
        client = await RawClient.dial(home.proxy)
        if not first:
            await client.ask()
            assert (await client.answer()).status == 200
        closed = asyncio.ensure_future(client.rest())
        await loop.jump(900)
        assert not closed.done()
        await loop.jump(200)
        assert await asyncio.wait_for(closed, 30) == b""
        live = home.ingest.live()
        assert (live.late_heads, live.malformed) == (0, 0)
        client.leave()

    hurried(tmp_path, script, told)


def test_a_head_that_begins_late_has_all_its_time(tmp_path: Path) -> None:
    """A request that begins when its connection is about to be closed as idle is served, however slowly it comes."""

    async def script(visit: Visit) -> None:
        await visit.say(OK)

    async def told(house: OpenHouse, url: str) -> None:
        home, loop = await house(url, header_timeout_s=1000.0, idle_timeout_s=300.0), jumping()
        client = await RawClient.dial(home.proxy)
        await loop.jump(200)
        await client.say(START)
        await loop.jump(0)
        for _ in range(5):
            await loop.jump(150)
        await client.say(b"\r\n")
        assert (await client.answer()).status == 200
        client.leave()

    hurried(tmp_path, script, told)
