"""The period of a budget that is running: from its start to the start of the next, in the zone of `[credits] tz`.

Days begin at local midnight, weeks on Monday, months on the first. A call belongs to the period in which it was
received.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from proxy.config.budget import Period
from store.moments import at, epoch_us


@dataclass(frozen=True, slots=True)
class Window:
    """start <= time < stop, in microseconds since the epoch; None: no end at this side."""

    start_us: int | None
    stop_us: int | None

    def holds(self, us: int) -> bool:
        """Whether this moment is in it."""
        return (self.start_us is None or us >= self.start_us) and (self.stop_us is None or us < self.stop_us)


def window(period: Period, now_us: int, zone: ZoneInfo) -> Window:
    """The period that is running now."""
    if period == "total":
        return Window(None, None)
    today = at(now_us).astimezone(zone).date()
    found = _of(period, today, zone)
    if found.holds(now_us):
        return found
    return _of(period, today + timedelta(days=1), zone)  # clocks that were put back over midnight


def _of(period: Period, day: date, zone: ZoneInfo) -> Window:
    match period:
        case "week":
            first = day - timedelta(days=day.weekday())
            after = first + timedelta(days=7)
        case "month":
            first = day.replace(day=1)
            after = (first + timedelta(days=31)).replace(day=1)
        case _:
            first, after = day, day + timedelta(days=1)
    return Window(_midnight_us(first, zone), _midnight_us(after, zone))


def _midnight_us(day: date, zone: ZoneInfo) -> int:
    return epoch_us(datetime.combine(day, time(), zone))
