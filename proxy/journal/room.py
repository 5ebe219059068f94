"""Looks at the room on the disk of a data directory now and then, and keeps a ballast there to throw off.

Not for an event loop: the disk may be the one that hangs. The ballast is a file of zeros that takes room while there
is plenty. Thrown off, it leaves the notes and the book something to go on with; it is taken aboard again once there is
plenty. Whoever of the workers comes first does either: both can be done twice.
"""

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

from proxy.journal.ladder import Step, ballast_size, by_room, low_mark
from proxy.journal.reserving import reserve

BALLAST = "ballast"
_LOOK_S = 0.5

Space = tuple[int, int]
"""Free bytes, and bytes in all."""


def space_on(path: Path) -> Space | None:
    """The space on the disk of this directory; None when it cannot be told."""
    try:
        disk = os.statvfs(path)
    except OSError:
        return None
    return disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize


class Room:
    """What one thread knows of the room there is."""

    def __init__(
        self,
        data_dir: Path,
        low_space: int | None = None,
        *,
        holds_ballast: bool = False,
        look: Callable[[Path], Space | None] = space_on,
        every_s: float = _LOOK_S,
    ) -> None:
        self._data_dir = data_dir
        self._low_space = low_space
        self._holds_ballast = holds_ballast
        self._look = look
        self._every_s = every_s
        self._looked_at = -every_s
        self.step = Step.FULL
        self.low_bytes: int | None = None  # below so much free space less is kept; None until there was a look

    def look(self) -> Step:
        """The step the room is good for; looked at twice a second at most, however often it is asked."""
        now = time.monotonic()
        if now - self._looked_at < self._every_s:
            return self.step
        self._looked_at = now
        space = self._look(self._data_dir)
        if space is None:
            return self.step  # what cannot be told changes nothing: a disk that is gone refuses writes, too
        free, total = space
        self.low_bytes = low = low_mark(self._low_space, total)
        self.step = by_room(self.step, free, low)
        if self.step >= Step.BALLAST_RELEASED:
            self.release()
        elif self.step == Step.FULL and self._holds_ballast:
            self._hold(ballast_size(low))
        return self.step

    def release(self) -> bool:
        """Throw the ballast off; whether there was any."""
        try:
            (self._data_dir / BALLAST).unlink()
        except OSError:
            return False
        return True

    def _hold(self, size: int) -> None:
        path = self._data_dir / BALLAST
        with contextlib.suppress(OSError):  # next time, then
            if path.exists() or not size:
                return
            fd = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
            try:
                reserve(fd, size)
            except OSError:
                path.unlink()
                raise
            finally:
                os.close(fd)
