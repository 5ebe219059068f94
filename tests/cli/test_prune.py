"""`tollbook prune` shows what goes, removes it, and says what stays."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import orjson
import pytest

from store.book import Entry, KeptBody
from store.lock import STORE_LOCK, take
from store.sums import DAY_US
from tests.books import NOON_US, a_book, a_call
from tests.cli.conftest import Run
from tests.cli.terminal import seen_on_terminal, unstyled

ANCIENT = NOON_US - 500 * DAY_US


@pytest.fixture
def old_book(tmp_path: Path) -> Path:
    """Ten calls of long ago and two of a future in which nothing is too old yet."""
    made = tmp_path / "old"
    made.mkdir()
    moments = [*(ANCIENT + number for number in range(10)), *(NOON_US + (3000 + number) * DAY_US for number in (1, 2))]
    return a_book(
        made, (Entry(a_call(started_at_us=at), (), KeptBody(b"asked"), (), KeptBody(b"told")) for at in moments)
    )


@pytest.fixture
def configured(tmp_path: Path) -> Path:
    file = tmp_path / "tollbook.toml"
    file.write_text('[store]\nkeep_bodies = "30d"\nkeep_calls = "90d"\n')
    return file


def count(book: Path) -> tuple[int, int]:
    counts = []
    for file, table in (("book.db", "calls"), ("bodies.db", "bodies")):
        with closing(sqlite3.connect(book / file)) as connection:
            counts.append(connection.execute(f"select count(*) from {table}").fetchone()[0])
    return counts[0], counts[1]


def test_a_book_of_another_version_is_left_alone(run: Run, old_book: Path, configured: Path) -> None:
    """It is said that nothing was changed, and why; nobody is told to run it again."""
    with closing(sqlite3.connect(old_book / "book.db")) as connection:
        connection.execute("pragma user_version = 99")
    ran = run("prune", "--data-dir", old_book, "--config", configured)
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.startswith("tollbook: Nothing was changed: ")
    assert "has version 99" in ran.err
    assert "Run it again" not in ran.err


def test_a_dry_run_tells_and_removes_nothing(run: Run, old_book: Path, configured: Path) -> None:
    """It tells calls, bodies, bytes and the oldest that stays; the files stay as they were."""
    ran = run("prune", "--dry-run", "--data-dir", old_book, "--config", configured, "--json")
    told = orjson.loads(ran.out)
    assert (ran.status, ran.err) == (0, "")
    assert (told["pruned"], told["calls"], told["bodies"], told["oldest_call"]) == (
        False, 10, 10, "2035-02-08T12:00:00.000000Z",
    )  # fmt: skip
    assert told["bodies_bytes"] > 0
    assert told["files"]["after"] is None
    assert count(old_book) == (12, 12)


def test_it_removes_what_was_shown(run: Run, old_book: Path, configured: Path) -> None:
    """What the dry run told is what goes; sums stay, and once more nothing goes."""
    where = ("--data-dir", old_book, "--config", configured)
    shown = orjson.loads(run("prune", "--dry-run", *where, "--json").out)
    done = orjson.loads(run("prune", *where, "--json").out)
    assert done["pruned"]
    for name in ("calls", "bodies", "bodies_bytes", "oldest_call", "oldest_bodies"):
        assert done[name] == shown[name]
    assert done["files"]["after"].keys() == done["files"]["before"].keys()
    assert count(old_book) == (2, 2)
    again = orjson.loads(run("prune", *where, "--json").out)
    assert (again["calls"], again["bodies"]) == (0, 0)
    assert orjson.loads(run("stats", "--data-dir", old_book, "--json").out)["total"]["calls"] == 12


def test_for_a_person(run: Run, old_book: Path, configured: Path) -> None:
    """In words: what would go, what went, and how large the files are."""
    where = ("--data-dir", old_book, "--config", configured)
    would = run("prune", "--dry-run", *where).out
    assert "10 calls would go" in would
    went = run("prune", *where).out
    assert "10 calls went" in went
    assert "2035-02-08" in went
    assert "bodies.db:" in went


def test_everything_is_kept_unless_said(run: Run, old_book: Path) -> None:
    """Without a configuration nothing goes, and it says why."""
    ran = run("prune", "--data-dir", old_book)
    assert (ran.status, count(old_book)) == (0, (12, 12))
    assert "Everything is kept" in ran.out


def test_a_book_that_somebody_else_writes(run: Run, old_book: Path, configured: Path) -> None:
    """A process that holds the book and takes no errands keeps it as it is, and the command says so."""
    lock = take(old_book / STORE_LOCK)
    try:
        ran = run("prune", "--data-dir", old_book, "--config", configured)
    finally:
        os.close(lock)
    assert ran.status == 1
    assert "in use by another process" in ran.err
    assert count(old_book) == (12, 12)


def test_there_is_a_bar_on_a_terminal(old_book: Path, configured: Path) -> None:
    """Whoever looks sees how far it is, and at the end all that went."""
    status, seen = seen_on_terminal(140, "prune", "--data-dir", old_book, "--config", configured)
    assert status == 0
    assert "20/20" in unstyled(seen)
