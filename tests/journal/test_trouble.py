"""Bad days of the thread that fills the book: it goes on afterwards, with nothing lost or doubled."""

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from proxy.config.model import Config
from store.book import BOOK_FILE
from store.call import Cost, Reading
from store.charging import Charging, Tariff
from store.journal import Journals
from tests.journal.runs import AT_US, HandWritten, an_ingest, framed, ingested, rows, stored, whole_call


@contextmanager
def locked(data_dir: Path) -> Iterator[None]:
    """Another program holds the book's write lock meanwhile."""
    other = sqlite3.connect(data_dir / BOOK_FILE, isolation_level=None)
    other.execute("begin immediate")
    try:
        yield
    finally:
        other.execute("rollback")
        other.close()


async def test_a_locked_book_is_filled_once_it_is_free(tmp_path: Path) -> None:
    """Calls, and the accounts of a worker that dies meanwhile, wait for a book that somebody else has locked."""
    run = HandWritten(tmp_path)
    first, second = framed(*whole_call(1)), framed(*whole_call(2))
    run.write(1, *first)
    run.tally.count("received", 2)
    run.tally.count("ended", 2)
    ingest = an_ingest(tmp_path)
    await stored(ingest, 1)
    with locked(tmp_path):
        run.write(1, *first, *second)
        run.die()
        await asyncio.sleep(6)  # longer than SQLite itself waits for a lock
        assert ingest.live().waiting == 1
    await stored(ingest, 2)
    await asyncio.to_thread(ingest.stop)
    assert not run.directory.path.exists()


async def test_a_long_reader_stops_no_call_and_its_log_is_folded_afterwards(tmp_path: Path) -> None:
    """Another program that keeps a snapshot open makes the write-ahead log long, until it lets go; calls go in."""
    ingest = an_ingest(tmp_path)
    log = tmp_path / f"{BOOK_FILE}-wal"
    with closing(sqlite3.connect(f"file:{tmp_path / BOOK_FILE}?mode=ro", uri=True, isolation_level=None)) as other:
        other.execute("begin")
        assert other.execute("select count(*) from calls").fetchone() == (0,)
        for number in range(1, 9):
            run = HandWritten(tmp_path)
            run.write(1, *framed(*[note for seq in range(1, 101) for note in whole_call(seq)]))
            run.die()
            await stored(ingest, number * 100)
        assert other.execute("select count(*) from calls").fetchone() == (0,)
        grown = log.stat().st_size
        other.execute("rollback")
    for _ in range(3000):
        if log.stat().st_size < grown:
            break
        await asyncio.sleep(0.02)
    assert log.stat().st_size < grown
    await asyncio.to_thread(ingest.stop)
    assert len(await rows(tmp_path)) == 800


async def test_a_mistake_of_ours_does_not_end_it(tmp_path: Path) -> None:
    """Something in the journal's place that nobody foresaw stops the filling only while it is there."""
    ingest = an_ingest(tmp_path)
    journal = tmp_path / "journal"

    def replace() -> None:
        while not journal.is_file():
            shutil.rmtree(journal)
            with suppress(IsADirectoryError):  # it was made again in between
                journal.write_text("a file where a directory should be")

    await asyncio.to_thread(replace)
    await asyncio.sleep(0.3)
    journal.unlink()
    journal.mkdir(exist_ok=True)
    run = HandWritten(tmp_path)
    run.write(1, *framed(*whole_call(1)))
    run.die()
    await stored(ingest, 1)
    await asyncio.to_thread(ingest.stop)


def test_what_is_closed_is_not_closed_again(tmp_path: Path) -> None:
    """A book that cannot be opened has the journals closed at each try; files opened meanwhile are left alone."""
    run = HandWritten(tmp_path)
    run.write(1, *framed(*whole_call(1)))
    journals = Journals(tmp_path, {})
    journals.look()
    assert [len(calls) for one in journals.runs.values() for calls in journals.read(one)] == [1]
    journals.close()
    with (tmp_path / "of somebody else").open("wb") as other:
        journals.close()
        os.fstat(other.fileno())


async def test_strange_files_are_passed_over(tmp_path: Path) -> None:
    """A file that somebody put among the segments, or beside the runs, is not read and stops nothing."""
    run = HandWritten(tmp_path)
    run.write(1, *framed(*whole_call(1)))
    (run.directory.path / "copy.seg").write_bytes(b"x")
    (tmp_path / "journal" / "notes.txt").write_text("x")
    run.die()
    assert (await ingested(tmp_path))["stored"] == 1
    assert len(await rows(tmp_path)) == 1


class Stumbling(Charging):
    """Charges all calls but one, over which it stumbles."""

    def __init__(self, over_us: int) -> None:
        super().__init__(Tariff.of(Config()))
        self._over_us = over_us

    def cost(self, reading: Reading, upstream: str | None, started_at_us: int, **told: Any) -> Cost:
        """That of the call, unless it began at this moment."""
        if started_at_us == self._over_us:
            raise ZeroDivisionError("nobody foresaw this")
        return super().cost(reading, upstream, started_at_us, **told)


async def test_a_call_that_cannot_be_metered_is_a_row_of_its_notes(tmp_path: Path) -> None:
    """A call over which the metering stumbles is a row with what its notes say; others of its batch are as ever."""
    ingest = an_ingest(tmp_path)
    await asyncio.wrap_future(ingest.adopt(Stumbling(AT_US + 3000)))
    run = HandWritten(tmp_path)
    run.write(1, *framed(*[note for seq in range(1, 6) for note in whole_call(seq)]))
    run.tally.count("received", 5)
    run.tally.count("ended", 5)
    run.die()
    await stored(ingest, 5)
    await asyncio.to_thread(ingest.stop)
    found = await rows(tmp_path)
    odd = found.pop(2)
    assert (odd["type"], odd["model"]) == ("other", None)
    assert (odd["outcome"], odd["status"], odd["duration_ms"]) == ("completed", 200, 1.0)
    assert (odd["tokens"]["total"], odd["cost"]["usd"], odd["usage"]) == (None, None, None)
    for row in found:
        assert (row["type"], row["model"], row["tokens"]["total"]) == ("chat", "gpt-4o", 5)
