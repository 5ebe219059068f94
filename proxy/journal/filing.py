"""The thread that puts notes into files: the one place that waits for the disk, tries again, and gives notes up.

It talks to the loop by `call_soon_threadsafe` only, by the step it stands on, and by `AtDisk`, which the loop may look
at when this thread does not get to say anything.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from itertools import islice
from queue import Empty, SimpleQueue
from typing import Protocol

import msgspec

from proxy.journal.appender import MAX_APPEND, NO_ROOM, Appender
from proxy.journal.directory import OwnDirectory
from proxy.journal.ladder import Step
from proxy.journal.notes import Numbered, encode
from proxy.journal.patience import AtDisk
from proxy.journal.room import Room

log = logging.getLogger("tollbook.journal")

_MAX_BATCH_BYTES = 4 * 1024 * 1024  # of one write: what a disk must have room for before anything is written again
_RETRY_S = 0.5
_SOON_S = 0.01
_PERSISTENT = 2  # refusals in a row that are no accident any more


class Kept(msgspec.Struct, frozen=True, gc=False):
    """A note that waits to be written: encoded once, however often writing is tried."""

    payload: bytes
    weight: int
    call_id: bytes
    ends: bool


class Stop:
    """Asks the thread to finish what is queued and leave."""


class Owner(Protocol):
    """Whose notes they are. All but `stand_on` is called on its loop."""

    def advanced(self, written: int, weight: int) -> None:
        """The notes up to this one are in a file; the last of them weighed so much when they were handed over."""

    def given_up(self, ticket: int, weight: int, calls: int) -> None:
        """The notes up to this one are given up that were in no file; so many calls are lost with them."""

    def refused(self) -> None:
        """The disk refuses, and goes on refusing."""

    def stand_on(self, step: Step, spare_above: int) -> None:
        """How much is kept from now on: no bodies when more than `spare_above` bytes wait. Called by the thread."""


class Filing:
    """What the thread does."""

    def __init__(
        self,
        owner: Owner,
        directory: OwnDirectory,
        at_disk: AtDisk,
        *,
        segment_bytes: int,
        memory_bytes: int,
        room: Room | None,
    ) -> None:
        """To be made on the loop; `start` begins."""
        self._loop = asyncio.get_running_loop()
        self._owner = owner
        self.queue: SimpleQueue[list[Kept] | Stop] = SimpleQueue()
        self._at_disk = at_disk
        self._thread = threading.Thread(target=self._run, name="tollbook-journal", daemon=True)
        self._directory = directory
        self._appender = Appender(directory, segment_bytes)
        self._room = room
        self._looked_at = 0.0
        self._memory_bytes = memory_bytes
        self._kept: deque[Kept] = deque()  # taken but not written yet
        self._kept_bytes = 0
        self._kept_weight = 0
        self._settled = 0  # notes written or given up
        self._lost: set[bytes] = set()  # calls counted as lost whose end has not passed yet
        self._refusals = 0  # since the last write
        self._losing = False  # whether calls were given up since the last write

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    async def stop(self) -> None:
        """Write what is queued; returns when the last of it is in a file or given up."""
        self.queue.put(Stop())
        await self._loop.run_in_executor(None, self._thread.join)

    def _run(self) -> None:
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
            self._busy(self._room.look)
            self._busy(self._stay_in_place)

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
        self._busy(self._stay_in_place)
        self._appender.finish()
        self._give_up(self._memory_bytes)
        self._stand()
        if self._refusals == _PERSISTENT:
            self._tell(self._owner.refused)

    def _stand(self) -> None:
        """Tell the loop, and whoever looks at the page of counts, how much is kept from now on."""
        room = Step.FULL if self._room is None else self._room.step
        failing = self._refusals >= _PERSISTENT
        bound = self._memory_bytes
        spare_above = -1 if room >= Step.METADATA_ONLY else bound // 4 if failing else bound
        self._owner.stand_on(Step.LOSING if self._losing else Step.MEMORY if failing else room, spare_above)

    def _take(self) -> bool:
        """Take what has gathered, as much as one write holds; true when asked to stop."""
        queue = self.queue
        taken, enough_bytes = 0, self._kept_bytes + _MAX_BATCH_BYTES
        try:
            # What could not be written is tried again, at first soon, because somebody may be waiting for it; and the
            # room is looked at, even when nothing new comes.
            pause_s = _SOON_S if 0 < self._refusals < _PERSISTENT else _RETRY_S
            notes = queue.get(timeout=pause_s if self._kept or self._room is not None else None)
            while not isinstance(notes, Stop):
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
        try:
            self._busy(lambda: self._append(payloads))
        except Exception:
            self._at_disk.failing = True
            raise
        self._at_disk.failing = False
        notes = len(payloads) - 1
        self._at_disk.reached = self._settled + notes
        weight = sum(self._forget_oldest() for _ in range(notes))
        self._tell(self._owner.advanced, self._settled, weight)

    def _append(self, payloads: list[bytes]) -> None:
        try:
            self._appender.append(payloads)
        except OSError as error:
            if error.errno not in NO_ROOM or self._room is None or not self._room.release():
                raise
            self._appender.finish()
            self._appender.append(payloads)

    def _busy(self, work: Callable[[], object]) -> None:
        """Do what may hang, and let the loop see since when."""
        at_disk = self._at_disk
        at_disk.since = time.monotonic()
        try:
            work()
        finally:
            at_disk.ended_s += time.monotonic() - at_disk.since
            at_disk.since = 0.0

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
            self._tell(self._owner.given_up, self._settled, weight, calls)

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
            self._loop.call_soon_threadsafe(callback, *numbers)
        except RuntimeError:
            pass  # the loop is closed; nobody waits any more
