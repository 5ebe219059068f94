"""Which tables answer a question about sums: whole days and quarter hours from the sums, only what is left from rows.

The sums are written in one transaction with their rows, so whichever way is taken the answer is the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from store.conditions import Condition, between
from store.filters import DIMENSIONS, TIME_UNITS, Filter
from store.sums import DAY_US, QUARTER_US


@dataclass(frozen=True, slots=True)
class Table:
    """Where sums can be read: `started` is the start of a row's time in microseconds."""

    name: str
    time: str  # the column that counts `unit_us` since the epoch
    unit_us: int
    dimensions: frozenset[str]
    units: frozenset[str]

    @property
    def started(self) -> str:
        return self.time if self.unit_us == 1 else f"{self.time} * {self.unit_us}"


CALLS = Table("calls", "started_at", 1, frozenset(DIMENSIONS), frozenset(TIME_UNITS))
DAYS = Table("day_sums", "day", DAY_US, frozenset(DIMENSIONS), frozenset({"day", "month"}))
QUARTERS = Table(
    "quarter_models",
    "quarter",
    QUARTER_US,
    frozenset({"model", "type", "upstream"}),
    frozenset({"hour", "day", "month"}),
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of time, and the table it is read from; None is an open end."""

    table: Table
    start_us: int | None
    stop_us: int | None

    @property
    def condition(self) -> Condition:
        """The rows of the table in this stretch; its ends are whole units."""
        unit = self.table.unit_us
        start = None if self.start_us is None else self.start_us // unit
        stop = None if self.stop_us is None else self.stop_us // unit
        return between(self.table.time, start, stop)


def cover(asked: Filter, by: Sequence[str], offsets_us: Sequence[int] = (0,)) -> list[Piece]:
    """The pieces that make up the filter's time, coarsest first; `offsets_us` are those of its zone."""
    tables = [table for table in (DAYS, QUARTERS) if _fits(table, asked, by, offsets_us)]
    if asked.from_us is not None and asked.to_us is not None and asked.from_us >= asked.to_us:
        return []
    return _cover(asked.from_us, asked.to_us, tables)


def _fits(table: Table, asked: Filter, by: Sequence[str], offsets_us: Sequence[int]) -> bool:
    units = {name for name in by if name in TIME_UNITS}
    filtered = {name for name in DIMENSIONS if getattr(asked, name)}
    return (
        asked.only_dimensions
        and filtered | (set(by) - units) <= table.dimensions
        and units <= table.units
        and (not units or all(offset % table.unit_us == 0 for offset in offsets_us))
    )


def _cover(start: int | None, stop: int | None, tables: Sequence[Table]) -> list[Piece]:
    if not tables:
        return [Piece(CALLS, start, stop)]
    table, *finer = tables
    unit = table.unit_us
    inner_start = None if start is None else -(-start // unit) * unit
    inner_stop = None if stop is None else stop // unit * unit
    if inner_start is not None and inner_stop is not None and inner_start >= inner_stop:
        return _cover(start, stop, finer)
    before = _cover(start, inner_start, finer) if start != inner_start else []
    after = _cover(inner_stop, stop, finer) if stop != inner_stop else []
    return [Piece(table, inner_start, inner_stop), *before, *after]
