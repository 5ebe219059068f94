"""This time against the time before, movers, and the forecast: worked out by hand and from the rows."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from store.call import Call, Cost, Tokens
from store.filters import Filter, Words, parse
from store.moments import at, epoch_us
from store.questions.comparison import comparison
from store.questions.forecast import forecast
from store.questions.movers import movers
from store.questions.stats import stats
from store.reader import Reader
from tests.books import NOON_US, a_book, a_call

HOUR = 3_600_000_000
DAY = 24 * HOUR
NOW = at(NOON_US)
LAST_DAY = Filter(from_us=NOON_US - DAY)


def costing(nano: int | None, ago: int, **changes: Any) -> Call:
    """A call of this cost, received so long ago."""
    cost = Cost("unknown") if nano is None else Cost("priced", nano)
    return a_call(started_at_us=NOON_US - ago, cost=cost, usage_micro=nano, **changes)


async def test_the_time_before_is_as_long_and_just_before(tmp_path: Path) -> None:
    """Yesterday's sums are those of the day before now's beginning; changes are ratios of them."""
    calls = [
        costing(300, HOUR),
        costing(300, 2 * HOUR),
        costing(500, DAY + 1),
        costing(7, 2 * DAY),
        costing(9, 2 * DAY + 1),
    ]
    async with Reader.open(a_book(tmp_path, calls)) as reader:
        found = await comparison(reader, LAST_DAY, NOW)
        here = await stats(reader, Filter(from_us=NOON_US - DAY, to_us=NOON_US))
        there = await stats(reader, Filter(from_us=NOON_US - 2 * DAY, to_us=NOON_US - DAY))
    assert (found["total"], found["previous"]["total"]) == (here["total"], there["total"])
    assert (found["from"], found["to"]) == ("2026-11-20T12:00:00.000000Z", "2026-11-21T12:00:00.000000Z")
    assert (found["previous"]["from"], found["previous"]["to"]) == ("2026-11-19T12:00:00.000000Z", found["from"])
    assert found["change"]["calls"] == 0.0
    assert found["change"]["cost"] == round((600 - 507) / 507, 6)
    assert found["change"]["errors"] is None
    assert found["per_minute"] == {"calls": round(2 / 1440, 6), "tokens": round(300 / 1440, 6)}
    assert (found["complete"], found["read_back_to"]) == (True, None)


async def test_a_month_is_compared_with_the_month_before(tmp_path: Path) -> None:
    """October is held against September, and this month against as much of October; the rest of it is no time yet."""
    days = ("2026-08-31", "2026-09-01", "2026-09-30", "2026-10-01", "2026-10-15", "2026-10-31", "2026-11-20")
    nano = (10**6, 10, 20, 100, 200, 400, 1000)
    calls = [
        a_call(started_at_us=at_local(f"{day}T12:00:00"), cost=Cost("priced", one))
        for day, one in zip(days, nano, strict=True)
    ]
    async with Reader.open(a_book(tmp_path, calls)) as reader:
        for first, last, now, before, up in (
            ("2026-10-01", "2026-10-31", 700, 30, "0.000000670"),
            ("2026-11-01", "2026-11-30", 1000, 300, "0.000000700"),
        ):
            asked = parse([("from", first), ("to", last)], NOW)
            found = await comparison(reader, asked, NOW)
            assert [found[name]["cost"]["usd"] for name in ("total",)] == [f"{Decimal(now) / 10**9:.9f}"]
            assert found["previous"]["total"]["cost"]["usd"] == f"{Decimal(before) / 10**9:.9f}"
            assert (await movers(reader, asked, NOW))["key"]["up"][0]["change_usd"] == up
    passed_minutes = 20 * 24 * 60 + 12 * 60
    assert found["per_minute"]["calls"] == round(1 / passed_minutes, 6)


async def test_nothing_is_before_the_whole_book(tmp_path: Path) -> None:
    """Without a beginning there is no time before, and rates count from the book's first quarter of an hour."""
    async with Reader.open(a_book(tmp_path, [costing(1, HOUR), costing(None, HOUR)])) as reader:
        found = await comparison(reader, Filter(), NOW)
    assert (found["previous"], set(found["change"].values())) == (None, {None})
    assert (found["from"], found["per_minute"]["calls"]) == ("2026-11-21T11:00:00.000000Z", round(2 / 60, 6))
    assert found["uncertain"]["unknown_cost_calls"] == 1
    assert found["uncertain"]["unknown_cost_share"] == 0.5


