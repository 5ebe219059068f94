"""Sums over some calls, as they add up and as they are told."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from store import histogram
from store.questions.figures import in_credits, ms, usd

_SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
ADDED = 27
"""How many numbers are simply added."""


@dataclass(slots=True)
class Tally:
    """Numbers in the order of stats_calls.sql and stats_sums.sql, and the two latency histograms (store/histogram.py).

    One tally can be taken away from another: what is left is exact.
    """

    added: list[int] = field(default_factory=lambda: [0] * ADDED)
    durations: int = 0
    first_tokens: int = 0

    @classmethod
    def of(cls, added: Sequence[int], durations: int, first_tokens: int, sign: int) -> "Tally":
        """A tally that begins with so much."""
        if sign > 0:
            return cls(list(added), durations, first_tokens)
        return cls([-amount for amount in added], -durations, -first_tokens)

    def add(self, added: Sequence[int], durations: int, first_tokens: int, sign: int = 1) -> None:
        """Add so much, or take it away."""
        if sign < 0:
            self.added = [before - less for before, less in zip(self.added, added, strict=True)]
        else:
            self.added = [before + more for before, more in zip(self.added, added, strict=True)]
        self.durations += sign * durations
        self.first_tokens += sign * first_tokens

    @property
    def calls(self) -> int:
        return self.added[0]

    def as_json(self, *, percentiles: bool = True) -> dict[str, Any]:
        """Sums over what is known, with the number of calls it is not known of; null when it is known of none.

        `shares` tell apart how it is known; they add up to the calls, and to what is known of these.
        """
        (
            calls, errors, into, out, cache_read, cache_write, reasoning,
            into_told, out_told, cache_read_told, cache_write_told, reasoning_told,
            untold, estimated, estimated_into, estimated_out,
            cost, unknown_cost, reported_cost, reported_cost_calls, estimated_cost, estimated_cost_calls, free,
            usage, usage_told, cache_saved, cache_saved_told,
        ) = self.added  # fmt: skip
        nothing = not calls
        told = {
            "calls": calls,
            "errors": errors,
            "tokens": {
                "total": into + out if untold < calls or nothing else None,
                "input": into if into_told or nothing else None,
                "output": out if out_told or nothing else None,
                "cache_read": cache_read if cache_read_told or nothing else None,
                "cache_write": cache_write if cache_write_told or nothing else None,
                "reasoning": reasoning if reasoning_told or nothing else None,
                "unknown_calls": untold,
                "estimated_calls": estimated,
                "estimated_input": estimated_into,
                "estimated_output": estimated_out,
                "shares": {
                    "reported": {
                        "calls": calls - estimated - untold,
                        "total": into + out - estimated_into - estimated_out,
                    },
                    "estimated": {"calls": estimated, "total": estimated_into + estimated_out},
                    "unknown": {"calls": untold, "total": None},
                },
            },
            "cost": {
                "usd": usd(cost) if unknown_cost < calls or nothing else None,
                "unknown_calls": unknown_cost,
                "estimated_calls": estimated_cost_calls,
                "cache_saved_usd": usd(cache_saved) if cache_saved_told or nothing else None,
                "shares": {
                    "reported": {"calls": reported_cost_calls, "usd": usd(reported_cost)},
                    "priced": {
                        "calls": calls - reported_cost_calls - estimated_cost_calls - free - unknown_cost,
                        "usd": usd(cost - reported_cost - estimated_cost),
                    },
                    "estimated": {"calls": estimated_cost_calls, "usd": usd(estimated_cost)},
                    "free": {"calls": free, "usd": usd(0)},
                    "unknown": {"calls": unknown_cost, "usd": None},
                },
            },
            "usage": in_credits(usage) if usage_told or nothing else None,
            # Not more than of unknown cost: refusals counted on one row were once not counted as told.
            "usage_unknown_calls": min(unknown_cost, calls - usage_told),
        }
        if percentiles:
            told["duration_ms"] = _percentiles(self.durations)
            told["first_token_ms"] = _percentiles(self.first_tokens)
        return told


def total_of(tallies: Iterable[Tally]) -> Tally:
    """All of them together."""
    several = list(tallies)
    if not several:
        return Tally()
    return Tally(
        [sum(numbers) for numbers in zip(*(tally.added for tally in several), strict=True)],
        sum(tally.durations for tally in several),
        sum(tally.first_tokens for tally in several),
    )


def _percentiles(counts: int) -> dict[str, float | None]:
    found = histogram.percentiles(counts, _SHARES.values())
    if found is None:
        return dict.fromkeys(_SHARES)
    return {name: _ms(number) for name, number in zip(_SHARES, found, strict=True)}


@cache
def _ms(number: int) -> float | None:
    return ms(histogram.middle_us(number))
