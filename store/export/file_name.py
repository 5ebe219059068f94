"""What an export is called when it is kept: the days it tells of, in the zone asked for."""

from datetime import date

from store.filters import Filter
from store.moments import at


def file_name(asked: Filter, ending: str) -> str:
    """`tollbook-2026-11-22.csv`, or both ends of several days; only `tollbook.csv` for no time at all."""
    if asked.from_us is None or asked.to_us is None or asked.from_us >= asked.to_us:
        return f"tollbook.{ending}"
    first, last = _day(asked.from_us, asked), _day(asked.to_us - 1, asked)
    return f"tollbook-{first}.{ending}" if first == last else f"tollbook-{first}_{last}.{ending}"


def _day(us: int, asked: Filter) -> date:
    return at(us).astimezone(asked.zone).date()
