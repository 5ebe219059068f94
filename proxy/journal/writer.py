"""Writes a worker's notes. The event loop hands them over and may wait for them; it never touches the disk.

One thread takes what has gathered, writes it with one system call, and tells the loop how far it got. A write that
returned is in the page cache: it survives `kill -9` of this process (not a power cut).

This is the one place that may drop. When the disk is gone the notes wait in memory, bounded; past the bound the oldest
are given up when it refuses, and new ones are taken without their bodies, then not at all, when it does not even
answer. Lost calls are counted (`lost_notes`). No client ever waits longer than `patience_s` for any of it.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from itertools import islice
from queue import Empty, SimpleQueue

import msgspec

from proxy.journal.appender import MAX_APPEND, Appender
from proxy.journal.directory import OwnDirectory
from proxy.journal.notes import Body, Ended, Note, Started, encode
from proxy.journal.tally import Tally

log = logging.getLogger("tollbook.journal")

SEGMENT_BYTES = 16 * 1024 * 1024
_MAX_BATCH_BYTES = 4 * 1024 * 1024  # of one write: what a disk must have room for before anything is written again
_MAX_KEPT_BYTES = 64 * 1024 * 1024
_RETRY_S = 0.5
_STARVED_S = 0.5  # how much longer than for a slow disk is waited for a thread that does not get to run
_LOST = -1  # the ticket of a note that will never be written


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
        self._queue: SimpleQueue[tuple[Note, ...] | _Stop] = SimpleQueue()
        self._put = 0  # notes handed over
        self._written = 0  # notes that are in a file, as far as the loop was told
        self._reached = 0  # the same, as the thread knows it
        self._at_disk_since = 0.0  # when the thread began the write it is in; 0 when it is in none
        self._at_disk_s = 0.0  # how long it has been in writes, the present one apart
        self._failing = False  # whether the last write was refused
        self._waiting = 0  # about how many bytes were handed over and are neither written nor given up
        self._lost: set[bytes] = set()  # calls of which nothing is kept, until they end
        self._waiters: deque[tuple[int, float, float, asyncio.Future[bool]]] = deque()
        self._alarm: asyncio.TimerHandle | None = None
        self._thread = threading.Thread(
            target=_Writing(self, directory, segment_bytes).run, name="tollbook-journal", daemon=True
        )
        self._thread.start()

    def put(self, *notes: Note) -> int:
        """Hand notes over; never waits, never fails. Returns a ticket for `written`: that of the last of them.

        When more waits than may (the disk hangs), bodies are left out; past twice that, calls that begin are lost
        whole and counted once, and calls noted before still get their end.
        """
        if self._waiting > _MAX_KEPT_BYTES or self._lost:
            notes = tuple(self._spared(note) for note in notes if not self._loses(note))
            if not notes:
                return _LOST
        for note in notes:
            self._waiting += _weight(note)
        self._put += len(notes)
        self._queue.put(notes)
        return self._put

    def written(self, ticket: int) -> asyncio.Future[bool]:
        """Wait until the note with this ticket is in the file: True, or False when patience ran out.

        Cancelling the waiting does not cancel the writing.
        """
        waiter = self._loop.create_future()
        if ticket <= self._written:
            waiter.set_result(ticket != _LOST)
            return waiter
        deadline = self._loop.time() + self._patience_s
        self._waiters.append((ticket, deadline, self._disk_s(), waiter))
        if self._alarm is None:
            self._alarm = self._loop.call_at(deadline, self._lose_patience)
        return waiter

    async def close(self) -> None:
        """Write what is queued, then stop. What the disk refuses at this last try is given up, counted and logged."""
        self._queue.put(_Stop())
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)
        self._answer(self._put, False)

    def _loses(self, note: Note) -> bool:
        """Whether this note is of a call that is lost; from its start on, or not at all."""
        if isinstance(note, Started) and self._waiting > 2 * _MAX_KEPT_BYTES:
            self._lost.add(note.call_id)
            self._tally.count("lost_notes")
            return True
        if note.call_id not in self._lost:
            return False
        if isinstance(note, Ended):
            self._lost.remove(note.call_id)
        return True

    def _spared(self, note: Note) -> Note:
        return _without_body(note) if self._waiting > _MAX_KEPT_BYTES else note

    # The thread calls these two through the loop.
    def _advance(self, written: int, weight: int) -> None:
        self._waiting -= weight
        self._written = written
        self._answer(written, True)

    def _given_up(self, ticket: int, weight: int, calls: int) -> None:
        self._waiting -= weight
        self._tally.count("lost_notes", calls)
        self._answer(ticket, False)

    def _answer(self, ticket: int, written: bool) -> None:
        """End all waiting for notes up to this one."""
        waiters = self._waiters
        while waiters and waiters[0][0] <= ticket:
            *_, waiter = waiters.popleft()
            if not waiter.done():
                waiter.set_result(written)

    def _lose_patience(self) -> None:
        """Let those go on who have waited long enough for the disk.

        A machine that stalls is another matter: when this loop or the thread did not get to run, the client is late
        anyway, and going on without the note would only lose it. So what the thread has done counts, told or not, and
        time in which it was not at the disk counts for less.
        """
        self._alarm = None
        now, disk_s = self._loop.time(), self._disk_s()
        self._answer(self._reached, True)
        while self._waiters and (due := self._waiters[0][1]) <= now:
            _, _, disk_before_s, waiter = self._waiters[0]
            by_the_disk = self._failing or disk_s - disk_before_s >= self._patience_s / 2
            if not by_the_disk and now - due < _STARVED_S:
                break
            self._waiters.popleft()
            if not waiter.done():
                self._tally.count("late_notes")
                waiter.set_result(False)
        if self._waiters:
            next_look = max(self._waiters[0][1], now + self._patience_s / 2)
            self._alarm = self._loop.call_at(next_look, self._lose_patience)

    def _disk_s(self) -> float:
        """How long the thread has been in writes until now."""
        since = self._at_disk_since
        return self._at_disk_s + (time.monotonic() - since if since else 0.0)


class _Kept(msgspec.Struct, frozen=True, gc=False):
    """A note that waits to be written: encoded once, however often writing is tried."""

    payload: bytes
    weight: int
    call_id: bytes
    ends: bool


class _Writing:
    """What the thread does. Talks to the loop only by `call_soon_threadsafe`."""

    def __init__(self, journal: Journal, directory: OwnDirectory, segment_bytes: int) -> None:
        self._journal = journal
        self._directory = directory
        self._appender = Appender(directory, segment_bytes)
        self._kept: deque[_Kept] = deque()  # taken but not written yet
        self._kept_bytes = 0
        self._settled = 0  # notes written or given up
        self._lost: set[bytes] = set()  # calls counted as lost whose end has not passed yet

    def run(self) -> None:
        failing = False
        stopping = False
        while not stopping:
            stopping = self._take()
            try:
                while self._kept:
                    self._write_slice()
            except OSError as error:
                if not failing:
                    log.error("journal: %s cannot be written: %s", self._directory.path, error)
                failing = True
                self._appender.finish()
                self._give_up(_MAX_KEPT_BYTES)
                if not stopping:
                    time.sleep(0.01)
            else:
                if failing:
                    log.warning("journal: %s can be written again", self._directory.path)
                failing = False
        if self._kept:
            notes = len(self._kept)
            calls = len({kept.call_id for kept in self._kept})
            self._give_up(0)
            log.error("journal: stopping; %d notes of %d calls are given up", notes, calls)
        self._appender.finish()

    def _take(self) -> bool:
        """Take what has gathered, as much as one write holds; true when asked to stop."""
        queue = self._journal._queue
        taken, enough_bytes = 0, self._kept_bytes + _MAX_BATCH_BYTES
        try:
            # What could not be written is tried again, even when nothing new comes.
            notes = queue.get(timeout=_RETRY_S if self._kept else None)
            while not isinstance(notes, _Stop):
                for note in notes:
                    payload = encode(note)
                    self._kept.append(_Kept(payload, _weight(note), note.call_id, isinstance(note, Ended)))
                    self._kept_bytes += len(payload)
                taken += len(notes)
                if taken >= MAX_APPEND or self._kept_bytes >= enough_bytes:
                    return False
                notes = queue.get_nowait()
        except Empty:
            return False
        return True

    def _write_slice(self) -> None:
        """Write the oldest of what is kept, as much as one system call should, and forget it."""
        payloads: list[bytes] = []
        size = 0
        for kept in islice(self._kept, MAX_APPEND):
            size += len(kept.payload)
            if payloads and size > _MAX_BATCH_BYTES:
                break
            payloads.append(kept.payload)
        journal = self._journal
        journal._at_disk_since = time.monotonic()
        try:
            self._appender.append(payloads)
        except OSError:
            journal._failing = True
            raise
        finally:
            journal._at_disk_s += time.monotonic() - journal._at_disk_since
            journal._at_disk_since = 0.0
        journal._failing = False
        journal._reached = self._settled + len(payloads)
        weight = sum(self._forget_oldest() for _ in payloads)
        self._tell(self._journal._advance, self._settled, weight)

    def _give_up(self, bound: int) -> None:
        """Give up the oldest notes until no more than `bound` bytes are kept; a call is counted once."""
        calls = weight = 0
        while self._kept and self._kept_bytes > bound:
            call_id = self._kept[0].call_id
            calls += call_id not in self._lost
            self._lost.add(call_id)
            weight += self._forget_oldest()
        if weight:
            self._tell(self._journal._given_up, self._settled, weight, calls)

    def _forget_oldest(self) -> int:
        """Returns what it weighed when it was handed over."""
        kept = self._kept.popleft()
        self._kept_bytes -= len(kept.payload)
        self._settled += 1
        if kept.ends:
            self._lost.discard(kept.call_id)
        return kept.weight

    def _tell(self, callback: Callable[..., None], *numbers: int) -> None:
        try:
            self._journal._loop.call_soon_threadsafe(callback, *numbers)
        except RuntimeError:
            pass  # the loop is closed; nobody waits any more


def _weight(note: Note) -> int:
    """About how many bytes a note keeps in memory."""
    if isinstance(note, Started):
        return 1000
    body = note.body
    return 300 + len(body.head) + len(body.tail)


def _without_body(note: Note) -> Note:
    """The same note, with only the size of its body."""
    if isinstance(note, Started):
        return note
    return msgspec.structs.replace(note, body=Body(note.body.size, decoded=note.body.decoded))
