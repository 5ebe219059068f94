"""What a row of the book keeps of a call that decides what it costs, and what it says it costs."""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
import orjson

from proxy.journal.notes import Outcome
from store.call import CallError, CostState, Reading, Tokens
from store.quantities import portions_from_json, units_from_json

_ERROR = CallError(None, None, None)
"""Of an error only that there was one decides what a call costs."""


class Amount(msgspec.Struct, frozen=True):
    """What a row says of its cost, as the book writes it."""

    cost: int | None  # nano-USD
    state: CostState
    lines: str | None
    missing: str | None
    source: str | None
    entry: str | None
    since: str | None
    usage: int | None  # micro-credits
    cache_saved: int | None
    anomalies: str | None  # all of the row: one of them is about the usage

    def same_cost(self, other: "Amount") -> bool:
        """Whether it is the same money, explained the same way. How the price was called then may stay.

        What an unknown cost lacks was not told by earlier versions, and need not be told now.
        """
        return (self.cost, self.state, self.lines, self.cache_saved, self.missing or other.missing) == (
            other.cost, other.state, other.lines, other.cache_saved, other.missing
        )  # fmt: skip


class Kept(msgspec.Struct, frozen=True):
    """One row."""

    number: int
    started_at_us: int
    ids: tuple[int, int, int, int, int]  # model, key, group, type, upstream; 0 for "none"
    calls: int  # the row and its repeats
    upstream: str | None
    key: str | None
    group: str
    method: str
    target: str
    status: int | None
    outcome: Outcome
    units_kept: bool  # False: there may have been units, but nobody kept them
    reading: Reading
    amount: Amount


@cache
def kept_statement() -> str:
    """Asks for these calls; bound: a JSON array of their ids."""
    return (files("store.repricing") / "kept.sql").read_text()


def listed(numbers: Sequence[int]) -> str:
    """Ids as they are bound."""
    return orjson.dumps(numbers).decode()


def kept(row: Sequence[Any], without_units: int) -> Kept:
    """One row of kept.sql; the units of calls with ids up to `without_units` were not kept."""
    (
        number, started_at, model_id, key_id, group_id, type_id, upstream_id, repeats,
        call_type, model, requested_model, upstream, key, group,
        method, target, status, outcome, streamed, erred, service_tier,
        units, portions, raw_usage,
        tokens_source, *rest,
    ) = row  # fmt: skip
    buckets, amount = rest[:12], rest[12:]
    reading = Reading(
        type=call_type,
        model=model,
        requested_model=requested_model,
        stream=bool(streamed),
        tokens=None if tokens_source == "none" else Tokens(tokens_source, *buckets),
        units=units_from_json(units),
        portions=portions_from_json(portions),
        raw_usage=raw_usage.encode() if raw_usage else None,
        service_tier=service_tier,
        error=_ERROR if erred else None,
    )
    return Kept(
        number=number,
        started_at_us=started_at,
        ids=(model_id, key_id, group_id, type_id, upstream_id),
        calls=1 + repeats,
        upstream=upstream,
        key=key,
        group=group,
        method=method,
        target=target,
        status=status,
        outcome=outcome,
        units_kept=units is not None or number > without_units,
        reading=reading,
        amount=Amount(*amount),
    )


WITHOUT_UNITS = "select value from counters where name = 'calls_without_units'"
"""So many calls, the first of the book, are from before units were kept; no row: none."""
