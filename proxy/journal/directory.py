"""Where a worker's journal lies, and how anyone can tell whether that worker still lives.

`journal/<boot id>/` belongs to one run of one worker, which holds an exclusive flock on `lock` in it for as long as
it lives: a lock that can be taken means the worker is gone, however it went. `00000001.seg`, ... hold the notes.
"""

import fcntl
import os
import re
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

from proxy.journal.segment import SUFFIX

JOURNAL = "journal"
LOCK = "lock"
_BOOT_ID = re.compile(r"[0-9a-f]{12}-[0-9a-f]{8}")


def new_boot_id() -> str:
    """A name for one run of one worker: sorts by time, never repeats."""
    return f"{time.time_ns() // 1_000_000:012x}-{secrets.token_hex(4)}"


def is_boot_id(name: str) -> bool:
    """Whether it is such a name."""
    return _BOOT_ID.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class OwnDirectory:
    """A worker's own directory, locked for as long as `lock_fd` stays open."""

    path: Path
    boot_id: str
    lock_fd: int

    def segment(self, number: int) -> Path:
        """The file of the segment with this number."""
        return self.path / f"{number:08d}{SUFFIX}"

    def in_place(self) -> bool:
        """Whether it is still where it was made: somebody may have removed it."""
        try:
            found = (self.path / LOCK).stat()
        except OSError:
            return False
        ours = os.fstat(self.lock_fd)
        return (found.st_dev, found.st_ino) == (ours.st_dev, ours.st_ino)

    def take_again(self) -> None:
        """Make and lock it anew, where somebody removed it or there was no room for it. Not the data directory: that
        may be a disk that is to be mounted again.

        Raises:
            OSError: it cannot be made now.
        """
        self.path.parent.mkdir(mode=0o700, exist_ok=True)
        self.path.mkdir(mode=0o700, exist_ok=True)
        fd = os.open(self.path / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.dup2(fd, self.lock_fd, inheritable=False)
        finally:
            os.close(fd)

    def release(self) -> None:
        """Let go of the lock: this run is over."""
        os.close(self.lock_fd)


def claim_later(data_dir: Path, boot_id: str) -> OwnDirectory:
    """The directory of a new run for which there is no room yet (see `OwnDirectory.take_again`)."""
    return OwnDirectory(data_dir / JOURNAL / boot_id, boot_id, os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))


def claim(data_dir: Path, boot_id: str) -> OwnDirectory:
    """Make and lock the directory of a new run. It appears under its name only once it is locked."""
    journal = data_dir / JOURNAL
    journal.mkdir(mode=0o700, exist_ok=True)
    hidden = journal / f".{boot_id}"
    hidden.mkdir(mode=0o700)
    lock_fd = os.open(hidden / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    path = journal / boot_id
    hidden.rename(path)
    return OwnDirectory(path, boot_id, lock_fd)


def alive(directory: Path) -> bool:
    """Whether the worker that owns this directory still runs."""
    return held(directory / LOCK)


def held(lock: Path) -> bool:
    """Whether a process holds this lock for itself. Nothing is made, and the lock is free again at once."""
    try:
        fd = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        # Shared: two that look at the same time do not take each other for its holder.
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def segments(directory: Path) -> list[tuple[int, Path]]:
    """The segments of a run, oldest first."""
    try:
        entries = list(os.scandir(directory))
    except FileNotFoundError:  # somebody removed it
        entries = []
    found = [
        (int(entry.name.removesuffix(SUFFIX)), Path(entry.path))
        for entry in entries
        if entry.name.endswith(SUFFIX) and entry.name.removesuffix(SUFFIX).isdigit()
    ]
    return sorted(found)
