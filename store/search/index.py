"""The index, written: the one connection that may write `search.db`.

How far it has come is in the same transaction as the words. Commits are not synced: what a power cut takes is read
again, because the book is never behind the index.

Where the bodies of calls were pruned, shelves that hold nothing else are dropped. The one that holds others too is
filled anew beside itself, a piece at a time, and takes the place of the old one when it is whole: this FTS5 can only
forget whole tables.
"""

import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Self

from store.schema import PAGE_SIZE
from store.search.file import SEARCH_FILE, SEARCH_VERSION
from store.search.texts import Text

SHELF_CALLS = 65_536
"""Calls on one shelf: one look into a shelf cannot be interrupted, and takes some 20 ms for a word that is in all."""
SHELF_CHARACTERS = 1 << 30
_HASH_BYTES = 16 << 20  # what FTS5 gathers in memory before it writes a segment; the default makes it merge more
_MERGE_PAGES = 250
_GIVE_BACK_PAGES = 500


@dataclass(frozen=True, slots=True)
class Indexed:
    """One call that was looked at."""

    number: int
    call_id: bytes
    started_at: int
    text: Text


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the index has come; nothing yet: 0 and None."""

    last_id: int
    call_id: bytes | None
    newest: int | None


class Index:
    """The writing side of the index of one data directory."""

    def __init__(self, data_dir: Path, *, shelf_calls: int = SHELF_CALLS) -> None:
        self._path = data_dir / SEARCH_FILE
        self._shelf_calls = shelf_calls
        if not self._path.exists():
            os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
        self._connect()
        self._inode = self._path.stat().st_ino

    def _connect(self) -> None:
        self._connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        self._new_shelf = False
        try:
            self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        execute = self._connection.execute
        (version,) = execute("pragma user_version").fetchone()
        if version not in (0, SEARCH_VERSION):
            raise OtherVersion(f"{SEARCH_FILE} has version {version}")
        execute("pragma secure_delete = on")  # what was said is not to be found in what is free
        if version == 0:
            execute(f"pragma page_size = {PAGE_SIZE}")
            execute("pragma auto_vacuum = incremental")
        execute("pragma journal_mode = wal")
        execute("pragma synchronous = normal")
        execute("pragma journal_size_limit = 67108864")
        if version == 0:
            schema = (files("store.search") / "schema.sql").read_text()
            self._connection.executescript("begin immediate;" + schema + "commit;")
        execute(_REFILLING)
        (last_id, call_id, newest) = execute("select last_id, call_id, newest from progress").fetchone()
        self.progress = Progress(last_id, call_id, newest)

    @property
    def in_place(self) -> bool:
        """Whether the file written is still the one that has its name."""
        try:
            return self._path.stat().st_ino == self._inode
        except OSError:
            return False

    def add(self, calls: Sequence[Indexed]) -> None:
        """Put these calls on the shelves, in their order, and note how far this went; all or nothing.

        Raises:
            sqlite3.Error: nothing was written.
        """
        if not calls:
            return
        last = calls[-1]
        newest = max(call.started_at for call in calls)
        if self.progress.newest is not None:
            newest = max(newest, self.progress.newest)
        progress = Progress(last.number, last.call_id, newest)
        execute = self._connection.execute
        execute("begin immediate")
        try:
            for call in calls:
                if call.text:
                    self._put(call)
            execute("update progress set last_id = ?, call_id = ?, newest = ?", (last.number, last.call_id, newest))
            execute("commit")
        except BaseException:
            if self._connection.in_transaction:
                execute("rollback")
            raise
        self.progress = progress
        if self._new_shelf:  # a connection keeps megabytes for every table of words that it has ever written
            self._connection.close()
            self._connect()

    def merge_some(self) -> bool:
        """Bring a shelf that is full closer to one piece; whether there was anything to do. A step takes some 20 ms."""
        found = self._connection.execute(
            "select number from shelves where merged = 0 and number < (select max(number) from shelves) limit 1"
        ).fetchone()
        if found is None:
            return False
        (number,) = found
        table = _table(number)
        before = self._connection.total_changes
        # Negative: begin with all that is there, whatever its sizes (https://sqlite.org/fts5.html#the_merge_command).
        self._connection.execute(f"insert into {table} ({table}, rank) values ('merge', ?)", (-_MERGE_PAGES,))  # noqa: S608 - a name of ours
        if self._connection.total_changes - before < 2:
            self._connection.execute("update shelves set merged = 1 where number = ?", (number,))
        return True

    def forget(self, gone: int) -> bool:
        """Drop the shelves whose calls, all up to this id, have no text any more; whether there were any."""
        execute = self._connection.execute
        numbers = [number for (number,) in execute("select number from shelves where last_id <= ?", (gone,))]
        if not numbers:
            return False
        execute("begin immediate")
        try:
            for number in numbers:
                execute(f"drop table {_table(number)}")
                execute("delete from shelves where number = ?", (number,))
                self._end_refilling(number)
            execute("commit")
        except BaseException:
            if self._connection.in_transaction:
                execute("rollback")
            raise
        return True

    def refilling(self, gone: int) -> tuple[int, int] | None:
        """The calls that are still to be put again on the shelf which has some of both: after this id, up to that one.

        None when there is no such shelf, or it has been filled anew.
        """
        execute = self._connection.execute
        found = execute("select shelf, cleared, next_id from refilling").fetchone()
        shelf = execute(
            "select number, last_id from shelves where first_id <= ? and last_id > ?", (gone, gone)
        ).fetchone()
        if shelf is None:
            return None
        number, last_id = shelf
        if found is None or found[:2] != (number, gone):
            self._begin_refilling(number, gone)
            return gone, last_id
        return found[2], last_id

    def refill(self, calls: Sequence[Indexed], upto: int) -> None:
        """Put these calls, the next, again on that shelf; `upto`: its last. All or nothing."""
        execute = self._connection.execute
        (number,) = execute("select shelf from refilling").fetchone()
        execute("begin immediate")
        try:
            for call in calls:
                if call.number <= upto and call.text:
                    execute(
                        f"insert into {_REFILLED} (rowid, asked, answered) values (?, ?, ?)",  # noqa: S608 - a name of ours
                        (call.number, call.text.asked, call.text.answered),
                    )
                    execute(
                        "update refilling set first_id = coalesce(first_id, ?), calls = calls + 1, size = size + ?,"
                        " oldest = min(coalesce(oldest, ?), ?), newest = max(coalesce(newest, ?), ?)",
                        (call.number, call.text.size, *(call.started_at,) * 4),
                    )
            if calls and calls[-1].number < upto:
                execute("update refilling set next_id = ?", (calls[-1].number,))
            else:
                self._take_its_place(number)
            execute("commit")
        except BaseException:
            if self._connection.in_transaction:
                execute("rollback")
            raise

    def give_back(self) -> bool:
        """Give some free pages back to the disk; whether there were any."""
        (free,) = self._connection.execute("pragma freelist_count").fetchone()
        if free:
            # A script, because each page is a step of the statement, and `execute` stops after the first.
            self._connection.executescript(f"pragma incremental_vacuum({_GIVE_BACK_PAGES})")
            if (
                free <= _GIVE_BACK_PAGES
            ):  # the log has had what is gone now, too; a reader that is in the way is waited for
                self._connection.execute("pragma wal_checkpoint(truncate)")
        return bool(free)

    def _begin_refilling(self, number: int, gone: int) -> None:
        execute = self._connection.execute
        execute("begin immediate")
        try:
            execute(f"drop table if exists {_REFILLED}")
            self._create(_REFILLED)
            execute("delete from refilling")
            execute("insert into refilling values (?, ?, ?, null, null, null, 0, 0)", (number, gone, gone))
            execute("commit")
        except BaseException:
            if self._connection.in_transaction:
                execute("rollback")
            raise

    def _take_its_place(self, number: int) -> None:
        execute = self._connection.execute
        table = _table(number)
        execute(f"drop table {table}")
        execute(f"alter table {_REFILLED} rename to {table}")
        execute(
            "update shelves set (first_id, oldest, newest, calls, size, merged) ="
            " (select coalesce(first_id, cleared + 1), coalesce(oldest, shelves.newest),"
            "         coalesce(refilling.newest, shelves.newest), refilling.calls, refilling.size, 0 from refilling)"
            " where number = ?",
            (number,),
        )
        execute("delete from refilling")

    def _end_refilling(self, number: int) -> None:
        if self._connection.execute("delete from refilling where shelf = ?", (number,)).rowcount:
            self._connection.execute(f"drop table if exists {_REFILLED}")

    def _create(self, table: str) -> None:
        self._connection.execute(
            f"create virtual table {table} using fts5("
            "asked, answered, content='', columnsize=0, tokenize='unicode61 remove_diacritics 2')"
        )
        self._connection.execute(f"insert into {table} ({table}, rank) values ('hashsize', ?)", (_HASH_BYTES,))  # noqa: S608

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; its write-ahead log is folded in."""
        self._connection.close()

    def _put(self, call: Indexed) -> None:
        number = self._shelf(call)
        self._connection.execute(
            f"insert into {_table(number)} (rowid, asked, answered) values (?, ?, ?)",  # noqa: S608 - a name of ours
            (call.number, call.text.asked, call.text.answered),
        )
        self._connection.execute(
            "update shelves set last_id = ?, oldest = min(oldest, ?), newest = max(newest, ?),"
            " calls = calls + 1, size = size + ? where number = ?",
            (call.number, call.started_at, call.started_at, call.text.size, number),
        )

    def _shelf(self, call: Indexed) -> int:
        """The shelf for this call: the last, or a new one when that is full."""
        execute = self._connection.execute
        last = execute("select number, calls, size from shelves order by number desc limit 1").fetchone()
        if last is not None and last[1] < self._shelf_calls and last[2] < SHELF_CHARACTERS:
            return int(last[0])
        number = last[0] + 1 if last is not None else 1
        table = _table(number)
        self._create(table)
        self._new_shelf = True
        execute(
            "insert into shelves values (?, ?, ?, ?, ?, 0, 0, 0)",
            (number, call.number, call.number, call.started_at, call.started_at),
        )
        return number


_REFILLED = "words_refilled"
_REFILLING = """
create table if not exists refilling (                         -- at most one row: the shelf that is filled anew
    shelf    integer not null,
    cleared  integer not null,                                 -- without the calls up to this id
    next_id  integer not null,                                 -- done up to this id
    first_id integer,                                          -- of what is done; as in shelves
    oldest   integer,
    newest   integer,
    calls    integer not null,
    size     integer not null
) strict"""
"""Made where it is not there: an index from before is none the worse for having been made without it."""


class OtherVersion(Exception):
    """The index was made by another version of Tollbook; it has to be made anew."""


def remove(data_dir: Path) -> None:
    """Remove the index; a reader that has it open keeps what it sees until its snapshot ends."""
    for suffix in ("", "-wal", "-shm"):
        (data_dir / f"{SEARCH_FILE}{suffix}").unlink(missing_ok=True)


def _table(number: int) -> str:
    return f"words_{number}"
