"""Folding the logs of the book in quiet moments: nobody waits for it, and what could not be done is done later."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from store import ingest
from store.book import BOOK_FILE, Book
from tests.journal.runs import HandWritten, an_ingest, framed, stored, whole_call

WAITS_NOT_S = 2.0  # SQLite waits five seconds for a reader unless told otherwise


@contextmanager
def somebody_reading(data_dir: Path) -> Iterator[None]:
    """Whoever is in the middle of a long question."""
    with closing(sqlite3.connect(data_dir / BOOK_FILE, isolation_level=None, check_same_thread=False)) as reader:
        reader.execute("begin")
        reader.execute("select count(*) from calls").fetchall()
        yield


async def test_a_reader_is_not_waited_for(tmp_path: Path) -> None:
    """While somebody reads, the log stays, without a wait; afterwards it is folded."""
    with Book(tmp_path) as book:
        log = tmp_path / f"{BOOK_FILE}-wal"
        with somebody_reading(tmp_path):
            book.add([])
            assert await asyncio.wait_for(asyncio.to_thread(book.fold_log), WAITS_NOT_S) is False
        assert log.stat().st_size > 0
        assert book.fold_log()
        assert log.stat().st_size == 0


async def test_calls_are_counted_while_somebody_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quiet moment comes while somebody reads: the next call is in the book at once, and the log is folded later."""
    monkeypatch.setattr(ingest, "_IDLE_AFTER_S", 0.2)
    log = tmp_path / f"{BOOK_FILE}-wal"
    run = HandWritten(tmp_path)
    run.write(1, *framed(*whole_call(1)))
    filling = an_ingest(tmp_path)
    try:
        await stored(filling, 1)
        with somebody_reading(tmp_path):
            await asyncio.sleep(0.5)
            run.write(2, *framed(*whole_call(2)))
            await asyncio.wait_for(stored(filling, 2), WAITS_NOT_S)
            unfolded = log.stat().st_size
        async with asyncio.timeout(30):
            while log.stat().st_size >= unfolded:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.05)
    finally:
        await asyncio.to_thread(filling.stop)
        run.die()
