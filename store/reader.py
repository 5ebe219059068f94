"""The book, read: short snapshots of it through a few read-only connections.

Nothing here can write: the files are opened read-only and `query_only` is set. Each snapshot has a deadline, because a
reader that stays keeps SQLite from shortening the write-ahead log. A book that does not exist yet has no rows.

Questions depend on `Source` and `Snapshot` alone, so that another engine can stand behind them.
"""

import asyncio
import contextlib
import os
import sqlite3
import sys
import threading
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol, Self

import aiosqlite

from store.book import BODIES_FILE, BOOK_FILE
from store.read_only import uri
from store.schema import BODIES_VERSION, BOOK_VERSION
from store.search.file import SEARCH_FILE, SEARCH_VERSION

Row = Any
"""A tuple of what was selected, in order."""

DEADLINE_S = 2.0
_CLOSING_S = 5.0  # how long is waited for those that still read, who are told to stop
_CONNECTIONS = 8
_NICER = 10  # than the rest of the process, as far as that goes
_STEPS_BETWEEN_LOOKS = 50_000
"""Virtual machine instructions: a few milliseconds. Each look waits for the interpreter's lock, which the thread that
fills the book may hold."""


class NoAnswer(Exception):
    """The book could not be read just now; the message is for the one who asked."""


class TookTooLong(NoAnswer):
    """The deadline passed before the answer was there."""


class _Closed(NoAnswer):
    def __init__(self) -> None:
        super().__init__("the book is being closed")


class Snapshot(Protocol):
    """The book at one moment; every statement sees the same rows."""

    @property
    def bodies(self) -> bool:
        """Whether the bodies can be read, as `bodies.bodies`."""

    @property
    def search(self) -> bool:
        """Whether the index of words can be read, as `search.shelves` and what they name."""

    async def rows(self, statement: str, values: Sequence[object] = (), within_s: float | None = None) -> list[Row]:
        """Every row of the answer.

        Raises:
            TookTooLong: the snapshot's deadline passed, or this statement took longer than `within_s`; after the latter
                others can still be asked.
            NoAnswer: the file cannot be read.
        """


class Source(Protocol):
    """Where snapshots come from."""

    def snapshot(self) -> AbstractAsyncContextManager[Snapshot]:
        """A snapshot, for as long as the block lasts."""


class _Nothing:
    """The snapshot of a book that does not exist yet."""

    bodies = False
    search = False

    async def rows(self, statement: str, values: Sequence[object] = (), within_s: float | None = None) -> list[Row]:
        return []


class _Courteous(sqlite3.Connection):
    """A connection whose thread leaves the processor to those that relay calls and fill the book, where it can."""

    def __init__(self, *how: Any, **more: Any) -> None:
        if sys.platform == "linux":  # elsewhere a priority belongs to a whole process
            thread = threading.get_native_id()
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + _NICER)
        super().__init__(*how, **more)


class _Connection:
    """One read-only connection; used by one snapshot at a time."""

    def __init__(self, connection: aiosqlite.Connection, data_dir: Path) -> None:
        self._connection = connection
        self._bodies_file = data_dir / BODIES_FILE
        self._search_file = data_dir / SEARCH_FILE
        self._book_inode = _inode(data_dir / BOOK_FILE)
        self._book_file = data_dir / BOOK_FILE
        self._search_inode: int | None = None  # of the file that is attached
        self._until = 0.0
        self._stopped = False
        self.bodies = False

    @property
    def search(self) -> bool:
        return self._search_inode is not None

    @property
    def displaced(self) -> bool:
        """Whether the book was removed or replaced since: what is read here is of no use to anybody."""
        return _inode(self._book_file) != self._book_inode

    @classmethod
    async def open(cls, data_dir: Path) -> Self | None:
        """A connection, or None while there is no book."""
        if not (data_dir / BOOK_FILE).exists():
            return None
        connection = await aiosqlite.connect(
            uri(data_dir / BOOK_FILE), uri=True, isolation_level=None, factory=_Courteous
        )
        try:
            (version,) = await _only_row(connection, "pragma user_version")
            if version == 0:  # being made at this moment
                await connection.close()
                return None
            if version != BOOK_VERSION:
                raise NoAnswer(f"{BOOK_FILE} has version {version}, this program reads version {BOOK_VERSION}")
            await connection.execute_fetchall("pragma query_only = on")
            opened = cls(connection, data_dir)
            await connection.set_progress_handler(opened._expired, _STEPS_BETWEEN_LOOKS)
        except BaseException:
            await connection.close()
            raise
        return opened

    async def begin(self, deadline_s: float) -> None:
        self._until = time.monotonic() + deadline_s
        if not self.bodies and self._bodies_file.exists():
            await self._attach_bodies()
        if _inode(self._search_file) != self._search_inode:
            await self._attach_search()
        await self._connection.execute_fetchall("begin")

    async def rows(self, statement: str, values: Sequence[object] = (), within_s: float | None = None) -> list[Row]:
        deadline = self._until
        if within_s is not None:
            self._until = min(deadline, time.monotonic() + within_s)
        try:
            return list(await self._connection.execute_fetchall(statement, values))
        except sqlite3.Error as reason:
            if self._stopped:
                raise _Closed from reason
            if self._expired():
                raise TookTooLong("this took too long; narrow the time or the filter") from reason
            raise NoAnswer("the book cannot be read just now") from reason
        finally:
            self._until = deadline

    async def end(self) -> None:
        self._until = float("inf")
        await self._connection.execute_fetchall("rollback")

    def stop(self) -> None:
        """Whatever runs here stops at its next look, and whatever follows as well."""
        self._stopped = True

    async def close(self) -> None:
        self.stop()
        await self._connection.close()

    def _expired(self) -> bool:
        return self._stopped or time.monotonic() > self._until

    async def _attach_bodies(self) -> None:
        await self._connection.execute_fetchall("attach database ? as bodies", (uri(self._bodies_file),))
        (version,) = await _only_row(self._connection, "pragma bodies.user_version")
        if version == BODIES_VERSION:
            self.bodies = True
        else:
            await self._connection.execute_fetchall("detach database bodies")

    async def _attach_search(self) -> None:
        """The index, which may be made anew at any time, or be unreadable: then there is none."""
        if self._search_inode is not None:
            self._search_inode = None
            await self._connection.execute_fetchall("detach database search")
        inode = _inode(self._search_file)
        if inode is None:
            return
        try:
            await self._connection.execute_fetchall("attach database ? as search", (uri(self._search_file),))
        except sqlite3.Error:
            return
        with contextlib.suppress(sqlite3.Error):
            (version,) = await _only_row(self._connection, "pragma search.user_version")
            if version == SEARCH_VERSION:
                self._search_inode = inode
                return
        await self._connection.execute_fetchall("detach database search")


