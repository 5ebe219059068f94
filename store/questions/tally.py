"""Sums over some calls, as they add up and as they are told."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from store import histogram
from store.questions.figures import in_credits, ms, usd

_SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
ADDED = 20
"""How many numbers are simply added."""


@dataclass(slots=True)
class Tally:
    """Numbers in the order of stats_calls.sql and stats_sums.sql, and the two latency histograms."""

    added: list[int] = field(default_factory=lambda: [0] * ADDED)
    durations: Counter[int] = field(default_factory=Counter)
    first_tokens: Counter[int] = field(default_factory=Counter)

    def add_row(self, columns: Sequence[Any]) -> None:
        """Add one row of either statement, without its groups."""
        for place, amount in enumerate(columns[:ADDED]):
            self.added[place] += amount
        _count(self.durations, columns[ADDED])
        _count(self.first_tokens, columns[ADDED + 1])

    def add(self, other: "Tally") -> None:
        """Add another tally."""
        for place, amount in enumerate(other.added):
            self.added[place] += amount
        histogram.add(self.durations, other.durations)
        histogram.add(self.first_tokens, other.first_tokens)

    @property
    def calls(self) -> int:
        return self.added[0]

    def as_json(self) -> dict[str, Any]:
        """Sums over what is known, with the number of calls it is not known of; null when it is known of none."""
        (
            calls, errors, into, out, cache_read, cache_write, reasoning,
            into_told, out_told, cache_read_told, cache_write_told, reasoning_told,
            untold, estimated, cost, unknown_cost, usage, usage_told, cache_saved, cache_saved_told,
        ) = self.added  # fmt: skip
        counts = {  # name: (sum, calls that told it)
            "total": (into + out, calls - untold),
            "input": (into, into_told),
            "output": (out, out_told),
            "cache_read": (cache_read, cache_read_told),
            "cache_write": (cache_write, cache_write_told),
            "reasoning": (reasoning, reasoning_told),
        }
        priced = not calls or unknown_cost < calls
        return {
            "calls": calls,
            "errors": errors,
            "tokens": {
                **{name: count if told or not calls else None for name, (count, told) in counts.items()},
                "unknown_calls": untold,
                "estimated_calls": estimated,
            },
            "cost": {
                "usd": usd(cost) if priced else None,
                "unknown_calls": unknown_cost,
                "cache_saved_usd": usd(cache_saved) if cache_saved_told or not calls else None,
            },
            "usage": in_credits(usage) if usage_told or not calls else None,
            "duration_ms": _percentiles(self.durations),
            "first_token_ms": _percentiles(self.first_tokens),
        }


def _count(into: Counter[int], text: str | None) -> None:
    """Both forms: bucket numbers joined by commas, or a JSON array of {bucket: calls}."""
    if not text:
        return
    if not text.startswith("["):
        histogram.add(into, {int(number): calls for number, calls in Counter(text.split(",")).items()})
        return
    for counts in orjson.loads(text):
        for number, calls in counts.items():
            into[int(number)] += calls


def _percentiles(counts: Counter[int]) -> dict[str, float | None]:
    return {name: ms(histogram.percentile_us(counts, share)) for name, share in _SHARES.items()}
