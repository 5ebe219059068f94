"""What keys and groups used in a stretch of time, out of the book, to the micro-credit.

Whole days and hours come from the sums, which stay when old calls are pruned; what is left at the two edges, less than
an hour each, from the calls themselves.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Literal

from store.budgets.window import Window
from store.sums import DAY_US, HOUR_US

Of = Literal["key", "group"]
Ask = Callable[[str, Sequence[object]], list[tuple[int, int, int]]]
"""Asks the book: rows of an id, micro-credits, and about how many calls used them."""

_Piece = tuple[str, int, int]
"""Which statement, and its two bounds."""

_EVER = 2**62


@dataclass(frozen=True, slots=True)
class Used:
    """By the id of each key, or of each group."""

    micro: Counter[int] = field(default_factory=Counter)  # micro-credits
    calls: Counter[int] = field(default_factory=Counter)  # that used something


def used(ask: Ask, of: Of, window: Window) -> Used:
    """What was used in this time."""
    start = -_EVER if window.start_us is None else window.start_us
    stop = _EVER if window.stop_us is None else window.stop_us
    found = Used()
    for name, first, last in _pieces(start, stop):
        for number, micro, calls in ask(_statement(name, of), (first, last)):
            found.micro[number] += micro
            found.calls[number] += calls
    return found


def _pieces(start: int, stop: int) -> Iterator[_Piece]:
    first_hour, last_hour = -(-start // HOUR_US), stop // HOUR_US
    if first_hour >= last_hour:
        yield "used_calls", start, stop
        return
    yield "used_calls", start, first_hour * HOUR_US
    yield "used_calls", last_hour * HOUR_US, stop
    hours = DAY_US // HOUR_US
    first_day, last_day = -(-first_hour // hours), last_hour // hours
    if first_day >= last_day:
        yield "used_hours", first_hour, last_hour
        return
    yield "used_hours", first_hour, first_day * hours
    yield "used_hours", last_day * hours, last_hour
    yield "used_days", first_day, last_day


@cache
def _statement(name: str, of: Of) -> str:
    text = (files("store.budgets") / f"{name}.sql").read_text()
    return text.replace("/*of*/", f"{of}_id")
