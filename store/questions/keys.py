"""The keys that were ever used: in which groups, since when, how much in all and lately."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from store.moments import epoch_us, rfc3339
from store.questions.figures import in_credits, usd
from store.questions.row import Json
from store.questions.statements import statement
from store.reader import Source
from store.sums import DAY_US

LATELY_DAYS = 30
"""How long ago is lately: whole UTC days, today among them."""


async def keys(source: Source, now: datetime) -> Json:
    """{"keys": [{"key", "groups", "calls", "first_seen", "last_seen", "all_time", "last_30_days"}, ...]}.

    `key` is null for calls without a credential. The last used comes first; so does the last group of each. The two
    sums are {"calls", "errors", "tokens", "cost", "usage", "usage_unknown_calls"}.

    The last 30 days are whole UTC days, today among them.

    Raises:
        NoAnswer: the book cannot be read in time.
    """
    since = epoch_us(now) // DAY_US - LATELY_DAYS + 1
    async with source.snapshot() as snapshot:
        seen = await snapshot.rows(statement("keys_seen"))
        ever = {row[0]: row[1:] for row in await snapshot.rows(statement("keys_sums"), (0,))}
        lately = {row[0]: row[1:] for row in await snapshot.rows(statement("keys_sums"), (since,))}
    told: dict[int, Json] = {}
    for number, name, group, calls, first_at, last_at in seen:
        one = told.setdefault(
            number,
            {
                "key": name, "groups": [], "calls": 0, "first_seen": rfc3339(first_at), "last_seen": rfc3339(last_at),
                "all_time": _sums(ever.get(number)), "last_30_days": _sums(lately.get(number)),
            },
        )  # fmt: skip
        one["groups"].append(group)
        one["calls"] += calls
        one["first_seen"] = min(one["first_seen"], rfc3339(first_at))
    return {"keys": list(told.values())}


def _sums(row: Sequence[Any] | None) -> Json:
    (
        calls, errors, into, out, into_told, out_told, untold, estimated,
        cost, unknown, estimated_cost, usage, usage_told,
    ) = row or (0,) * 13  # fmt: skip
    return {
        "calls": calls,
        "errors": errors,
        "tokens": {
            "total": into + out if untold < calls or not calls else None,
            "input": into if into_told or not calls else None,
            "output": out if out_told or not calls else None,
            "unknown_calls": untold,
            "estimated_calls": estimated,
        },
        "cost": {
            "usd": usd(cost) if unknown < calls or not calls else None,
            "unknown_calls": unknown,
            "estimated_calls": estimated_cost,
        },
        "usage": in_credits(usage) if usage_told or not calls else None,
        "usage_unknown_calls": min(unknown, calls - usage_told),
    }
