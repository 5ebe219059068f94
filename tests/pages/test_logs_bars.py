"""How time is cut into bars: nothing between them, nothing outside, every sum in its own."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import pytest

from store.pages.bars import MOST_BARS, bars, step_for, ticks
from store.questions.local_time import columns, label, offsets

ZONES = ("UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Apia")
SPANS_S = (60, 900, 3600, 20_000, 86_400, 7 * 86_400, 31 * 86_400, 180 * 86_400, 366 * 86_400, 3000 * 86_400)
DAY_US = 86_400_000_000


def told(moment: datetime, unit: str, zone: ZoneInfo) -> str:
    """What `stats` calls the group of this moment."""
    us = int(moment.timestamp()) * 1_000_000
    here = moment.astimezone(zone)
    ahead = here.utcoffset() or timedelta()
    local = us + ahead // timedelta(microseconds=1)
    size = {"minute": 60_000_000, "hour": 3_600_000_000}.get(unit, DAY_US)
    return label(unit, local // size, ahead // timedelta(microseconds=1))


@pytest.mark.parametrize("name", ZONES)
def test_bars_cover_their_time_without_gaps(name: str) -> None:
    """Bars follow each other, begin at or before the first moment, end after the last, and are not too many."""
    zone, random = ZoneInfo(name), Random(name)
    for span in SPANS_S * 8:
        begin = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=random.randrange(365 * 86_400))
        end = begin + timedelta(seconds=span)
        step = step_for(begin, end)
        cut = bars(begin, end, step, zone, [])
        assert len(cut) <= MOST_BARS + 1
        assert cut[0].start <= begin
        assert cut[-1].stop > end
        for this, following in pairwise(cut):
            assert this.stop.timestamp() == following.start.timestamp()
        assert all(bar.start.timestamp() < bar.stop.timestamp() for bar in cut)
        assert 1 <= len(ticks(cut, step)) <= 7


@pytest.mark.parametrize("name", ZONES)
def test_a_call_is_in_the_bar_of_its_time(name: str) -> None:
    """The group that a moment belongs to is counted in the bar that holds the moment, also where clocks change."""
    zone, random = ZoneInfo(name), Random(name)
    for span in SPANS_S * 8:
        begin = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=random.randrange(365 * 86_400))
        end = begin + timedelta(seconds=span)
        moment = begin + timedelta(seconds=random.randrange(span))
        step = step_for(begin, end)
        row = {step.unit: told(moment, step.unit, zone), "calls": 3, "errors": 1}
        found = [bar for bar in bars(begin, end, step, zone, [row]) if bar.calls]
        assert [(bar.calls, bar.errors) for bar in found] == [(3, 1)]
        slack = timedelta(minutes=30) if name == "Australia/Lord_Howe" else timedelta()  # changes by half an hour
        assert found[0].start - slack <= moment < found[0].stop + slack


def test_the_labels_here_are_those_of_the_question() -> None:
    """`told` writes a group as the question's own SQL would number it."""
    zone = ZoneInfo("Asia/Kathmandu")
    moment = datetime(2026, 5, 5, 20, 20, tzinfo=UTC)
    us = int(moment.timestamp()) * 1_000_000
    (offset,) = offsets(zone, us, us)
    assert columns("day", "t", [offset]) == (f"(t + ({offset.us})) / {DAY_US}",)
    assert told(moment, "day", zone) == "2026-05-06"
