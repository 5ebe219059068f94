"""A book that is no database any more, under a running `serve`."""

import asyncio
import os
from pathlib import Path

from tests.relay.conftest import OpenUpstream
from tests.relay.neighbours import RawClient, sized
from tests.relay.served import Served, serve

OK = sized(b"{}", b"Content-Type: application/json")


def damage(data_dir: Path) -> None:
    """Overwrite every byte."""
    for path in data_dir.glob("book.db*"):
        path.write_bytes(os.urandom(path.stat().st_size))


def set_aside(data_dir: Path) -> None:
    """What somebody does who was told."""
    for path in data_dir.glob("book.db*"):
        path.rename(path.with_name("damaged-" + path.name))


async def call(served: Served) -> str:
    """A call's id, once it was answered."""
    client = await RawClient.dial(served.proxy)
    await client.ask()
    got = await asyncio.wait_for(client.answer(), 60)
    client.leave()
    assert got.status == 200
    return (got.value(b"x-tollbook-call-id") or b"").decode()


async def heard(served: Served, words: str) -> None:
    """Wait until it complains of this."""
    assert served.process.stderr is not None
    while words not in (said := (await served.process.stderr.readline()).decode()):
        assert said, "it ended"


async def test_a_damaged_book_stops_no_call(raw_upstream: OpenUpstream, tmp_path: Path) -> None:
    """While the book cannot be opened calls are served and kept; set aside, a new book has each of them."""
    upstream = await raw_upstream(OK)
    config, data_dir = tmp_path / "config.toml", tmp_path / "data"
    await asyncio.to_thread(config.write_text, f'[upstreams.groq]\nbase_url = "{upstream.url}"\n')
    served = await serve(data_dir, config)
    try:
        before = await call(served)
        await served.rows(1)
        served.child("store").kill()
        await asyncio.to_thread(damage, data_dir)
        ids = []
        complaint = asyncio.create_task(heard(served, "cannot be opened: file is not a database"))
        while not complaint.done() or len(ids) < 6:
            ids.append(await call(served))
            await asyncio.sleep(0.1)
        await complaint
        await asyncio.to_thread(set_aside, data_dir)
        for _ in range(2000):
            rows = (await served.asked("/api/logs?limit=1000"))["logs"]
            if len(rows) >= len(ids):
                break
            await asyncio.sleep(0.05)
        found = [row["id"] for row in rows]
        assert set(ids) <= set(found) <= {before, *ids}
        assert len(found) == len(set(found))
    finally:
        status, _ = await served.stop()
    assert status == 0
