"""Files of the book that somebody removes, replaces or overwrites under a running store."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from store.book import BODIES_FILE, BOOK_FILE, Book
from store.filters import parse
from store.questions import logs
from store.reader import Reader
from tests.journal.runs import HandWritten, an_ingest, framed, rows, stored, whole_call


def removed(data_dir: Path) -> None:
    """The book is gone, with all that belongs to it."""
    for path in data_dir.glob(f"{BOOK_FILE}*"):
        path.unlink()


def removed_alone(data_dir: Path) -> None:
    """The file is gone, its write-ahead log is not."""
    (data_dir / BOOK_FILE).unlink()


def bodies_removed(data_dir: Path) -> None:
    """The bodies are gone."""
    for path in data_dir.glob(f"{BODIES_FILE}*"):
        path.unlink()


def replaced(data_dir: Path) -> None:
    """Another book has its name."""
    other = data_dir.with_name("other")
    other.mkdir()
    Book(other).close()
    for path in data_dir.glob(f"{BOOK_FILE}-*"):
        path.unlink()
    (other / BOOK_FILE).rename(data_dir / BOOK_FILE)


async def counted(reader: Reader) -> int:
    """How many rows a reader sees."""
    return len((await logs(reader, parse([("limit", "100")], datetime.now(UTC), also=("limit",))))["logs"])


@pytest.mark.parametrize("happens", [removed, removed_alone, replaced, bodies_removed])
async def test_calls_after_the_book_is_gone_are_in_its_successor(
    tmp_path: Path, happens: Callable[[Path], None]
) -> None:
    """A book that is removed or replaced is noticed before a call is dropped from the journal: another one has it."""
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    ingest = an_ingest(data_dir)
    first = HandWritten(data_dir)
    first.write(1, *framed(*whole_call(1)))
    first.tally.count("received")
    first.tally.count("ended")
    first.die()
    await stored(ingest, 1)
    for _ in range(2500):
        if not first.directory.path.exists():
            break
        await asyncio.sleep(0.02)
    happens(data_dir)
    second = HandWritten(data_dir)
    second.tally.count("received", 5)
    second.tally.count("ended", 5)
    second.write(1, *framed(*[note for seq in range(1, 6) for note in whole_call(seq)]))
    second.die()
    kept = 1 if happens is bodies_removed else 0
    for _ in range(2500):
        with contextlib.suppress(Exception):
            if len(await rows(data_dir)) == 5 + kept:
                break
        await asyncio.sleep(0.02)
    assert len(await rows(data_dir)) == 5 + kept
    await asyncio.to_thread(ingest.stop)
    assert len(await rows(data_dir)) == 5 + kept
    assert not second.directory.path.exists()


async def test_whoever_reads_sees_the_successor(tmp_path: Path) -> None:
    """A question after the book was replaced is answered from the book that is there now."""
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    run = HandWritten(data_dir)
    run.write(1, *framed(*whole_call(1)))
    run.die()
    ingest = an_ingest(data_dir)
    await stored(ingest, 1)
    await asyncio.to_thread(ingest.stop)
    async with Reader.open(data_dir) as reader:
        assert await counted(reader) == 1
        replaced(data_dir)
        assert await counted(reader) == 0
