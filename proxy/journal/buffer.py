"""Memory in which notes stay until they are in a file, and which outlives the worker: no call waits for the disk.

It is a file on tmpfs (`/dev/shm`), mapped: a note kept there survives `kill -9` as one does that was written to a file,
at the price of a copy. Two halves take turns: one fills while the thread writes the notes of the other. When both are
full, because the disk is slow, notes go without, and calls wait for the file.

The first two cells say how far each half is filled. A record is the note's number within the run, its length, and its
bytes; the cell is stored after the record, so who reads what a dead worker left finds whole notes only.
"""

import logging
import mmap
import os
import struct
from pathlib import Path
from typing import Self

from proxy.journal.reserving import reserve
from proxy.journal.tally import SHARED, tally_dir

log = logging.getLogger("tollbook.journal")

_HALF_BYTES = 2 * 1024 * 1024
_RECORD = struct.Struct("=QI")
_CELLS = struct.Struct("=QQ")
_PAGE = mmap.PAGESIZE
"""Where the first half begins."""


class Buffer:
    """The notes of one run that are not in a file yet. Used by the loop alone."""

    def __init__(self, path: Path, half_bytes: int) -> None:
        """Raises OSError: there is no room for it."""
        self._path = path
        self._half_bytes = half_bytes
        self._half = 0  # that fills
        self._filled = [0, 0]
        self._last = [0, 0]  # the number of the last note in each half
        fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            reserve(fd, _PAGE + 2 * half_bytes)  # else the first write without room would end the process by a signal
            self._page = mmap.mmap(fd, _PAGE + 2 * half_bytes)
        except BaseException:
            path.unlink()
            raise
        finally:
            os.close(fd)
        self._ends = memoryview(self._page)[: _CELLS.size].cast("Q")  # each is one store, never half done

    @classmethod
    def of_run(cls, data_dir: Path, boot_id: str, half_bytes: int = _HALF_BYTES) -> Self | None:
        """The buffer of this run; None where there is no memory that processes share, or no room in it."""
        folder = tally_dir(data_dir)
        if folder.parent != SHARED:
            return None  # a file on a disk: the kernel may stop whoever writes to its memory while it writes it back
        try:
            return cls(_path(data_dir, boot_id), half_bytes)
        except OSError as error:
            log.warning("there is no room for notes in %s (%s): calls wait for the disk instead", folder, error)
            return None

    def keep(self, number: int, payload: bytes, written: int) -> bool:
        """Keep the bytes of a note; whether there is room. Notes up to the number `written` are in files."""
        size = _RECORD.size + len(payload)
        half = self._half
        if self._filled[half] + size > self._half_bytes:
            self._free(written)
            half = 1 - half if self._filled[half] + size > self._half_bytes else half
            if self._filled[half] + size > self._half_bytes:
                return False
            self._half = half
        position = _PAGE + half * self._half_bytes + self._filled[half]
        _RECORD.pack_into(self._page, position, number, len(payload))
        position += _RECORD.size
        self._page[position : position + len(payload)] = payload
        self._last[half] = number
        self._fill(half, self._filled[half] + size)
        return True

    @property
    def filling(self) -> bool:
        """Whether much of the half that fills is full."""
        return 2 * self._filled[self._half] > self._half_bytes

    def turn(self, written: int) -> None:
        """Go on in the other half, if nothing in it is needed: all up to this number is in files."""
        other = 1 - self._half
        if self._last[other] <= written:
            self._fill(other, 0)
            self._half = other

    def _free(self, written: int) -> None:
        for half in (0, 1):
            if self._last[half] <= written:
                self._fill(half, 0)

    def _fill(self, half: int, end: int) -> None:
        self._filled[half] = self._ends[half] = end

    def close(self, *, needed: bool = False) -> None:
        """Write no more; and remove it, unless something in it is `needed`, which is in no file."""
        self._ends.release()
        self._page.close()
        if not needed:
            self._path.unlink(missing_ok=True)


def left_in(data_dir: Path, boot_id: str) -> list[tuple[int, bytes]]:
    """The notes that a worker left in its buffer, with their numbers, in order; some may be in files as well."""
    try:
        data = _path(data_dir, boot_id).read_bytes()
    except FileNotFoundError:
        return []
    if len(data) < _PAGE:
        return []  # it died before there was any
    half_bytes = (len(data) - _PAGE) // 2
    notes: dict[int, bytes] = {}
    for half, end in enumerate(_CELLS.unpack_from(data)):
        position = _PAGE + half * half_bytes
        end = min(position + end, len(data))
        while position + _RECORD.size <= end:
            number, length = _RECORD.unpack_from(data, position)
            position += _RECORD.size
            notes[number] = data[position : position + length]
            position += length
    return sorted(notes.items())


def remove(data_dir: Path, boot_id: str) -> None:
    """Remove what a worker left that is gone and accounted for."""
    _path(data_dir, boot_id).unlink(missing_ok=True)


def _path(data_dir: Path, boot_id: str) -> Path:
    return tally_dir(data_dir) / f"{boot_id}.notes"