async def test_an_empty_book_is_compared_with_nothing(tmp_path: Path) -> None:
    """No calls are no changes, no shares and no division by zero."""
    async with Reader.open(tmp_path) as reader:
        for asked in (Filter(), LAST_DAY, Filter(from_us=NOON_US + DAY)):
            found = await comparison(reader, asked, NOW)
            assert found["total"]["calls"] == 0
            assert set(found["change"].values()) == {None}
            assert found["cache"]["hit_share"] is None
            assert (await movers(reader, asked, NOW))["model"] == {"up": [], "down": []}
        assert (await forecast(reader, Filter(), NOW))["usd"] is None


async def test_the_cache_is_judged_by_models_that_tell_of_theirs(tmp_path: Path) -> None:
    """Input of a model that says nothing of a cache is no miss; what caching spared is summed."""
    telling = Tokens("reported", input_uncached=100, cache_read=300, output_text=1)
    silent = Tokens("reported", input_uncached=10_000, output_text=1)
    calls = [
        a_call(model="a", tokens=telling, cost=Cost("priced", 5, cache_saved=40)),
        a_call(model="a", tokens=telling, cost=Cost("priced", 5, cache_saved=-15)),
        a_call(model="b", tokens=silent, cost=Cost("priced", 5)),
    ]
    async with Reader.open(a_book(tmp_path, calls)) as reader:
        found = (await comparison(reader, Filter(), at(NOON_US + HOUR)))["cache"]
        without = (await comparison(reader, Filter(model=Words(("b",))), at(NOON_US + HOUR)))["cache"]
    assert found == {"read_tokens": 600, "of_input_tokens": 800, "hit_share": 0.75, "saved_usd": "0.000000025"}
    assert without == {"read_tokens": None, "of_input_tokens": None, "hit_share": None, "saved_usd": None}


async def test_movers_are_sorted_by_how_far_they_moved(tmp_path: Path) -> None:
    """Risers and fallers come apart, the largest first, five at most; an unknown cost moves nobody."""
    now = [costing(nano, HOUR, model=model) for model, nano in (("up", 90), ("new", 50), ("down", 10), ("same", 5))]
    before = [
        costing(nano, 30 * HOUR, model=model) for model, nano in (("up", 10), ("down", 70), ("gone", 99), ("same", 5))
    ]
    unknown = [costing(None, HOUR, model="dark"), costing(5, 30 * HOUR, model="dark")]
    many = [costing(number, HOUR, model=f"m{number}") for number in range(1, 9)]
    async with Reader.open(a_book(tmp_path, [*now, *before, *unknown, *many])) as reader:
        found = await movers(reader, LAST_DAY, NOW)
    assert [(one["value"], one["change_usd"]) for one in found["model"]["up"]] == [
        ("up", "0.000000080"), ("new", "0.000000050"), ("m8", "0.000000008"), ("m7", "0.000000007"),
        ("m6", "0.000000006"),
    ]  # fmt: skip
    assert [(one["value"], one["change_usd"]) for one in found["model"]["down"]] == [
        ("gone", "-0.000000099"), ("down", "-0.000000060"),
    ]  # fmt: skip
    assert found["model"]["up"][1] == {
        "value": "new", "usd": "0.000000050", "previous_usd": "0.000000000", "change_usd": "0.000000050",
        "change": None, "calls": 1, "previous_calls": 0,
    }  # fmt: skip
    assert (found["key"]["up"][0]["value"], found["key"]["down"]) == ("laptop", [])
    assert [(one["value"], one["change"]) for one in found["group"]["up"] + found["group"]["down"]] == [
        ("default", round((191 - 189) / 189, 6))
    ]


