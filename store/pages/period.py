"""The stretch of time a page sums up: which one, cut into what, and what it is compared with."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from store.filters import Filter, WrongFilter
from store.moments import at, epoch_us
from store.pages.state import State
from store.pages.time_range import MONTHS, length_in_words
from store.questions.time_before import time_before

DEFAULT_FROM: Final = "30d"
"""The last thirty days, while the address says nothing of time."""
EVER: Final = "1970-01-01"
"""The start that means all time."""
UNITS: Final = ("minute", "hour", "day", "month")

_MINUTE_US, _HOUR_US, _DAY_US = 60_000_000, 3_600_000_000, 86_400_000_000
_MOST_US: Final = {"minute": 3 * _HOUR_US, "hour": 4 * _DAY_US, "day": 190 * _DAY_US}  # by default; else months
_LONGEST_US: Final = {"minute": 2 * _DAY_US, "hour": 60 * _DAY_US, "day": 2000 * _DAY_US}  # that can be chosen


@dataclass(frozen=True, slots=True)
class Period:
    """start <= time < stop in microseconds, and the unit it is cut into."""

    start_us: int
    stop_us: int
    unit: str
    words: str  # "the last 30 days"
    default: bool  # the address names no start
    ever: bool  # it is all time
    before_words: str  # what it is compared with

    @property
    def length_us(self) -> int:
        return self.stop_us - self.start_us

    def local(self, asked: Filter) -> tuple[str, str]:
        """Start and stop as a clock on the wall of the filter's zone shows them."""
        start, stop = (at(us).astimezone(asked.zone) for us in (self.start_us, self.stop_us))
        return start.strftime("%Y-%m-%dT%H:%M:%S"), stop.strftime("%Y-%m-%dT%H:%M:%S")

    def units(self) -> tuple[str, ...]:
        """The units it can be cut into without too many pieces."""
        return tuple(
            unit
            for unit in UNITS
            if self.length_us <= _LONGEST_US.get(unit, self.length_us) and (unit != "month" or self.length_us > _DAY_US)
        )


def period(state: State, asked: Filter, now: datetime, first_us: int | None) -> Period:
    """The period of a filter that has a start; `first_us`, the first call there is, is as early as it goes.

    Raises:
        WrongFilter: `per` names no unit, or one too fine for so much time.
    """
    stop = asked.to_us if asked.to_us is not None else epoch_us(now)
    start = asked.from_us or 0
    if first_us is not None:
        start = max(start, min(first_us, stop))
    start = min(start, stop)
    words = _words(state)
    before = _before(words, asked, now)
    found = Period(start, stop, _unit(stop - start), words, not state.value("from"), _is_ever(state), before)
    if chosen := state.value("per"):
        if chosen not in UNITS:
            raise WrongFilter("per", f"{chosen!r}: use one of {', '.join(UNITS)}")
        if chosen not in found.units():
            raise WrongFilter("per", f"{chosen!r}: too much time for this; narrow it, or use {found.units()[0]}")
        found = replace(found, unit=chosen)
    return found


def width_ms(unit: str) -> int | None:
    """How long a unit lasts on the wall; None for months."""
    return {"minute": _MINUTE_US // 1000, "hour": _HOUR_US // 1000, "day": _DAY_US // 1000}.get(unit)


def _unit(length_us: int) -> str:
    return next((unit for unit, most in _MOST_US.items() if length_us <= most), "month")


def _is_ever(state: State) -> bool:
    return state.value("from") == EVER and not state.value("to")


def _before(words: str, asked: Filter, now: datetime) -> str:
    if "last" in words:
        return f"{words.replace('last ', '')} before"
    earlier = time_before(asked, now)
    if earlier.unit == "month" and earlier.number == 1:
        first = at(earlier.from_us).astimezone(asked.zone)
        name = f"{MONTHS[first.month - 1]} {first.year}"
    elif earlier.unit is not None:
        name = f"the {earlier.number} {earlier.unit}s before" if earlier.number > 1 else f"the {earlier.unit} before"
    else:
        name = "as long a time before"
    return f"the same part of {name}" if earlier.part and earlier.unit else name


def _words(state: State) -> str:
    start, stop = state.value("from", DEFAULT_FROM), state.value("to")
    if _is_ever(state):
        return "all time"
    if not stop and (length := length_in_words(start)):
        return f"the last {length}"
    return "the time chosen"
