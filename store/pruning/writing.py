"""One turn of pruning: a few rows, with all that hangs on them, in one transaction of each file.

What is gone is noted before the first row goes, so that no question takes part of the rows for all of them, whenever
this ends.
"""

import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import orjson

from store import pruned
from store.book import Book

_MOST_BYTES = 2 << 20  # of bodies: they are overwritten
_FEWEST, _MOST = 16, 4_096
_QUICK_S, _SLOW_S = 0.015, 0.04
_RESPONSES = 1_000


class Pace:
    """How much is done in one turn: so much that it takes some 15 to 40 ms, whatever the disk."""

    def __init__(self, at_once: int = 64) -> None:
        self.at_once = at_once

    def took(self, seconds: float) -> None:
        """One turn of `at_once` took so long."""
        if seconds < _QUICK_S:
            self.at_once = min(self.at_once * 2, _MOST)
        elif seconds > _SLOW_S:
            self.at_once = max(self.at_once // 2, _FEWEST)


@dataclass(frozen=True, slots=True)
class Gone:
    """What went in a turn."""

    rows: int = 0
    bytes: int = 0
    last: str | None = None  # where a walk goes on; None: it is done
    took_s: float = 0.0


def bodies(book: Book, through: int, most: int) -> Gone:
    """Forget the oldest bodies up to this id."""

    def work(_: sqlite3.Connection, kept: sqlite3.Connection) -> Gone:
        numbers, size = [], 0
        for number, length in kept.execute(
            "select id, coalesce(length(content), 0) + length(request_headers) + length(response_headers) "
            "from bodies where id <= ? order by id limit ?",
            (through, most),
        ):
            numbers.append(number)
            size += length
            if size > _MOST_BYTES:
                break
        kept.execute("delete from bodies where id in (select value from json_each(?))", (_listed(numbers),))
        return Gone(len(numbers), size)

    # The mark is in the book first: a text that is gone is not to be found.
    if (_mark(book) or 0) < through:
        book.change(lambda connection: pruned.raise_mark(connection, pruned.BODIES_GONE, through))
    return _timed(lambda: book.change_both(work))


def calls(book: Book, before_us: int, most: int) -> Gone:
    """Forget the oldest calls from before this moment. What was summed of them stays."""

    def work(connection: sqlite3.Connection, kept: sqlite3.Connection) -> Gone:
        pruned.raise_mark(connection, pruned.LAST_ID, pruned.last_id(connection))
        pruned.raise_mark(connection, pruned.CALLS_FROM, before_us)
        found = connection.execute(
            "select id from calls indexed by calls_by_time where started_at < ? order by started_at limit ?",
            (before_us, most),
        ).fetchall()
        numbers = _listed([number for (number,) in found])
        kept.execute("delete from bodies where id in (select value from json_each(?))", (numbers,))
        connection.execute("delete from repriced where call in (select value from json_each(?))", (numbers,))
        connection.execute("delete from calls where id in (select value from json_each(?))", (numbers,))
        return Gone(len(found))

    return _timed(lambda: book.change_both(work))


def responses(book: Book, after: str | None) -> Gone:
    """Forget which calls responses were charged to, where the call is gone: so many are looked at."""

    def work(connection: sqlite3.Connection) -> Gone:
        looked_at = [
            one
            for (one,) in connection.execute(
                "select response_id from background_responses where response_id > ? order by response_id limit ?",
                (after or "", _RESPONSES),
            )
        ]
        gone = connection.execute(
            "delete from background_responses where response_id in (select value from json_each(?)) "
            "and not exists (select 1 from calls where calls.call_id = background_responses.call_id)",
            (_listed(looked_at),),
        ).rowcount
        return Gone(gone, last=looked_at[-1] if len(looked_at) == _RESPONSES else None)

    return _timed(lambda: book.change(work))


def space(book: Book, pages: int) -> Gone:
    """Give free pages back to the disk; `rows` is how many are left."""
    return _timed(lambda: Gone(book.give_back(pages)))


def _mark(book: Book) -> int | None:
    found = book.ask("select value from counters where name = ?", (pruned.BODIES_GONE,))
    return int(found[0][0]) if found else None


def _timed(work: Callable[[], Gone]) -> Gone:
    began = time.monotonic()
    done = work()
    return Gone(done.rows, done.bytes, done.last, time.monotonic() - began)


def _listed(values: Sequence[object]) -> str:
    return orjson.dumps(values).decode()
