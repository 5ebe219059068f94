"""One row charged anew: what it would say had it been recorded by this tariff, or why it stays as it is. Pure."""

from typing import Literal

import msgspec
import orjson

from store.anomalies import Anomalies
from store.charging import BY_FALLBACK_RATE, Charging
from store.moments import at
from store.pricing import lines_from_json, lines_to_json
from store.pricing.modifiers import PRICE_MODIFIER_UNKNOWN
from store.repricing.kept import Amount, Kept
from store.retold import ALREADY_COUNTED

Stays = Literal["reported", "already_counted", "unreadable", "units_not_kept"]
"""Why a row is not charged anew.

- reported: the provider said what it cost.
- already_counted: another call is charged for what this one was told.
- unreadable: nothing was understood of the call, so nothing it might be priced by was kept.
- units_not_kept: it is, or now would be, billed by images, seconds or characters, and was recorded when they were not
  kept.
"""

_OF_THE_COST = (BY_FALLBACK_RATE, PRICE_MODIFIER_UNKNOWN)
"""Anomalies that come and go with the cost."""
_NOT_KEPT_ONCE = ("image", "second", "character")
"""Units that were billed before they were kept."""


def anew(row: Kept, charging: Charging) -> Amount | Stays:
    """The amount by this tariff; equal to the present one when nothing changes."""
    before = row.amount
    if before.state == "reported":
        return "reported"
    anomalies: list[str] = orjson.loads(before.anomalies) if before.anomalies else []
    if "unreadable" in anomalies:
        return "unreadable"
    if ALREADY_COUNTED in anomalies:
        return "already_counted"
    if not row.units_kept and _needs_units(row, charging):
        return "units_not_kept"
    cost = charging.cost(
        row.reading,
        row.upstream,
        row.started_at_us,
        status=row.status,
        outcome=row.outcome,
        method=row.method,
        target=row.target,
    )
    lines = lines_to_json(cost.lines)
    after = Amount(
        cost=cost.nano_usd,
        state=cost.state,
        lines=lines.decode() if lines else None,
        missing=cost.missing,
        source=cost.source,
        entry=cost.entry,
        since=cost.since,
        usage=before.usage,
        cache_saved=cost.cache_saved,
        anomalies=before.anomalies,
    )
    usage = before.usage
    by_fallback: Anomalies = (BY_FALLBACK_RATE,) if BY_FALLBACK_RATE in anomalies else ()
    same = before.same_cost(after)
    if not same or (usage is None and cost.nano_usd is None):
        usage, by_fallback = charging.usage(row.group, cost, row.reading)
    others = [name for name in anomalies if name not in _OF_THE_COST]
    named = _written([*others, *cost.anomalies, *by_fallback], anomalies, before)
    if same and usage == before.usage and named == before.anomalies:
        return before
    return msgspec.structs.replace(after, usage=usage, anomalies=named)


def _written(named: list[str], anomalies: list[str], before: Amount) -> str | None:
    if set(named) == set(anomalies):
        return before.anomalies
    return orjson.dumps(named).decode() if named else None


def _needs_units(row: Kept, charging: Charging) -> bool:
    if any(line.per_unit and line.kind != "request" for line in lines_from_json(row.amount.lines)):
        return True
    moment = at(row.started_at_us)
    for model in (row.reading.model, row.reading.requested_model):
        price = None if model is None else charging.prices.look_up(row.upstream, model, moment)
        if price is not None:
            return any(kind in price.units for kind in _NOT_KEPT_ONCE)
    return False
