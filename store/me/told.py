"""About one key: what it is, what it used and cost, what is left of its budgets, its last calls.

A key that was renamed is still the same key: what it did under its former names counts. Days and months are those of
`[credits] tz`, like the periods of budgets.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from proxy.config.model import Config
from proxy.keys.key import Key
from proxy.keys.told import moment_json
from store.budgets import BudgetState
from store.budgets.told import budget_told, counted
from store.filters import PAGING, Filter, parse
from store.questions.logs import logs
from store.questions.row import Json
from store.questions.stats import stats
from store.reader import Source

CALLS: Final = 20
_ALLOWED_S: Final = 0.5


async def told(source: Source, key: Key, config: Config, states: Sequence[BudgetState], now: datetime) -> Json:
    """{"key", "group", "state", "expires", "tz", "calls", "usage", "unknown_usage_calls", "cost", "unknown_cost_calls",
    "estimated_cost_calls", "budgets", "models", "upstreams", "limits", "logs", "complete", "read_back_to"}.

    `calls`, `usage`, `cost` and the calls of which these are unknown or estimated are {"today", "month", "total"}; an
    empty list of models or upstreams means any.

    Raises:
        NoAnswer: the book cannot be read in time.
    """
    today = now.astimezone(ZoneInfo(config.credits.tz)).date()
    asked = {
        "today": _asked(key, config, now, ("from", today.isoformat())),
        "month": _asked(key, config, now, ("from", today.replace(day=1).isoformat())),
        "total": _asked(key, config, now),
    }
    *answers, page = await asyncio.gather(
        *(stats(source, one, percentiles=False, allowed_s=_ALLOWED_S) for one in asked.values()),
        logs(source, _asked(key, config, now, ("limit", str(CALLS))), allowed_s=_ALLOWED_S),
    )
    totals = {period: answer["total"] for period, answer in zip(asked, answers, strict=True)}
    partial = [answer["read_back_to"] for answer in (*answers, page) if not answer["complete"]]
    return {
        "key": key.name,
        "group": key.group,
        "state": key.state(now),
        "expires": moment_json(key.expires_at),
        "tz": config.credits.tz,
        "calls": {period: total["calls"] for period, total in totals.items()},
        "usage": {period: total["usage"] for period, total in totals.items()},
        "unknown_usage_calls": {period: total["usage_unknown_calls"] for period, total in totals.items()},
        "cost": {period: total["cost"]["usd"] for period, total in totals.items()},
        "unknown_cost_calls": {period: total["cost"]["unknown_calls"] for period, total in totals.items()},
        "estimated_cost_calls": {
            period: total["cost"]["shares"]["estimated"]["calls"] for period, total in totals.items()
        },
        "budgets": budgets(key, config, states),
        "models": list(key.models),
        "upstreams": list(key.upstreams),
        "limits": {"per_minute": key.per_minute, "concurrent": key.concurrent},
        "logs": page["logs"],
        "complete": not partial,
        "read_back_to": max(partial, default=None),
    }


def budgets(key: Key, config: Config, states: Sequence[BudgetState]) -> list[Json]:
    """Those of the key, then those of its group, as `budget_told` has them."""
    group, known = config.groups.get(key.group), counted(states)
    return [
        *(budget_told("key", key.name, one, known) for one in key.budgets),
        *(budget_told("group", key.group, one, known) for one in (group.budgets if group else ())),
    ]


def _asked(key: Key, config: Config, now: datetime, *also: tuple[str, str]) -> Filter:
    names = (("key", name) for name in (key.name, *key.former_names))
    return parse([*names, *also, ("tz", config.credits.tz)], now, also=PAGING)
