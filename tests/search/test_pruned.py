"""Words of bodies that were pruned are not found, not kept, and cost nobody the rest of the index."""

import asyncio
import os
import sqlite3
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from store.moments import at as moment
from store.pruning import Limits
from store.reader import Reader
from store.search.index import Index, Indexed
from store.search.indexing import Indexing
from store.search.reach import reach
from store.search.texts import Text
from tests.books import NOON_US, a_book
from tests.prune.pruning import days, pruned
from tests.search.test_indexing import at, caught_up, found, indexed, indexing, said

LATER = moment(NOON_US) + timedelta(days=40)
OLD = 6
"""So many of the calls in these books are old."""


def told(data_dir: Path, statement: str) -> list[Any]:
    with closing(sqlite3.connect(data_dir / "search.db")) as connection:
        return connection.execute(statement).fetchall()


def some(old: int = OLD, new: int = 4) -> list[Any]:
    """Calls numbered by their time: old ones of day 0 and new ones of day 30, each with a word of its own."""
    early = [said(f"needle early{number} xylophonequartz", **at(number)) for number in range(1, old + 1)]
    late = [said(f"needle late{number}", **at(days(30) + number)) for number in range(1, new + 1)]
    return early + late


def kept(data_dir: Path) -> bool:
    """Whether a word of the old calls is in any file of the index."""
    names = [name for name in os.listdir(data_dir) if name.startswith("search.db") and not name.endswith("-shm")]
    return any(b"lophonequartz" in (data_dir / name).read_bytes() for name in names)


async def forget_bodies(data_dir: Path) -> None:
    done = await pruned(data_dir, Limits(bodies_us=days(20)), LATER)
    assert done.bodies == OLD


def clean(data_dir: Path) -> None:
    """Wait until the thread has taken out what has no text any more."""
    with indexing(data_dir):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if told(data_dir, "select min(first_id) > 6 from shelves") != [(0,)] and not told(
                data_dir, "select 1 from refilling"
            ):
                return
            time.sleep(0.02)
    pytest.fail("what was pruned stays in the index")


async def test_what_is_gone_is_not_found_from_that_moment_on(tmp_path: Path) -> None:
    """Its words are still on a shelf beside others, but `q` finds only what has its text; the reach says so."""
    a_book(tmp_path, some())
    indexed(tmp_path, 10)
    assert len(await found(tmp_path, "needle")) == 10
    await forget_bodies(tmp_path)
    late = [days(30) + number for number in (4, 3, 2, 1)]
    assert await found(tmp_path, "needle") == late
    assert await found(tmp_path, "early3") == []
    assert await found(tmp_path, "need*") == late
    async with Reader.open(tmp_path) as reader, reader.snapshot() as snapshot:
        assert (await reach(snapshot))["from"] == "2026-12-21T12:00:00.000001Z"


async def test_its_words_leave_the_index(tmp_path: Path) -> None:
    """The shelf is filled anew without them, in the same file, while calls still come; everything else is found."""
    a_book(tmp_path, some())
    indexed(tmp_path, 10)
    inode = (tmp_path / "search.db").stat().st_ino
    assert kept(tmp_path)
    await forget_bodies(tmp_path)
    a_book(tmp_path, [said("needle newest", **at(days(30) + 9))])
    clean(tmp_path)
    indexed(tmp_path, 11)
    assert (tmp_path / "search.db").stat().st_ino == inode
    assert await found(tmp_path, "needle") == [days(30) + number for number in (9, 4, 3, 2, 1)]
    assert await found(tmp_path, "late2") == [days(30) + 2]
    assert told(tmp_path, "select first_id, last_id, calls from shelves") == [(7, 11, 5)]
    assert told(tmp_path, "select count(*) from words_1 where words_1 match 'early*'") == [(0,)]
    assert not kept(tmp_path)


async def test_the_log_of_the_index_has_none_of_them_either(tmp_path: Path) -> None:
    """While the store goes on, no file of the index has a word that went."""
    a_book(tmp_path, some())
    with indexing(tmp_path) as thread:
        caught_up(thread, 10, tmp_path)
        assert kept(tmp_path)
        await forget_bodies(tmp_path)
        deadline = time.monotonic() + 60
        while kept(tmp_path):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)


async def test_a_command_takes_them_out_itself(tmp_path: Path) -> None:
    """Where no store runs, the same is done without the thread."""
    a_book(tmp_path, some())
    indexed(tmp_path, 10)
    await forget_bodies(tmp_path)
    Indexing(tmp_path, lambda: 0).forget()
    assert told(tmp_path, "select first_id, last_id, calls from shelves") == [(7, 10, 4)]
    assert told(tmp_path, "pragma freelist_count") == [(0,)]


def test_shelves_that_hold_nothing_else_are_dropped(tmp_path: Path) -> None:
    """A shelf goes as a whole when all its calls have no text any more; the one that has both is told."""
    with Index(tmp_path, shelf_calls=3) as index:
        index.add([Indexed(number, bytes([number]) * 16, number, Text("word", "")) for number in range(1, 11)])
        assert index.forget(7)
        assert not index.forget(7)
        assert index.refilling(7) == (7, 9)
        index.refill([Indexed(8, b"8" * 16, 8, Text("word", ""))], 9)
        assert index.refilling(7) == (8, 9)
        index.refill([Indexed(9, b"9" * 16, 9, Text("word", ""))], 9)
        assert index.refilling(7) is None
    assert told(tmp_path, "select number, first_id, last_id, calls, oldest from shelves") == [
        (3, 8, 9, 2, 8),
        (4, 10, 10, 1, 10),
    ]
    assert told(tmp_path, "select rowid from words_3 where words_3 match 'word'") == [(8,), (9,)]
    assert [name for (name,) in told(tmp_path, "select name from sqlite_schema where sql like 'create virtual%'")] == [
        "words_4",
        "words_3",
    ]


def test_filling_anew_begins_anew_when_more_is_gone(tmp_path: Path) -> None:
    """When more bodies went meanwhile, or the shelf itself has to go, nothing of what was begun is left."""
    with Index(tmp_path, shelf_calls=10) as index:
        index.add([Indexed(number, bytes([number]) * 16, number, Text("word", "")) for number in range(1, 13)])
        assert index.refilling(3) == (3, 10)
        index.refill([Indexed(4, b"4" * 16, 4, Text("word", ""))], 10)
        assert index.refilling(5) == (5, 10)
        assert index.forget(10)
        assert index.refilling(10) is None
    assert told(tmp_path, "select number from shelves") == [(2,)]
    assert told(tmp_path, "select count(*) from refilling") == [(0,)]


async def test_an_index_of_a_book_whose_calls_are_gone_is_the_same_books(tmp_path: Path) -> None:
    """After the call it had come to was pruned it is not made anew, and the next call is found."""
    a_book(tmp_path, some(new=0))
    indexed(tmp_path, OLD)
    inode = (tmp_path / "search.db").stat().st_ino
    done = await pruned(tmp_path, Limits(calls_us=days(32)), LATER)
    assert done.calls == OLD
    a_book(tmp_path, [said("needle new", **at(days(39)))])
    indexed(tmp_path, OLD + 1)
    assert (tmp_path / "search.db").stat().st_ino == inode
    assert await found(tmp_path, "needle") == [days(39)]
