"""The index follows the book, survives what happens to its file, and holds text only."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from proxy.journal.notes import Headers
from store.book import Book, Entry, KeptBody
from store.call import Call, CallError
from store.filters import parse
from store.questions import logs
from store.reader import Reader
from store.search.index import Index, Indexed, remove
from store.search.indexing import Indexing
from store.search.reach import reach
from store.search.texts import Text
from tests.books import NOON_US, a_book, a_call

NOW = datetime(2026, 11, 22, tzinfo=UTC)
JSON: Headers = (("content-type", "application/json"),)


def said(asked: str, answered: str = "", **changes: Any) -> Entry:
    """A chat in which these were said."""
    request = orjson.dumps({"model": "m", "messages": [{"role": "user", "content": asked}]})
    response = orjson.dumps({"choices": [{"index": 0, "message": {"role": "assistant", "content": answered}}]})
    return Entry(a_call(**changes), JSON, KeptBody(request), JSON, KeptBody(response))


@contextmanager
def indexing(data_dir: Path, waiting: int = 0) -> Iterator[Indexing]:
    """The thread at work."""
    thread = Indexing(data_dir, lambda: waiting)
    thread.start()
    try:
        yield thread
    finally:
        thread.stop()


def caught_up(thread: Indexing, calls: int, data_dir: Path) -> None:
    """Wait until this many calls have been looked at."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if progress(data_dir) >= calls and thread.standing().waiting == 0:
            return
        time.sleep(0.02)
    pytest.fail(f"looked at {progress(data_dir)} of {calls}")


def progress(data_dir: Path) -> int:
    """The id the index in the file has come to."""
    try:
        connection = sqlite3.connect(f"file:{data_dir}/search.db?mode=ro", uri=True)
        try:
            ((last_id,),) = connection.execute("select last_id from progress").fetchall()
            return int(last_id)
        finally:
            connection.close()
    except sqlite3.Error:
        return 0


def indexed(data_dir: Path, calls: int) -> None:
    """Let the thread work until it has seen so many calls."""
    with indexing(data_dir) as thread:
        caught_up(thread, calls, data_dir)


async def found(data_dir: Path, *texts: str, **params: str) -> list[int]:
    """The numbers of the calls (by their time) that `q` finds, in the order of the answer."""
    asked = parse([*(("q", text) for text in texts), *params.items()], NOW, also=("limit", "sort", "order"))
    async with Reader.open(data_dir) as reader:
        page = await logs(reader, asked)
    return [microseconds(row["time"]) for row in page["logs"]]


def microseconds(time_text: str) -> int:
    return round((datetime.fromisoformat(time_text) - datetime.fromtimestamp(NOON_US / 1e6, UTC)).total_seconds() * 1e6)


def at(number: int) -> dict[str, int]:
    return {"started_at_us": NOON_US + number}


async def test_words_of_both_sides_are_found_together(tmp_path: Path) -> None:
    """All words must appear, whether asked or answered; any value may match; an exclusion takes away."""
    a_book(tmp_path, [
        said("please refund my invoice", "it is done", **at(1)), said("what is the weather", "sunny, done", **at(2)),
        Entry(a_call(error=CallError("overloaded", None, "try the weather later"), **at(3))),
    ])  # fmt: skip
    indexed(tmp_path, 3)
    assert await found(tmp_path, "refund done") == [1]
    assert await found(tmp_path, "done") == [2, 1]
    assert await found(tmp_path, "weather") == [3, 2]
    assert await found(tmp_path, "refund", "sunny") == [2, 1]
    assert await found(tmp_path, "done", "!refund") == [2]
    assert await found(tmp_path, "!weather") == [1]
    assert await found(tmp_path, "assistant") == []


