"""The stretch of time of /stats: what it is cut into by itself, and which cuts can be chosen."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from store.filters import FILTERS, WrongFilter, parse
from store.moments import at, epoch_us
from store.pages.changes import change
from store.pages.period import Period, period
from store.pages.state import State
from tests.books import NOON_US

NOW = at(NOON_US)


def over(params: dict[str, str], first: datetime | None = None) -> Period:
    """The period of an address at noon."""
    state = State("/stats", tuple(params.items()))
    whole = state if state.value("from") else state.with_(from_="30d")
    asked = parse(whole.only(FILTERS).params, NOW)
    return period(state, asked, NOW, None if first is None else epoch_us(first))


@pytest.mark.parametrize(
    ("start", "unit"),
    [("15m", "minute"), ("3h", "minute"), ("24h", "hour"), ("4d", "hour"), ("30d", "day"), ("400d", "month")],
)  # fmt: skip
def test_longer_times_are_cut_coarser(start: str, unit: str) -> None:
    """Minutes for hours, hours for days, days for a season, months for years."""
    assert over({"from": start}).unit == unit


def test_a_young_book_is_cut_by_its_own_age() -> None:
    """All time of a book that began five days ago is cut into days, and begins there."""
    found = over({"from": "1970-01-01"}, NOW - timedelta(days=5))
    assert (found.unit, found.length_us, found.ever) == ("day", 5 * 86_400_000_000, True)


def test_a_cut_can_be_chosen_while_it_is_not_too_fine() -> None:
    """Thirty days can be cut into hours, not into minutes."""
    assert over({"per": "hour"}).unit == "hour"
    with pytest.raises(WrongFilter, match="too much time"):
        over({"per": "minute"})


def test_a_time_that_ends_before_it_begins_is_empty() -> None:
    """Nothing is between a later start and an earlier end."""
    assert over({"from": "2026-11-10", "to": "2026-11-01"}).length_us == 0


@pytest.mark.parametrize(
    ("now", "before", "words"),
    [
        (3, 2, "▲ 50 % more"), (1, 2, "▼ 50 % less"), (2, 2, "as before"), (5, 0, "none before"),
        (0, 2, "▼ 100 % less"), (None, 2, "change unknown"), (2, None, "change unknown"), (50, 2, "▲ 25 times as much"),
    ],
)  # fmt: skip
def test_changes_are_words(now: Any, before: Any, words: str) -> None:
    """A change has a direction in words; unknown is not zero."""
    assert change(now, before) == words
