"""Readers see one moment of the book, never wait long, never write, and give back what they took."""

import asyncio
import os
import sqlite3
import sys
import threading
import time
from pathlib import Path

import pytest

from store.book import BOOK_FILE, Book, Entry
from store.filters import Filter
from store.questions import logs, stats
from store.reader import NoAnswer, Reader, TookTooLong
from store.schema import BOOK_VERSION
from tests.books import a_book, a_call

ENDLESS = "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n"


async def test_a_snapshot_stays_at_its_moment(tmp_path: Path) -> None:
    """Rows written after the first look are not seen before the next snapshot."""
    with Book(tmp_path) as book:
        book.add([Entry(a_call())])
        async with Reader.open(tmp_path) as reader:
            async with reader.snapshot() as snapshot:
                assert await snapshot.rows("select count(*) from calls") == [(1,)]
                book.add([Entry(a_call())])
                assert await snapshot.rows("select count(*) from calls") == [(1,)]
            async with reader.snapshot() as snapshot:
                assert await snapshot.rows("select count(*) from calls") == [(2,)]


async def test_answers_agree_with_themselves_while_the_book_is_written(tmp_path: Path) -> None:
    """Under a busy writer every page has as many rows as its total says, and nothing fails."""
    stop = threading.Event()
    with Book(tmp_path) as book:
        book.add([Entry(a_call())])

        def write() -> None:
            while not stop.is_set():
                book.add([Entry(a_call(model=f"m{number}")) for number in range(20)])

        writer = threading.Thread(target=write)
        writer.start()
        try:
            async with Reader.open(tmp_path) as reader:
                for _ in range(15):
                    several = await asyncio.gather(*(stats(reader, Filter(by=("model",))) for _ in range(6)))
                    for told in several:
                        assert sum(row["calls"] for row in told["stats"]) == told["total"]["calls"]
                        assert told["total"]["calls"] % 20 == 1
        finally:
            stop.set()
            writer.join()


async def test_what_takes_too_long_is_ended(tmp_path: Path) -> None:
    """A statement past the deadline is interrupted with a sentence, and the reader goes on."""
    async with Reader.open(a_book(tmp_path, [a_call()]), deadline_s=0.05) as reader:
        with pytest.raises(TookTooLong, match="too long"):
            async with reader.snapshot() as snapshot:
                await snapshot.rows(ENDLESS)
    async with Reader.open(tmp_path) as reader:
        assert len((await logs(reader, Filter()))["logs"]) == 1


async def test_a_statement_can_have_less_time_than_its_snapshot(tmp_path: Path) -> None:
    """A statement past its own time is ended, and the same snapshot answers the next one."""
    async with Reader.open(a_book(tmp_path, [a_call()]), deadline_s=3600) as reader, reader.snapshot() as snapshot:
        with pytest.raises(TookTooLong):
            await snapshot.rows(ENDLESS, within_s=0.05)
        assert await snapshot.rows("select count(*) from calls") == [(1,)]


@pytest.mark.skipif(sys.platform != "linux", reason="a priority belongs to a whole process elsewhere")
async def test_who_asks_leaves_the_processor_to_who_relays(tmp_path: Path) -> None:
    """The threads that read the book have a lower priority than every other thread."""
    before = {thread.native_id for thread in threading.enumerate()}
    async with Reader.open(a_book(tmp_path, [a_call()])) as reader:
        await logs(reader, Filter())
        priorities = {thread.native_id: _priority(thread.native_id) for thread in threading.enumerate()}
    own = {number: priority for number, priority in priorities.items() if number not in before}
    assert own
    assert set(own.values()) == {min(priorities[threading.get_native_id()] + 10, 19)}


def _priority(native_id: int | None) -> int:
    return os.getpriority(os.PRIO_PROCESS, native_id or 0)


async def test_whoever_leaves_frees_the_connection(tmp_path: Path) -> None:
    """Cancelling an endless question ends it, as often as there are connections and more."""
    async with Reader.open(a_book(tmp_path, [a_call()]), deadline_s=3600) as reader:

        async def ask_endlessly() -> None:
            async with reader.snapshot() as snapshot:
                await snapshot.rows(ENDLESS)

        for _ in range(10):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(ask_endlessly(), 0.05)
        assert len((await logs(reader, Filter()))["logs"]) == 1


