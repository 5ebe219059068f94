"""Reads the journals of all workers: what each run has noted since last time, and which runs are over.

Segments are read while they grow, and after them what a worker that is gone left in memory. A segment is dropped once
it will grow no more, everything in it is in the book, and no running call began in it. After a crash everything still
there is read again: what the book has, it keeps (`store/book.py`).
"""

import logging
import os
import shutil
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from proxy.journal import buffer, directory
from proxy.journal.notes import Asked, Ended, Note, Numbered, Started, Told, decode
from proxy.journal.segment import HEADER_SIZE, Damage, scan, size_of_first
from proxy.journal.tally import counting, has_tally, read_tally, remove_tally, without_room
from store import left_over
from store.aside import NEVER, Aside
from store.metering import Noted

log = logging.getLogger("tollbook.journal")

QUARANTINE = "quarantine"
_NOTES_TOGETHER = 24  # of some eight calls
_READ_BYTES = 256 * 1024  # what a processor's cache holds until it is metered
_SMALL = 16 * 1024  # a request up to this size is kept until its call is over, a larger one read again
_LARGEST_READ = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a payload lies, so that large bodies of running calls need no memory."""

    segment: int
    start: int
    end: int


@dataclass(slots=True)
class _Open:
    """A call that has begun and not ended."""

    started: Started
    segment: int
    asked: Asked | None = None  # when it is small
    asked_at: _Place | None = None
    told_at: list[_Place] = field(default_factory=list)  # what a session told; there may be much of it


@dataclass(slots=True)
class _Segment:
    path: Path
    fd: int
    position: int = 0
    committed: int = 0
    open: int = 0  # notes of running calls that lie here
    sealed: bool = False
    known: int = 0  # up to here, the book has had it before
    doubted: int = -1  # where damage was seen once in what may still grow


@dataclass(slots=True)
class Run:
    """The journal of one run of one worker, as far as it was read."""

    boot_id: str
    path: Path
    segments: dict[int, _Segment] = field(default_factory=dict)
    open: dict[bytes, _Open] = field(default_factory=dict)
    seen: int = 0  # the highest sequence number read
    notes: int = 0  # the number of the last note read
    dead: bool = False
    emptied: bool = False  # whether what it left in its buffer was taken out, too
    damaged: int = 0

    @property
    def read_out(self) -> bool:
        """Whether nothing more can come of it."""
        return self.dead and self.emptied and not self.open and all(one.sealed for one in self.segments.values())

    def close(self) -> None:
        """Close its files, each once: by the second time its number may be that of somebody else's file."""
        while self.segments:
            _, segment = self.segments.popitem()
            os.close(segment.fd)


