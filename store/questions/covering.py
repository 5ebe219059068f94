"""Which tables answer a question about sums: the coarsest first, finer ones for what is left, rows at the very ends.

There are two families of sums, each fine in time, and one table over everything by UTC day (schema.sql). A question
that one family can tell apart is read from it, any other from the days over everything.

The wanted time seldom begins where a unit of a table does, and outside of UTC no local day does. Where most of a unit
is wanted the whole unit is read, and what was too much is read from a finer table and taken away again: sums can be
subtracted, histograms included. So a local day that is two hours off is a UTC day with two hours moved, and those two
hours are read once: added to one day, taken from the other.

The sums are written in one transaction with their rows, so whichever way is taken the answer is the same.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from store.filters import DIMENSIONS, TIME_UNITS, Filter
from store.questions.local_time import Stretch
from store.sums import DAY_KEYS, DAY_MODELS, DAY_SUMS, DAY_US, HOUR_KEYS, HOUR_MODELS, HOUR_US, QUARTER_MODELS, Table

CALLS = Table("calls", "started_at", 1, DIMENSIONS)
_FAMILIES = (
    (DAY_MODELS, HOUR_MODELS, QUARTER_MODELS, CALLS),
    (DAY_KEYS, HOUR_KEYS, CALLS),
    (DAY_SUMS, CALLS),
)
_COARSEST = {"minute": 1, "hour": HOUR_US, "day": DAY_US, "month": DAY_US}


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of time and the table it is read from; its ends are whole units of that table.

    What it holds is added (1) to the groups of these labels, or taken away (-1).
    """

    table: Table
    start_us: int
    stop_us: int
    shares: tuple[tuple[tuple[str, ...], int], ...]


def tables_for(asked: Filter, by: Collection[str]) -> Sequence[Table]:
    """The tables that can tell these groups of the filter's calls apart, coarsest first; the last is the rows."""
    units = [name for name in by if name in TIME_UNITS]
    needed = {name for name in DIMENSIONS if getattr(asked, name)} | (set(by) - set(units))
    if not asked.only_dimensions or not needed <= set(DIMENSIONS):
        return (CALLS,)
    coarsest = min((_COARSEST[unit] for unit in units), default=DAY_US)
    family = next(tables for tables in _FAMILIES if needed <= set(tables[0].dimensions))
    return [table for table in family if table.unit_us <= coarsest]


def cover(tables: Sequence[Table], wanted: Iterable[Stretch]) -> list[Piece]:
    """The pieces that together give each wanted stretch to its labels, in order of time.

    What one stretch gives and another takes away is one piece.
    """
    found: dict[tuple[Table, int, int], dict[tuple[str, ...], int]] = {}
    for stretch in wanted:
        _cover(stretch.start_us, stretch.stop_us, tables, (stretch.labels, 1), found)
    pieces = [
        Piece(*place, tuple((labels, sign) for labels, sign in shares.items() if sign))
        for place, shares in found.items()
    ]
    return sorted((piece for piece in pieces if piece.shares), key=lambda piece: piece.start_us)


def _cover(
    start: int,
    stop: int,
    tables: Sequence[Table],
    share: tuple[tuple[str, ...], int],
    found: dict[tuple[Table, int, int], dict[tuple[str, ...], int]],
) -> None:
    if start >= stop:
        return
    table, *finer = tables
    unit = table.unit_us
    labels, sign = share
    # Where half of a unit is wanted, its beginning is read as a whole and its end is not: then two neighbours that
    # share a unit agree on what is moved.
    first, last = start // unit * unit, -(-stop // unit) * unit
    if last - first == unit and not _most(stop - start, unit, begins=start == first):
        _cover(start, stop, finer, share, found)
        return
    if last - first > unit:
        if start > first and not _most(first + unit - start, unit, begins=False):
            first += unit
            _cover(start, first, finer, share, found)
        if stop < last and not _most(stop - (last - unit), unit, begins=True):
            last -= unit
            _cover(last, stop, finer, share, found)
    if first < last:
        shares = found.setdefault((table, first, last), {})
        shares[labels] = shares.get(labels, 0) + sign
        _cover(first, start, finer, (labels, -sign), found)
        _cover(stop, last, finer, (labels, -sign), found)


def _most(part: int, whole: int, *, begins: bool) -> bool:
    return part * 2 > whole or (begins and part * 2 == whole)
