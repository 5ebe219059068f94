"""A worker's running counts, on a page of memory that outlives it.

The page is a file on tmpfs (`/dev/shm`), mapped by the worker and read by the store: counting is a store to memory,
never a wait for a disk, and after `kill -9` the last numbers are still there. Together with the sequence numbers in
the notes they prove how many calls the journal does not hold. A power cut takes the page; the notes remain.
"""

import contextlib
import fcntl
import hashlib
import os
import struct
import tempfile
import time
from collections.abc import Container, Iterator
from functools import lru_cache
from pathlib import Path

from proxy.journal.directory import held, is_boot_id
from proxy.journal.ladder import Step
from proxy.journal.page import mapped

FIELDS = (
    "received", "ended", "malformed", "late_notes", "lost_notes", "late_heads", "turned_away", "stalls",
    "longest_stall_ms", "step", "step_since_us", "without_room_in",
)  # fmt: skip
"""received: calls noted as started; ended: calls noted as ended; malformed: requests the HTTP parser refused;
late_notes: notes a client did not wait for, because the disk was too slow; lost_notes: calls of which a note was
given up; late_heads: requests whose headers did not come in time; turned_away: connections past max_connections;
stalls: how often the loop stood still (`proxy/loop_watch.py`); longest_stall_ms: the longest of them;
step: how much is kept (`proxy/journal/ladder.py`); step_since_us: since when, microseconds since the epoch, 0 when it
always was so; without_room_in: the identity of the data directory in which there was no room for the worker's journal
when it began, else 0: such a page may be all that is ever seen of it.

New ones stand last: pages that an earlier version left are read, too."""

SHARED = Path("/dev/shm")  # noqa: S108 - a private directory is made in it, with its owner checked
"""Where memory is that processes share."""

_CELL = struct.Struct("=Q")
_PLACE = {field: place for place, field in enumerate(FIELDS)}


def tally_dir(data_dir: Path) -> Path:
    """The directory of the pages of this data directory, on tmpfs where there is one."""
    name = f"tollbook-{os.getuid()}-{hashlib.sha256(os.fsencode(data_dir.resolve())).hexdigest()[:16]}"
    for parent in _shared_by_all():
        path = parent / name
        try:
            path.mkdir(mode=0o700, exist_ok=True)
            status = path.lstat()
        except OSError:
            continue
        if status.st_uid == os.getuid() and path.is_dir() and not path.is_symlink():
            return path
    return data_dir


def _shared_by_all() -> Iterator[Path]:
    yield SHARED
    try:
        yield Path(tempfile.gettempdir())
    except FileNotFoundError:  # it writes a file to find one, and disks may be full
        return


# The store reads every page after each batch; finding the directory takes ten times as long as reading one.
_known_dir = lru_cache(maxsize=8)(tally_dir)


class Tally:
    """The writing side: one per worker."""

    def __init__(self, data_dir: Path, boot_id: str) -> None:
        path = tally_dir(data_dir) / boot_id
        self._fd = fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        self._page = mapped(fd, _CELL.size * len(FIELDS), path)
        # Each count is one store: `struct.pack_into` writes zeros first, and who looks just then would find no calls.
        self._cells = memoryview(self._page).cast("Q")
        with contextlib.suppress(OSError):
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)  # until we are gone: see `counting`
        self._counts = dict.fromkeys(FIELDS, 0)

    def count(self, field: str, amount: int = 1) -> int:
        """Add to one count; returns the new number."""
        return self._tell(field, self._counts[field] + amount)

    def tell_without_room(self, data_dir: Path) -> None:
        """There is no directory by which the store could find this run: it is to look for this page."""
        self._tell("without_room_in", _identity(data_dir))

    def stand_on(self, step: Step) -> bool:
        """Tell the step of the ladder; whether it is another than before."""
        if self._counts["step"] == step:
            return False
        self._tell("step", step)
        self._tell("step_since_us", time.time_ns() // 1000)
        return True

    def _tell(self, field: str, value: int) -> int:
        self._counts[field] = value
        self._cells[_PLACE[field]] = value
        return value

    def raise_to(self, field: str, value: int) -> None:
        """Note this number, unless a larger one stands there."""
        if value > self._counts[field]:
            self.count(field, value - self._counts[field])

    def __getitem__(self, field: str) -> int:
        return self._counts[field]

    def close(self) -> None:
        """Unmap the page; the file stays for the store to read and remove."""
        self._cells.release()
        self._page.close()
        os.close(self._fd)


def read_tally(data_dir: Path, boot_id: str) -> dict[str, int] | None:
    """The counts a worker left, or holds now; None when there is no page (after a power cut, say)."""
    try:
        data = (_known_dir(data_dir) / boot_id).read_bytes()
    except FileNotFoundError:
        return None
    if not data:
        return None
    counts = [count for (count,) in _CELL.iter_unpack(data[: len(data) - len(data) % 8])]
    return dict.fromkeys(FIELDS, 0) | dict(zip(FIELDS, counts, strict=False))


def counting(data_dir: Path, boot_id: str) -> bool:
    """Whether the worker lives that counts on this page; also when somebody removed its journal."""
    return held(_known_dir(data_dir) / boot_id)


def without_room(data_dir: Path, besides: Container[str]) -> list[str]:
    """The runs that began without room for a directory in this data directory, without these, living or not."""
    folder = _known_dir(data_dir)
    try:
        names = [name for name in os.listdir(folder) if is_boot_id(name) and name not in besides]
    except FileNotFoundError:
        return []
    if not names:
        return []
    # Another data directory may have had this one's name, and its pages may still be there.
    ours = _identity(data_dir)
    return [name for name in names if ours and (read_tally(data_dir, name) or {}).get("without_room_in") == ours]


def _identity(data_dir: Path) -> int:
    """Tells one directory from another of the same name; 0 when it cannot be told."""
    try:
        about = data_dir.stat()
    except OSError:
        return 0
    told = hashlib.sha256(f"{about.st_dev}:{about.st_ino}".encode()).digest()
    return int.from_bytes(told[:8], "little")


def has_tally(data_dir: Path, boot_id: str) -> bool:
    """Whether there is such a page."""
    return (_known_dir(data_dir) / boot_id).exists()


def remove_tally(data_dir: Path, boot_id: str) -> None:
    """Remove the page of a worker that is gone and accounted for."""
    (tally_dir(data_dir) / boot_id).unlink(missing_ok=True)
