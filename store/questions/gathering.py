"""Sums by groups, gathered from what a covering names: from the sums at once, from rows while there is time.

Rows are read newest first. When the time is up, the answer is of the calls down to the moment that was reached: sums
that would need older rows are not told at all, rather than told wrong.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

import orjson

from store import histogram
from store.conditions import COLUMNS, Condition, all_of, dimensions, look_up
from store.filters import TIME_UNITS, Filter, WrongFilter
from store.questions.covering import CALLS, Piece, cover, tables_for
from store.questions.local_time import Offset, columns, label, offsets, stretches
from store.questions.statements import statement
from store.questions.tally import Tally
from store.questions.ways import Route, Way, route
from store.questions.windows import Budget, windows
from store.reader import Snapshot, TookTooLong
from store.sums import DAY_US, QUARTER_US, Table

MOST_GROUPS = 50_000

Group = tuple[object, ...]
"""One value for each name that is grouped by: the label of a time, the id of a dimension, else what the row has."""

_AT_ONCE_S = 0.025  # so long a reading of rows can be twice as long the next time
_PATIENCE_S = 0.25  # with the last reading, past the time there is


class Wanted(Enum):
    """What is gathered of each group."""

    EVERYTHING = "everything"
    NO_PERCENTILES = "no percentiles"
    COUNTS = "counts"

    @property
    def question(self) -> str:
        return "facets" if self is Wanted.COUNTS else "stats"


@dataclass(frozen=True, slots=True)
class Gathered:
    """The groups that have calls; `read_back_to_us` is where the reading stopped for want of time."""

    groups: dict[Group, Tally]
    read_back_to_us: int | None = None


async def gather(snapshot: Snapshot, asked: Filter, by: Sequence[str], wanted: Wanted, budget: Budget) -> Gathered:
    """The sums of the filter's calls by these names.

    Raises:
        WrongFilter: there would be too many groups.
    """
    ends = await snapshot.rows(statement("span"))
    first, last = ends[0] if ends else (None, None)
    if first is None or last is None:
        return Gathered({})
    start, stop = _within(asked, first * QUARTER_US, (last + 1) * QUARTER_US)
    if start >= stop:
        return Gathered({})
    timed = any(name in TIME_UNITS for name in by)
    zone_offsets = offsets(asked.zone, start, stop) if timed else [Offset(start, 0)]
    gathering = _Gathering(snapshot, asked, tuple(by), wanted, budget, zone_offsets)
    return await gathering.from_tables(tables_for(asked, by), start, stop)


def _within(asked: Filter, first_us: int, last_us: int) -> tuple[int, int]:
    """The asked time, as far as the book has calls; an end beyond the book is that of a whole day."""
    start = first_us // DAY_US * DAY_US if asked.from_us is None or asked.from_us <= first_us else asked.from_us
    stop = -(-last_us // DAY_US) * DAY_US if asked.to_us is None or asked.to_us >= last_us else asked.to_us
    return start, stop


@dataclass(frozen=True, slots=True)
class _Gathering:
    snapshot: Snapshot
    asked: Filter
    by: tuple[str, ...]
    wanted: Wanted
    budget: Budget
    offsets: Sequence[Offset]

    async def from_tables(self, tables: Sequence[Table], start_us: int, stop_us: int) -> Gathered:
        """The sums of this time, from the tables that can tell them."""
        if tables[0] is CALLS:
            return await self._from_rows(start_us, stop_us)
        units = [name for name in self.by if name in TIME_UNITS]
        read: dict[tuple[int, int], list[_Found]] = {}  # of rows, by their stretch of time
        begin = start_us
        while begin < stop_us:
            pieces = cover(tables, stretches(units, self.offsets, begin, stop_us))
            rows = [piece for piece in pieces if piece.table is CALLS]
            reached = await self._read_rows([piece for piece in rows if _span(piece) not in read], read)
            if reached is None:
                groups = _Groups(self.by)
                for piece in rows:
                    for found in read[_span(piece)]:
                        groups.share(piece.shares, found)
                for table in tables:
                    if table is not CALLS:
                        await self._read_sums(table, [piece for piece in pieces if piece.table is table], groups)
                return Gathered(groups.with_calls(), None if begin == start_us else begin)
            begin = -(-reached // DAY_US) * DAY_US
        return await self._from_rows(start_us, stop_us)

    async def _read_sums(self, table: Table, pieces: Sequence[Piece], groups: "_Groups") -> None:
        if not pieces:
            return
        ids = dimensions(await look_up(self.snapshot, self.asked))
        unit = table.unit_us
        where = [[piece.start_us // unit, piece.stop_us // unit] for piece in pieces]
        columns = [COLUMNS[name] for name in self.by if name not in TIME_UNITS]
        text = self._statement("sums", columns, ids, table=table.name, time=table.time)
        for row in await self.snapshot.rows(text, (_json(where), *ids.values)):
            found = _Found(row[1 : 1 + len(columns)], *self._numbers(row, len(columns), histogram.of_packed))
            groups.share(pieces[row[0]].shares, found)

    # --------------------------------------------------------------------------------------- rows

    async def _read_rows(self, pieces: Sequence[Piece], into: dict[tuple[int, int], list["_Found"]]) -> int | None:
        """Read these pieces, newest first. None when all were read, else the end of the one that was not."""
        if not pieces:
            return None
        way = await self._route()
        left = list(pieces)
        at_once = 1
        while left:
            now = left[-at_once:]
            began = time.monotonic()
            if self.budget.spent:
                return now[-1].stop_us
            try:
                found = await self._rows(way, [_span(piece) for piece in now], [])
            except TookTooLong:
                if len(now) == 1 or self.budget.spent:
                    return now[-1].stop_us
                at_once = 1
                continue
            into |= {_span(piece): [] for piece in now}
            for number, one in found:
                into[_span(now[number])].append(one)
            del left[-at_once:]
            if time.monotonic() - began < _AT_ONCE_S:
                at_once *= 2
        return None

    async def _from_rows(self, start_us: int, stop_us: int) -> Gathered:
        """Everything from rows, window by window."""
        way = await self._route()
        groups = _Groups(self.by)
        if not way.ways:
            return Gathered({})
        start_us = start_us if way.start_us is None else max(start_us, way.start_us)
        stop_us = stop_us if way.stop_us is None else min(stop_us, way.stop_us)
        units = [name for name in self.by if name in TIME_UNITS]
        times = [columns(unit, CALLS.time, self.offsets) for unit in units]
        flat = [column for several in times for column in several]
        reached: int | None = None
        # Of several ways none is right for all: then any call counts.
        one = way.ways[0] if len(way.ways) == 1 else Way("calls_by_time")
        among = f"calls {one.taken}"
        async for window in windows(self.snapshot, start_us, stop_us, among=among, of=one.where):
            if reached is not None and self.budget.spent:
                return Gathered(groups.with_calls(), reached)
            begin = start_us if window.start_us is None else window.start_us
            end = stop_us if window.stop_us is None else window.stop_us
            try:
                rows = await self._rows(way, [(begin, end)], flat)
            except TookTooLong:
                if reached is None:
                    raise
                return Gathered(groups.with_calls(), reached)
            for _, found in rows:
                values = iter(found.values)
                labels = tuple(
                    label(unit, *(next(values) for _ in several)) for unit, several in zip(units, times, strict=True)
                )
                groups.share(((labels, 1),), replace(found, values=tuple(values)))
            reached = begin
        return Gathered(groups.with_calls())

    async def _route(self) -> Route:
        # All calls on the way are looked at, as for any order but that of time.
        return await route(self.snapshot, replace(self.asked, sort="duration"), 0)

    async def _rows(
        self, way: Route, spans: Sequence[tuple[int, int]], times: Sequence[str]
    ) -> list[tuple[int, "_Found"]]:
        """The sums of the calls in these spans, each with the number of its span."""
        others = [name for name in self.by if name not in TIME_UNITS]
        groups = [*times, *(f"coalesce({COLUMNS[name]}, 0)" if name in COLUMNS else name for name in others)]
        rest = await way.asks(spans[0][0], spans[-1][1])
        found = []
        for one in way.ways:
            where = all_of((one.where, rest))
            text = self._statement("calls", groups, where, index=one.taken)
            values = (_json(spans), *where.values)
            for row in await self.snapshot.rows(text, values, self.budget.left + _PATIENCE_S):
                numbers = self._numbers(row, len(groups), histogram.of_buckets)
                found.append((row[0], _Found(row[1 : 1 + len(groups)], *numbers)))
        return found

    def _statement(self, source: str, groups: Sequence[str], where: Condition, **places: str) -> str:
        if self.wanted is not Wanted.COUNTS:
            places["histograms"] = _HISTOGRAMS[source] if self.wanted is Wanted.EVERYTHING else "null, null"
        return statement(
            f"{self.wanted.question}_{source}",
            groups="".join(f"{column}, " for column in groups),
            conditions=where.text,
            numbers=f"{', '.join(str(number) for number in range(1, len(groups) + 2))} limit {MOST_GROUPS + 1}",
            **places,
        )

    def _numbers(
        self, row: Sequence[Any], groups: int, read: Callable[[str | None], int]
    ) -> tuple[Sequence[int], int, int]:
        start = 1 + groups
        *added, durations, first_tokens = row[start:]
        return added, read(durations), read(first_tokens)


_HISTOGRAMS = {
    "sums": "group_concat(hex(durations), ' '), group_concat(hex(first_tokens), ' ')",
    "calls": "group_concat(duration_bucket), group_concat(first_token_bucket)",
}


@dataclass(frozen=True, slots=True)
class _Found:
    """What was read of one group: its values, times aside, and its sums."""

    values: tuple[Any, ...]
    added: Sequence[int]
    durations: int
    first_tokens: int


@dataclass(slots=True)
class _Groups:
    """The groups, as they fill."""

    by: tuple[str, ...]
    _tallies: dict[Group, Tally] = field(default_factory=dict)
    _times_first: bool = field(init=False)

    def __post_init__(self) -> None:
        timed = [name in TIME_UNITS for name in self.by]
        self._times_first = timed == sorted(timed, reverse=True)

    def share(self, shares: Iterable[tuple[tuple[str, ...], int]], found: _Found) -> None:
        """Add what was found to the groups of these labels, or take it away."""
        for labels, sign in shares:
            group = self._group(labels, found.values)
            tally = self._tallies.get(group)
            if tally is not None:
                tally.add(found.added, found.durations, found.first_tokens, sign)
                continue
            if len(self._tallies) == MOST_GROUPS:
                raise WrongFilter("by", f"more than {MOST_GROUPS} groups; narrow the time or group by less")
            self._tallies[group] = Tally.of(found.added, found.durations, found.first_tokens, sign)

    def with_calls(self) -> dict[Group, Tally]:
        """Without those that everything was taken from again."""
        return {group: tally for group, tally in self._tallies.items() if tally.calls}

    def _group(self, labels: tuple[str, ...], values: tuple[Any, ...]) -> Group:
        if not labels or self._times_first:
            return labels + values
        times, others = iter(labels), iter(values)
        return tuple(next(times) if name in TIME_UNITS else next(others) for name in self.by)


def _span(piece: Piece) -> tuple[int, int]:
    return piece.start_us, piece.stop_us


def _json(spans: Sequence[Sequence[int]]) -> str:
    return orjson.dumps(spans).decode()
