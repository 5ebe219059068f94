"""Writes a worker's notes. The event loop hands them over and may wait for them; it never touches the disk.

A note is kept in memory that outlives this process (`proxy/journal/buffer.py`) and nobody waits. Every twenty
milliseconds one thread (`proxy/journal/filing.py`) takes what has gathered, writes it with one system call, and tells
the loop how far it got: a write that returned is in the page cache, and its note leaves the buffer. Either survives
`kill -9` of this process (not a power cut). Without room in the buffer, as when the disk is slow, notes are handed over
at once, and who needs one waits for its file.

This is the one place that may drop, and it drops by steps (`proxy/journal/ladder.py`). The thread looks at the room
there is and tells the loop how much to keep. When the disk is gone the notes wait in memory, bounded; past a quarter of
the bound they are kept without their bodies, and past the bound the oldest are given up. When the disk does not even
answer, new ones are taken without their bodies, then not at all. Lost calls are counted (`lost_notes`). No client ever
waits longer than `patience_s` for any of it, and none for a disk that is known to refuse.
"""

import asyncio
import time

import msgspec

from proxy.journal.buffer import Buffer
from proxy.journal.directory import OwnDirectory
from proxy.journal.filing import Filing, Kept
from proxy.journal.ladder import Step
from proxy.journal.notes import Body, Ended, Note, Started, Told, encode
from proxy.journal.patience import AtDisk, Patience
from proxy.journal.room import Room
from proxy.journal.tally import Tally
from proxy.journal.together import Together

SEGMENT_BYTES = 16 * 1024 * 1024
MEMORY_BYTES = 64 * 1024 * 1024
_GATHER_S = 0.02  # for so long notes gather that are kept meanwhile
_HANGS_S = 1.0  # a write that takes longer is a disk that does not answer
_LOST = -1  # the ticket of a note that will never be written


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
        self._memory_bytes = memory_bytes
        self.saving = False  # whether no more is wanted of a body than its ends
        self.in_memory = False  # whether what is handed over now would be lost with this process
        self._spare_above = memory_bytes  # when more than this waits, notes are taken without their bodies
        self._buffer = buffer
        self._gathered: list[Kept] = []  # taken, and not handed to the thread yet
        self._gathering: asyncio.TimerHandle | None = None
        self._put = 0  # notes taken
        self._unkept = 0  # the last of them that is not in the buffer
        self._together = Together()
        self._written = 0  # notes that are in a file, as far as the loop was told
        self._waiting = 0  # about how many bytes were handed over and are neither written nor given up
        self._lost: set[bytes] = set()  # calls of which nothing is kept, until they end
        self._at_disk = AtDisk()
        self._patience = Patience(patience_s, self._at_disk, self._disk_is_slow)
        self._filing = Filing(
            self, directory, self._at_disk, segment_bytes=segment_bytes, memory_bytes=memory_bytes, room=room
        )
        self._filing.start()

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
            self._gathered.append(Kept(payload, weight, note.call_id, isinstance(note, Ended)))
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
        self._filing.queue.put(gathered)
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
        if self.in_memory:
            self._patience.give_up(waiter)
        else:
            self._patience.wait(ticket, waiter)
        return waiter

    async def close(self) -> None:
        """Write what is queued, then stop. What the disk refuses at this last try is given up, counted and logged."""
        self._hand_over()
        await self._filing.stop()
        self._patience.answer(self._put, False)
        if self._buffer is not None:
            self._buffer.close(needed=self._at_disk.reached < self._put)  # the store reads it then
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

    def _disk_is_slow(self) -> None:
        """Somebody goes on without its note."""
        self._tally.count("late_notes")
        since = self._at_disk.since
        if since and not self.in_memory and time.monotonic() - since > _HANGS_S:
            self._stand_on(Step.MEMORY)

    # What the thread tells (`proxy/journal/filing.py`).
    def advanced(self, written: int, weight: int) -> None:
        """These notes are in a file."""
        self._waiting -= weight
        self._written = written
        self._patience.answer(written, True)

    def given_up(self, ticket: int, weight: int, calls: int) -> None:
        """These notes will be in none."""
        self._waiting -= weight
        self._tally.count("lost_notes", calls)
        self._patience.answer(ticket, False)

    def refused(self) -> None:
        """The disk refuses for good."""
        self._patience.end()

    def stand_on(self, step: Step, spare_above: int) -> None:
        """How much is kept from now on."""
        self._spare_above = spare_above
        self._stand_on(step)


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
