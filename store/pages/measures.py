"""What the chart and the table of /stats can measure, and how each measure is read from a row of sums.

Exact as in the JSON answers: money as Decimal, counts as whole numbers, None where nothing is known.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

Row = Mapping[str, Any]
Value = Decimal | int | None


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing that adds up over time."""

    name: str
    title: str
    unit: str  # usd, credits or count: how it is written
    of: Callable[[Row], Value]


def _usd(row: Row) -> Value:
    return None if row["cost"]["usd"] is None else Decimal(row["cost"]["usd"])


def _usage(row: Row) -> Value:
    return None if row["usage"] is None else Decimal(repr(row["usage"]))


def _tokens(kind: str) -> Callable[[Row], Value]:
    def of(row: Row) -> Value:
        value: Value = row["tokens"][kind]
        return value

    return of


def _fresh(row: Row) -> Value:
    """Input that was not read from a cache."""
    into, cached = row["tokens"]["input"], row["tokens"]["cache_read"]
    return None if into is None else into - (cached or 0)


TOKENS: Final = {
    "total": Measure("tokens", "tokens", "count", _tokens("total")),
    "input": Measure("tokens", "input tokens", "count", _tokens("input")),
    "output": Measure("tokens", "output tokens", "count", _tokens("output")),
    "cached": Measure("tokens", "input tokens read from a cache", "count", _tokens("cache_read")),
}
KINDS: Final = {
    "input, not cached": Measure("tokens", "tokens", "count", _fresh),
    "input, from a cache": TOKENS["cached"],
    "output": TOKENS["output"],
}
"""What all tokens are made of."""
MEASURES: Final = {
    "cost": Measure("cost", "cost", "usd", _usd),
    "usage": Measure("usage", "usage in credits", "credits", _usage),
    "tokens": TOKENS["total"],
    "calls": Measure("calls", "calls", "count", lambda row: row["calls"]),
    "errors": Measure("errors", "errors", "count", lambda row: row["errors"]),
}
LATENCY: Final = "latency"
METRICS: Final = (*MEASURES, LATENCY)
"""Values of `metric`; latency does not add up and has a chart of its own."""
