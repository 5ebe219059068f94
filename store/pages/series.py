"""Sums over time as the series of a chart: the largest groups each by itself, everything else as "all others".

What is other is the total of all less what is shown, so a chart never shows less than there was. The values are those
of the JSON answers, exactly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from store.pages.measures import KINDS, Measure, Row, Value

MOST_SERIES: Final = 8
"""As many as there are colours one can tell apart."""
OTHER: Final = "all others"  # "other" alone is a call type


@dataclass(frozen=True, slots=True)
class Series:
    """One colour of a chart: a value for each bucket of time."""

    name: str
    number: int  # of its colour, from 1; 0 for what is other
    values: list[Value]

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "number": self.number,
            "values": [str(value) if isinstance(value, Decimal) else value for value in self.values],
        }


def stacked(
    measure: Measure, unit: str, by: str, totals: Sequence[Row], rows: Sequence[Row], names: Sequence[str | None]
) -> list[Series]:
    """A series for each of these groups and one for the rest, over the buckets of `totals`."""
    places = {row[unit]: place for place, row in enumerate(totals)}
    found: dict[str | None, list[Value]] = {name: [None] * len(places) for name in names}
    for row in rows:
        if row[by] in found and row[unit] in places:
            found[row[by]][places[row[unit]]] = measure.of(row)
    series = [Series(called(by, name), number, found[name]) for number, name in enumerate(names, 1)]
    rest = [
        _less(measure.of(row), [one.values[place] for one in series])
        for row, place in zip(totals, places.values(), strict=True)
    ]
    return [*series, Series(OTHER, 0, rest)] if any(rest) else series


def by_kind(totals: Sequence[Row]) -> list[Series]:
    """Tokens, not by who used them but by what they were."""
    return [
        Series(name, number, [measure.of(row) for row in totals])
        for number, (name, measure) in enumerate(KINDS.items(), 1)
    ]


def latencies(
    unit: str, by: str, totals: Sequence[Row], rows: Sequence[Row], names: Sequence[str | None]
) -> list[dict[str, Any]]:
    """p50 and p95 of all calls and of these groups; they do not add up, so nothing is other."""
    places = {row[unit]: place for place, row in enumerate(totals)}
    empty: list[float | None] = [None] * len(places)
    found = {name: {"p50": [*empty], "p95": [*empty]} for name in names}
    for row in rows:
        if row[by] in found and row[unit] in places:
            for share, values in found[row[by]].items():
                values[places[row[unit]]] = row["duration_ms"][share]
    everything = {share: [row["duration_ms"][share] for row in totals] for share in ("p50", "p95")}
    return [
        {"name": "all calls", "number": 0, "all": True, **everything},
        *(
            {"name": called(by, name), "number": number, **found[name]}
            for number, name in enumerate(names, 1)
        ),
    ]  # fmt: skip


def whole_buckets(totals: Sequence[Row], unit: str, zone: ZoneInfo, reached: str | None) -> list[Row]:
    """Those that were read whole: what begins before `reached`, down to where was read, would look too small."""
    if reached is None:
        return list(totals)
    since = datetime.fromisoformat(reached)
    return [row for row in totals if _start(row[unit], zone) >= since]


def _start(bucket: str, zone: ZoneInfo) -> datetime:
    start = datetime.fromisoformat(f"{bucket}-01" if len(bucket) == len("2026-11") else bucket)
    return start if start.tzinfo else start.replace(tzinfo=zone)


def called(by: str, name: object) -> str:
    """What a group is called on a page; the group of those without a value is named so."""
    return f"no {by}" if name is None else str(name)


def largest(measure: Measure, by: str, rows: Sequence[Row], most: int) -> list[str | None]:
    """The groups to show each by itself: at most so many, and none that has nothing to show."""
    ranked = sorted(rows, key=lambda row: (-(measure.of(row) or 0), -row["calls"], str(row[by])))
    return [row[by] for row in ranked if measure.of(row)][:most]


def _less(total: Value, parts: Sequence[Value]) -> Value:
    if total is None:
        return None
    # The two sums are of two moments: a call that came between them is in the parts alone.
    rest = max(Decimal(), Decimal(total) - sum(Decimal(part) for part in parts if part is not None))
    return rest if isinstance(total, Decimal) else int(rest)
