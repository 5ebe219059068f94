"""Keeps a flood of refusals from filling the book: past a number in a minute they are counted on the last row.

A source is one client address, refused for one reason; with the same key, where the register knows it, and for the same
model, where that is the reason. A flood that goes on gets one row more in each minute, so that its times are right to
the minute. A count is kept for as many sources as fit; those heard of longest ago are forgotten.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

ROWS = 20
"""Refusals of one source in a minute that have a row each."""

_MINUTE_S = 60.0
_MOST_SOURCES = 10_000

Source = tuple[str, str, str | None, str | None]
"""Client address, reason, name of the key, model."""


@dataclass(slots=True)
class _Minute:
    since: float
    refusals: int
    row: bytes


class Floods:
    """What one worker refused lately."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._minutes: OrderedDict[Source, _Minute] = OrderedDict()

    def row_of(self, source: Source, call_id: bytes) -> bytes:
        """The row that tells of this refusal: its own, or the one that it repeats."""
        now = self._clock()
        minute = self._minutes.get(source)
        if minute is None or now >= minute.since + _MINUTE_S:
            goes_on = minute is not None and minute.refusals > ROWS and now < minute.since + 2 * _MINUTE_S
            minute = self._minutes[source] = _Minute(now, ROWS - 1 if goes_on else 0, call_id)
            if len(self._minutes) > _MOST_SOURCES:
                self._minutes.popitem(last=False)
        self._minutes.move_to_end(source)
        minute.refusals += 1
        if minute.refusals <= ROWS:
            minute.row = call_id
        return minute.row