async def test_nothing_can_be_written(tmp_path: Path) -> None:
    """Every attempt to change the book or its bodies fails."""
    async with Reader.open(a_book(tmp_path, [a_call()])) as reader:
        for statement in ("delete from calls", "delete from bodies.bodies", "create table x (y)", "drop table keys"):
            with pytest.raises(NoAnswer):
                async with reader.snapshot() as snapshot:
                    await snapshot.rows(statement)
        assert len((await logs(reader, Filter()))["logs"]) == 1


async def test_a_book_of_another_version_is_not_read(tmp_path: Path) -> None:
    """A file of another version is refused in a sentence that names both."""
    a_book(tmp_path, [])
    with sqlite3.connect(tmp_path / BOOK_FILE) as connection:
        connection.execute("pragma user_version = 99")
    connection.close()
    async with Reader.open(tmp_path) as reader:
        with pytest.raises(NoAnswer, match=rf"version 99.*version {BOOK_VERSION}"):
            await logs(reader, Filter())


async def test_a_book_that_is_just_being_made_is_empty(tmp_path: Path) -> None:
    """A file without its tables has no rows yet, and is read once it has."""
    (tmp_path / BOOK_FILE).touch()
    async with Reader.open(tmp_path) as reader:
        assert (await logs(reader, Filter()))["logs"] == []
        a_book(tmp_path, [a_call()])
        assert len((await logs(reader, Filter()))["logs"]) == 1


async def test_no_thread_outlives_its_reader(tmp_path: Path) -> None:
    """After closing, every connection's thread has ended, also those that were interrupted."""
    before = set(threading.enumerate())
    async with Reader.open(a_book(tmp_path, [a_call()]), deadline_s=0.05) as reader:
        await asyncio.gather(*(logs(reader, Filter()) for _ in range(8)))
        with pytest.raises(TookTooLong):
            async with reader.snapshot() as snapshot:
                await snapshot.rows(ENDLESS)
        assert set(threading.enumerate()) - before
    for thread in set(threading.enumerate()) - before:
        thread.join(10)  # a thread says that it is done just before it ends
        assert not thread.is_alive()


async def test_closing_ends_what_still_reads(tmp_path: Path) -> None:
    """A page of which one part has failed is done, while its other parts still read: those end with the reader."""
    before = set(threading.enumerate())
    began = asyncio.Event()

    async def part() -> None:
        async with reader.snapshot() as snapshot:
            began.set()
            await snapshot.rows(ENDLESS)

    async with Reader.open(a_book(tmp_path, [a_call()]), deadline_s=30) as reader:
        reading = asyncio.create_task(part())
        await began.wait()
        (thread,) = set(threading.enumerate()) - before
    assert reading.done()
    assert isinstance(reading.exception(), NoAnswer)
    thread.join(10)  # a thread says that it is done just before it ends
    assert not thread.is_alive()


async def test_whoever_leaves_while_the_book_is_opened_leaves_no_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that is being made for somebody who has gone is closed before its reader is."""
    began_to_open = threading.Event()

    def slowly(*_: int) -> None:  # a machine with much to do
        time.sleep(0.3)
        began_to_open.set()

    monkeypatch.setattr("store.reader.os.setpriority", slowly)
    before = set(threading.enumerate())
    async with Reader.open(a_book(tmp_path, [a_call()])) as reader:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(logs(reader, Filter()), 0.05)
        (opening,) = set(threading.enumerate()) - before
    assert began_to_open.is_set()  # its reader waited for it
    opening.join(10)  # a thread says that it is done just before it ends
    assert not opening.is_alive()


async def test_odd_directories_are_read(tmp_path: Path) -> None:
    """Characters that mean something in a URI are part of the path."""
    odd = tmp_path / "a b?c#d%20"
    odd.mkdir()
    async with Reader.open(a_book(odd, [a_call()])) as reader:
        assert len((await logs(reader, Filter()))["logs"]) == 1
