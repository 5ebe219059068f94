"""The book, written: the one connection of the one process that may write it.

SQLite before 3.51.3 can silently drop committed rows when two connections write or checkpoint at the same instant
(https://sqlite.org/wal.html, "the WAL-reset bug"), so there is exactly one `Book` for a data directory, in the process
that holds its lock. Readers open their own read-only connections (store/reader.py).

A call enters once: ids that are already there are left alone, so reading the journal again after a crash is harmless.
Rows, sums, counters and the cursor of the journal are one transaction.
"""

import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

import msgspec
import zstandard

from proxy.journal.notes import Headers
from store import columns, migration, pruned, schema, sums
from store.aside import NEVER, Aside
from store.call import Call
from store.names import Names
from store.sizes import Sizes

BOOK_FILE = "book.db"
BODIES_FILE = "bodies.db"

T = TypeVar("T")

_ZSTD_LEVEL = 1  # one percent larger than level 3 for usual bodies, for a fifth less of what costs most of all here


class KeptBody(msgspec.Struct, frozen=True, gc=False):
    """A decoded body; `cut` is where bytes are missing, None when none are."""

    data: bytes
    cut: int | None = None


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A call with what is kept of its two bodies; None where there is none, or none is kept."""

    call: Call
    request_headers: Headers = ()
    request: KeptBody | None = None
    response_headers: Headers = ()
    response: KeptBody | None = None
    packed: tuple[object, ...] | None = None  # instead of the four: as they are kept (`Book.pack`)


class Repeat(msgspec.Struct, frozen=True, gc=False):
    """A refused call that is only counted, on the row of another (`proxy/floods.py`)."""

    boot_id: str
    of: bytes  # the call that has the row


class Displaced(Exception):
    """A file of the book is no longer where it was opened."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What one batch moves besides its rows, in the same transaction."""

    cursors: Mapping[tuple[str, int], int] = field(default_factory=dict)  # (boot id, segment): position
    finished: Sequence[str] = ()  # runs that are over and fully accounted for
    counters: Mapping[str, int] = field(default_factory=dict)  # name: how much to add
    repeats: Sequence[Repeat] = ()  # calls that have no row of their own


