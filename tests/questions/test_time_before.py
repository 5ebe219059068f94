"""What a time is compared with: months with months, days with days, and what has passed with the same part."""

from datetime import datetime

import pytest

from store.filters import parse
from store.moments import rfc3339
from store.questions.time_before import time_before

NOON = datetime.fromisoformat("2026-11-21T12:00:00+00:00")
MONTHS_AND_DAYS = [  # from, to, the time before in Berlin, its unit, how many
    ("2026-10-01", "2026-10-31", "2026-09-01T00:00+02:00", "2026-10-01T00:00+02:00", "month", 1),
    ("2026-03-01", "2026-03-31", "2026-02-01T00:00+01:00", "2026-03-01T00:00+01:00", "month", 1),
    ("2026-01-01", "2026-03-31", "2025-10-01T00:00+02:00", "2026-01-01T00:00+01:00", "month", 3),
    ("2026-10-25", "2026-10-25", "2026-10-24T00:00+02:00", "2026-10-25T00:00+02:00", "day", 1),  # of 25 hours
    ("2026-10-26", "2026-11-01", "2026-10-19T00:00+02:00", "2026-10-26T00:00+01:00", "day", 7),
    ("2026-10-02", "2026-11-01", "2026-09-01T00:00+02:00", "2026-10-02T00:00+02:00", "day", 31),
    ("2026-10-01T12:00", "2026-10-02T12:00", "2026-09-30T12:00+02:00", "2026-10-01T12:00+02:00", None, 0),
    ("24h", None, "2026-11-19T12:00+00:00", "2026-11-20T12:00+00:00", None, 0),
]
NOT_OVER = [
    ("2026-11-01", "2026-11-30", "2026-10-01T00:00+02:00", "2026-10-21T13:00+02:00", "month", 1),
    ("2026-11-21", "2026-11-21", "2026-11-20T00:00+01:00", "2026-11-20T13:00+01:00", "day", 1),
    ("2026-11-21T12:00", "2026-11-21T14:00", "2026-11-21T10:00+01:00", "2026-11-21T11:00+01:00", None, 0),
]


@pytest.mark.parametrize("part", [False, True])
def test_the_time_before(*, part: bool) -> None:
    """Whole months and days of the zone have as many before them; other times, and what has passed, as much."""
    for begin, end, before, until, unit, number in NOT_OVER if part else MONTHS_AND_DAYS:
        params = [("from", begin), ("tz", "Europe/Berlin"), *([("to", end)] if end else [])]
        found = time_before(parse(params, NOON), NOON)
        wanted = [datetime.fromisoformat(text).timestamp() for text in (before, until)]
        assert (found.from_us / 1e6, found.to_us / 1e6) == tuple(wanted), (begin, end, rfc3339(found.from_us))
        assert (found.unit, found.number, found.part) == (unit, number, part), (begin, end)


def test_the_last_day_of_a_longer_month_has_no_day_before_it() -> None:
    """Of a month that is longer than the one before, the last days are compared with all of that one."""
    now = datetime.fromisoformat("2026-03-31T12:00:00+00:00")
    found = time_before(parse([("from", "2026-03-01"), ("to", "2026-03-31")], now), now)
    assert (rfc3339(found.from_us)[:10], rfc3339(found.to_us)[:10]) == ("2026-02-01", "2026-03-01")


def test_nothing_is_before_the_epoch() -> None:
    """All time since the epoch is compared with nothing."""
    found = time_before(parse([("from", "1970-01-01"), ("to", "2026-10-31")], NOON), NOON)
    assert (found.from_us, found.to_us) == (0, 0)
