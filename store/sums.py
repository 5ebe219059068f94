"""The sums kept beside the rows: what one batch of calls adds to `quarter_models` and `day_sums`."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec
import orjson

from store import histogram

QUARTER_US = 15 * 60 * 1_000_000
DAY_US = 24 * 60 * 60 * 1_000_000

_ADDED = (
    "calls", "errors", "input_tokens", "output_tokens", "cache_read", "cache_write", "reasoning",
    "input_told", "output_told", "cache_read_told", "cache_write_told", "reasoning_told",
    "untold_calls", "estimated_calls", "cost", "unknown_cost_calls", "usage", "usage_told",
    "cache_saved", "cache_saved_told",
)  # fmt: skip


class Countable(msgspec.Struct, frozen=True):
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
    estimated: bool
    cost: int | None
    usage: int | None
    cache_saved: int | None
    duration_bucket: int | None
    first_token_bucket: int | None


@dataclass(slots=True)
class _Sum:
    added: list[int] = field(default_factory=lambda: [0] * len(_ADDED))
    durations: dict[int, int] = field(default_factory=dict)
    first_tokens: dict[int, int] = field(default_factory=dict)

    def count(self, row: Countable) -> None:
        counts = (row.input_tokens, row.output_tokens, row.cache_read, row.cache_write, row.reasoning)
        untold = row.input_tokens is None and row.output_tokens is None
        for place, amount in enumerate((
            1, row.errors, *(count or 0 for count in counts), *(int(count is not None) for count in counts),
            int(untold), int(row.estimated), row.cost or 0, int(row.cost is None),
            row.usage or 0, int(row.usage is not None), row.cache_saved or 0, int(row.cache_saved is not None),
        )):  # fmt: skip
            self.added[place] += amount
        if row.duration_bucket is not None:
            histogram.add(self.durations, {row.duration_bucket: 1})
        if row.first_token_bucket is not None:
            histogram.add(self.first_tokens, {row.first_token_bucket: 1})


def _upsert(table: str, dimensions: tuple[str, ...]) -> str:
    columns = (*dimensions, *_ADDED, "durations", "first_tokens")
    additions = ", ".join(f"{name} = {name} + excluded.{name}" for name in _ADDED)
    return (
        f"insert into {table} ({', '.join(columns)}) values ({', '.join('?' * len(columns))}) "  # noqa: S608 - names above
        f"on conflict do update set {additions}, "
        "durations = add_histograms(durations, excluded.durations), "
        "first_tokens = add_histograms(first_tokens, excluded.first_tokens)"
    )


_QUARTERS = _upsert("quarter_models", ("quarter", "model_id", "type_id", "upstream_id"))
_DAYS = _upsert("day_sums", ("day", "model_id", "key_id", "group_id", "type_id", "upstream_id"))


def encode(counts: dict[int, int]) -> str:
    """A histogram as the text kept in the book: {"bucket": calls}."""
    return orjson.dumps(counts, option=orjson.OPT_NON_STR_KEYS).decode()


def decode(text: str) -> dict[int, int]:
    """The histogram kept as this text."""
    return {int(number): calls for number, calls in orjson.loads(text).items()}


def _add_histograms(left: str, right: str) -> str:
    if right == "{}":
        return left
    counts = decode(left)
    histogram.add(counts, decode(right))
    return encode(counts)


def register(connection: sqlite3.Connection) -> None:
    """Give a writing connection the function that the statements here use."""
    connection.create_function("add_histograms", 2, _add_histograms, deterministic=True)


def add(connection: sqlite3.Connection, rows: Iterable[Countable]) -> None:
    """Add these rows to the sums, within the caller's transaction."""
    quarters: dict[tuple[int, ...], _Sum] = {}
    days: dict[tuple[int, ...], _Sum] = {}
    for row in rows:
        quarter = (row.started_at_us // QUARTER_US, row.model_id, row.type_id, row.upstream_id)
        day = (row.started_at_us // DAY_US, row.model_id, row.key_id, row.group_id, row.type_id, row.upstream_id)
        quarters.setdefault(quarter, _Sum()).count(row)
        days.setdefault(day, _Sum()).count(row)
    for statement, sums in ((_QUARTERS, quarters), (_DAYS, days)):
        connection.executemany(
            statement,
            [(*key, *one.added, encode(one.durations), encode(one.first_tokens)) for key, one in sums.items()],
        )