class Book:
    """The writing side of a data directory's two files."""

    def __init__(self, data_dir: Path, aside: Aside = NEVER) -> None:
        """`aside`: lets others have the processor first."""
        self._aside = aside
        self._data_dir = data_dir
        self._connection = _connect(data_dir / BOOK_FILE)
        migration.bring_up_to_date(self._connection)
        schema.prepare(self._connection, schema.book_schema(), schema.BOOK_VERSION)
        sums.register(self._connection)
        self._bodies = _connect(data_dir / BODIES_FILE)
        schema.prepare(self._bodies, schema.bodies_schema(), schema.BODIES_VERSION)
        self._names = {
            table: Names(self._connection, table) for table in ("models", "keys", "groups", "types", "upstreams")
        }
        self._last_id = pruned.last_id(self._connection)
        self._compress = zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_content_size=True).compress
        # A crash between the two files leaves bodies whose call never came; their ids will be given again.
        self._bodies.execute("delete from bodies where id > ?", (self._last_id,))
        self._inodes = self._looked_up()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close both files; their write-ahead logs are folded in."""
        self._connection.close()
        self._bodies.close()

    def must_be_in_place(self) -> None:
        """See whether the files that are written are those that bear their names.

        Raises:
            Displaced: somebody removed or replaced one; what is written goes nowhere.
        """
        for name, inode in self._looked_up().items():
            if inode is None or inode != self._inodes[name]:
                raise Displaced(f"{name} was {'removed' if inode is None else 'replaced'} while it was being written")

    def _looked_up(self) -> dict[str, tuple[int, int] | None]:
        return {name: _identity(self._data_dir / name) for name in (BOOK_FILE, BODIES_FILE)}

    def add(self, entries: Sequence[Entry], progress: Progress = Progress()) -> int:
        """Write these calls and move the cursors, all or nothing. Returns how many calls were new.

        Raises:
            sqlite3.Error: nothing was written; the same batch can be tried again.
        """
        try:
            self._connection.execute("begin immediate")
            fresh = self._not_yet_there(entries)
            rows = []
            countable = []
            for number, entry in enumerate(self._aside.each(fresh), self._last_id + 1):
                row, counted = columns.row_of(number, entry.call, self._names)
                rows.append(row)
                countable.append(counted)
            self._write_bodies(fresh)
            self._insert(rows)
            sums.add(self._connection, self._aside.each(countable), self._repeated(progress.repeats))
            self._note_charges(fresh)
            self._aside.once()
            self._move(progress, fresh)
            self._aside.once()
            self._connection.execute("commit")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("rollback")
            for names in self._names.values():
                names.settle(committed=False)
            raise
        for names in self._names.values():
            names.settle(committed=True)
        self._last_id += len(fresh)
        return len(fresh)

    def pack(self, entry: Entry) -> Entry:
        """The same call, its bodies as they are kept: a tenth of the memory, and no work left for the transaction."""
        # A copy of what was compressed: zstandard's own result keeps the memory of the most it could have become. And
        # it is quicker to bind (`store/columns.py`).
        request, response = entry.request, entry.response
        content = None
        if request is not None:
            content = self._compress(request.data if response is None else request.data + response.data)
        elif response is not None:
            content = self._compress(response.data)
        packed = (
            columns.headers_json(entry.request_headers),
            len(request.data) if request else None, request.cut if request else None,
            columns.headers_json(entry.response_headers),
            len(response.data) if response else None, response.cut if response else None,
            content if content is None else bytearray(content),
        )  # fmt: skip
        return Entry(entry.call, packed=packed)

    def knows(self, call_ids: Iterable[bytes]) -> set[bytes]:
        """Which of these calls have a row."""
        wanted = [(call_id,) for call_id in set(call_ids)]
        found = (self._connection.execute("select 1 from calls where call_id = ?", one).fetchone() for one in wanted)
        return {one[0] for one, row in zip(wanted, found, strict=True) if row}

    def charged(self, responses: Iterable[str]) -> dict[str, bytes]:
        """The calls that these responses, made in the background, are charged to; those in the book."""
        ask = "select call_id from background_responses where response_id = ?"
        found = ((one, self._connection.execute(ask, (one,)).fetchone()) for one in set(responses))
        return {one: row[0] for one, row in found if row}

    def cursors(self) -> dict[tuple[str, int], int]:
        """How far each segment was read: {(boot id, segment): position}."""
        rows = self._connection.execute("select boot_id, segment, position from cursors")
        return {(boot_id, segment): position for boot_id, segment, position in rows}

    def runs(self) -> dict[str, tuple[int, bool]]:
        """The runs known: {boot id: (calls in the book, whether it is over and accounted for)}."""
        rows = self._connection.execute("select boot_id, accounted, finished from runs")
        return {boot_id: (accounted, bool(finished)) for boot_id, accounted, finished in rows}

    def forget_runs(self, boot_ids: Iterable[str]) -> None:
        """Forget runs whose journal is gone."""
        self._connection.executemany("delete from runs where boot_id = ?", [(boot_id,) for boot_id in boot_ids])

    def counters(self) -> dict[str, int]:
        """The counts since the book began."""
        return dict(self._connection.execute("select name, value from counters"))

    def ask(self, statement: str, values: Sequence[object] = ()) -> list[Any]:
        """Rows for the thread that writes, which must know exactly what is committed. Everybody else has a reader."""
        return self._connection.execute(statement, values).fetchall()

    def change(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Let `work` change rows that are there, in one transaction. It keeps the sums in step; it names nothing new.

        Raises:
            Exception: whatever `work` raised; nothing of it was written.
        """
        self._connection.execute("begin immediate")
        try:
            done = work(self._connection)
            self._connection.execute("commit")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("rollback")
            raise
        return done

    def change_both(self, work: Callable[[sqlite3.Connection, sqlite3.Connection], T]) -> T:
        """Let `work` change the book and the bodies, each in one transaction; the bodies' is committed first.

        Raises:
            Exception: whatever `work` raised; nothing of it was written, unless the book's commit failed: then bodies
                may have gone whose calls have not, and the same work can be done again.
        """
        both = self._bodies, self._connection
        try:
            for one in both:
                one.execute("begin immediate")
            done = work(self._connection, self._bodies)
            for one in both:
                one.execute("commit")
        except BaseException:
            for one in both:
                if one.in_transaction:
                    one.execute("rollback")
            raise
        return done

    def give_back(self, pages: int) -> int:
        """Give so many free pages of each file back to the disk; how many are left."""
        left = 0
        for one in (self._bodies, self._connection):
            # Each step of the statement frees a page, and has no columns: `execute` would take the first for the last.
            one.executescript(f"pragma incremental_vacuum({pages})")
            (free,) = one.execute("pragma freelist_count").fetchone()
            left += free
        return left

    def by_name(self, of: Literal["key", "group"], amounts: Mapping[int, int]) -> Counter[str]:
        """Amounts that were kept by the ids of keys or groups, by their names."""
        numbers = self._names[f"{of}s"].known()
        return Counter({name: amounts[number] for name, number in numbers.items() if number in amounts})

    def fold_log(self) -> bool:
        """Fold the write-ahead logs into the files and shorten them: for quiet moments. Returns whether that is done.

        Whoever still reads what a log holds is not waited for: calls would wait with us.
        """
        return all([_folded(self._connection), _folded(self._bodies)])

    def note_sizes(self, day: int, sizes: Sizes) -> None:
        """Keep how large the files are on this day (since the epoch, in UTC), instead of an earlier look that day."""
        self._connection.execute(
            "insert into sizes values (?, ?, ?, ?) on conflict do update "
            "set book = excluded.book, bodies = excluded.bodies, search = excluded.search",
            (day, sizes.book, sizes.bodies, sizes.search),
        )

    def _not_yet_there(self, entries: Sequence[Entry]) -> list[Entry]:
        unique = {entry.call.call_id: entry for entry in entries}
        places = ", ".join("?" * len(unique))
        known = f"select call_id from calls where call_id in ({places})"  # noqa: S608 - question marks
        for (call_id,) in self._connection.execute(known, tuple(unique)):
            del unique[call_id]
        return list(unique.values())

    def _insert(self, rows: Sequence[tuple[object, ...]]) -> None:
        if rows:
            statement, values = columns.filling("insert into calls", columns.OF_A_CALL, rows)
            self._connection.executemany(statement, self._aside.each(values))
            self._aside.once()

    def _write_bodies(self, entries: Iterable[Entry]) -> None:
        rows = [
            (number, bytearray(entry.call.call_id), *(entry.packed or self.pack(entry).packed or ()))
            for number, entry in enumerate(entries, self._last_id + 1)
        ]
        if not rows:
            return
        # Committed before the book: a call without its bodies cannot be, bodies without their call are swept.
        self._bodies.execute("begin immediate")
        try:
            statement, values = columns.filling("insert or replace into bodies", columns.OF_BODIES, rows)
            self._bodies.executemany(statement, self._aside.each(values))
            self._aside.once()
            self._bodies.execute("commit")
            self._aside.once()
        except BaseException:
            if self._bodies.in_transaction:
                self._bodies.execute("rollback")
            raise

    def _note_charges(self, entries: Iterable[Entry]) -> None:
        rows = [(response, one.call.call_id) for one in entries if (response := one.call.charged_response) is not None]
        if rows:
            self._connection.executemany("insert or ignore into background_responses values (?, ?)", rows)

    def _repeated(self, repeats: Iterable[Repeat]) -> list[sums.Repeated]:
        """Raise the rows that are repeated; what that adds to the sums."""
        times = Counter(repeat.of for repeat in repeats)
        found = []
        for call_id, more in times.items():
            row = self._connection.execute(_REPEAT, (more, call_id)).fetchone()
            if row is None:
                raise ValueError(f"no row of {call_id.hex()} to repeat")  # whoever asks has looked (`knows`)
            found.append(sums.Repeated(*(*row, more)))
        return found

    def _move(self, progress: Progress, stored: Sequence[Entry]) -> None:
        execute = self._connection.executemany
        execute(
            "insert into cursors values (?, ?, ?) on conflict do update set position = excluded.position",
            [(boot_id, segment, position) for (boot_id, segment), position in progress.cursors.items()],
        )
        execute(
            "insert into runs values (?, ?, 0) on conflict do update set accounted = accounted + excluded.accounted",
            list(Counter([*(one.call.boot_id for one in stored), *(one.boot_id for one in progress.repeats)]).items()),
        )
        finished = [(boot_id,) for boot_id in progress.finished]
        execute("insert into runs values (?, 0, 1) on conflict do update set finished = 1", finished)
        execute("delete from cursors where boot_id = ?", finished)
        counted = Counter(progress.counters)
        counted["stored"] += len(stored) + len(progress.repeats)
        counted["repeats"] += len(progress.repeats)
        execute(
            "insert into counters values (?, ?) on conflict do update set value = value + excluded.value",
            [(name, amount) for name, amount in counted.items() if amount],
        )


_REPEAT = """
update calls set repeats = repeats + ? where call_id = ?
returning started_at, coalesce(model_id, 0), coalesce(key_id, 0), group_id, type_id, coalesce(upstream_id, 0),
          failed, input_tokens is null and output_tokens is null, cost_state, usage is not null"""


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _folded(connection: sqlite3.Connection) -> bool:
    ((patience_ms,),) = connection.execute("pragma busy_timeout")
    connection.execute("pragma busy_timeout = 0")
    try:
        ((busy, _, _),) = connection.execute("pragma wal_checkpoint(truncate)")
        return not busy
    finally:
        connection.execute(f"pragma busy_timeout = {patience_ms}")


def _connect(path: Path) -> sqlite3.Connection:
    if not path.exists():
        # 0600 from the first byte on; SQLite gives -wal and -shm the mode of the file. Never done to a file that is
        # there: closing any descriptor of it would drop the locks that other connections of this process hold.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    # autocommit: every transaction here is written out, and begins immediate.
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False)