async def test_sums_of_different_times_are_not_compared(tmp_path: Path) -> None:
    """Where the time was up before all rows were read there are no changes, no rates and no movers, and it is said."""
    calls = [costing(7, 1 + number * 2 * DAY // 6000) for number in range(6000)]
    asked = Filter(from_us=NOON_US - DAY, stream=Words(("0",)))
    async with Reader.open(a_book(tmp_path, calls)) as reader:
        found = await comparison(reader, asked, NOW, allowed_s=0.0)
        moved = await movers(reader, asked, NOW, allowed_s=0.0)
        in_time = await comparison(reader, asked, NOW)
    assert (found["complete"], moved["complete"], in_time["complete"]) == (False, False, True)
    assert found["read_back_to"] is not None
    assert (set(found["change"].values()), set(found["per_minute"].values())) == ({None}, {None})
    assert moved["model"] == moved["key"] == {"up": [], "down": []}
    assert in_time["change"]["calls"] == 0.0


def at_local(text: str, tz: str = "UTC") -> int:
    asked = parse([("from", text), ("tz", tz)], NOW)
    assert asked.from_us is not None
    return asked.from_us


async def test_the_forecast_goes_on_as_in_the_last_seven_days(tmp_path: Path) -> None:
    """Month so far, and for the days left the average of the last seven full days."""
    calls = [
        a_call(started_at_us=at_local(f"2026-11-{day:02}T06:00:00"), cost=Cost("priced", 10**9)) for day in range(2, 22)
    ]
    calls.append(a_call(started_at_us=at_local("2026-11-17T23:59:59"), cost=Cost("priced", 14 * 10**9)))
    calls.append(a_call(started_at_us=at_local("2026-10-31T23:59:59"), cost=Cost("priced", 10**12)))
    calls.append(a_call(started_at_us=NOON_US - 1, cost=Cost("unknown"), usage_micro=None))
    async with Reader.open(a_book(tmp_path, calls)) as reader:
        found = await forecast(reader, Filter(from_us=0, to_us=5, outcome=Words(("rejected",))), NOW)
    assert (found["month"], found["so_far_usd"], found["per_day_usd"]) == ("2026-11", "34.000000000", "3.000000000")
    assert (found["days_left"], found["averaged_days"], found["unknown_calls"]) == (9.5, 7, 1)
    assert Decimal(found["usd"]) == 34 + Decimal("9.5") * 3
    assert (
        found["method"] == "The month so far, and for what is left of it the average per day of the last 7 full days."
    )


async def test_a_young_book_is_averaged_over_the_days_it_has(tmp_path: Path) -> None:
    """Two full days are two, today is none, and before the first full day nothing is foretold."""
    first = a_call(started_at_us=at_local("2026-11-18T13:00:00"), cost=Cost("priced", 8 * 10**9))
    later = a_call(started_at_us=at_local("2026-11-20T06:00:00"), cost=Cost("priced", 4 * 10**9))
    async with Reader.open(a_book(tmp_path, [first, later])) as reader:
        found = await forecast(reader, Filter(), NOW)
        early = await forecast(reader, Filter(), datetime(2026, 11, 19, 23, 59, tzinfo=UTC))
        other = await forecast(reader, Filter(model=Words(("nobody",))), NOW)
    assert (found["averaged_days"], found["per_day_usd"]) == (2, "2.000000000")
    assert (early["averaged_days"], early["usd"], early["per_day_usd"]) == (0, None, None)
    assert early["so_far_usd"] == "8.000000000"
    assert other["usd"] == "0.000000000"


@pytest.mark.parametrize(("tz", "month", "left"), [("Pacific/Chatham", "2026-12", 31.0), ("UTC", "2026-11", 0.573)])
async def test_the_month_is_that_of_the_zone(tmp_path: Path, tz: str, month: str, left: float) -> None:
    """On the last day of November it is December already where the clocks are far ahead."""
    async with Reader.open(a_book(tmp_path, [costing(1, HOUR)])) as reader:
        now = datetime(2026, 11, 30, 10, 15, tzinfo=UTC)
        found = await forecast(reader, parse([("tz", tz)], now), now)
    assert (found["month"], found["days_left"]) == (month, left)
    assert epoch_us(now) == at_local("2026-12-01T00:00:00", "Pacific/Chatham")