async def test_common_words_are_found_by_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in very many calls is found page by page, on several shelves, with the same answers in any order."""
    monkeypatch.setattr("store.search.condition.MOST_FEW", 5)
    a_book(tmp_path, [said("word" if number % 3 else "other", **at(number)) for number in range(1, 61)])
    with Index(tmp_path, shelf_calls=7) as index:
        for number in range(1, 61):
            text = Text("word" if number % 3 else "other", "")
            index.add([Indexed(number, b"", NOON_US + number, text)])
    expected = [number for number in range(60, 0, -1) if number % 3]
    assert await found(tmp_path, "word") == expected
    assert await found(tmp_path, "word", order="asc") == expected[::-1]
    assert await found(tmp_path, "!other") == expected
    assert await found(tmp_path, "!word") == [number for number in range(60, 0, -1) if number % 3 == 0]
    assert await found(tmp_path, "word", limit="3", sort="duration") == expected[:3]


async def test_an_index_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """A second start indexes what came meanwhile, and nothing twice."""
    a_book(tmp_path, [said("first", **at(1))])
    indexed(tmp_path, 1)
    inode = (tmp_path / "search.db").stat().st_ino
    a_book(tmp_path, [said("second", **at(2))])
    indexed(tmp_path, 2)
    assert (tmp_path / "search.db").stat().st_ino == inode
    assert (await found(tmp_path, "first"), await found(tmp_path, "second")) == ([1], [2])
    assert ((tmp_path / "search.db").stat().st_mode & 0o777) == 0o600


@pytest.mark.parametrize("harm", ["garbage", "torn", "version", "tables", "gone", "other book"])
async def test_an_index_that_is_not_right_is_made_anew(tmp_path: Path, harm: str) -> None:
    """Whatever was done to the file, the next start finds everything again."""
    a_book(tmp_path, [said(f"needle number{number}", **at(number)) for number in range(1, 200)])
    indexed(tmp_path, 199)
    path = tmp_path / "search.db"
    if harm == "garbage":
        path.write_bytes(b"not a database at all" * 1000)
    elif harm == "torn":
        os.truncate(path, path.stat().st_size // 2)
    elif harm == "gone":
        remove(tmp_path)
    else:
        statement = {
            "version": "pragma user_version = 99",
            "tables": "drop table progress",
            "other book": "update progress set call_id = x'00'",
        }[harm]
        with sqlite3.connect(path) as connection:
            connection.execute(statement)
        connection.close()
    a_book(tmp_path, [said("needle late", **at(200))])
    indexed(tmp_path, 200)
    assert await found(tmp_path, "needle number77") == [77]
    assert await found(tmp_path, "late") == [200]


async def test_a_file_removed_while_it_is_written_is_made_anew(tmp_path: Path) -> None:
    """The thread notices, and so does a reader that had it open."""
    a_book(tmp_path, [said("needle", **at(1))])
    async with Reader.open(tmp_path) as reader:
        with indexing(tmp_path) as thread:
            caught_up(thread, 1, tmp_path)
            asked = parse([("q", "needle")], NOW)
            assert len((await logs(reader, asked))["logs"]) == 1
            remove(tmp_path)
            a_book(tmp_path, [said("needle", **at(2))])
            caught_up(thread, 2, tmp_path)
            assert len((await logs(reader, asked))["logs"]) == 2


async def test_an_unreadable_index_is_no_obstacle_to_other_questions(tmp_path: Path) -> None:
    """With garbage in place of the index, what does not search is answered, and what searches finds nothing."""
    a_book(tmp_path, [said("needle", **at(1))])
    (tmp_path / "search.db").write_bytes(b"no database" * 1000)
    assert await found(tmp_path) == [1]
    assert await found(tmp_path, "needle") == []


async def test_the_reach_is_told(tmp_path: Path) -> None:
    """From the oldest text to the newest call looked at, and how many were not yet looked at."""

    async def told() -> dict[str, Any]:
        async with Reader.open(tmp_path) as reader, reader.snapshot() as snapshot:
            return await reach(snapshot)

    assert await told() == {"from": None, "to": None, "waiting": 0}
    a_book(tmp_path, [said("a", **at(5)), said("b", **at(6))])
    assert await told() == {"from": None, "to": None, "waiting": 2}
    indexed(tmp_path, 2)
    a_book(tmp_path, [said("c", **at(7))])
    assert await told() == {
        "from": "2026-11-21T12:00:00.000005Z", "to": "2026-11-21T12:00:00.000006Z", "waiting": 1,
    }  # fmt: skip


def test_a_busy_book_delays_the_index_but_not_for_ever(tmp_path: Path) -> None:
    """While very many calls wait to enter the book, the index still comes on."""
    a_book(tmp_path, [said("a", **at(number)) for number in range(1, 4)])
    with indexing(tmp_path, waiting=10_000) as thread:
        caught_up(thread, 3, tmp_path)


def test_a_call_that_the_book_takes_back_is_not_needed(tmp_path: Path) -> None:
    """Bodies that belong to another call are not taken for this one's."""
    call: Call = a_call(**at(1))
    a_book(tmp_path, [Entry(call, JSON, KeptBody(b'{"prompt": "mine"}'))])
    with sqlite3.connect(tmp_path / "bodies.db") as connection:
        connection.execute("update bodies set call_id = x'00'")
    connection.close()
    indexed(tmp_path, 1)
    with sqlite3.connect(tmp_path / "search.db") as connection:
        assert connection.execute("select count(*) from shelves").fetchall() == [(0,)]
    connection.close()
    Book(tmp_path).close()
