"""What arrived in the book since it was last asked, summed for metrics: nothing is counted on the way of a call.

Rows are taken in the order they arrived, so many at a time, so that a question after a long pause ends in time; what
it did not reach comes with the next one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from store.pruned import last_id_in
from store.questions.statements import statement
from store.reader import Row, Source

# As the semantic conventions for generative AI advise (https://opentelemetry.io/docs/specs/semconv/gen-ai/), in seconds
# and tokens; time inside Tollbook is a matter of fractions of a millisecond.
SECONDS: Final = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
OVERHEAD_SECONDS: Final = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0)
TOKENS: Final = tuple(4**power for power in range(14))
_MEASURED: Final[tuple[tuple[str, Sequence[float], int], ...]] = (
    # column, upper ends, how many of the column's units are one of them
    ("duration", SECONDS, 1_000_000),
    ("first_token", SECONDS, 1_000_000),
    ("overhead", OVERHEAD_SECONDS, 1_000_000),
    ("input_tokens", TOKENS, 1),
    ("output_tokens", TOKENS, 1),
)
_AT_ONCE = 20_000
_MOST_AT_ONCE = 400_000


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many calls were at most each upper end, how many were measured at all, and their sum in base units."""

    up_to: tuple[int, ...]
    measured: int
    total: float


@dataclass(frozen=True, slots=True)
class Arrived:
    """The calls of one combination of names; sums are None where no call told."""

    upstream: str
    type: str
    model: str | None
    requested_model: str | None
    group: str
    outcome: str
    status: str  # "2xx", ..., "none"
    calls: int
    errors: int
    input_tokens: int | None
    output_tokens: int | None
    cache_read: int | None
    cache_write: int | None
    reasoning: int | None
    untold_calls: int
    estimated_calls: int
    cost_nano_usd: int | None
    unknown_cost_calls: int
    usage_micro: int | None
    duration: Histogram
    first_token: Histogram
    overhead: Histogram
    input: Histogram
    output: Histogram


async def newest_row(source: Source) -> int:
    """The row that arrived last; 0 in an empty book."""
    async with source.snapshot() as snapshot:
        return await last_id_in(snapshot)


async def arrived(source: Source, after: int) -> tuple[list[Arrived], int, int]:
    """What came after this row, the row it was read up to, and how many rows are left for the next time.

    Raises:
        NoAnswer: the book cannot be read.
    """
    found: list[Arrived] = []
    async with source.snapshot() as snapshot:
        newest = await last_id_in(snapshot)
        if newest < after:  # another book stands in the place of the old one
            after = 0
        stop = min(newest, after + _MOST_AT_ONCE)
        while after < stop:
            upto = min(stop, after + _AT_ONCE)
            rows = await snapshot.rows(statement("arrived", histograms=_HISTOGRAMS), (after, upto))
            found += map(_arrived, rows)
            after = upto
    return found, after, newest - after


def _columns() -> str:
    texts = []
    for column, ends, unit in _MEASURED:
        texts += [f"sum({column} <= {round(end * unit)})" for end in ends]
        texts += [f"count({column})", f"total({column})"]
    return ", ".join(texts)


_HISTOGRAMS = _columns()


def _arrived(row: Row) -> Arrived:
    (
        upstream, type_, model, requested, group, outcome, status, calls, errors,
        input_tokens, output_tokens, read, read_audio, read_image, short, long, reasoning, untold, estimated,
        cost, unknown_cost, usage, *measured,
    ) = row  # fmt: skip
    histograms = []
    for _, ends, unit in _MEASURED:
        *up_to, count, total = measured[: len(ends) + 2]
        measured = measured[len(ends) + 2 :]
        histograms.append(Histogram(tuple(number or 0 for number in up_to), count, total / unit))
    return Arrived(
        upstream, type_, model, requested, group, outcome, status, calls, errors,
        input_tokens, output_tokens, _sum(read, read_audio, read_image), _sum(short, long), reasoning,
        untold, estimated, cost, unknown_cost, usage, *histograms,
    )  # fmt: skip


def _sum(*parts: int | None) -> int | None:
    known = [part for part in parts if part is not None]
    return sum(known) if known else None
