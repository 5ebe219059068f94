"""Sums by groups, gathered from what a covering names: from the sums at once, from rows while there is time.

Rows are read newest first. When the time is up, the answer is of the calls down to the moment that was reached: sums
that would need older rows are not told at all, rather than told wrong. So it is where rows were pruned: sums whose
edges they were needed for begin at the next whole quarter or hour, and what only rows can tell goes back as far as they
do.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

import orjson

from store import histogram
from store.conditions import COLUMNS, Condition, all_of, dimensions, look_up
from store.filters import TIME_UNITS, Filter
from store.questions.covering import CALLS, Piece, cover, tables_for
from store.questions.gathered import MOST_GROUPS, Gathered, Reading, Shares, TooManyGroups
from store.questions.local_time import Offset, columns, offsets, stretches
from store.questions.statements import statement
from store.questions.ways import Route, Way, route
from store.questions.windows import Allowance, windows
from store.reader import Row, Snapshot, TookTooLong
from store.sums import DAY_US, QUARTER_US, Table

_MOST_ROWS = 4 * MOST_GROUPS  # of one statement: a group is added up from a few
_Span = tuple[int, int]

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


async def gather(
    snapshot: Snapshot, asked: Filter, by: Sequence[str], wanted: Wanted, allowance: Allowance
) -> Gathered:
    """The sums of the filter's calls by these names, to be added up.

    Raises:
        TooManyGroups: there would be too many.
    """
    ends = await snapshot.rows(statement("span"))
    first, last, rows_from = ends[0] if ends else (None, None, None)
    if first is None or last is None:
        return Gathered(tuple(by))
    start, stop = _within(asked, first * QUARTER_US, (last + 1) * QUARTER_US)
    if start >= stop:
        return Gathered(tuple(by))
    timed = any(name in TIME_UNITS for name in by)
    zone_offsets = offsets(asked.zone, start, stop) if timed else [Offset(start, 0)]
    gathering = _Gathering(snapshot, asked, tuple(by), wanted, allowance, zone_offsets, rows_from)
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
    allowance: Allowance
    offsets: Sequence[Offset]
    rows_from_us: int | None  # of what was received earlier not every row is there; None: nothing was pruned

    async def from_tables(self, tables: Sequence[Table], start_us: int, stop_us: int) -> Gathered:
        """The sums of this time, from the tables that can tell them."""
        if tables[0] is CALLS:
            return await self._from_rows(start_us, stop_us)
        read: list[_Batch] = []  # of rows
        begin = start_us
        while begin < stop_us:
            pieces = cover(tables, stretches(self._units, self.offsets, begin, stop_us))
            rows = {_span(piece): piece.shares for piece in pieces if piece.table is CALLS}
            pruned = [span[1] for span in rows if self._is_pruned(span[0])]
            if pruned:
                finest = tables[-2].unit_us
                begin = -(-max(pruned) // finest) * finest
                continue
            known = {span for batch in read for span in batch.spans}
            reached = await self._read_batches([span for span in rows if span not in known], read)
            if reached is None:
                readings = [reading for batch in read for reading in batch.readings(rows)]
                for table in tables:
                    if table is not CALLS:
                        readings += await self._from_sums(table, [piece for piece in pieces if piece.table is table])
                return self._gathered(readings, None if begin == start_us else begin)
            begin = -(-reached // DAY_US) * DAY_US
        return await self._from_rows(start_us, stop_us)

    def _is_pruned(self, start_us: int) -> bool:
        return self.rows_from_us is not None and start_us < self.rows_from_us

    @property
    def _units(self) -> list[str]:
        return [name for name in self.by if name in TIME_UNITS]

    def _gathered(self, readings: Sequence[Reading], reached: int | None = None) -> Gathered:
        return Gathered(self.by, readings, reached)

    async def _from_sums(self, table: Table, pieces: Sequence[Piece]) -> list[Reading]:
        if not pieces:
            return []
        ids = dimensions(await look_up(self.snapshot, self.asked))
        unit = table.unit_us
        spans = [(piece.start_us // unit, piece.stop_us // unit) for piece in pieces]
        columns = [COLUMNS[name] for name in self.by if name not in TIME_UNITS]
        text = self._statement("sums", columns, ids, table=table.name, time=table.time)
        rows = await self._ask(text, (_json(spans), *ids.values))
        return [Reading(rows, len(columns), histogram.of_packed, [piece.shares for piece in pieces])]

    # --------------------------------------------------------------------------------------- rows

    async def _read_batches(self, spans: Sequence[_Span], into: list["_Batch"]) -> int | None:
        """Read these spans, newest first. None when all were read, else the end of the one that was not."""
        if not spans:
            return None
        way = await route(self.snapshot, self.asked, None)
        left = list(spans)
        at_once = 1
        while left:
            now = left[-at_once:]
            began = time.monotonic()
            if self.allowance.spent:
                return now[-1][1]
            try:
                into.append(_Batch(now, await self._rows(way, now, ())))
            except TookTooLong:
                if len(now) == 1 or self.allowance.spent:
                    return now[-1][1]
                at_once = 1
                continue
            del left[-at_once:]
            if time.monotonic() - began < _AT_ONCE_S:
                at_once *= 2
        return None

    async def _from_rows(self, start_us: int, stop_us: int) -> Gathered:
        """Everything from rows, window by window."""
        way = await route(self.snapshot, self.asked, None)
        if not way.ways:  # none of the rows that are there fits
            known = self.rows_from_us is None or start_us >= self.rows_from_us
            return self._gathered([], None if known else min(self.rows_from_us or 0, stop_us))
        start_us = start_us if way.start_us is None else max(start_us, way.start_us)
        stop_us = stop_us if way.stop_us is None else min(stop_us, way.stop_us)
        if start_us >= stop_us:
            return self._gathered([])
        back_to: int | None = None
        if self.rows_from_us is not None and start_us < self.rows_from_us:
            start_us = back_to = min(self.rows_from_us, stop_us)
            if start_us == stop_us:
                return self._gathered([], back_to)
        times = [(unit, columns(unit, CALLS.time, self.offsets)) for unit in self._units]
        readings: list[Reading] = []
        reached: int | None = None
        # Of several ways none is right for all: then any call counts.
        one = way.ways[0] if len(way.ways) == 1 else Way("calls_by_time")
        async for window in windows(self.snapshot, start_us, stop_us, among=f"calls {one.taken}", of=one.where):
            if reached is not None and self.allowance.spent:
                return self._gathered(readings, reached)
            begin = start_us if window.start_us is None else window.start_us
            end = stop_us if window.stop_us is None else window.stop_us
            try:
                readings += await self._rows(way, [(begin, end)], times)
            except TookTooLong:
                if reached is None:
                    raise
                return self._gathered(readings, reached)
            reached = begin
        return self._gathered(readings, back_to)

    async def _rows(
        self, way: Route, spans: Sequence[_Span], times: Sequence[tuple[str, Sequence[str]]]
    ) -> list[Reading]:
        """The sums of the calls in these spans, without shares."""
        others = [name for name in self.by if name not in TIME_UNITS]
        groups = [
            *(column for _, several in times for column in several),
            *(f"coalesce({COLUMNS[name]}, 0)" if name in COLUMNS else name for name in others),
        ]
        rest = await way.asks(spans[0][0], spans[-1][1])
        readings = []
        for one in way.ways:
            where = all_of((one.where, rest))
            text = self._statement("calls", groups, where, index=one.taken)
            rows = await self._ask(text, (_json(spans), *where.values), self.allowance.left + _PATIENCE_S)
            labels = [(unit, len(several)) for unit, several in times]
            readings.append(Reading(rows, len(groups), histogram.of_buckets, times=labels))
        return readings

    async def _ask(self, text: str, values: Sequence[object], within_s: float | None = None) -> list[Row]:
        rows = await self.snapshot.rows(text, values, within_s)
        if len(rows) > _MOST_ROWS:
            raise TooManyGroups
        return rows

    def _statement(self, source: str, groups: Sequence[str], where: Condition, **places: str) -> str:
        if self.wanted is not Wanted.COUNTS:
            places["histograms"] = _HISTOGRAMS[source] if self.wanted is Wanted.EVERYTHING else "null, null"
        return statement(
            f"{self.wanted.question}_{source}",
            groups="".join(f"{column}, " for column in groups),
            conditions=where.text,
            numbers=f"{', '.join(str(number) for number in range(1, len(groups) + 2))} limit {_MOST_ROWS + 1}",
            **places,
        )


_HISTOGRAMS = {
    "sums": "group_concat(hex(durations), ' '), group_concat(hex(first_tokens), ' ')",
    "calls": "group_concat(duration_bucket), group_concat(first_token_bucket)",
}


@dataclass(frozen=True, slots=True)
class _Batch:
    """What was read of some spans of rows."""

    spans: Sequence[_Span]
    found: Sequence[Reading]

    def readings(self, shares: Mapping[_Span, Shares]) -> Iterator[Reading]:
        """The same, given to these labels; nothing of what is not wanted any more."""
        for reading in self.found:
            yield replace(reading, shares=[shares.get(span, ()) for span in self.spans])


def _span(piece: Piece) -> _Span:
    return piece.start_us, piece.stop_us


def _json(spans: Sequence[Sequence[int]]) -> str:
    return orjson.dumps(spans).decode()
