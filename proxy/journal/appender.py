"""The files of a run as they grow: appends payloads, and begins the next segment when one is full.

Knows the disk and nothing of notes, threads or waiting. An append happens whole or, as far as a reader of a finished
segment can tell, not at all; trying again is for the caller.
"""

import errno
import logging
import os
from pathlib import Path

from proxy.journal import segment
from proxy.journal.directory import OwnDirectory
from proxy.journal.reserving import reserve

log = logging.getLogger("tollbook.journal")

MAX_APPEND = 256  # payloads; with a header each, half of IOV_MAX on every system we know
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_PIECE = 1024 * 1024


class Appender:
    """Where the next record goes. Used by one thread."""

    def __init__(self, directory: OwnDirectory, segment_bytes: int) -> None:
        self._directory = directory
        self._segment_bytes = segment_bytes
        self._number = 0  # of the last that was begun, or tried
        self._path = Path()  # of the one under way
        self._fd = -1
        self._position = 0
        self._capacity = 0

    def append(self, payloads: list[bytes]) -> None:
        """Write at most MAX_APPEND payloads with one system call; `OSError` when the disk refuses."""
        buffers: list[bytes] = []
        for payload in payloads:
            buffers += (segment.header(payload), payload)
        size = sum(map(len, buffers))
        if self._fd < 0 or self._position + size > self._capacity:
            self._next_segment(size)
        self._position = _write_all(self._fd, buffers, self._position)

    def finish(self) -> None:
        """End the segment after its last whole append; the next append begins another."""
        if self._fd < 0:
            return
        fd, self._fd = self._fd, -1
        try:
            os.ftruncate(fd, self._position)
        except OSError as error:
            log.warning("journal: a finished segment keeps its spare room: %s", error)
        try:
            os.close(fd)
        except OSError as error:  # a file system over a network may tell only here what it could not keep
            log.error("journal: the end of a segment may be lost: %s", error)

    def bring_along(self) -> None:
        """Give the segment under way a file under its name again, in the directory that was made again.

        Raises:
            OSError: there is none: only who has the segment open can read it.
        """
        if self._fd < 0:
            return
        hidden = self._path.with_name(f".{self._path.name}")
        try:
            with hidden.open("xb") as file:
                for start in range(0, self._position, _PIECE):
                    file.write(os.pread(self._fd, min(_PIECE, self._position - start), start))
            hidden.rename(self._path)
        except OSError:
            hidden.unlink(missing_ok=True)
            raise

    def _next_segment(self, size: int) -> None:
        self._number += 1
        path = self._directory.segment(self._number)
        fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            capacity = _allocate(fd, max(self._segment_bytes, size), size)
        except BaseException:
            os.close(fd)
            path.unlink()
            raise
        self.finish()  # only now: where no other can be begun, because the directory is gone, it may have to come along
        self._path, self._fd, self._position, self._capacity = path, fd, 0, capacity


def _allocate(fd: int, wanted: int, needed: int) -> int:
    """Take the room wanted, or on a disk that is nearly full the room needed. Returns how much was taken.

    A full disk shows here, not in the middle of a record.
    """
    try:
        reserve(fd, wanted)
        return wanted
    except OSError as error:
        if error.errno not in NO_ROOM or wanted == needed:
            raise
    os.ftruncate(fd, 0)  # some file systems keep what they found before the room ran out
    reserve(fd, needed)
    return needed


def _write_all(fd: int, buffers: list[bytes], position: int) -> int:
    while buffers:
        written = os.pwritev(fd, buffers, position)
        position += written
        while buffers and written >= len(buffers[0]):
            written -= len(buffers.pop(0))
        if buffers and written:
            buffers[0] = buffers[0][written:]
    return position
