"""Notices when a worker's loop stands still: something in it blocks, or the machine does not let it run.

The loop looks at the clock four times a second; what it comes too late by, it stood still. A thread looks, too, and
when the loop is overdue it notes which line it stands at: only that tells a blocking call of ours from a busy machine.
"""

import asyncio
import logging
import sys
import threading
import time
from pathlib import PurePath
from types import FrameType

from proxy.journal.tally import Tally

STALL_S = 0.1
"""What counts: longer than any piece of work on the loop may take."""
_TOLD_S = 1.0
_BETWEEN_TOLD_S = 60.0
_LOOKS_EVERY_S = 0.25
_FRAMES = 6
_LOOP_ITSELF = ("runners.py", "selectors.py", "base_events.py", "events.py")  # it waits there, or calls from there

log = logging.getLogger("tollbook.proxy")


class LoopWatch:
    """Watches the loop it was started on, until `close`."""

    def __init__(self, tally: Tally, *, looks_every_s: float = _LOOKS_EVERY_S) -> None:
        self._tally = tally
        self._every_s = looks_every_s
        self._due = 0.0
        self._where: str | None = None  # where the loop stood when it was overdue
        self._told_at = -_BETWEEN_TOLD_S
        self._untold = 0
        self._stop = threading.Event()

    def start(self) -> None:
        """Begin to look."""
        self._loop = asyncio.get_running_loop()
        self._expect_next()
        looks_at = threading.get_ident()
        self._thread = threading.Thread(target=self._look, args=[looks_at], name="tollbook-loop-watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._timer.cancel()
        self._stop.set()
        self._thread.join(1.0)

    def _expect_next(self) -> None:
        self._where = None
        self._due = time.monotonic() + self._every_s
        self._timer = self._loop.call_later(self._every_s, self._turn)

    def _turn(self) -> None:
        """The loop has come round."""
        stood_s = time.monotonic() - self._due
        if stood_s >= STALL_S:
            self._tally.count("stalls")
            self._tally.raise_to("longest_stall_ms", round(stood_s * 1000))
            if stood_s >= _TOLD_S and self._where is not None:
                self._tell(stood_s, self._where)
        self._expect_next()

    def _tell(self, stood_s: float, where: str) -> None:
        now = time.monotonic()
        if now - self._told_at < _BETWEEN_TOLD_S:
            self._untold += 1
            return
        more = f" ({self._untold} more since the last time this was told)" if self._untold else ""
        log.warning("the loop stood still for %.1f s, and every call with it, at %s%s", stood_s, where, more)
        self._told_at, self._untold = now, 0

    def _look(self, looks_at: int) -> None:
        while not self._stop.wait(self._every_s):
            if time.monotonic() - self._due >= STALL_S:
                frame = sys._current_frames().get(looks_at)
                self._where = None if frame is None else _standing(frame)


def _standing(frame: FrameType) -> str | None:
    """The lines that led to where it stands, the innermost first; None when nothing but the loop itself runs."""
    lines: list[str] = []
    at: FrameType | None = frame
    while at is not None and len(lines) < _FRAMES:
        file = PurePath(at.f_code.co_filename)
        if file.name in _LOOP_ITSELF:
            break
        lines.append(f"{'/'.join(file.parts[-2:])}:{at.f_lineno} {at.f_code.co_name}")
        at = at.f_back
    return " < ".join(lines) or None
