"""More connections than there may be: the others are told so at once, and those there are go on."""

import asyncio
from pathlib import Path

import orjson
import psutil
import pytest

from proxy import turned_away
from tests.conftest import OpenHouse
from tests.house import House
from tests.relay.conftest import Dial, OpenUpstream
from tests.relay.neighbours import RawClient, sized
from tests.relay.served import serve

OK = sized(b"{}", b"Content-Type: application/json")


async def turned(home: House, count: int) -> int:
    """How many were turned away, once they are as many as this."""
    for _ in range(500):
        if home.ingest.live().turned_away >= count:
            break
        await asyncio.sleep(0.01)
    return home.ingest.live().turned_away


@pytest.mark.parametrize("size", [0, 2_000_000])
async def test_one_connection_too_many(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, size: int) -> None:
    """Past max_connections a request gets a whole 503 with Retry-After, even in the middle of its body, and no row."""
    upstream = await raw_upstream(OK)
    home = await house(upstream.url, max_connections=2)
    clients = [await dial(home.proxy) for _ in range(2)]
    for client in clients:
        await client.ask()
        assert (await client.answer()).status == 200
    third = await dial(home.proxy)
    saying = asyncio.ensure_future(third.ask("/groq/v1/x", "POST" if size else "GET", body=b"x" * size))
    got = await third.answer()
    assert (got.status, got.value(b"retry-after"), got.value(b"connection")) == (503, b"1", b"close")
    assert got.value(b"x-tollbook-error") == b"too_many_connections"
    assert orjson.loads(got.body)["error"]["code"] == "too_many_connections"
    assert await third.rest() == b""
    third.leave()
    await asyncio.gather(saying, return_exceptions=True)
    for client in clients:
        await client.ask()
        assert (await client.answer()).status == 200
    assert await turned(home, 1) == 1
    await home.rows(4)
    assert len(upstream.visits) == 4


async def test_there_is_room_again(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """Once a connection is closed the next one is served."""
    upstream = await raw_upstream(OK)
    home = await house(upstream.url, max_connections=1)
    first = await dial(home.proxy)
    await first.ask()
    assert (await first.answer()).status == 200
    first.leave()
    for _ in range(500):
        client = await RawClient.dial(home.proxy)
        await client.ask()
        status = (await client.answer()).status
        client.leave()
        if status == 200:
            break
        await asyncio.sleep(0.01)
    assert status == 200


async def test_silent_connections_too_many(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """Connections past the limit that ask nothing are told so and closed soon; of a crowd, most of them at once."""
    upstream = await raw_upstream(OK)
    home = await house(upstream.url, max_connections=1)
    client = await dial(home.proxy)
    await client.ask()
    assert (await client.answer()).status == 200
    crowd = [await RawClient.dial(home.proxy) for _ in range(turned_away.MOST + 20)]
    said = await asyncio.wait_for(asyncio.gather(*(one.rest() for one in crowd)), 30)
    assert all(answer.startswith(b"HTTP/1.1 503 ") for answer in said)
    for one in crowd:
        one.leave()
    assert await turned(home, len(crowd)) == len(crowd)
    await client.ask()
    assert (await client.answer()).status == 200


@pytest.mark.parametrize(
    ("hard", "connections", "granted", "taken"), [(4000, 20, 496, 20), (600, 500, 600, 72)], ids=["enough", "too few"]
)
async def test_open_files_are_asked_for(tmp_path: Path, hard: int, connections: int, granted: int, taken: int) -> None:
    """`serve` raises the limit of open files to what its workers need; where it may not it says so, and takes fewer."""
    config = tmp_path / "tollbook.toml"
    await asyncio.to_thread(config.write_text, f"[proxy]\nmax_connections = {connections}\n")
    served = await serve(tmp_path / "data", config, open_files=(256, hard))
    try:
        soft, found = served.child("worker").rlimit(psutil.RLIMIT_NOFILE)
        clients = [await RawClient.dial(served.proxy) for _ in range(taken + 5)]
        statuses = []
        for client in clients:
            await client.ask("/nowhere/v1")
            statuses.append((await client.answer()).status)
        for client in clients:
            client.leave()
    finally:
        status, said = await served.stop()
    assert (soft, found, status) == (granted, hard, 0)
    assert statuses == [404] * taken + [503] * 5
    assert (f"{taken} connections, not {connections}" in said) == (granted == hard)