class Journals:
    """All runs in a data directory. Used by one thread."""

    def __init__(
        self,
        data_dir: Path,
        cursors: Mapping[tuple[str, int], int],
        known: Iterable[str] = (),
        aside: Aside = NEVER,
    ) -> None:
        """`known`: runs of which something is in the book; those whose journal somebody removed are accounted for."""
        self._data_dir = data_dir
        self._journal = data_dir / directory.JOURNAL
        self._journal.mkdir(mode=0o700, exist_ok=True)
        self._cursors = cursors
        self._aside = aside
        self.runs: dict[str, Run] = {
            boot_id: Run(boot_id, self._journal / boot_id) for boot_id in known if has_tally(data_dir, boot_id)
        }

    def look(self) -> None:
        """Notice new runs, and which are over."""
        if not self._journal.exists():  # somebody removed it; workers that live make it again
            self._journal.mkdir(mode=0o700, exist_ok=True)
        self.runs |= {run.boot_id: run for run in begun(self._data_dir, besides=self.runs)}
        for run in self.runs.values():
            if not run.dead:
                # Asked before reading: what a worker wrote before its end is then read after it.
                run.dead = not directory.alive(run.path) and not counting(self._data_dir, run.boot_id)

    def read(self, run: Run) -> Iterator[list[Noted]]:
        """The calls of this run that are over, as their notes are reached: those of one piece of a segment together.

        Whoever has enough stops asking.
        """
        for number, segment in self._segments(run):
            if segment.sealed:
                continue
            will_not_grow = run.dead or number != max(run.segments)
            size = _READ_BYTES
            while self._has_more(segment, will_not_grow):
                data = os.pread(segment.fd, size, segment.position)
                at_end = len(data) < size
                reached = segment.position
                if over := self._notes(run, number, segment, data, sealed=will_not_grow and at_end):
                    yield over
                if at_end:
                    segment.sealed = will_not_grow
                    break
                # What is longer than a piece is read alone, so that nothing has to wait for what comes after it, too.
                told = size_of_first(data) if segment.position == reached else 0
                size = _READ_BYTES if segment.position > reached else min(max(told, size * 2), _LARGEST_READ)
            else:
                segment.sealed = will_not_grow
        if run.dead and run.emptied and all(one.sealed for one in run.segments.values()):
            for call_id in list(run.open):
                yield [self._over(run, call_id, None)]

    def _segments(self, run: Run) -> Iterator[tuple[int, _Segment]]:
        """All of a run, oldest first; last of all, once there are no others, what it left in its buffer."""
        self._find_segments(run)
        for number in sorted(run.segments):
            yield number, run.segments[number]
        if run.dead and not run.emptied and all(one.sealed for one in run.segments.values()):
            number = max(run.segments, default=0) + 1
            fd = left_over.as_segment(self._data_dir, run.boot_id, after=run.notes)
            run.emptied = True
            if fd is not None:
                known = self._cursors.get((run.boot_id, number), 0)
                run.segments[number] = segment = _Segment(run.path / "left over", fd, known=known)
                yield number, segment

    @staticmethod
    def _has_more(segment: _Segment, will_not_grow: bool) -> bool:
        # A preallocated segment is zeros from where its writer is: one small read tells, where a large one would
        # copy a megabyte of them twenty times a second.
        beginning = os.pread(segment.fd, HEADER_SIZE, segment.position)
        return bool(beginning) and (will_not_grow or any(beginning))

    def _notes(self, run: Run, number: int, segment: _Segment, data: bytes, *, sealed: bool) -> list[Noted]:
        """The calls that end in this piece."""
        over: list[Noted] = []
        base = segment.position
        for found in self._aside.each(scan(data, sealed=sealed), _NOTES_TOGETHER):
            start, end = base + found.start, base + found.end
            if isinstance(found, Damage) and not sealed and segment.doubted != start:
                segment.doubted = start  # perhaps it was being written while we read: look again before believing it
                break
            segment.position = end
            if isinstance(found, Damage) and found.unfinished and run.dead:
                # The kernel ends a long write between two pages when it is killed.
                log.info("journal: the last write in segment %d of %s was not finished", number, run.path)
                continue
            run.notes += 1  # also one that cannot be read
            if isinstance(found, Damage):
                self._quarantine(run, number, start, found.data, "not a record")
                continue
            try:
                note = decode(found.payload)
            except msgspec.DecodeError as error:
                self._quarantine(run, number, start, found.payload, str(error))
                continue
            match note:
                case Numbered():
                    run.notes = note.first - 1
                case Started():
                    run.seen = max(run.seen, note.seq)
                    if note.call_id not in run.open:
                        run.open[note.call_id] = _Open(note, number)
                        segment.open += 1
                case Asked():
                    if (call := run.open.get(note.call_id)) is not None and call.asked_at is None:
                        call.asked = note if len(found.payload) <= _SMALL else None
                        call.asked_at = _Place(number, end - len(found.payload), end)
                        segment.open += 1
                case Told():
                    if (call := run.open.get(note.call_id)) is not None:
                        call.told_at.append(_Place(number, end - len(found.payload), end))
                        segment.open += 1
                case Ended():
                    if note.call_id in run.open:
                        if end > segment.known:
                            over.append(self._over(run, note.call_id, note))
                        else:
                            self._forget(run, note.call_id)
        return over

    def _over(self, run: Run, call_id: bytes, ended: Ended | None) -> Noted:
        call = run.open[call_id]
        asked, place = call.asked, call.asked_at
        if asked is None and place is not None:
            read = _read_again(run.segments[place.segment].fd, place)
            asked = read if isinstance(read, Asked) else None
        told = [_read_again(run.segments[place.segment].fd, place) for place in call.told_at]
        self._forget(run, call_id)
        return Noted(run.boot_id, call.started, asked, ended, tuple(one for one in told if isinstance(one, Told)))

    def _forget(self, run: Run, call_id: bytes) -> None:
        call = run.open.pop(call_id)
        run.segments[call.segment].open -= 1
        for place in call.told_at if call.asked_at is None else [call.asked_at, *call.told_at]:
            run.segments[place.segment].open -= 1

    def _find_segments(self, run: Run) -> None:
        for number, path in directory.segments(run.path):
            if number not in run.segments:
                try:
                    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                except FileNotFoundError:
                    continue  # a writer without room takes its new segment back
                run.segments[number] = _Segment(path, fd, known=self._cursors.get((run.boot_id, number), 0))

    def _quarantine(self, run: Run, number: int, start: int, data: bytes | memoryview, reason: str) -> None:
        run.damaged += 1
        log.error("journal: %d bytes at %d of segment %d in %s are %s", len(data), start, number, run.path, reason)
        quarantine(self._data_dir, f"{run.boot_id}-{number}-{start}.bin", data)

    def positions(self) -> dict[tuple[str, int], int]:
        """How far each segment was read: what the book's cursors become with the calls read until now."""
        return {
            (run.boot_id, number): segment.position
            for run in self.runs.values()
            for number, segment in run.segments.items()
            if segment.position != segment.committed
        }

    def committed(self, positions: Mapping[tuple[str, int], int]) -> None:
        """The book has everything up to these positions: drop the segments that are done with."""
        for (boot_id, number), position in positions.items():
            self.runs[boot_id].segments[number].committed = position
        for run in self.runs.values():
            for number, segment in list(run.segments.items()):
                if segment.sealed and not segment.open and segment.committed == segment.position and not run.dead:
                    segment.path.unlink(missing_ok=True)
                    os.close(segment.fd)
                    del run.segments[number]

    def drop(self, run: Run) -> None:
        """Remove everything of a run that is over and in the book."""
        run.close()
        shutil.rmtree(run.path, ignore_errors=True)
        remove_tally(self._data_dir, run.boot_id)
        buffer.remove(self._data_dir, run.boot_id)
        del self.runs[run.boot_id]

    def size(self) -> int:
        """Bytes in segments not yet dropped, as far as they were written or read."""
        return sum(segment.position for run in self.runs.values() for segment in run.segments.values())

    def close(self) -> None:
        """Close all files; they stay for the next start."""
        for run in self.runs.values():
            run.close()


