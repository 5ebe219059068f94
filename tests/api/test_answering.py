"""The dashboard listener takes so many connections and no more, and none stays that asks nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import orjson

from store.api.answering import answering
from tests.api.listener import an_app
from tests.house import listening
from tests.relay.neighbours import RawClient


@asynccontextmanager
async def a_listener(data_dir: Path, most: int = 400, idle_s: float = 150.0) -> AsyncIterator[str]:
    """Its address."""
    made = listening()
    host, port = made.getsockname()
    async with answering(an_app(data_dir), [made], most, idle_s):
        yield f"http://{host}:{port}"


async def test_one_connection_too_many(tmp_path: Path) -> None:
    """Past the limit a request gets a 503 with Retry-After; those there are go on, and room comes back."""
    async with a_listener(tmp_path, most=2) as address:
        clients = [await RawClient.dial(address) for _ in range(2)]
        third = await RawClient.dial(address)
        await third.ask("/api/health")
        got = await third.answer()
        assert (got.status, got.value(b"retry-after"), got.value(b"connection")) == (503, b"1", b"close")
        assert "too many connections" in orjson.loads(got.body)["error"]
        assert await third.rest() == b""
        third.leave()
        for client in clients:
            await client.ask("/api/health")
            assert (await client.answer()).status == 200
            client.leave()
        async with asyncio.timeout(30):
            status = 0
            while status != 200:
                client = await RawClient.dial(address)
                await client.ask("/api/health")
                status = (await client.answer()).status
                client.leave()


async def test_silence_past_the_limit_is_ended(tmp_path: Path) -> None:
    """So is one past the limit that asks nothing."""
    async with a_listener(tmp_path, most=1) as address:
        first, second = [await RawClient.dial(address) for _ in range(2)]
        assert await asyncio.wait_for(second.rest(), 30) == b""
        second.leave()
        first.leave()


async def test_a_request_that_does_not_end_is_not_waited_for(tmp_path: Path) -> None:
    """A connection that never asks, one that drips, and one that was answered are closed; one under way is not."""
    async with a_listener(tmp_path, idle_s=0.5) as address:
        silent, dripping, answered, watching = [await RawClient.dial(address) for _ in range(4)]
        await answered.ask("/api/health")
        assert (await answered.answer()).status == 200
        await watching.ask("/api/tail")

        async def drip() -> None:
            for letter in "GET /api/health HTTP/1.1\r\nX-Long: " + "x" * 10_000:
                await dripping.say(letter.encode())
                await asyncio.sleep(0.05)

        dripped = asyncio.create_task(drip())
        for client in (silent, dripping, answered):
            assert await asyncio.wait_for(client.rest(), 30) == b""
        dripped.cancel()
        await asyncio.gather(dripped, return_exceptions=True)
        assert not watching.reader.at_eof()
        for client in (silent, dripping, answered, watching):
            client.leave()
