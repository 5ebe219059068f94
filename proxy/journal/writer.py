"""Writes a worker's notes. The event loop hands them over and may wait for them; it never touches the disk.

One thread takes what has gathered, writes it with one system call, and tells the loop how far it got. A write that
returned is in the page cache: it survives `kill -9` of this process (not a power cut).

This is the one place that may drop. When the disk is gone the notes wait in memory, bounded; past the bound they are
given up, and counted (`lost_notes`). No client ever waits longer than `patience_s` for any of it.
"""

import asyncio
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue

from proxy.journal import segment
from proxy.journal.directory import OwnDirectory
from proxy.journal.notes import Note, Started, encode
from proxy.journal.tally import Tally

log = logging.getLogger("tollbook.journal")

SEGMENT_BYTES = 16 * 1024 * 1024
_MAX_BUFFERS = 512  # half of IOV_MAX on every system we know
_MAX_BATCH_BYTES = 4 * 1024 * 1024
_MAX_KEPT_BYTES = 64 * 1024 * 1024
_RETRY_S = 0.5


class _Stop:
    """Asks the thread to finish what is queued and leave."""


class Journal:
    """The notes of one run of one worker. Made and used on the loop; `close` waits for the last write."""

    def __init__(
        self, directory: OwnDirectory, tally: Tally, *, patience_s: float = 0.05, segment_bytes: int = SEGMENT_BYTES
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._tally = tally
        self._patience_s = patience_s
        self._queue: SimpleQueue[Note | _Stop] = SimpleQueue()
        self._put = 0  # notes handed over
        self._written = 0  # notes that are in a file
        self._waiters: deque[tuple[int, float, asyncio.Future[bool]]] = deque()
        self._alarm: asyncio.TimerHandle | None = None
        self._thread = threading.Thread(
            target=_Writing(self, directory, segment_bytes).run, name="tollbook-journal", daemon=True
        )
        self._thread.start()

    def put(self, note: Note) -> int:
        """Hand a note over; never waits, never fails. Returns a ticket for `written`."""
        self._put += 1
        self._queue.put(note)
        return self._put

    def written(self, ticket: int) -> asyncio.Future[bool]:
        """Wait until the note with this ticket is in the file: True, or False when patience ran out.

        Cancelling the waiting does not cancel the writing.
        """
        waiter = self._loop.create_future()
        if ticket <= self._written:
            waiter.set_result(True)
            return waiter
        deadline = self._loop.time() + self._patience_s
        self._waiters.append((ticket, deadline, waiter))
        if self._alarm is None:
            self._alarm = self._loop.call_at(deadline, self._lose_patience)
        return waiter

    async def close(self) -> None:
        """Write what is queued, then stop."""
        self._queue.put(_Stop())
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)
        self._advance(self._put)

    # The thread calls this through the loop.
    def _advance(self, written: int) -> None:
        self._written = written
        waiters = self._waiters
        while waiters and waiters[0][0] <= written:
            _, _, waiter = waiters.popleft()
            if not waiter.done():
                waiter.set_result(True)

    def _lose_patience(self) -> None:
        self._alarm = None
        now = self._loop.time()
        while self._waiters and self._waiters[0][1] <= now:
            _, _, waiter = self._waiters.popleft()
            if not waiter.done():
                self._tally.count("late_notes")
                waiter.set_result(False)
        if self._waiters:
            self._alarm = self._loop.call_at(self._waiters[0][1], self._lose_patience)

    def _given_up(self, calls: int) -> None:
        self._tally.count("lost_notes", calls)


class _Writing:
    """What the thread does. Knows the file; talks to the loop only by `call_soon_threadsafe`."""

    def __init__(self, journal: Journal, directory: OwnDirectory, segment_bytes: int) -> None:
        self._journal = journal
        self._directory = directory
        self._segment_bytes = segment_bytes
        self._number = 0
        self._fd = -1
        self._position = 0
        self._capacity = 0
        self._taken = 0  # notes taken from the queue

    def run(self) -> None:
        queue = self._journal._queue
        failing = False
        kept: list[Note] = []  # taken but not written yet
        stopping = False
        while not stopping:
            batch: list[Note] = []
            size = 0
            try:
                note = queue.get(timeout=_RETRY_S if kept else None)
                while True:
                    if isinstance(note, _Stop):
                        stopping = True
                        break
                    batch.append(note)
                    size += _weight(note)
                    if len(batch) * 2 >= _MAX_BUFFERS or size >= _MAX_BATCH_BYTES:
                        break
                    note = queue.get_nowait()
            except Empty:
                pass  # that is all there is; what could not be written before is tried again
            self._taken += len(batch)
            kept += batch
            try:
                self._write(kept)
            except OSError as error:
                if not failing:
                    log.error("journal: %s cannot be written: %s", self._directory.path, error)
                failing = True
                self._abandon_segment()
                kept = self._bounded(kept)
                if not stopping:
                    time.sleep(0.01)
            else:
                if failing:
                    log.warning("journal: %s can be written again", self._directory.path)
                failing = False
                kept = []
                self._tell(self._journal._advance, self._taken)
        self._abandon_segment()

    def _write(self, notes: list[Note]) -> None:
        buffers: list[bytes] = []
        for note in notes:
            payload = encode(note)
            buffers += (segment.header(payload), payload)
        size = sum(map(len, buffers))
        if self._fd < 0 or self._position + size > self._capacity:
            self._next_segment(size)
        position = self._position
        for first in range(0, len(buffers), _MAX_BUFFERS):
            position = _write_all(self._fd, buffers[first : first + _MAX_BUFFERS], position)
        self._position = position

    def _next_segment(self, size: int) -> None:
        self._abandon_segment()
        self._number += 1
        capacity = max(self._segment_bytes, size)
        fd = os.open(self._directory.segment(self._number), os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            # A full disk shows here, not in the middle of a record.
            os.posix_fallocate(fd, 0, capacity)
        except BaseException:
            os.close(fd)
            self._directory.segment(self._number).unlink()
            raise
        self._fd, self._position, self._capacity = fd, 0, capacity

    def _abandon_segment(self) -> None:
        if self._fd < 0:
            return
        fd, self._fd = self._fd, -1
        try:
            os.ftruncate(fd, self._position)
        except OSError as error:
            log.warning("journal: a finished segment keeps its spare room: %s", error)
        finally:
            os.close(fd)

    def _bounded(self, kept: list[Note]) -> list[Note]:
        """Give up the oldest notes past the bound."""
        size = sum(map(_weight, kept))
        drop = 0
        while size > _MAX_KEPT_BYTES and drop < len(kept):
            size -= _weight(kept[drop])
            drop += 1
        if drop:
            self._tell(self._journal._given_up, sum(isinstance(note, Started) for note in kept[:drop]))
        return kept[drop:]

    def _tell(self, callback: Callable[[int], None], number: int) -> None:
        try:
            self._journal._loop.call_soon_threadsafe(callback, number)
        except RuntimeError:
            pass  # the loop is closed; nobody waits any more


def _weight(note: Note) -> int:
    """About how many bytes a note keeps in memory."""
    return 1000 if isinstance(note, Started) else 300 + len(note.body.head) + len(note.body.tail)


def _write_all(fd: int, buffers: list[bytes], position: int) -> int:
    while buffers:
        written = os.pwritev(fd, buffers, position)
        position += written
        while buffers and written >= len(buffers[0]):
            written -= len(buffers.pop(0))
        if buffers and written:
            buffers[0] = buffers[0][written:]
    return position
