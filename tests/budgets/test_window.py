"""Periods of budgets begin at midnight of their zone, on Mondays, and on the first."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.budget import PERIODS, Period
from store.budgets.window import window
from store.moments import at, epoch_us
from tests.questions.generated import ZONES

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("period", "start", "stop"),
    [
        ("day", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00"),
        ("week", "2026-10-19T00:00:00+02:00", "2026-10-26T00:00:00+01:00"),
        ("month", "2026-10-01T00:00:00+02:00", "2026-11-01T00:00:00+01:00"),
    ],
)
def test_periods_follow_the_clocks_of_the_zone(period: Period, start: str, stop: str) -> None:
    """On the day on which the clocks are put back, each period begins and ends at a local midnight."""
    found = window(period, epoch_us(datetime(2026, 10, 25, 12, tzinfo=BERLIN)), BERLIN)
    assert found.start_us == epoch_us(datetime.fromisoformat(start))
    assert found.stop_us == epoch_us(datetime.fromisoformat(stop))


def test_a_total_has_no_ends() -> None:
    """A total is one period, for all time."""
    found = window("total", 0, BERLIN)
    assert (found.start_us, found.stop_us) == (None, None)


@given(
    st.sampled_from(PERIODS),
    st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1)),  # noqa: DTZ001 - the zone is given below
    st.sampled_from((*ZONES, "America/Sao_Paulo", "Africa/Cairo", "Asia/Beirut")),
)
def test_periods_follow_each_other_without_a_gap(period: Period, moment: datetime, zone: str) -> None:
    """Every moment lies in its period, and the period that begins at its end is the next one."""
    now_us = epoch_us(moment.replace(tzinfo=UTC))
    found = window(period, now_us, ZoneInfo(zone))
    assert found.holds(now_us), at(now_us)
    if found.stop_us is not None:
        assert window(period, found.stop_us, ZoneInfo(zone)).start_us == found.stop_us
