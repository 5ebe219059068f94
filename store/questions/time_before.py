"""The time that a time is compared with: the one just before it, in the units a person thinks of.

Whole months of the filter's zone are compared with as many months, whole days with as many days; neither are always as
long. Any other time is compared with one of its own length. Of a time that is not over yet, what has passed is compared
with the same part of the time before: a month of which ten days have passed, with ten days.
"""

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Literal
from zoneinfo import ZoneInfo

from store.filters import Filter
from store.moments import at, epoch_us

_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class TimeBefore:
    """from <= time < to in microseconds; how many whole units it is, and whether only the same part of them."""

    from_us: int
    to_us: int
    unit: Literal["month", "day"] | None = None
    number: int = 0
    part: bool = False


def time_before(asked: Filter, now: datetime) -> TimeBefore:
    """What is compared with the time of this filter, which has a beginning."""
    start = asked.from_us or 0
    stop = asked.to_us if asked.to_us is not None else epoch_us(now)
    part = start < epoch_us(now) < stop
    first, last = _midnight(start, asked.zone), _midnight(stop, asked.zone)
    if first is None or last is None or asked.to_us is None or first >= last:
        passed = (epoch_us(now) if part else stop) - start
        begin = start - (stop - start)
        return _within(start, TimeBefore(begin, begin + passed, part=part))
    months = 12 * (last.year - first.year) + last.month - first.month
    whole_months = first.day == last.day == 1
    earlier = _months_before(first, months) if whole_months else _days_before(first, (last - first).days)
    begin = epoch_us(datetime.combine(earlier, time(), asked.zone))
    end = start
    if part:  # as far on the clock on the wall
        local = now.astimezone(asked.zone).replace(tzinfo=None)
        passed_on_the_wall = local - datetime.combine(first, time())
        end = epoch_us((datetime.combine(earlier, time()) + passed_on_the_wall).replace(tzinfo=asked.zone))
    unit: Literal["month", "day"] = "month" if whole_months else "day"
    return _within(start, TimeBefore(begin, end, unit, months if whole_months else (last - first).days, part))


def _within(start: int, found: TimeBefore) -> TimeBefore:
    begin = max(0, found.from_us)
    return TimeBefore(begin, min(found.to_us, start), found.unit, found.number, found.part)


def _midnight(moment_us: int, zone: ZoneInfo) -> date | None:
    """The day that begins here in this zone; None where none does."""
    day = at(moment_us).astimezone(zone).date()
    return day if epoch_us(datetime.combine(day, time(), zone)) == moment_us else None


def _months_before(first: date, number: int) -> date:
    months = max(12 * _EPOCH.year, 12 * first.year + first.month - 1 - number)
    return date(months // 12, months % 12 + 1, 1)


def _days_before(first: date, number: int) -> date:
    return date.fromordinal(max(_EPOCH.toordinal(), first.toordinal() - number))
