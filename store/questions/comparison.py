"""This stretch of time against the one before it (`time_before`), and what follows from the two sums.

A change is told as a ratio of what was before; null where that was nothing, or where either is not known.
"""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from store.filters import Filter
from store.moments import epoch_us, rfc3339
from store.questions.beginning import beginning_us
from store.questions.partial import together
from store.questions.row import Json
from store.questions.stats import stats
from store.questions.whole_hours import before_and_now
from store.questions.windows import Allowance
from store.reader import Source

_MINUTE_US = 60_000_000


async def comparison(source: Source, asked: Filter, now: datetime, *, allowed_s: float = 1.5) -> Json:
    """{"from", "to", "total", "previous": {"from", "to", "total"} or null, "change", "per_minute", "cache", ...}.

    Without a beginning the whole book is meant, and nothing is before it. Where rows were pruned a long time begins at
    a whole hour, as "from" tells. `complete` tells of both sums; where one could not be read in whole there are no
    changes and no rates, because they would be of different times.

    Raises:
        NoAnswer: the book cannot be read in time.
    """
    first = asked.from_us if asked.from_us is not None else await beginning_us(source)
    stop = asked.to_us if asked.to_us is not None else epoch_us(now)
    allowance = Allowance(allowed_s)
    earlier = None
    if asked.from_us is not None and asked.from_us < stop:
        earlier, asked = await before_and_now(source, asked, now)
        first = asked.from_us
    by_model = await stats(source, replace(asked, by=("model",)), allowed_s=allowance.left)
    answers, previous = [by_model], None
    if earlier is not None:
        before = replace(earlier, by=())
        answers.append(await stats(source, before, allowed_s=allowance.left))
        previous = {
            "from": rfc3339(before.from_us or 0),
            "to": rfc3339(before.to_us or 0),
            "total": answers[-1]["total"],
        }  # fmt: skip
    total, read = by_model["total"], together(answers)
    return {
        "from": None if first is None else rfc3339(first),
        "to": rfc3339(stop),
        "total": total,
        "previous": previous,
        "change": _changes(total, previous["total"] if previous and read["complete"] else None),
        "per_minute": _per_minute(total, first if by_model["complete"] else None, min(stop, epoch_us(now))),
        "cache": _cache(by_model["stats"], total),
        "uncertain": _uncertain(total),
        **read,
    }


def _figures(total: Json) -> dict[str, Any]:
    return {
        "calls": total["calls"],
        "errors": total["errors"],
        "tokens": total["tokens"]["total"],
        "cost": total["cost"]["usd"],
        "usage": total["usage"],
        "duration_p50": total["duration_ms"]["p50"],
        "duration_p95": total["duration_ms"]["p95"],
        "first_token_p50": total["first_token_ms"]["p50"],
    }


def _changes(total: Json, before: Json | None) -> dict[str, float | None]:
    figures = _figures(total)
    if before is None:
        return dict.fromkeys(figures)
    return {name: change(figure, _figures(before)[name]) for name, figure in figures.items()}


def change(figure: Any, before: Any) -> float | None:
    """0.25 is a quarter more; None where there was nothing before, or something is not known."""
    if figure is None or before is None or not Decimal(str(before)):
        return None
    ratio = (Decimal(str(figure)) - Decimal(str(before))) / Decimal(str(before))
    return round(float(ratio), 6)


def _per_minute(total: Json, first: int | None, stop: int) -> dict[str, float | None]:
    minutes = None if first is None or stop <= first else (stop - first) / _MINUTE_US
    counts = {"calls": total["calls"], "tokens": total["tokens"]["total"]}
    return {
        name: None if minutes is None or count is None else round(count / minutes, 6) for name, count in counts.items()
    }


def _cache(models: list[Json], total: Json) -> Json:
    """Shares over the models that tell of their cache: what the others read from theirs is not known."""
    telling = [model["tokens"] for model in models if model["tokens"]["cache_read"] is not None]
    read = sum(tokens["cache_read"] for tokens in telling)
    into = sum(tokens["input"] or 0 for tokens in telling)
    return {
        "read_tokens": read if telling else None,
        "of_input_tokens": into if telling else None,
        "hit_share": round(read / into, 6) if into else None,
        "saved_usd": total["cost"]["cache_saved_usd"],
    }


def _uncertain(total: Json) -> Json:
    """Of how many calls the sums are estimates, or do not know: counts, and shares of all calls."""
    counts = {
        "estimated_tokens": total["tokens"]["estimated_calls"],
        "unknown_tokens": total["tokens"]["unknown_calls"],
        "estimated_cost": total["cost"]["shares"]["estimated"]["calls"],
        "unknown_cost": total["cost"]["unknown_calls"],
    }
    calls = total["calls"]
    return {
        **{f"{name}_calls": count for name, count in counts.items()},
        **{f"{name}_share": round(count / calls, 6) if calls else None for name, count in counts.items()},
    }
