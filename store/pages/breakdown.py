"""The table of /stats: one line for each group, its figures, its share of the whole, and where its calls are listed."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from io import StringIO
from typing import Any, Final

from store.export.csv import inert
from store.filters import FILTERS, WrongFilter
from store.pages.measures import MEASURES, Row
from store.pages.series import called
from store.pages.state import State

FEW_LINES: Final = 15
"""How many lines a page shows at first."""
MOST_LINES: Final = 500
"""How many it shows when asked for all; the file has all of them."""

_Key = Callable[[Row], Any]
SORTS: Final[dict[str, _Key]] = {
    "name": lambda row: str(row["name"]).casefold(),
    "calls": lambda row: row["calls"],
    "errors": lambda row: row["errors"],
    "error_share": lambda row: row["errors"] / row["calls"] if row["calls"] else 0,
    "input": lambda row: row["tokens"]["input"],
    "output": lambda row: row["tokens"]["output"],
    "cached": lambda row: row["tokens"]["cache_read"],
    "usage": lambda row: row["usage"],
    "cost": MEASURES["cost"].of,
    "p50": lambda row: row["duration_ms"]["p50"],
    "p95": lambda row: row["duration_ms"]["p95"],
    "first_token": lambda row: row["first_token_ms"]["p50"],
}
"""What the table can be sorted by: names of its columns. The share of the cost is in the order of the cost."""
_HEADER: Final = (
    "calls", "errors", "error_share", "input_tokens", "output_tokens", "cache_read_tokens", "total_tokens",
    "usage_credits", "cost_usd", "unknown_cost_calls", "cost_share",
    "duration_p50_ms", "duration_p95_ms", "first_token_p50_ms", "estimated_tokens", "estimated_cost_usd",
    "unknown_usage_calls",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One group."""

    name: str
    unnamed: bool  # its calls have no such value
    row: Row
    error_share: float
    cost_share: float | None
    calls_address: str | None  # None: no filter means this name and no other
    number: int  # of its colour in the chart; 0: it is among the other


def lines(state: State, by: str, rows: Sequence[Row], total: Row, colours: Sequence[str | None]) -> list[Line]:
    """All of them, in the order the address asks for.

    Raises:
        WrongFilter: `sort` or `order` is none there is.
    """
    whole = MEASURES["cost"].of(total)
    return [_line(state, by, row, whole, colours) for row in _sorted(state, by, rows)]


def as_csv(by: str, told: Sequence[Line]) -> bytes:
    """The table as RFC 4180 has it; no cell is a formula, unknown is empty."""
    text = StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow((by, *_HEADER))
    for line in told:
        row, tokens = line.row, line.row["tokens"]
        writer.writerow((
            "" if line.unnamed else inert(line.name),
            row["calls"], row["errors"], round(line.error_share, 6),
            tokens["input"], tokens["output"], tokens["cache_read"], tokens["total"],
            None if row["usage"] is None else f"{Decimal(repr(row['usage'])):f}",
            row["cost"]["usd"], row["cost"]["unknown_calls"],
            None if line.cost_share is None else round(line.cost_share, 6),
            row["duration_ms"]["p50"], row["duration_ms"]["p95"], row["first_token_ms"]["p50"],
            tokens["shares"]["estimated"]["total"], row["cost"]["shares"]["estimated"]["usd"],
            row["usage_unknown_calls"],
        ))  # fmt: skip
    return text.getvalue().encode()


def exactly(name: str | None) -> str | None:
    """The value of a filter that means this name alone; None where there is none."""
    if name is None:
        return "!*"  # without those that have any value
    return None if not name or "*" in name or name.startswith("!") else name


def _line(state: State, by: str, row: Row, whole: Any, colours: Sequence[str | None]) -> Line:
    value = None if row[by] is None else str(row[by])
    wanted = exactly(value)
    cost = MEASURES["cost"].of(row)
    return Line(
        called(by, row[by]),
        value is None,
        row,
        row["errors"] / row["calls"] if row["calls"] else 0.0,
        float(cost / whole) if cost is not None and whole else None,
        None if wanted is None else state.with_(**{by: wanted}).only((*FILTERS, "q")).at("/logs").address,
        list(colours).index(row[by]) + 1 if row[by] in colours else 0,
    )


def _sorted(state: State, by: str, rows: Sequence[Row]) -> list[Row]:
    sort, order = state.value("sort", "cost"), state.value("order", "desc")
    if sort not in SORTS:
        raise WrongFilter("sort", f"{sort!r}: use one of {', '.join(SORTS)}")
    if order not in ("desc", "asc"):
        raise WrongFilter("order", f"{order!r}: use one of desc, asc")
    named = [{**row, "name": called(by, row[by])} for row in rows]
    known = [row for row in named if SORTS[sort](row) is not None]
    known.sort(key=lambda row: str(row["name"]))
    known.sort(key=SORTS[sort], reverse=order == "desc")
    return [*known, *(row for row in named if SORTS[sort](row) is None)]  # unknown comes last either way
