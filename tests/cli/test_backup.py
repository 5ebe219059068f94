"""`tollbook backup`: a copy that opens, is whole, and is of one moment."""

import json
import shutil
import sqlite3
import stat
import threading
from contextlib import closing
from pathlib import Path

from store.book import BODIES_FILE, BOOK_FILE, Book, Entry, KeptBody
from tests.books import a_book, a_call
from tests.cli.conftest import Run


def asked(file: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(statement).fetchall()


def restored(run: Run, target: Path, to: Path) -> list[str]:
    """The ids in a data directory that was made of a backup as the help says."""
    to.mkdir()
    shutil.copy(target, to / BOOK_FILE)
    shutil.copy(target.with_name(f"{target.stem}.bodies.db"), to / BODIES_FILE)
    Book(to).close()  # what `serve` does first
    ran = run("logs", "--json", "--limit", "1000", "--data-dir", to)
    assert ran.status == 0, ran.err
    return [call["id"] for call in json.loads(ran.out)["logs"]]


def test_a_backup_holds_every_call_and_body(run: Run, book: Path, tmp_path: Path) -> None:
    """The copy answers as the original does, bodies included, and nobody else may read it."""
    target = tmp_path / "copy.db"
    ran = run("backup", target, "--data-dir", book)
    assert (ran.status, ran.err) == (0, "")
    assert "8 calls, the last received at" in ran.out
    assert asked(target, "pragma integrity_check") == [("ok",)]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    listed = json.loads(run("logs", "--json", "--data-dir", book).out)["logs"]
    assert restored(run, target, tmp_path / "again") == [call["id"] for call in listed]
    shown = [run("show", "--json", listed[0]["id"], "--data-dir", place).out for place in (book, tmp_path / "again")]
    assert shown[0] == shown[1]
    assert json.loads(shown[0])["request"]["body"]["model"] == "gpt-4o-mini"


def test_a_backup_is_of_one_moment_while_calls_are_written(run: Run, tmp_path: Path) -> None:
    """While batches are written as fast as they can be, each backup has whole batches, and a body for every call."""
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    a_book(data_dir, [a_call() for _ in range(25)])
    done = threading.Event()

    def write() -> None:
        with Book(data_dir) as writing:
            while not done.is_set():
                entries = [
                    Entry(a_call(), (), KeptBody(b"asked" * 400), (), KeptBody(b"said" * 400)) for _ in range(25)
                ]
                writing.add(entries)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(4):
            target = tmp_path / f"copy{number}.db"
            assert run("backup", target, "--data-dir", data_dir).status == 0
            ((calls, last),) = asked(target, "select count(*), max(id) from calls")
            assert calls == last
            assert calls % 25 == 0
            assert asked(target, "select sum(calls) from day_sums") == [(calls,)]
            bodies = target.with_name(f"copy{number}.bodies.db")
            assert asked(bodies, "select count(*), max(id) from bodies") == [(calls, last)]
            assert asked(target, "pragma integrity_check") == asked(bodies, "pragma integrity_check") == [("ok",)]
    finally:
        done.set()
        writer.join()


def test_a_backup_never_replaces_another_unasked(run: Run, book: Path, tmp_path: Path) -> None:
    """What is there stays as it is, unless --force says otherwise; a name in no directory is one sentence."""
    target = tmp_path / "copy.db"
    target.write_text("precious")
    ran = run("backup", target, "--data-dir", book)
    assert (ran.status, target.read_text()) == (1, "precious")
    assert "--force" in ran.err
    assert run("backup", target, "--force", "--data-dir", book).status == 0
    assert asked(target, "select count(*) from calls") == [(8,)]
    ran = run("backup", tmp_path / "nowhere" / "copy.db", "--data-dir", book)
    assert (ran.status, ran.err.count("\n")) == (1, 1)


def test_without_bodies(run: Run, book: Path, tmp_path: Path) -> None:
    """Without bodies there is only the book."""
    assert run("backup", tmp_path / "copy.db", "--no-bodies", "--data-dir", book).status == 0
    assert sorted(path.name for path in tmp_path.glob("copy*")) == ["copy.db"]


def test_a_backup_that_fails_leaves_nothing(run: Run, book: Path, tmp_path: Path) -> None:
    """A book that cannot be read is one sentence, and no half of a file stays."""
    (book / BODIES_FILE).write_bytes(b"no database at all" * 1000)
    ran = run("backup", tmp_path / "copy.db", "--data-dir", book)
    assert ran.status == 1
    assert "could not be copied" in ran.err
    assert list(tmp_path.glob("copy*")) == []


def test_where_there_is_no_book(run: Run, tmp_path: Path) -> None:
    """Without a book there is nothing to copy, and that is said."""
    ran = run("backup", tmp_path / "copy.db", "--data-dir", tmp_path / "none")
    assert ran.status == 1
    assert "There is no book" in ran.err
