"""What a JSON value is worth as a count or a name. Nothing here raises, and nothing odd is passed on as a fact.

Providers have sent counts as floats, strings, booleans, negatives and numbers larger than any machine word.
"""

from decimal import Decimal
from typing import Any

from store.anomalies import Anomalies

LARGEST = 2**53 - 1  # the largest whole number every JSON implementation agrees on; seven of them still fit a row's sum
LONGEST_NAME = 256
_LONGEST_NUMBER = 15  # digits: less than LARGEST


class Counts:
    """Reads counts out of one usage object and remembers whether any was odd: no whole number."""

    __slots__ = ("_whole_floats", "odd")

    def __init__(self, *, whole_floats: bool = False) -> None:
        self.odd = False
        self._whole_floats = whole_floats  # that they write 7.0 for 7 is nothing odd

    def of(self, value: Any) -> int | None:
        """The count, or None when there is none or it makes no sense."""
        if value is None:
            return None
        if type(value) is int and value <= LARGEST:
            return value if value >= 0 else None  # every negative count is noted in one place (checks.py)
        rescued = _rescued(value)
        if rescued is None or not self._whole_floats or isinstance(value, str):
            self.odd = True
        return rescued

    @property
    def anomalies(self) -> Anomalies:
        """What was odd about them."""
        return ("odd_count",) if self.odd else ()


def all_sound(values: tuple[Any, ...]) -> bool:
    """Whether each is a count, or None."""
    for value in values:  # noqa: SIM110 - a loop costs a third of all() over a generator, on every call
        if value is not None and (type(value) is not int or value < 0 or value > LARGEST):
            return False
    return True


def _rescued(value: Any) -> int | None:
    """The whole number that a float or a string of digits stands for."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= _LONGEST_NUMBER:
        return int(value)
    if isinstance(value, (float, Decimal)) and 0 <= value <= LARGEST and value == int(value):
        return int(value)
    return None


def name(value: Any) -> str | None:
    """A non-empty string, shortened to what a column of names should hold; None for anything else."""
    return value[:LONGEST_NAME] if isinstance(value, str) and value else None
