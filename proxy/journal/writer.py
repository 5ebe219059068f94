"""Writes a worker's notes. The event loop hands them over and may wait for them; it never touches the disk.

A note is kept in memory that outlives this process (`proxy/journal/buffer.py`) and nobody waits. Every twenty
milliseconds one thread takes what has gathered, writes it with one system call, and tells the loop how far it got: a
write that returned is in the page cache, and its note leaves the buffer. Either survives `kill -9` of this process (not
a power cut). Without room in the buffer, as when the disk is slow, notes are handed over at once, and who needs one
waits for its file.

This is the one place that may drop, and it drops by steps (`proxy/journal/ladder.py`). The thread looks at the room
there is and tells the loop how much to keep. When the disk is gone the notes wait in memory, bounded; past a quarter of
the bound they are kept without their bodies, and past the bound the oldest are given up. When the disk does not even
answer, new ones are taken without their bodies, then not at all. Lost calls are counted (`lost_notes`). No client ever
waits longer than `patience_s` for any of it, and none for a disk that is known to refuse.
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

from proxy.journal.appender import MAX_APPEND, NO_ROOM, Appender
from proxy.journal.buffer import Buffer
from proxy.journal.directory import OwnDirectory
from proxy.journal.ladder import Step
from proxy.journal.notes import Body, Ended, Note, Numbered, Started, Told, encode
from proxy.journal.room import Room
from proxy.journal.tally import Tally
from proxy.journal.together import Together

log = logging.getLogger("tollbook.journal")

SEGMENT_BYTES = 16 * 1024 * 1024
_MAX_BATCH_BYTES = 4 * 1024 * 1024  # of one write: what a disk must have room for before anything is written again
MEMORY_BYTES = 64 * 1024 * 1024
_RETRY_S = 0.5
_SOON_S = 0.01
_GATHER_S = 0.02  # for so long notes gather that are kept meanwhile
_PERSISTENT = 2  # refusals in a row that are no accident any more
_HANGS_S = 1.0  # a write that takes longer is a disk that does not answer
_STARVED_S = 0.5  # how much longer than for a slow disk is waited for a thread that does not get to run
_LOST = -1  # the ticket of a note that will never be written


class _Stop:
    """Asks the thread to finish what is queued and leave."""


class Journal:
    """The notes of one run of one worker. Made and used on the loop; `close` waits for the last write."""

    def __init__(
        self,
        directory: OwnDirectory,
        tally: Tally,
        *,
        patience_s: float = 0.05,
        segment_bytes: int = SEGMENT_BYTES,
        memory_bytes: int = MEMORY_BYTES,
        room: Room | None = None,
        buffer: Buffer | None = None,
    ) -> None:
        """`room`: what the thread looks at, now and then; None: there is always room. `buffer`: where notes are kept
        until they are in a file; None: whoever waits for one waits for the file."""
        self._loop = asyncio.get_running_loop()
        self._tally = tally
        self._patience_s = patience_s
        self._memory_bytes = memory_bytes
        self.saving = False  # whether no more is wanted of a body than its ends
        self.in_memory = False  # whether what is handed over now would be lost with this process
        self._spare_above = memory_bytes  # when more than this waits, notes are taken without their bodies
        self._buffer = buffer
        self._queue: SimpleQueue[list[_Kept] | _Stop] = SimpleQueue()
        self._gathered: list[_Kept] = []  # taken, and not handed to the thread yet
        self._gathering: asyncio.TimerHandle | None = None
        self._put = 0  # notes taken
        self._unkept = 0  # the last of them that is not in the buffer
        self._together = Together()
        self._written = 0  # notes that are in a file, as far as the loop was told
        self._reached = 0  # the same, as the thread knows it
        self._at_disk_since = 0.0  # when the thread began the write it is in; 0 when it is in none
        self._at_disk_s = 0.0  # how long it has been in writes, the present one apart
        self._failing = False  # whether the last write was refused
        self._doubted = 0.0  # the beginning of a write that somebody has waited long enough for
        self._waiting = 0  # about how many bytes were handed over and are neither written nor given up
        self._lost: set[bytes] = set()  # calls of which nothing is kept, until they end
        self._waiters: deque[tuple[int, float, float, asyncio.Future[bool]]] = deque()
        self._alarm: asyncio.TimerHandle | None = None
        self._thread = threading.Thread(
            target=_Writing(self, directory, segment_bytes, room).run, name="tollbook-journal", daemon=True
        )
        self._thread.start()

    def put(self, *notes: Note) -> int:
        """Hand notes over; never waits, never fails. Returns a ticket for `written`: that of the last of them.

        When more waits than may, or the disk is all but full, bodies are left out. When more than twice the bound waits
        (the disk hangs), calls that begin are lost whole and counted once, and calls noted before still get their end.
        """
        if self._waiting > self._spare_above or self._lost:
            notes = tuple(spared for note in notes if not self._loses(note) and (spared := self._spared(note)))
            if not notes:
                return _LOST
        buffer = self._buffer
        for note in notes:
            payload, weight = encode(note), _weight(note)
            self._put += 1
            self._waiting += weight
            self._gathered.append(_Kept(payload, weight, note.call_id, isinstance(note, Ended)))
            if buffer is None or not buffer.keep(self._put, payload, self._written):
                self._unkept = self._put
        if self._unkept == self._put or (buffer is not None and buffer.filling):
            self._hand_over()
        elif self._gathering is None:
            self._gathering = self._loop.call_later(_GATHER_S, self._hand_over)
        return self._put

    def _hand_over(self) -> None:
        """Have the thread write what has gathered; to wake it for every note costs more than writing them does."""
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None
        gathered, self._gathered = self._gathered, []
        self._queue.put(gathered)
        if self._buffer is not None:
            self._buffer.turn(self._written)

    def written(self, ticket: int) -> asyncio.Future[bool]:
        """Wait until the note with this ticket outlives us, in the buffer or in its file: True, or False when patience
        ran out.

        Cancelling the waiting does not cancel the writing.
        """
        waiter = self._loop.create_future()
        if ticket <= self._written:
            waiter.set_result(ticket != _LOST)
            return waiter
        if self._unkept <= self._written:
            if self._tally["received"] - self._tally["ended"] <= 1:  # alone, it has nobody to wait for
                waiter.set_result(True)
            else:
                self._together.join(waiter)
            return waiter
        return self._until_filed(ticket, waiter)

    def filed(self, ticket: int, *, at_once: bool = False) -> asyncio.Future[bool]:
        """Wait until the note with this ticket is in its file, where the store reads it: True, or False when patience
        ran out. `at_once`: and let nothing more gather before it is written."""
        if at_once and self._gathered:
            self._hand_over()
        waiter = self._loop.create_future()
        if ticket <= self._written or self.in_memory:
            waiter.set_result(_LOST < ticket <= self._written)
            return waiter
        return self._until_filed(ticket, waiter)

    def _until_filed(self, ticket: int, waiter: asyncio.Future[bool]) -> asyncio.Future[bool]:
        if self.in_memory or (self._doubted and self._doubted == self._at_disk_since):
            self._go_on_without(waiter)
            return waiter
        deadline = self._loop.time() + self._patience_s
        self._waiters.append((ticket, deadline, self._disk_s(), waiter))
        if self._alarm is None:
            self._alarm = self._loop.call_at(deadline, self._lose_patience)
        return waiter

    async def close(self) -> None:
        """Write what is queued, then stop. What the disk refuses at this last try is given up, counted and logged."""
        self._hand_over()
        self._queue.put(_Stop())
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)
        self._answer(self._put, False)
        if self._buffer is not None:
            self._buffer.close(needed=self._reached < self._put)  # the store reads it then
            self._buffer = None

    def _loses(self, note: Note) -> bool:
        """Whether this note is of a call that is lost; from its start on, or not at all."""
        if isinstance(note, Started) and self._waiting > 2 * self._memory_bytes:
            self._lost.add(note.call_id)
            self._tally.count("lost_notes")
            self._stand_on(Step.LOSING)
            return True
        if note.call_id not in self._lost:
            return False
        if isinstance(note, Ended):
            self._lost.remove(note.call_id)
        return True

    def _spared(self, note: Note) -> Note | None:
        """As much of a note as there is room for."""
        if isinstance(note, Told):  # usage itself; one too few is noticed, an empty one would not be
            return note if self._waiting <= self._memory_bytes else None
        return _without_body(note) if self._waiting > self._spare_above else note

    def _stand_on(self, step: Step) -> None:
        """The thread knows the step, unless it hangs: then the loop does. What either says is told at once."""
        self.saving = step > Step.FULL
        self.in_memory = step >= Step.MEMORY
        self._tally.stand_on(step)

    def _go_on_without(self, waiter: asyncio.Future[bool]) -> None:
        """Let somebody go on for whom the disk is too slow."""
        self._tally.count("late_notes")
        waiter.set_result(False)
        since = self._at_disk_since
        if since and not self.in_memory and time.monotonic() - since > _HANGS_S:
            self._stand_on(Step.MEMORY)

    # The thread calls these three through the loop.
    def _advance(self, written: int, weight: int) -> None:
        self._waiting -= weight
        self._written = written
        self._answer(written, True)

    def _given_up(self, ticket: int, weight: int, calls: int) -> None:
        self._waiting -= weight
        self._tally.count("lost_notes", calls)
        self._answer(ticket, False)

    def _refused(self) -> None:
        """The disk refuses, and goes on refusing: nobody waits for it."""
        waiters, self._waiters = self._waiters, deque()
        for *_, waiter in waiters:
            if not waiter.done():
                self._go_on_without(waiter)

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
            if by_the_disk:
                self._doubted = self._at_disk_since
            if not waiter.done():
                self._go_on_without(waiter)
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
    """What the thread does. Talks to the loop only by `call_soon_threadsafe`, and by what it tells of the step."""

    def __init__(self, journal: Journal, directory: OwnDirectory, segment_bytes: int, room: Room | None) -> None:
        self._journal = journal
        self._directory = directory
        self._appender = Appender(directory, segment_bytes)
        self._room = room
        self._looked_at = 0.0
        self._memory_bytes = journal._memory_bytes
        self._kept: deque[_Kept] = deque()  # taken but not written yet
        self._kept_bytes = 0
        self._kept_weight = 0
        self._settled = 0  # notes written or given up
        self._lost: set[bytes] = set()  # calls counted as lost whose end has not passed yet
        self._refusals = 0  # since the last write
        self._losing = False  # whether calls were given up since the last write

    def run(self) -> None:
        stopping = False
        while not stopping:
            stopping = self._take()
            self._look()
            try:
                while self._kept:
                    self._write_slice()
            except Exception as error:  # whatever it is: without this thread all that follows would be lost
                self._refused_by(error)
                if not stopping:
                    time.sleep(_SOON_S)
            else:
                if self._refusals:
                    log.warning("journal: %s can be written again", self._directory.path)
                self._refusals, self._losing = 0, False
                self._stand()
        if self._kept:
            notes = len(self._kept)
            calls = len({kept.call_id for kept in self._kept})
            self._give_up(0)
            log.error("journal: stopping; %d notes of %d calls are in no file", notes, calls)
        self._appender.finish()

    def _look(self) -> None:
        """At the room there is, and whether what is written still has a name. A disk that hangs may hang here."""
        now = time.monotonic()
        if self._room is not None and now - self._looked_at >= _RETRY_S:
            self._looked_at = now
            self._at_disk(self._room.look)
            self._at_disk(self._stay_in_place)

    def _stay_in_place(self) -> None:
        if self._room is None or self._directory.in_place():
            return
        try:
            self._directory.take_again()
        except OSError as error:
            log.debug("journal: %s cannot be made again: %s", self._directory.path, error)
        else:
            log.error("journal: %s was not in its place and is made again", self._directory.path)
            try:
                self._appender.bring_along()
            except OSError as error:  # the store may have it open, and read it to its end
                log.error("journal: its last segment cannot be written again: %s", error)
        finally:
            self._appender.finish()

    def _refused_by(self, error: Exception) -> None:
        if not self._refusals:
            unforeseen = None if isinstance(error, OSError) else error
            log.error("journal: %s cannot be written: %s", self._directory.path, error, exc_info=unforeseen)
        self._refusals += 1
        self._at_disk(self._stay_in_place)
        self._appender.finish()
        self._give_up(self._memory_bytes)
        self._stand()
        if self._refusals == _PERSISTENT:
            self._tell(self._journal._refused)

    def _stand(self) -> None:
        """Tell the loop, and whoever looks at the page of counts, how much is kept from now on."""
        room = Step.FULL if self._room is None else self._room.step
        failing = self._refusals >= _PERSISTENT
        self._journal._spare_above = (
            -1 if room >= Step.METADATA_ONLY else self._memory_bytes // 4 if failing else self._memory_bytes
        )
        self._journal._stand_on(Step.LOSING if self._losing else Step.MEMORY if failing else room)

    def _take(self) -> bool:
        """Take what has gathered, as much as one write holds; true when asked to stop."""
        queue = self._journal._queue
        taken, enough_bytes = 0, self._kept_bytes + _MAX_BATCH_BYTES
        try:
            # What could not be written is tried again, at first soon, because somebody may be waiting for it; and the
            # room is looked at, even when nothing new comes.
            pause_s = _SOON_S if 0 < self._refusals < _PERSISTENT else _RETRY_S
            notes = queue.get(timeout=pause_s if self._kept or self._room is not None else None)
            while not isinstance(notes, _Stop):
                for kept in notes:
                    self._kept.append(kept)
                    self._kept_bytes += len(kept.payload)
                    self._kept_weight += kept.weight
                taken += len(notes)
                if taken >= MAX_APPEND or self._kept_bytes >= enough_bytes:
                    return False
                notes = queue.get_nowait()
        except Empty:
            return False
        return True

    def _write_slice(self) -> None:
        """Write the oldest of what is kept, as much as one system call should, and forget it."""
        payloads = [encode(Numbered(self._settled + 1))]
        size = 0
        for kept in islice(self._kept, MAX_APPEND - 1):
            size += len(kept.payload)
            if len(payloads) > 1 and size > _MAX_BATCH_BYTES:
                break
            payloads.append(kept.payload)
        journal = self._journal
        try:
            self._at_disk(lambda: self._append(payloads))
        except Exception:
            journal._failing = True
            raise
        journal._failing = False
        notes = len(payloads) - 1
        journal._reached = self._settled + notes
        weight = sum(self._forget_oldest() for _ in range(notes))
        self._tell(self._journal._advance, self._settled, weight)

    def _append(self, payloads: list[bytes]) -> None:
        try:
            self._appender.append(payloads)
        except OSError as error:
            if error.errno not in NO_ROOM or self._room is None or not self._room.release():
                raise
            self._appender.finish()
            self._appender.append(payloads)

    def _at_disk(self, work: Callable[[], object]) -> None:
        """Do what may hang, and let the loop see since when."""
        journal = self._journal
        journal._at_disk_since = time.monotonic()
        try:
            work()
        finally:
            journal._at_disk_s += time.monotonic() - journal._at_disk_since
            journal._at_disk_since = 0.0

    def _give_up(self, bound: int) -> None:
        """Give up the oldest notes until what is kept weighs no more than `bound`; a call is counted once."""
        calls = weight = 0
        while self._kept and self._kept_weight > bound:
            call_id = self._kept[0].call_id
            calls += call_id not in self._lost
            self._lost.add(call_id)
            weight += self._forget_oldest()
        self._losing = self._losing or calls > 0
        if weight:
            self._tell(self._journal._given_up, self._settled, weight, calls)

    def _forget_oldest(self) -> int:
        """Returns what it weighed when it was handed over."""
        kept = self._kept.popleft()
        self._kept_bytes -= len(kept.payload)
        self._kept_weight -= kept.weight
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
    if isinstance(note, Started) or not (note.body.head or note.body.tail):
        return note
    return msgspec.structs.replace(note, body=Body(note.body.size, decoded=note.body.decoded, spared=True))
