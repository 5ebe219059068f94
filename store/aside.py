"""Lets others have the processor first, between the calls of a batch.

Where worker and store share a processor, a call may meet the batch that is being written: the scheduler lets the store
finish its turn of some milliseconds before the worker runs. So whoever fills the book steps aside every few calls. Each
time that costs a share of the processor where others want it (on Linux since 6.18, all that was left of the turn): when
calls come faster than they are written, nobody steps aside.
"""

import os
import time
from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

T = TypeVar("T")

_EVERY = 8  # calls in one step of many: about a tenth of a millisecond
_HURRY_S = 2.0
_STEPS_ASIDE = getattr(os, "sched_yield", None)  # macOS has none


class Each(Protocol):
    """Goes through things one after the other."""

    def __call__(self, things: Iterable[T], /) -> Iterable[T]:
        """The same things."""


def straight(things: Iterable[T], /) -> Iterable[T]:
    """Without stepping aside."""
    return things


class Aside:
    """For one thread."""

    def __init__(self) -> None:
        self._hurries_until = 0.0

    def hurry(self) -> None:
        """There is more to do than gets done: for a while, step aside for nobody."""
        self._hurries_until = time.monotonic() + _HURRY_S

    def each(self, things: Iterable[T], /) -> Iterable[T]:
        """Step aside every few things, unless there is hurry."""
        hurries = time.monotonic() < self._hurries_until
        return things if hurries or _STEPS_ASIDE is None else _stepping(things)


def _stepping(things: Iterable[T]) -> Iterator[T]:
    for number, thing in enumerate(things, 1):
        if not number % _EVERY:
            os.sched_yield()
        yield thing
