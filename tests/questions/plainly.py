"""The same questions answered over a list of calls, in the plainest Python: what the book must agree with."""

import math
import re
from collections.abc import Callable, Iterable
from datetime import UTC, timezone
from decimal import Decimal
from typing import Any, get_args

from store.call import Call, CostState
from store.filters import Filter, Range, Words
from store.moments import at


def model_of(call: Call) -> str | None:
    return call.reading.model or call.reading.requested_model


def total_of(call: Call) -> int | None:
    return call.reading.tokens.total if call.reading.tokens else None


def matches(call: Call, asked: Filter) -> bool:
    """Whether the filter means this call."""
    return (
        (asked.from_us is None or call.started_at_us >= asked.from_us)
        and (asked.to_us is None or call.started_at_us < asked.to_us)
        and _named(asked.model, model_of(call))
        and _named(asked.key, call.key)
        and _named(asked.group, call.group)
        and _named(asked.type, call.reading.type)
        and _named(asked.upstream, call.upstream)
        and _holds(asked.status, lambda word: _status(word, call))
        and _named(asked.outcome, call.outcome)
        and _named(asked.stream, str(int(call.reading.stream)))
        and _named(asked.user, call.reading.user)
        and _named(asked.session, call.reading.session)
        and _named(asked.cost_state, call.cost.state)
        and _holds(asked.anomaly, lambda word: any(_like(word, name) for name in call.anomalies))
        and all(_named(words, call.reading.tags.get(name)) for name, words in asked.tags)
        and _within(asked.duration_us, call.duration_us)
        and _within(asked.cost_nano, call.cost.nano_usd)
        and _within(asked.tokens, total_of(call))
    )


def _like(word: str, value: str | None) -> bool:
    return value is not None and re.fullmatch(".*".join(map(re.escape, word.split("*"))), value, re.DOTALL) is not None


def _holds(words: Words, like: Callable[[str], bool]) -> bool:
    return (not words.any_of or any(map(like, words.any_of))) and not any(map(like, words.none_of))


def _named(words: Words, value: str | None) -> bool:
    return _holds(words, lambda word: _like(word, value))


def _status(word: str, call: Call) -> bool:
    if word == "error":
        return call.failed
    if word.endswith("xx"):
        return call.status is not None and call.status // 100 == int(word[0])
    return _like(word, None if call.status is None else str(call.status))


def _within(wanted: Range, value: int | None) -> bool:
    if wanted.lowest is None and wanted.highest is None:
        return True
    if value is None:
        return False
    return (wanted.lowest is None or value >= wanted.lowest) and (wanted.highest is None or value <= wanted.highest)


def group_of(call: Call, name: str, asked: Filter) -> Any:
    """The group this call is in when grouped by `name`."""
    local = at(call.started_at_us).astimezone(asked.zone)
    fixed = local.replace(tzinfo=timezone(local.utcoffset() or UTC.utcoffset(None)))
    return {
        "model": model_of(call),
        "key": call.key,
        "group": call.group,
        "type": call.reading.type,
        "upstream": call.upstream,
        "status": call.status,
        "outcome": call.outcome,
        "user": call.reading.user,
        "session": call.reading.session,
        "minute": fixed.replace(second=0, microsecond=0).isoformat(),
        "hour": fixed.replace(minute=0, second=0, microsecond=0).isoformat(),
        "day": f"{local:%Y-%m-%d}",
        "month": f"{local:%Y-%m}",
    }[name]


def grouped(calls: Iterable[Call], asked: Filter) -> dict[tuple[Any, ...], list[Call]]:
    """The calls the filter means, by group."""
    groups: dict[tuple[Any, ...], list[Call]] = {}
    for call in calls:
        if matches(call, asked):
            groups.setdefault(tuple(group_of(call, name, asked) for name in asked.by), []).append(call)
    return groups


def sums(calls: list[Call]) -> dict[str, Any]:
    """What the statistics must say about these calls, percentiles aside."""
    tokens = [call.reading.tokens for call in calls]
    told = [one for one in tokens if one is not None and (one.input is not None or one.output is not None)]
    guessed = [one for one in told if one.source == "estimated"]
    used = [call.usage_micro for call in calls if call.usage_micro is not None]
    known = [call.cost.nano_usd for call in calls if call.cost.nano_usd is not None]
    saved = [call.cost.cache_saved for call in calls if call.cost.cache_saved is not None]

    def total(name: str) -> int | None:
        counts = [getattr(one, name) for one in tokens if one is not None]
        counted = [count for count in counts if count is not None]
        return sum(counted) if counted or not calls else None

    return {
        "calls": len(calls),
        "errors": sum(call.failed for call in calls),
        "tokens": {
            "total": total("total"),
            "input": total("input"),
            "output": total("output"),
            "cache_read": total("all_cache_read"),
            "cache_write": total("cache_write"),
            "reasoning": total("reasoning"),
            "unknown_calls": len(calls) - len(told),
            "estimated_calls": len(guessed),
            "estimated_input": sum(one.input or 0 for one in guessed),
            "estimated_output": sum(one.output or 0 for one in guessed),
            "shares": {
                "reported": {
                    "calls": len(told) - len(guessed),
                    "total": sum(one.total or 0 for one in told if one.source == "reported"),
                },
                "estimated": {"calls": len(guessed), "total": sum(one.total or 0 for one in guessed)},
                "unknown": {"calls": len(calls) - len(told), "total": None},
            },
        },
        "cost": {
            "usd": f"{Decimal(sum(known)) / 10**9:.9f}" if known or not calls else None,
            "unknown_calls": len(calls) - len(known),
            "estimated_calls": sum(call.cost.state == "estimated" for call in calls),
            "cache_saved_usd": f"{Decimal(sum(saved)) / 10**9:.9f}" if saved or not calls else None,
            "shares": {state: _cost_share(calls, state) for state in get_args(CostState)},
        },
        "usage": sum(used) / 1e6 if used or not calls else None,
        "usage_unknown_calls": len(calls) - len(used),
    }


def _cost_share(calls: list[Call], state: str) -> dict[str, Any]:
    costs = [call.cost.nano_usd for call in calls if call.cost.state == state]
    usd = f"{Decimal(sum(cost or 0 for cost in costs)) / 10**9:.9f}"
    return {"calls": len(costs), "usd": None if state == "unknown" else usd}


def percentile_ms(durations_us: Iterable[int | None], share: float) -> float | None:
    """The duration that `share` of the calls do not exceed, exactly."""
    known = sorted(duration for duration in durations_us if duration is not None)
    return known[max(1, math.ceil(share * len(known))) - 1] / 1000 if known else None
