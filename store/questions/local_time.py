"""Minutes, hours, days and months of a time zone, in SQL and as they are told.

SQLite knows no time zones. Within the span of the book a zone has a handful of offsets, so local time is the time plus
a `case` over them. An hour that is passed twice in autumn is two hours, told apart by their offsets.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from store.moments import at
from store.sums import DAY_US

_UNITS_US = {"minute": 60_000_000, "hour": 3_600_000_000, "day": DAY_US, "month": DAY_US}
_SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Offset:
    """How far a zone is ahead of UTC from one moment on."""

    from_us: int
    us: int


def offsets(zone: ZoneInfo, first_us: int, last_us: int) -> list[Offset]:
    """The offsets of a zone between two moments, in order; never empty.

    Looks once a day: no zone changes its mind twice within one.
    """
    found = [Offset(first_us, _offset_us(zone, first_us))]
    before = first_us
    while before < last_us:
        after = min(before + DAY_US, last_us)
        if _offset_us(zone, after) != found[-1].us:
            found.append(_change(zone, before, after))
        before = after
    return found


def _change(zone: ZoneInfo, before: int, after: int) -> Offset:
    old = _offset_us(zone, before)
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (middle, after) if _offset_us(zone, middle) == old else (before, middle)
    return Offset(after, _offset_us(zone, after))


def _offset_us(zone: ZoneInfo, us: int) -> int:
    ahead = at(us).astimezone(zone).utcoffset() or timedelta()
    return ahead // timedelta(microseconds=1)


def columns(unit: str, started: str, zone_offsets: Sequence[Offset]) -> tuple[str, ...]:
    """The expressions that tell one unit from another: its local number, and where it matters the offset.

    The numbers in the text are this module's own, computed from a zone's table.
    """
    offset = str(int(zone_offsets[-1].us))
    for this, following in zip(reversed(zone_offsets[:-1]), reversed(zone_offsets[1:]), strict=True):
        offset = f"case when {started} < {int(following.from_us)} then {int(this.us)} else {offset} end"
    number = f"({started} + ({offset})) / {_UNITS_US[unit]}"
    return (number, f"({offset})") if unit in ("minute", "hour") else (number,)


@dataclass(frozen=True, slots=True)
class Stretch:
    """start <= time < stop, all of it in the units of these labels."""

    start_us: int
    stop_us: int
    labels: tuple[str, ...] = ()


def stretches(units: Sequence[str], zone_offsets: Sequence[Offset], start_us: int, stop_us: int) -> Iterator[Stretch]:
    """This time cut where one of the units ends, in order. Labels can come again after a change of the clocks."""
    size = min((_UNITS_US[unit] for unit in units), default=None)
    if size is None:
        yield Stretch(start_us, stop_us)
        return
    before: Stretch | None = None
    for number, offset in enumerate(zone_offsets):
        first = start_us if number == 0 else max(start_us, offset.from_us)
        last = stop_us if number + 1 == len(zone_offsets) else min(stop_us, zone_offsets[number + 1].from_us)
        while first < last:
            local = first + offset.us
            labels = tuple(label(unit, local // _UNITS_US[unit], offset.us) for unit in units)
            stop = min(last, (local // size + 1) * size - offset.us)
            if before is not None and before.labels == labels:
                before = replace(before, stop_us=stop)
            else:
                if before is not None:
                    yield before
                before = Stretch(first, stop, labels)
            first = stop
    if before is not None:
        yield before


def label(unit: str, number: int, offset_us: int = 0) -> str:
    """How the unit is told: its start, in local time."""
    start = at(number * _UNITS_US[unit])
    if unit == "month":
        return start.strftime("%Y-%m")
    if unit == "day":
        return start.strftime("%Y-%m-%d")
    sign = "-" if offset_us < 0 else "+"
    minutes, seconds = divmod(abs(offset_us) // _SECOND_US, 60)
    tail = f":{seconds:02}" if seconds else ""
    return start.strftime("%Y-%m-%dT%H:%M:%S") + f"{sign}{minutes // 60:02}:{minutes % 60:02}{tail}"
