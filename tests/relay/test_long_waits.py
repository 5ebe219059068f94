"""Waits of minutes, on a loop whose clock jumps."""

import asyncio
from pathlib import Path

import pytest

from tests.conftest import OpenHouse
from tests.relay.hurried import hurried, jumping
from tests.relay.neighbours import CHUNKED, LAST, RawClient, Visit, chunked, sized

CHAT = b'{"model":"gpt-4o","stream":true,"messages":[]}'
OK = sized(b"{}", b"Content-Type: application/json")
EVENT = b'data: {"object":"chat.completion.chunk","model":"gpt-4o","choices":[]}\n\n'
MINUTE = 60.0


@pytest.mark.parametrize("when", ["before the answer", "in the stream"])
def test_ten_minutes_of_silence_are_waited_for(tmp_path: Path, when: str) -> None:
    """An upstream that thinks for ten minutes, before its answer or in it, ends as a completed call."""

    silent = asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.read()
        silent.set()
        if when == "in the stream":
            await visit.say(CHUNKED + chunked(EVENT))
            await asyncio.sleep(10 * MINUTE)
            await visit.say(chunked(EVENT, b"data: [DONE]\n\n") + LAST)
        else:
            await asyncio.sleep(10 * MINUTE)
            await visit.say(CHUNKED + chunked(EVENT, EVENT, b"data: [DONE]\n\n") + LAST)

    async def told(house: OpenHouse, url: str) -> None:
        home, loop = await house(url, upstream={"read_timeout_s": 15 * MINUTE}), jumping()
        client = await RawClient.dial(home.proxy)
        await client.ask("/groq/v1/chat/completions", "POST", body=CHAT)
        answer = asyncio.ensure_future(client.answer())
        await silent.wait()
        for _ in range(10):
            assert not answer.done()
            await loop.jump(MINUTE)
        assert (await answer).body == EVENT * 2 + b"data: [DONE]\n\n"
        assert (await home.row())["outcome"] == "completed"
        client.leave()

    hurried(tmp_path, script, told)


def test_silence_ends_at_its_limit_and_no_earlier(tmp_path: Path) -> None:
    """With a limit of nine minutes an upstream that is silent for ten is given up between nine and ten."""

    silent = asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.read()
        silent.set()
        await visit.left()

    async def told(house: OpenHouse, url: str) -> None:
        home, loop = await house(url, upstream={"read_timeout_s": 9 * MINUTE}), jumping()
        client = await RawClient.dial(home.proxy)
        await client.ask("/groq/v1/chat/completions", "POST", body=CHAT)
        answer = asyncio.ensure_future(client.answer())
        await silent.wait()
        began = loop.time()
        while not answer.done() and loop.time() - began < 10 * MINUTE:
            await loop.jump(MINUTE / 4)
        assert 8.5 * MINUTE < loop.time() - began < 10 * MINUTE
        assert (await answer).status == 504
        assert (await home.row())["outcome"] == "upstream_timed_out"
        client.leave()

    hurried(tmp_path, script, told)


@pytest.mark.parametrize("begun", [b"", b"GET /groq/v1/x HTTP/1.1\r\nHost: x\r\nX-Half", b"dripped"])
def test_headers_that_do_not_come_are_not_waited_for(tmp_path: Path, begun: bytes) -> None:
    """A connection without a whole head, silent or fed a byte a second, is closed within minutes; others are served."""

    async def script(visit: Visit) -> None:
        await visit.say(OK)

    async def told(house: OpenHouse, url: str) -> None:
        home, loop = await house(url), jumping()
        slow, other = await RawClient.dial(home.proxy), await RawClient.dial(home.proxy)
        closed = asyncio.ensure_future(slow.reader.read())
        if begun == b"dripped":
            await slow.say(b"GET /groq/v1/x HTTP/1.1\r\nHost: x\r\nX-Drip: ")
        else:
            await slow.say(begun)
        for second in range(600):
            if closed.done():
                break
            await loop.jump(1)
            if begun == b"dripped":
                slow.writer.write(b"x")
            if second == 5:
                await other.ask()
                assert (await other.answer()).status == 200
        assert closed.done()
        assert b"200" not in closed.result()
        assert home.ingest.live().open == 0
        slow.leave()
        other.leave()

    hurried(tmp_path, script, told)
