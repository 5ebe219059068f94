"""The stretch of time of /stats: what it is cut into by itself, and which cuts can be chosen."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pytest

from store.filters import FILTERS, WrongFilter, parse
from store.moments import at, epoch_us
from store.pages.changes import change
from store.pages.period import Period, period
from store.pages.state import State
from store.pages.time_range import time_range
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
    ("now", "dates", "name"),
    [
        ("2026-11-30T23:30:00+00:00", "from=2026-11-01&to=2026-11-30", "November 2026"),
        ("2026-03-29T12:00:00+00:00", "from=2026-02-01&to=2026-02-28", "February 2026"),
    ],
)
def test_last_month_is_one_click_away(now: str, dates: str, name: str) -> None:
    """It is the month before that of the zone's own today, and any whole month is called by its name."""
    moment = datetime.fromisoformat(now).astimezone()
    presets = time_range(State("/stats", ()), ZoneInfo("Europe/Berlin"), moment).presets
    assert dates in next(preset.address for preset in presets if preset.label == "Last month")
    chosen = State("/stats", tuple(parse_qsl(dates)))
    assert time_range(chosen, ZoneInfo("Europe/Berlin"), moment).label == "Last month"
    assert time_range(chosen, ZoneInfo("Europe/Berlin"), moment + timedelta(days=90)).label == name


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({}, "the 30 days before"),
        ({"from": "2026-10-01", "to": "2026-10-31"}, "September 2026"),
        ({"from": "2026-01-01", "to": "2026-03-31"}, "the 3 months before"),
        ({"from": "2026-11-01", "to": "2026-11-30"}, "the same part of October 2026"),
        ({"from": "2026-11-20", "to": "2026-11-20"}, "the day before"),
        ({"from": "2026-11-21", "to": "2026-11-21"}, "the same part of the day before"),
        ({"from": "2026-11-02", "to": "2026-11-08"}, "the 7 days before"),
        ({"from": "2026-11-02T10:00", "to": "2026-11-08"}, "as long a time before"),
    ],
)
def test_what_it_is_compared_with_is_named(params: dict[str, str], words: str) -> None:
    """A month is compared with the one before, by its name; of a time that is not over, the same part."""
    assert over(params).before_words == words


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
