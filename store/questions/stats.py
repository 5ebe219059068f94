"""How much: sums over the calls of a filter, grouped by at most two of their properties."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from store.conditions import COLUMNS, TABLES, all_of, beside_dimensions, dimensions, look_up
from store.filters import TIME_UNITS, Filter, WrongFilter
from store.questions.covering import CALLS, Piece, Table, cover
from store.questions.local_time import Offset, columns, label, offsets
from store.questions.row import Json
from store.questions.statements import statement
from store.questions.tally import ADDED, Tally
from store.reader import Snapshot, Source
from store.sums import QUARTER_US

MOST_GROUPS = 50_000

Label = str | int | None


async def stats(source: Source, asked: Filter) -> Json:
    """{"stats": [a row for each group of `asked.by`], "total": {...}}; without groups only the total.

    Raises:
        WrongFilter: there would be too many groups.
        NoAnswer: the book cannot be read in time.
    """
    async with source.snapshot() as snapshot:
        groups = await _Groups.of(snapshot, asked)
        tallies = await _tallies(snapshot, asked, groups, cover(asked, asked.by, groups.offsets_us))
    total = Tally()
    for tally in tallies.values():
        total.add(tally)
    if not asked.by:
        return {"total": total.as_json()}
    rows = sorted(tallies.items(), key=lambda item: _place(asked.by, *item))
    return {
        "stats": [dict(zip(asked.by, labels, strict=True)) | tally.as_json() for labels, tally in rows],
        "total": total.as_json(),
    }


@dataclass(frozen=True, slots=True)
class _Groups:
    """What the answer is grouped by: the expressions in SQL, and what their values are called."""

    by: tuple[str, ...]
    offsets: list[Offset]
    names: dict[str, dict[int, str]]  # dimension: {id: name}

    @classmethod
    async def of(cls, snapshot: Snapshot, asked: Filter) -> "_Groups":
        names: dict[str, dict[int, str]] = {}
        for name in asked.by:
            if name in TABLES:
                rows = await snapshot.rows(f"select id, name from {TABLES[name]}")  # noqa: S608 - a name of ours
                names[name] = dict(rows)
        timed = any(name in TIME_UNITS for name in asked.by)
        return cls(asked.by, await _offsets(snapshot, asked) if timed else [Offset(0, 0)], names)

    @property
    def offsets_us(self) -> list[int]:
        return [offset.us for offset in self.offsets]

    def expressions(self, table: Table) -> list[list[str]]:
        """For each name in `by` the columns that tell its groups apart."""
        found = []
        for name in self.by:
            if name in TIME_UNITS:
                found.append([*columns(name, table.started, self.offsets)])
            elif name in COLUMNS:
                found.append([f"coalesce({COLUMNS[name]}, 0)" if table is CALLS else COLUMNS[name]])
            else:
                found.append([name])
        return found

    def label(self, name: str, values: Sequence[int]) -> Label:
        """What a group is called; None for those without a value."""
        if name in TIME_UNITS:
            return label(name, *values)
        return self.names[name].get(values[0]) if name in COLUMNS else values[0]


async def _offsets(snapshot: Snapshot, asked: Filter) -> list[Offset]:
    """The offsets of the filter's zone over the part of its time that is in the book."""
    ends = await snapshot.rows(statement("span"))
    first, last = ends[0] if ends else (None, None)
    if first is None or last is None:
        return [Offset(0, 0)]
    start = max(first * QUARTER_US, asked.from_us if asked.from_us is not None else first * QUARTER_US)
    stop = min((last + 1) * QUARTER_US, asked.to_us if asked.to_us is not None else (last + 1) * QUARTER_US)
    return offsets(asked.zone, start, max(start, stop))


async def _tallies(
    snapshot: Snapshot, asked: Filter, groups: _Groups, pieces: Sequence[Piece]
) -> dict[tuple[Label, ...], Tally]:
    found: dict[tuple[Label, ...], Tally] = {}
    ids = dimensions(await look_up(snapshot, asked))
    for piece in pieces:
        rows = piece.table is CALLS
        where = all_of((piece.condition, ids, *((beside_dimensions(asked),) if rows else ())))
        expressions = groups.expressions(piece.table)
        flat = [column for several in expressions for column in several]
        places = {"groups": "".join(f"{column}, " for column in flat), "conditions": where.text}
        text = statement("stats_calls", **places) if rows else statement("stats_sums", table=piece.table.name, **places)
        if flat:
            text += f" group by {', '.join(str(number) for number, _ in enumerate(flat, 1))} limit {MOST_GROUPS + 1}"
        for row in await snapshot.rows(text, where.values):
            values = iter(row[: -(ADDED + 2)])
            labels = tuple(
                groups.label(name, [next(values) for _ in several])
                for name, several in zip(groups.by, expressions, strict=True)
            )
            found.setdefault(labels, Tally()).add_row(row[len(flat) :])
        if len(found) > MOST_GROUPS:
            raise WrongFilter("by", f"more than {MOST_GROUPS} groups; narrow the time or group by less")
    return found


def _place(by: tuple[str, ...], labels: tuple[Label, ...], tally: Tally) -> tuple[object, ...]:
    """Time goes forward; at one time the most used comes first, and of those the first in the alphabet."""
    times: list[object] = []
    for name, text in zip(by, labels, strict=True):
        if name in ("minute", "hour"):
            times.append(datetime.fromisoformat(str(text)))
        elif name in TIME_UNITS:
            times.append(text)
    return (*times, -tally.calls, tuple((text is None, str(text)) for text in labels))
