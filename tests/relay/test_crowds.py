"""Many clients at once that read nothing, say little, or say a lot: bounded, and nobody else notices."""

import asyncio
from pathlib import Path

import psutil
import pytest

from tests.conftest import OpenHouse
from tests.relay.conftest import Dial, OpenUpstream
from tests.relay.neighbours import CHUNKED, RawClient, Visit, chunked, sized
from tests.relay.served import serve

OK = sized(b"{}", b"Content-Type: application/json")
CHAT = b'{"model":"gpt-4o","stream":true,"messages":[]}'
_DEAF = 200


@pytest.mark.timeout(120)
async def test_clients_that_never_read_take_bounded_memory(raw_upstream: OpenUpstream, tmp_path: Path) -> None:
    """200 streams nobody reads hold less than a megabyte and a half each, are let go in time, and others are served."""

    async def script(visit: Visit) -> None:
        await visit.read()
        if b"/models" in visit.head.line:
            await visit.say(OK)
            return
        await visit.say(CHUNKED)
        while True:
            await visit.say(chunked(b"x" * 64_000))

    upstream = await raw_upstream(script)
    config = tmp_path / "config.toml"
    lines = ["[proxy]", "write_timeout_s = 4", "[upstreams.groq]", f'base_url = "{upstream.url}"']
    await asyncio.to_thread(config.write_text, "\n".join(lines))
    served = await serve(tmp_path / "data", config)
    try:
        worker = served.child("worker")
        before = worker.memory_info().rss
        deaf = [await RawClient.dial(served.proxy, receive_buffer=4096) for _ in range(_DEAF)]
        for client in deaf:
            await client.ask("/groq/v1/chat/completions", "POST", body=CHAT)
        highest, answered = 0, 0
        for _ in range(8):
            other = await RawClient.dial(served.proxy)
            await other.ask()
            answered += (await asyncio.wait_for(other.answer(), 60)).status == 200
            other.leave()
            highest = max(highest, worker.memory_info().rss)
            await asyncio.sleep(0.1)
        assert answered == 8
        assert len(upstream.visits) == _DEAF + 8
        assert highest - before < _DEAF * 1_500_000
        rows = await served.rows(_DEAF + 8)
        assert sum(row["outcome"] == "client_left" for row in rows) == _DEAF
        for client in deaf:
            client.leave()
    finally:
        assert (await served.stop())[0] == 0


async def test_a_hundred_pipelined_calls_are_a_hundred_answers(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial
) -> None:
    """Requests sent all at once are answered in their order, asked upstream one after the other, each a row."""

    async def script(visit: Visit) -> None:
        number = visit.head.line.split()[1].rpartition(b"/")[2]
        await visit.say(sized(number, b"Content-Type: text/plain"))

    upstream = await raw_upstream(script)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.say(b"".join(b"GET /groq/v1/%d HTTP/1.1\r\nHost: x\r\n\r\n" % number for number in range(100)))
    assert [(await client.answer()).body for _ in range(100)] == [b"%d" % number for number in range(100)]
    rows = await home.rows(100)
    assert {row["outcome"] for row in rows} == {"completed"}
    assert upstream.connections == 1


async def test_a_body_of_tiny_chunks_arrives(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """A request of fifty thousand chunks of one byte arrives whole, in bounded memory, and so does such an answer."""
    tiny = chunked(*(b"%c" % (97 + number % 26) for number in range(50_000)))
    body = bytes(97 + number % 26 for number in range(50_000))

    async def script(visit: Visit) -> None:
        assert await visit.read() == body
        await visit.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + tiny + b"0\r\n\r\n")

    upstream = await raw_upstream(script)
    home = await house(upstream.url)
    before = psutil.Process().memory_info().rss
    client = await dial(home.proxy)
    head = b"POST /groq/v1/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    await client.say(head, tiny, b"0\r\n\r\n")
    assert (await client.answer()).body == body
    assert psutil.Process().memory_info().rss - before < 40_000_000
    assert (await home.row())["outcome"] == "completed"


@pytest.mark.parametrize("how", [RawClient.leave, RawClient.reset], ids=["fin", "reset"])
async def test_leaving_at_any_byte_of_a_request(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, how: object
) -> None:
    """A client that leaves after any number of its own bytes leaves at most one row and nothing running behind."""
    upstream = await raw_upstream(OK)
    home = await house(upstream.url)
    raw = b"POST /groq/v1/x HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n" + b"{}".ljust(20)
    body_begins = raw.index(b"\r\n\r\n") + 4
    for sent in range(1, len(raw)):
        client = await dial(home.proxy)
        await client.say(raw[:sent])
        assert callable(how)
        how(client)
    for _ in range(6000):
        live = home.ingest.live()
        if live.received == live.stored > 0 and not live.open:
            break
        await asyncio.sleep(0.01)
    rows = await home.rows(home.ingest.live().stored)
    assert len(rows) <= len(raw) - body_begins  # a head that is not whole is no call
    assert {row["outcome"] for row in rows} == {"client_left"}
    assert not any(visit.body for visit in upstream.visits)
    last = await dial(home.proxy)
    await last.ask()
    assert (await last.answer()).status == 200
