"""The totals line: sums over everything the filters leave, and what per minute they come to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from store.filters import Filter
from store.moments import at, moment_us
from store.pages.state import State

_MINUTE_US = 60_000_000


@dataclass(frozen=True, slots=True)
class Totals:
    """What parts/totals.html draws; None stands for what is not known."""

    sums: Mapping[str, Any]
    errors_share: float | None
    calls_per_minute: float | None
    tokens_per_minute: float | None
    read_back_to: str | None  # the sums go back to this time only
    errors_only: str  # the address of the calls that failed
    unpriced: str
    untold: int
    estimated: int


def totals(state: State, asked: Filter, told: Mapping[str, Any], begin_us: int | None, end_us: int | None) -> Totals:
    """The totals of this answer of `stats`; the filter's time, or else the book's, begins and ends then."""
    sums = told["total"]
    calls = sums["calls"]
    read_back_to = told.get("read_back_to")
    if read_back_to is not None:
        begin_us = moment_us(read_back_to, at(0), asked.zone)
    minutes = (end_us - begin_us) / _MINUTE_US if begin_us is not None and end_us is not None else 0.0
    tokens = sums["tokens"]["total"]
    base = state.without("cursor", "back", "open")
    return Totals(
        sums=sums,
        errors_share=sums["errors"] / calls if calls else None,
        calls_per_minute=calls / minutes if minutes > 0 else None,
        tokens_per_minute=tokens / minutes if minutes > 0 and tokens is not None else None,
        read_back_to=read_back_to,
        errors_only=base.with_(status="error").address,
        unpriced=base.with_(cost_state="unknown").address,
        untold=sums["tokens"]["unknown_calls"],
        estimated=sums["tokens"]["estimated_calls"],
    )
