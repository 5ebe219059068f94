"""Time cut into windows of about so many calls each, for questions that no index answers.

Such a question looks at one window after the other, begins with those that matter most, and stops when its time is
up: what it found so far is right for the time it has read, and it says how far that is.
"""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from store.conditions import ALWAYS, Condition, all_of, between
from store.reader import Snapshot

CALLS_AT_ONCE = 2_000
"""How many calls the first window holds: a few milliseconds, and a fifth of a second where the disk is slow."""
_MOST_AT_ONCE = 1_000_000
_QUICK_S, _SLOW_S = 0.025, 0.1


@dataclass(frozen=True, slots=True)
class Allowance:
    """How long a question may look, in seconds from now on."""

    seconds: float
    _began: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float:
        return max(0.0, self.seconds - (time.monotonic() - self._began))

    @property
    def spent(self) -> bool:
        return not self.left


@dataclass(frozen=True, slots=True)
class Window:
    """start <= time < stop, in microseconds; None is an open end."""

    start_us: int | None
    stop_us: int | None


async def windows(
    snapshot: Snapshot,
    start_us: int | None,
    stop_us: int | None,
    order: str = "desc",
    calls: int = CALLS_AT_ONCE,
    *,
    among: str = "calls",
    of: Condition = ALWAYS,
) -> AsyncIterator[Window]:
    """Windows that together are exactly this time, the newest first (`desc`) or the oldest (`asc`).

    The first holds about so many calls, more only where that many were received in one microsecond. Those that follow
    are larger or smaller, as the one who reads them was quick or slow with the one before. `among` names an index and
    `of` what it leads to, where calls beside it need not be counted.
    """
    left = Window(start_us, stop_us)
    while True:
        began = time.monotonic()
        where = all_of((of, between("started_at", left.start_us, left.stop_us)))
        text = f"select started_at from {among} where {where.text} order by started_at {order} limit 1 offset ?"  # noqa: S608 - text of ours
        found = await snapshot.rows(text, (*where.values, calls))
        if not found:
            yield left
            return
        (edge,) = found[0]
        if order == "desc":
            yield Window(edge, left.stop_us)
            left = Window(left.start_us, edge)
        else:
            edge = max(edge, (left.start_us or 0) + 1) if left.start_us is not None else edge
            yield Window(left.start_us, edge)
            left = Window(edge, left.stop_us)
        if left.start_us is not None and left.start_us == left.stop_us:
            return
        took = time.monotonic() - began
        if took < _QUICK_S:
            calls = min(calls * 2, _MOST_AT_ONCE)
        elif took > _SLOW_S:
            calls = max(calls // 2, 1)
