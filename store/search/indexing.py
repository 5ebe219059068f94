"""The thread that fills the index: reads calls from the book behind their rows, and writes `search.db` only.

It has time when the ingest has: it pauses while calls wait to enter the book or come fast, though never for ever, and
rests after each piece of work as long as that took. What is wrong with its file is mended by making it anew; what is
wrong with the disk is waited for. No failure here concerns anybody else.
"""

import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path

from store.book import BODIES_FILE, BOOK_FILE
from store.pruned import BODIES_GONE, LAST_ID, mark
from store.read_only import uri
from store.search.coming import Coming
from store.search.file import SEARCH_FILE
from store.search.index import Index, Indexed, OtherVersion, remove
from store.search.kept import text_of_row
from store.search.standing import Standing

log = logging.getLogger("tollbook.search")

_READ_AT_ONCE = 16  # calls, between two rests: each can bring half a megabyte
_WRITE_AT_ONCE = 500
_WRITE_CHARACTERS = 2 << 20  # in one transaction
_LOOK_S = 0.1
_IDLE_LOOK_S = 0.25
_IDLE_AFTER_S = 5.0
_MANY_WAITING = 200  # calls on their way into the book: it has no time to lose
_PATIENCE_S = 2.0  # after so long a pause one small piece is done all the same
_RETRY_S = (0.2, 1.0, 5.0)
_BROKEN = frozenset((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR))  # the last: no such table


class Indexing:
    """Owns the index and its thread. The book must be there when it starts."""

    def __init__(self, data_dir: Path, waiting: Callable[[], int]) -> None:
        self._data_dir = data_dir
        self._waiting = waiting  # calls that wait to enter the book
        self._stopping = threading.Event()
        self._standing = Standing()
        self._thread = threading.Thread(target=self._run, name="tollbook-search")

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End soon; what is not indexed yet is at the next start. Blocks."""
        self._stopping.set()
        self._thread.join()

    def forget(self) -> None:
        """Take out what has no text any more: instead of the thread, for whoever holds the store's lock alone.

        Raises:
            sqlite3.Error: it cannot be done now; the thread does it when it runs again.
        """
        if not (self._data_dir / SEARCH_FILE).exists():
            return
        try:
            with contextlib.closing(_book(self._data_dir)) as book, self._open(book) as index:
                while self._forget(book, index):
                    pass
        except _Anew:
            self._remove()

    def standing(self) -> Standing:
        """How far the index is; from any thread."""
        return self._standing

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            try:
                with contextlib.closing(_book(self._data_dir)) as book, self._open(book) as index:
                    failures = 0
                    self._fill(book, index)
            except _Anew as reason:
                log.warning("the search index is made anew: %s", reason)
                self._remove()
                self._stopping.wait(_RETRY_S[0])
            except Exception as error:
                log.log(
                    logging.DEBUG if failures % 20 else logging.WARNING,
                    "the search index is not being written (%s: %s); trying again", type(error).__name__, error,
                )  # fmt: skip
                self._stopping.wait(_RETRY_S[min(failures, len(_RETRY_S) - 1)])
                failures += 1

    def _remove(self) -> None:
        try:
            remove(self._data_dir)
        except OSError as error:
            log.warning("the search index cannot be removed: %s", error)
            self._stopping.wait(_RETRY_S[-1])

    def _open(self, book: sqlite3.Connection) -> Index:
        with _mended():
            index = Index(self._data_dir)
        last = index.progress
        if last.last_id:
            found = book.execute("select call_id from calls where id = ?", (last.last_id,)).fetchone()
            pruned = found is None and last.last_id <= (mark(book, LAST_ID) or 0)
            if not pruned and (found is None or found[0] != last.call_id):
                index.close()
                raise _Anew("it belongs to another book")
        return index

    def _fill(self, book: sqlite3.Connection, index: Index) -> None:
        worked = time.monotonic()
        coming = Coming(worked)
        while not self._stopping.is_set():
            if not index.in_place:
                return
            began = time.monotonic()
            last = _last_in(book)
            coming.look(began, last, index.progress.last_id)
            busy = self._waiting() > _MANY_WAITING or coming.fast
            if busy and began - worked < _PATIENCE_S:
                self._stand(last, index)
                self._stopping.wait(_LOOK_S)
                continue
            calls = self._read(book, index.progress.last_id, _READ_AT_ONCE if busy else _WRITE_AT_ONCE)
            with _mended():
                index.add(calls)
                merged = not calls and not busy and (self._forget(book, index) or index.merge_some())
            now = time.monotonic()
            self._stand(_last_in(book), index)
            if calls or merged:
                worked = now
                self._stopping.wait(now - began)
            else:
                idle = now - worked > _IDLE_AFTER_S
                self._stopping.wait(_IDLE_LOOK_S if idle else _LOOK_S)

    def _forget(self, book: sqlite3.Connection, index: Index) -> bool:
        """Take out what has no text any more, a piece at a time; whether there was anything to do."""
        gone = mark(book, BODIES_GONE)
        if gone is None:
            return False
        if index.forget(gone):
            return True
        left = index.refilling(gone)
        if left is None:
            return index.give_back()
        after, upto = left
        index.refill(self._read(book, after, _WRITE_AT_ONCE), upto)
        return True

    def _read(self, book: sqlite3.Connection, after: int, most: int) -> list[Indexed]:
        """The next calls, with their texts. Each look at the book is over before the texts are taken out."""
        calls: list[Indexed] = []
        characters = 0
        while len(calls) < most and characters < _WRITE_CHARACTERS and not self._stopping.is_set():
            began = time.monotonic()
            rows = book.execute(_UNREAD, (after, _READ_AT_ONCE)).fetchall()
            for row in rows:
                call = Indexed(row[0], row[1], row[2], text_of_row(row[3:]))
                calls.append(call)
                characters += call.text.size
            if len(rows) < _READ_AT_ONCE:
                break
            after = calls[-1].number
            # Others of this process want the interpreter.
            self._stopping.wait(time.monotonic() - began)
        return calls

    def _stand(self, last: int, index: Index) -> None:
        self._standing = Standing(index.progress.newest, max(0, last - index.progress.last_id))


_UNREAD = (files("store.search") / "unread.sql").read_text()


def _last_in(book: sqlite3.Connection) -> int:
    (last,) = book.execute("select coalesce(max(id), 0) from calls").fetchone()
    return int(last)


class _Anew(Exception):
    """The index has to be made anew; the message says why."""


@contextlib.contextmanager
def _mended() -> Iterator[None]:
    """What is wrong with the file itself, told apart from what is wrong with the disk."""
    try:
        yield
    except OtherVersion as reason:
        raise _Anew(str(reason)) from reason
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _BROKEN:
            raise _Anew(str(error)) from error
        raise


def _book(data_dir: Path) -> sqlite3.Connection:
    """The book with its bodies, to be read only; each statement is a snapshot of its own."""
    connection = sqlite3.connect(uri(data_dir / BOOK_FILE), uri=True, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("attach database ? as bodies", (uri(data_dir / BODIES_FILE),))
        connection.execute("pragma query_only = on")
    except BaseException:
        connection.close()
        raise
    return connection