class Reader:
    """A few connections to the book of one data directory, lent to one question at a time."""

    def __init__(self, data_dir: Path, deadline_s: float = DEADLINE_S) -> None:
        self._data_dir = data_dir
        self._deadline_s = deadline_s
        self._idle: list[_Connection] = []
        self._lent: set[_Connection] = set()
        self._closed = False
        self._free = asyncio.Semaphore(_CONNECTIONS)
        self._closing: set[asyncio.Task[None]] = set()

    @classmethod
    @asynccontextmanager
    async def open(cls, data_dir: Path, deadline_s: float = DEADLINE_S) -> AsyncIterator[Self]:
        """A reader, closed at the end of the block. The book need not exist yet."""
        reader = cls(data_dir, deadline_s)
        try:
            yield reader
        finally:
            await reader.close()

    async def _unused(self) -> _Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.displaced:
                return connection
            await connection.close()
        return None

    async def _another(self) -> _Connection | None:
        """Opened to its end, and closed then, if whoever asks leaves meanwhile: a thread would outlive the loop."""
        opening = asyncio.create_task(_Connection.open(self._data_dir))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            self._in_background(_close_once_open(opening))
            raise

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        """The book at this moment, until the deadline.

        Raises:
            NoAnswer: the file cannot be read, or was written by another version.
        """
        async with self._free:
            self._must_be_open()
            try:
                connection = await self._unused() or await self._another()
            except sqlite3.Error as reason:
                raise NoAnswer("the book cannot be read just now") from reason
            if connection is None:
                yield _Nothing()
                return
            self._lent.add(connection)
            try:
                self._must_be_open()
                await connection.begin(self._deadline_s)
                yield connection
                await connection.end()
            except BaseException as reason:
                # Whoever asked may have gone while a statement still runs in the connection's thread: not to be reused.
                self._discard(connection)
                if isinstance(reason, sqlite3.Error):
                    raise NoAnswer("the book cannot be read just now") from reason
                raise
            finally:
                self._lent.discard(connection)
            self._idle.append(connection)

    async def close(self) -> None:
        """Close every connection. Snapshots that are still open, or wait for their turn, end with `NoAnswer`: as the
        other parts of a page of which one has failed, for which nobody waits any more."""
        self._closed = True
        for connection in self._lent:
            connection.stop()
        async with contextlib.AsyncExitStack() as turns:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLOSING_S):
                    for _ in range(_CONNECTIONS):
                        await turns.enter_async_context(self._free)
            while self._idle:
                await self._idle.pop().close()
            await asyncio.gather(*self._closing)

    def _must_be_open(self) -> None:
        if self._closed:
            raise _Closed

    def _discard(self, connection: _Connection) -> None:
        self._in_background(connection.close())

    def _in_background(self, closing: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(closing)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


async def _close_once_open(opening: asyncio.Task[_Connection | None]) -> None:
    with contextlib.suppress(sqlite3.Error, NoAnswer):
        if connection := await opening:
            await connection.close()


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None


async def _only_row(connection: aiosqlite.Connection, statement: str) -> Row:
    (row,) = await connection.execute_fetchall(statement)
    return tuple(row)
