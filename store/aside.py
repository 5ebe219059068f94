"""Lets others have the processor first, between the calls of a batch.

Where worker and store share a processor, a call may meet the batch that is being written: the scheduler lets the store
finish its turn of some milliseconds before the worker runs. So whoever fills the book steps aside every few calls, and
between the steps that are for all of them. Each time that costs a share of the processor where others want it (on Linux
since 6.18, all that was left of the turn): when calls come faster than they are written, nobody steps aside.
"""

import math
import os
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

_EVERY = 8  # calls in one step of many: about a tenth of a millisecond
_BEHIND_S = 0.5  # a first batch after a quiet time is late, and the next no more
_HURRY_S = 2.0
_STEPS_ASIDE = hasattr(os, "sched_yield")  # macOS has none


class Aside:
    """For one thread."""

    def __init__(self, *, never: bool = False) -> None:
        """`never`: nobody is in its way."""
        self._hurries_until = math.inf if never else 0.0
        self._behind_since: float | None = None

    def hurry(self) -> None:
        """There is more to do than gets done: for a while, step aside for nobody."""
        self._hurries_until = time.monotonic() + _HURRY_S

    def passed(self, *, all_done: bool) -> None:
        """After each batch: whether nothing waits any more. Whoever stays behind hurries."""
        now = time.monotonic()
        if all_done:
            self._behind_since = None
        elif self._behind_since is None:
            self._behind_since = now
        elif now - self._behind_since >= _BEHIND_S:
            self.hurry()

    def once(self) -> None:
        """Step aside, unless there is hurry."""
        if self._steps():
            os.sched_yield()

    def each(self, things: Iterable[T], every: int = _EVERY) -> Iterable[T]:
        """The same things; step aside after so many of them, unless there is hurry."""
        return _stepping(things, every) if self._steps() else things

    def _steps(self) -> bool:
        return _STEPS_ASIDE and time.monotonic() >= self._hurries_until


NEVER = Aside(never=True)


def _stepping(things: Iterable[T], every: int) -> Iterator[T]:
    for number, thing in enumerate(things, 1):
        if not number % every:
            os.sched_yield()
        yield thing
