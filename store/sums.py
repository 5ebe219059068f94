"""The sums kept beside the rows: what a batch of calls adds to them, and how they are made anew from the rows."""

import operator
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from store import histogram, pruned
from store.call import CostState

QUARTER_US = 15 * 60 * 1_000_000
HOUR_US = 4 * QUARTER_US
DAY_US = 24 * HOUR_US

_ADDED = (
    "calls", "errors", "input_tokens", "output_tokens", "cache_read", "cache_write", "reasoning",
    "input_told", "output_told", "cache_read_told", "cache_write_told", "reasoning_told",
    "untold_calls", "estimated_calls", "estimated_input", "estimated_output", "cost", "unknown_cost_calls",
    "reported_cost", "reported_cost_calls", "estimated_cost", "estimated_cost_calls", "free_calls",
    "usage", "usage_told", "cache_saved", "cache_saved_told",
)  # fmt: skip
CHARGED = _ADDED[_ADDED.index("cost") :]
"""What `charged` counts: all that changes when a call is priced anew."""
_OF_A_CALL = ("model", "key", "group", "type", "upstream")


@dataclass(frozen=True, slots=True)
class Table:
    """A table of sums: for each so long a time, by these dimensions."""

    name: str
    time: str  # the column that counts `unit_us` since the epoch
    unit_us: int
    dimensions: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The ids it is kept by."""
        return tuple(f"{name}_id" for name in self.dimensions)


QUARTER_MODELS = Table("quarter_models", "quarter", QUARTER_US, ("model", "type", "upstream"))
HOUR_MODELS = Table("hour_models", "hour", HOUR_US, ("model", "type", "upstream"))
HOUR_KEYS = Table("hour_keys", "hour", HOUR_US, ("key", "group"))
DAY_MODELS = Table("day_models", "day", DAY_US, ("model", "type", "upstream"))
DAY_KEYS = Table("day_keys", "day", DAY_US, ("key", "group"))
DAY_SUMS = Table("day_sums", "day", DAY_US, _OF_A_CALL)
TABLES = (QUARTER_MODELS, HOUR_MODELS, HOUR_KEYS, DAY_MODELS, DAY_KEYS, DAY_SUMS)
_BY_DIMENSIONS = {table.dimensions: [one for one in TABLES if one.dimensions == table.dimensions] for table in TABLES}


class Countable(msgspec.Struct, frozen=True, gc=False):
    """The facts of one row that sums are made of. Ids are 0 for "none"."""

    started_at_us: int
    model_id: int
    key_id: int
    group_id: int
    type_id: int
    upstream_id: int
    errors: int
    input_tokens: int | None
    output_tokens: int | None
    cache_read: int | None
    cache_write: int | None
    reasoning: int | None
    estimated: bool  # its tokens are
    cost: int | None
    cost_state: CostState
    usage: int | None
    cache_saved: int | None
    duration_bucket: int | None
    first_token_bucket: int | None


class Repeated(msgspec.Struct, frozen=True, gc=False):
    """A row that is in the sums already, and how many calls more it is now. Ids are 0 for "none"."""

    started_at_us: int
    model_id: int
    key_id: int
    group_id: int
    type_id: int
    upstream_id: int
    errors: int
    untold: int
    cost_state: CostState
    charged: int  # whether its usage is known
    times: int


_CALLS_OF: Mapping[CostState, str] = {
    "unknown": "unknown_cost_calls", "reported": "reported_cost_calls", "estimated": "estimated_cost_calls",
    "free": "free_calls",
}  # fmt: skip


def charged(
    cost: int | None, state: CostState, usage: int | None, cache_saved: int | None, calls: int = 1
) -> tuple[int, ...]:
    """What a row, which is so many calls, adds to the columns of `CHARGED`."""
    reported, estimated = state == "reported", state == "estimated"
    return (
        cost or 0, calls * (cost is None),
        (cost or 0) * reported, calls * reported, (cost or 0) * estimated, calls * estimated, calls * (state == "free"),
        usage or 0, calls * (usage is not None), cache_saved or 0, int(cache_saved is not None),
    )  # fmt: skip


@dataclass(slots=True)
class _Sum:
    added: list[int] = field(default_factory=lambda: [0] * len(_ADDED))
    durations: int = 0
    first_tokens: int = 0

    def count(self, row: Countable) -> None:
        into, out, read, write, thought = (
            row.input_tokens, row.output_tokens, row.cache_read, row.cache_write, row.reasoning
        )  # fmt: skip
        counted = (
            1, row.errors, into or 0, out or 0, read or 0, write or 0, thought or 0,
            into is not None, out is not None, read is not None, write is not None, thought is not None,
            into is None and out is None, row.estimated,
            (into or 0) * row.estimated, (out or 0) * row.estimated,
            *charged(row.cost, row.cost_state, row.usage, row.cache_saved),
        )  # fmt: skip
        self.added = list(map(operator.add, self.added, counted))
        if row.duration_bucket is not None:
            self.durations += histogram.single(row.duration_bucket)
        if row.first_token_bucket is not None:
            self.first_tokens += histogram.single(row.first_token_bucket)

    def repeat(self, row: Repeated) -> None:
        """Count the row again, so often; what is known of it is known once."""
        counted = [("calls", 1), ("errors", row.errors), ("untold_calls", row.untold), ("usage_told", row.charged)]
        if (of_state := _CALLS_OF.get(row.cost_state)) is not None:
            counted.append((of_state, 1))
        for name, each in counted:
            self.added[_ADDED.index(name)] += each * row.times

    def add(self, other: "_Sum") -> None:
        self.added = list(map(operator.add, self.added, other.added))
        self.durations += other.durations
        self.first_tokens += other.first_tokens

    def cells(self) -> tuple[int | bytes, ...]:
        """What stands behind the key in each table."""
        return (*self.added, histogram.pack(self.durations), histogram.pack(self.first_tokens))


@dataclass(slots=True)
class _Seen:
    """How often a combination of the five occurred, and when first and last."""

    calls: int
    first_at: int
    last_at: int

    def add(self, calls: int, at: int) -> None:
        self.calls += calls
        self.first_at = min(self.first_at, at)
        self.last_at = max(self.last_at, at)


def register(connection: sqlite3.Connection) -> None:
    """Give a writing connection the functions that the statements here use."""
    connection.create_function("add_histograms", 2, histogram.add_packed, deterministic=True)
    connection.create_function("histogram_of_buckets", 1, _of_buckets, deterministic=True)
    connection.create_function("histogram_of_packed", 1, _of_packed, deterministic=True)


def _of_buckets(joined: str | None) -> bytes:
    return histogram.pack(histogram.of_buckets(joined))


def _of_packed(joined: str) -> bytes:
    return histogram.pack(histogram.of_packed(joined))


# ---------------------------------------------------------------------------------------------- a batch of calls


def _upsert(table: Table) -> str:
    columns = (table.time, *table.columns, *_ADDED, "durations", "first_tokens")
    return (
        f"insert into {table.name} ({', '.join(columns)}) values ({', '.join('?' * len(columns))}) "  # noqa: S608 - names above
        f"on conflict do update set {', '.join(f'{name} = {name} + excluded.{name}' for name in _ADDED)}, "
        "durations = add_histograms(durations, excluded.durations), "
        "first_tokens = add_histograms(first_tokens, excluded.first_tokens)"
    )


_UPSERTS = {table: _upsert(table) for table in TABLES}
_COMBINE = (
    "on conflict do update set calls = calls + excluded.calls, "
    "first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at)"
)
_SEEN = f"insert into combinations values (?, ?, ?, ?, ?, ?, ?, ?) {_COMBINE}"  # noqa: S608 - text above


def add(connection: sqlite3.Connection, rows: Iterable[Countable], repeated: Iterable[Repeated] = ()) -> None:
    """Add these rows, and repeats of some, to the sums, within the caller's transaction."""
    finest: defaultdict[tuple[int, ...], _Sum] = defaultdict(_Sum)
    seen: dict[tuple[int, ...], _Seen] = {}
    for row in rows:
        ids, at = (row.model_id, row.key_id, row.group_id, row.type_id, row.upstream_id), row.started_at_us
        finest[at // QUARTER_US, *ids].count(row)
        if (one := seen.get(ids)) is None:
            seen[ids] = _Seen(1, at, at)
        else:
            one.add(1, at)
    for again in repeated:
        ids, at = (again.model_id, again.key_id, again.group_id, again.type_id, again.upstream_id), again.started_at_us
        finest[at // QUARTER_US, *ids].repeat(again)
        seen.setdefault(ids, _Seen(0, at, at)).add(again.times, at)
    for table, added in _kept(finest):
        connection.executemany(_UPSERTS[table], added)
    connection.executemany(_SEEN, [(*ids, one.calls, one.first_at, one.last_at) for ids, one in seen.items()])


def _kept(finest: dict[tuple[int, ...], _Sum]) -> Iterator[tuple[Table, list[tuple[object, ...]]]]:
    """What each table must add: the finest sums put together by its own time and dimensions."""
    one_quarter = len({key[0] for key in finest}) == 1  # as for nearly all batches: each time has the same sums then
    for dimensions, tables in _BY_DIMENSIONS.items():
        places = [1 + _OF_A_CALL.index(name) for name in dimensions]
        quarters = _together(finest, places, 1)
        rest = range(1, 1 + len(places))
        cells = {key: one.cells() for key, one in quarters.items()} if one_quarter else {}
        for table in tables:
            unit = table.unit_us // QUARTER_US
            if one_quarter:
                yield table, [(key[0] // unit, *key[1:], *row) for key, row in cells.items()]
            else:
                yield table, [(*key, *one.cells()) for key, one in _together(quarters, rest, unit).items()]


def _together(
    sums: Mapping[tuple[int, ...], _Sum], places: Sequence[int], quarters: int
) -> Mapping[tuple[int, ...], _Sum]:
    """Sums over so many quarters, by the ids at these places of the key."""
    found: defaultdict[tuple[int, ...], _Sum] = defaultdict(_Sum)
    for key, one in sums.items():
        found[key[0] // quarters, *(key[place] for place in places)].add(one)
    return found


# ---------------------------------------------------------------------------------------------- all calls

_OF_ROWS = """
       count(*) + sum(repeats), sum(failed * (1 + repeats)),
       coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0),
       coalesce(sum(cache_read), 0) + coalesce(sum(cache_read_audio), 0) + coalesce(sum(cache_read_image), 0),
       coalesce(sum(cache_write_5m), 0) + coalesce(sum(cache_write_1h), 0), coalesce(sum(reasoning), 0),
       count(input_tokens), count(output_tokens), count(coalesce(cache_read, cache_read_audio, cache_read_image)),
       count(coalesce(cache_write_5m, cache_write_1h)), count(reasoning),
       sum((1 + repeats) * (coalesce(input_tokens, output_tokens) is null)),
       sum(tokens_source = 'estimated' and coalesce(input_tokens, output_tokens) is not null),
       coalesce(sum(input_tokens) filter (where tokens_source = 'estimated'), 0),
       coalesce(sum(output_tokens) filter (where tokens_source = 'estimated'), 0),
       coalesce(sum(cost), 0), sum((1 + repeats) * (cost is null)),
       coalesce(sum(cost) filter (where cost_state = 'reported'), 0), sum((1 + repeats) * (cost_state = 'reported')),
       coalesce(sum(cost) filter (where cost_state = 'estimated'), 0), sum((1 + repeats) * (cost_state = 'estimated')),
       sum((1 + repeats) * (cost_state = 'free')),
       coalesce(sum(usage), 0), sum((1 + repeats) * (usage is not null)),
       coalesce(sum(cache_saved), 0), count(cache_saved),
       histogram_of_buckets(group_concat(duration_bucket)), histogram_of_buckets(group_concat(first_token_bucket))
  from calls indexed by calls_by_time where started_at >= :start and started_at < :stop"""
_OF_SUMS = f"""
       {", ".join(f"sum({name})" for name in _ADDED)},
       histogram_of_packed(group_concat(hex(durations), ' ')),
       histogram_of_packed(group_concat(hex(first_tokens), ' '))"""


def _from_rows(table: Table) -> str:
    groups = (f"started_at / {table.unit_us}", *(f"coalesce({column}, 0)" for column in table.columns))
    return f"insert into {table.name} select {', '.join(groups)}, {_OF_ROWS} group by {_numbers(len(groups))}"


def _from_sums(table: Table, finer: Table) -> str:
    ratio = table.unit_us // finer.unit_us
    return (
        f"insert into {table.name} select {finer.time} / {ratio}, {', '.join(table.columns)}, {_OF_SUMS} "  # noqa: S608
        f"from {finer.name} where {finer.time} >= :start / {finer.unit_us} and {finer.time} < :stop / {finer.unit_us} "
        f"group by {_numbers(1 + len(table.columns))}"
    )


def _numbers(count: int) -> str:
    return ", ".join(str(number) for number in range(1, count + 1))


_DAY_ANEW = (
    _from_rows(QUARTER_MODELS),
    _from_rows(HOUR_KEYS),
    _from_rows(DAY_SUMS),
    _from_sums(HOUR_MODELS, QUARTER_MODELS),
    _from_sums(DAY_MODELS, HOUR_MODELS),
    _from_sums(DAY_KEYS, HOUR_KEYS),
    f"""insert into combinations
    select coalesce(model_id, 0), coalesce(key_id, 0), coalesce(group_id, 0), coalesce(type_id, 0),
           coalesce(upstream_id, 0), count(*) + sum(repeats), min(started_at), max(started_at)
      from calls indexed by calls_by_time where started_at >= :start and started_at < :stop
     group by 1, 2, 3, 4, 5 {_COMBINE}""",  # noqa: S608 - text above
)


_COMBINATIONS_OF_DAYS = f"""
insert into combinations
select model_id, key_id, group_id, type_id, upstream_id, sum(calls), min(day) * {DAY_US}, (max(day) + 1) * {DAY_US} - 1
  from day_sums where true group by 1, 2, 3, 4, 5
    on conflict do update set calls = excluded.calls"""  # noqa: S608 - a number
"""Where not all rows are there: when a combination occurred is known to the day, or as it was written."""


def rebuild(connection: sqlite3.Connection) -> None:
    """Make the sums anew from the rows, all or nothing; within the caller's transaction if there is one.

    What was summed of calls that were pruned stays: it can be made of nothing any more. A day at a time, so that what
    is grouped fits in memory.
    """
    register(connection)
    own = not connection.in_transaction
    if own:
        connection.execute("begin immediate")
    try:
        rows_from = pruned.mark(connection, pruned.CALLS_FROM)
        for table in TABLES:
            kept = "" if rows_from is None else f"where {table.time} >= {rows_from // table.unit_us}"
            connection.execute(f"delete from {table.name} {kept}")  # noqa: S608 - names above
        if rows_from is None:
            connection.execute("delete from combinations")
        for start in _days(connection, rows_from):
            for statement in _DAY_ANEW if rows_from is None else _DAY_ANEW[:-1]:
                connection.execute(statement, {"start": start, "stop": start + DAY_US})
        if rows_from is not None:
            connection.execute(_COMBINATIONS_OF_DAYS)
        if own:
            connection.execute("commit")
    except BaseException:
        if own and connection.in_transaction:
            connection.execute("rollback")
        raise


def _days(connection: sqlite3.Connection, start: int | None) -> Iterator[int]:
    """The start of every UTC day that has calls, from this one on."""
    while True:
        after = "" if start is None else f"where started_at >= {start}"
        (first,) = connection.execute(f"select min(started_at) from calls {after}").fetchone()  # noqa: S608 - a number
        if first is None:
            return
        yield first // DAY_US * DAY_US
        start = first // DAY_US * DAY_US + DAY_US
