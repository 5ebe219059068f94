"""Who waits until a note is in its file, and when they have waited long enough.

A machine that stalls is no slow disk: when the loop or the thread did not get to run, the client is late anyway, and
going on without the note would only lose it. So what the thread has done counts, told or not, and time in which it was
not at the disk counts for less.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable

import msgspec

_STARVED_S = 0.5  # how much longer than for a slow disk is waited for a thread that does not get to run


class AtDisk(msgspec.Struct, gc=False):
    """What the thread is at, for the loop to look at. Written by the thread alone, each by one store."""

    reached: int = 0  # notes that are in a file, or given up
    failing: bool = False  # whether the last write was refused
    since: float = 0.0  # when it began the write it is in, by `time.monotonic`; 0 when it is in none
    ended_s: float = 0.0  # how long it has been in writes, the present one apart

    def so_far_s(self) -> float:
        """How long it has been in writes until now."""
        since = self.since
        return self.ended_s + (time.monotonic() - since if since else 0.0)


class Patience:
    """Those who wait. Used by the loop alone."""

    def __init__(self, patience_s: float, at_disk: AtDisk, go_on_without: Callable[[], None]) -> None:
        """`go_on_without` hears of each for whom the disk is too slow, before it goes on."""
        self._loop = asyncio.get_running_loop()
        self._patience_s = patience_s
        self._at_disk = at_disk
        self._go_on_without = go_on_without
        self._doubted = 0.0  # the beginning of a write that somebody has waited long enough for
        self._waiters: deque[tuple[int, float, float, asyncio.Future[bool]]] = deque()
        self._alarm: asyncio.TimerHandle | None = None

    def wait(self, ticket: int, waiter: asyncio.Future[bool]) -> None:
        """Let this one go on when the note is in its file, with True, or after all patience, with False."""
        if self._doubted and self._doubted == self._at_disk.since:
            self.give_up(waiter)
            return
        deadline = self._loop.time() + self._patience_s
        self._waiters.append((ticket, deadline, self._at_disk.so_far_s(), waiter))
        if self._alarm is None:
            self._alarm = self._loop.call_at(deadline, self._look)

    def answer(self, ticket: int, written: bool) -> None:
        """End all waiting for notes up to this one."""
        waiters = self._waiters
        while waiters and waiters[0][0] <= ticket:
            *_, waiter = waiters.popleft()
            if not waiter.done():
                waiter.set_result(written)

    def end(self) -> None:
        """The disk refuses, and goes on refusing: nobody waits for it."""
        waiters, self._waiters = self._waiters, deque()
        for *_, waiter in waiters:
            self.give_up(waiter)

    def give_up(self, waiter: asyncio.Future[bool]) -> None:
        """Let this one go on without its note."""
        if not waiter.done():
            self._go_on_without()
            waiter.set_result(False)

    def _look(self) -> None:
        """Let those go on who have waited long enough for the disk."""
        self._alarm = None
        now, disk_s = self._loop.time(), self._at_disk.so_far_s()
        self.answer(self._at_disk.reached, True)
        while self._waiters and (due := self._waiters[0][1]) <= now:
            _, _, disk_before_s, waiter = self._waiters[0]
            by_the_disk = self._at_disk.failing or disk_s - disk_before_s >= self._patience_s / 2
            if not by_the_disk and now - due < _STARVED_S:
                break
            self._waiters.popleft()
            if by_the_disk:
                self._doubted = self._at_disk.since
            self.give_up(waiter)
        if self._waiters:
            next_look = max(self._waiters[0][1], now + self._patience_s / 2)
            self._alarm = self._loop.call_at(next_look, self._look)
