"""Directories that are removed, locked or made read-only while calls come: clients notice nothing, nothing vanishes."""

import asyncio
import shutil
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import aiohttp
import pytest

from proxy.config.model import Config
from proxy.journal.ladder import Step
from store.book import BOOK_FILE
from tests.house import open_house, upstreams
from tests.journal.runs import HandWritten, an_ingest, framed, ingested, stored, whole_call
from tests.relay.conftest import OpenUpstream
from tests.relay.neighbours import sized
from tests.relay.test_full_disk import ANSWER, Asking, balanced, on_a_small_disk

pytestmark = pytest.mark.timeout(120)
JSON = b"Content-Type: application/json"


@asynccontextmanager
async def asking(tmp_path: Path, upstream: str) -> AsyncIterator[Asking]:
    """Worker and store with their data in `tmp_path / "data"`."""
    (tmp_path / "data").mkdir()
    async with (
        open_house(tmp_path / "data", Config(upstreams=upstreams(upstream))) as house,
        aiohttp.ClientSession() as session,
    ):
        yield Asking(session, house.proxy, house.dashboard, tmp_path)


async def test_a_removed_journal_is_made_again_and_costs_no_call(raw_upstream: OpenUpstream, tmp_path: Path) -> None:
    """The store reads what it has open to its end, the worker makes its directory again: each call is in the book."""
    upstream = await raw_upstream(sized(ANSWER, JSON))
    async with asking(tmp_path, upstream.url) as client:
        for _ in range(5):
            await client.ask()
        await client.settled()
        await asyncio.to_thread(shutil.rmtree, tmp_path / "data" / "journal")
        while not any((tmp_path / "data" / "journal").glob("*/*.seg")):
            await client.ask()
            await asyncio.sleep(0.02)
        for _ in range(5):
            await client.ask()
        health = await client.settled()
        assert balanced(health)
        assert (health["received"], health["stored"]) == (len(client.ids), len(client.ids))
        rows = await client.rows()
        assert sorted(row["id"] for row in rows) == sorted(client.ids)


async def test_a_removed_data_directory_is_told_and_calls_wait(raw_upstream: OpenUpstream, tmp_path: Path) -> None:
    """Calls are served, and kept in memory until there is a directory again; then a new book has them."""
    upstream = await raw_upstream(sized(ANSWER, JSON))
    async with asking(tmp_path, upstream.url) as client:
        await client.ask()
        await client.settled()
        (tmp_path / "data").rename(tmp_path / "away")  # at once, which removing it file by file is not
        await asyncio.to_thread(shutil.rmtree, tmp_path / "away")
        health = await client.stands_on("memory")
        since = [await client.ask() for _ in range(10)]
        while (health := await client.asked("/api/health"))["ladder"]["book_error"] is None:
            since.append(await client.ask())
        assert balanced(health)
        (tmp_path / "data").mkdir()
        await client.stands_on("full")
        for _ in range(500):
            health = await client.asked("/api/health")
            if health["stored"] >= len(since):
                break
            await asyncio.sleep(0.05)
        found = {row["id"] for row in await client.rows()}
        assert set(since) <= found <= set(client.ids)
        assert balanced(health)


async def test_a_run_whose_journal_was_removed_is_accounted_for(tmp_path: Path) -> None:
    """Of a worker that died after its journal was removed, the calls that are not in the book are counted as lost."""
    run = HandWritten(tmp_path)
    run.write(1, *framed(*whole_call(1)))
    run.tally.count("received", 4)
    run.tally.count("ended", 4)
    ingest = an_ingest(tmp_path)
    await stored(ingest, 1)
    await asyncio.to_thread(ingest.stop)
    await asyncio.to_thread(shutil.rmtree, run.directory.path)
    ingest = an_ingest(tmp_path)
    assert (ingest.live().received, ingest.live().waiting) == (4, 3)  # it lives, and may make its directory again
    await asyncio.to_thread(ingest.stop)
    run.die()
    counters = await ingested(tmp_path)
    assert (counters["received"], counters["stored"], counters["lost.unwritten"]) == (4, 1, 3)
    assert (await ingested(tmp_path))["received"] == 4


@contextmanager
def read_only(place: Path) -> Iterator[None]:
    """A mount over this directory through which nothing can be written; what is open already stays so."""
    remount = ["mount", "-o", "remount,ro,bind", place]
    subprocess.run(["mount", "--bind", place, place], check=True)
    try:
        while subprocess.run(remount, check=False, capture_output=True).returncode:  # a file was opened by this way
            subprocess.run(["umount", "--lazy", place], check=True)
            subprocess.run(["mount", "--bind", place, place], check=True)
        yield
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


async def test_a_directory_that_becomes_read_only(raw_upstream: OpenUpstream, tmp_path: Path) -> None:
    """Where no file can be made any more notes wait in memory; once it can be written they are all in the book."""
    upstream = await raw_upstream(sized(ANSWER, JSON))
    async with on_a_small_disk(tmp_path, upstream.url) as client:
        await client.ask()
        await client.settled()
        with read_only(client.disk / "data"):
            await client.stands_on("memory")
            for _ in range(10):
                await client.ask()
            assert balanced(await client.asked("/api/health"))
        await client.stands_on("full")
        health = await client.settled()
        assert balanced(health)
        assert (health["stored"], health["lost"]["total"]) == (len(client.ids), 0)


async def test_a_book_that_another_program_locks(raw_upstream: OpenUpstream, tmp_path: Path) -> None:
    """Under calls, a locked book is told as failing; nothing is lost, left out or late, and it is filled afterwards."""
    upstream = await raw_upstream(sized(ANSWER, JSON))
    async with asking(tmp_path, upstream.url) as client:
        await client.ask()
        await client.settled()
        other = sqlite3.connect(tmp_path / "data" / BOOK_FILE, isolation_level=None)
        other.execute("begin immediate")
        while (health := await client.asked("/api/health"))["ladder"]["book_error"] is None:
            await client.ask()
            await asyncio.sleep(0.05)
        assert "locked" in health["ladder"]["book_error"]
        assert (health["ladder"]["step"], health["waiting"] > 0) == (Step.FULL.label, True)
        other.execute("rollback")
        other.close()
        health = await client.settled()
        assert (health["stored"], health["lost"]["total"]) == (len(client.ids), 0)
        assert health["ladder"]["book_error"] is None
        rows = await client.rows()
        assert sorted(row["id"] for row in rows) == sorted(client.ids)
