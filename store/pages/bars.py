"""Calls over time as bars: how the time is cut so that it is read at a glance, and which bar a sum belongs to.

Pure: times and sums in, bars out. A bar begins and ends where the zone's own minutes, hours, days or months do.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any, Final
from zoneinfo import ZoneInfo

MOST_BARS: Final = 120
_MINUTE, _HOUR, _DAY, _MONTH = 60, 3600, 86_400, 2_678_400

_STEPS: Final = (  # (unit that sums are asked by, how many of them make a bar, seconds of a bar)
    *(("minute", number, number * _MINUTE) for number in (1, 2, 5, 10)),
    *(("hour", number, number * _HOUR) for number in (1, 2, 3, 6, 12)),
    *(("day", number, number * _DAY) for number in (1, 2, 7, 14)),
    *(("month", number, number * _MONTH) for number in (1, 3, 12, 120, 1200)),
)
_MOST_TICKS: Final = 6
_LAST_TICK: Final = 0.94  # of the width; what is written further right would not fit


@dataclass(frozen=True, slots=True)
class Step:
    """How the time is cut."""

    unit: str
    number: int
    seconds: int

    @property
    def words(self) -> str:
        return self.unit if self.number == 1 else f"{self.number} {self.unit}s"

    @property
    def coarser(self) -> "Step":
        """The same in hours, which sums tell at once."""
        return Step("hour", 1, _HOUR) if self.unit == "minute" else self


@dataclass(frozen=True, slots=True)
class Bar:
    """The calls of one stretch of time."""

    start: datetime
    stop: datetime
    calls: int
    errors: int


@dataclass(frozen=True, slots=True)
class Tick:
    """A time written beneath the bars, at this share of their width."""

    share: float
    text: str


def step_for(begin: datetime, end: datetime) -> Step:
    """The finest cut with at most so many bars."""
    seconds = (end - begin).total_seconds()
    fitting = (Step(*step) for step in _STEPS if seconds <= step[2] * (MOST_BARS - 1))
    return next(fitting, Step(*_STEPS[-1]))


def bars(begin: datetime, end: datetime, step: Step, zone: ZoneInfo, sums: Iterable[Mapping[str, Any]]) -> list[Bar]:
    """The bars from `begin` to `end`; `sums` are rows of `stats` by the step's unit."""
    edges = _edges(begin, end, step, zone)
    starts = [edge.timestamp() for edge in edges[:-1]]
    calls, errors = [0] * len(starts), [0] * len(starts)
    for row in sums:
        place = max(0, bisect_right(starts, _moment(row[step.unit], zone).timestamp()) - 1)
        calls[place] += row["calls"]
        errors[place] += row["errors"]
    return [Bar(*cut) for cut in zip(edges, edges[1:], calls, errors, strict=False)]


def ticks(shown: Sequence[Bar], step: Step) -> list[Tick]:
    """A few of the starts, in words."""
    if not shown:
        return []
    begin, end = shown[0].start.timestamp(), shown[-1].stop.timestamp()
    days = (end - begin) / _DAY
    named = shown
    if step.unit == "hour" and days > _MOST_TICKS:  # labels are dates alone: they stand where a day begins
        named = [bar for before, bar in pairwise(shown) if bar.start.date() != before.start.date()]
    every = -(-len(named) // _MOST_TICKS)
    places = ((bar, (bar.start.timestamp() - begin) / (end - begin)) for bar in named[::every])
    return [Tick(share, _words(bar.start, step, days)) for bar, share in places if share <= _LAST_TICK]


def _words(start: datetime, step: Step, days: float) -> str:
    if step.unit == "month":
        return start.strftime("%b %Y")
    day = f"{start.day} {start:%b}"
    if step.unit == "day" or days > _MOST_TICKS:
        return day
    return f"{start:%H:%M}" if days <= 1 else f"{day} {start:%H:%M}"


def _edges(begin: datetime, end: datetime, step: Step, zone: ZoneInfo) -> list[datetime]:
    """At least two, the first at or before `begin`, the last after `end`."""
    here = begin.astimezone(zone)
    edges = [_floor(here, step, zone)]
    while edges[-1] <= end:
        edges.append(_next(edges[-1], step, zone))
    return edges if len(edges) > 1 else [*edges, _next(edges[-1], step, zone)]


def _floor(here: datetime, step: Step, zone: ZoneInfo) -> datetime:
    if step.unit == "month":
        months = here.year * 12 + here.month - 1
        return _month(months - months % step.number, zone)
    if step.unit == "day":
        return datetime.combine(here.date(), time(), zone)
    past = timedelta(seconds=(here.hour * _HOUR + here.minute * _MINUTE) % step.seconds + here.second)
    # Time that really passes: a bar that begins in one offset of the zone may end in another.
    return ((here - timedelta(microseconds=here.microsecond)).astimezone(UTC) - past).astimezone(zone)


def _next(edge: datetime, step: Step, zone: ZoneInfo) -> datetime:
    if step.unit == "month":
        return _month(edge.year * 12 + edge.month - 1 + step.number, zone)
    if step.unit == "day":
        return datetime.combine(edge.date() + timedelta(days=step.number), time(), zone)
    return (edge.astimezone(UTC) + timedelta(seconds=step.seconds)).astimezone(zone)


def _month(months: int, zone: ZoneInfo) -> datetime:
    year = min(max(months // 12, 1), 9999)
    return datetime(year, months % 12 + 1, 1, tzinfo=zone)


def _moment(label: str, zone: ZoneInfo) -> datetime:
    """The start of a group of `stats`."""
    if len(label) == len("2026-11"):
        return datetime.combine(date.fromisoformat(f"{label}-01"), time(), zone)
    told = datetime.fromisoformat(label)
    return told if told.tzinfo else told.replace(tzinfo=zone)