def begun(data_dir: Path, besides: Container[str]) -> list[Run]:
    """The runs that have a directory, and those for which there was no room, without these; nothing of them is read
    yet."""
    journal = data_dir / directory.JOURNAL
    try:
        entries = list(os.scandir(journal))
    except FileNotFoundError:
        entries = []
    found = {
        entry.name: Run(entry.name, Path(entry.path))
        for entry in entries
        if not entry.name.startswith(".") and entry.name not in besides and entry.is_dir(follow_symlinks=False)
    }
    for boot_id in without_room(data_dir, besides):
        found.setdefault(boot_id, Run(boot_id, journal / boot_id))
    return list(found.values())


def _read_again(fd: int, place: _Place) -> Note | Numbered | None:
    try:
        return decode(os.pread(fd, place.end - place.start, place.start))
    except msgspec.DecodeError:
        return None  # it was whole before: the disk changed it; the call goes on without it


def tally_of(data_dir: Path, run: Run) -> dict[str, int]:
    """The counts of this run: its page, or after a power cut what its notes prove."""
    return read_tally(data_dir, run.boot_id) or {"received": run.seen, "ended": run.seen - len(run.open)}


def quarantine(data_dir: Path, name: str, data: bytes | memoryview) -> None:
    """Keep what cannot be read for somebody to look at; a full disk keeps nothing, and stops nothing."""
    folder = data_dir / QUARANTINE
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        fd = os.open(folder / name, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(data)
    except OSError as error:
        log.error("quarantine: %s cannot be kept: %s", name, error)
