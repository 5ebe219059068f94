"""Top movers: whose cost changed most against the time before (`time_before`), in either direction.

A name of which all costs are unknown in one of the periods is left out: by how much it moved is not known.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from store.filters import Filter
from store.moments import epoch_us
from store.questions.comparison import change
from store.questions.partial import together
from store.questions.row import Json
from store.questions.stats import stats
from store.questions.whole_hours import before_and_now
from store.questions.windows import Allowance
from store.reader import Source

MOVERS_BY = ("model", "key", "group")
_MOST = 5


async def movers(source: Source, asked: Filter, now: datetime, *, allowed_s: float = 1.5) -> Json:
    """{"model": {"up": [...], "down": [...]}, "key": ..., "group": ..., "complete", "read_back_to"}.

    Each of at most five: {"value", "usd", "previous_usd", "change_usd", "change", "calls", "previous_calls"}, the
    largest change first. Without a beginning nothing is before, and nobody moved; nor where not all could be read in
    about `allowed_s` seconds.

    Raises:
        NoAnswer: the book cannot be read in time.
    """
    stop = asked.to_us if asked.to_us is not None else epoch_us(now)
    nobody = {name: _nobody() for name in MOVERS_BY}
    if asked.from_us is None or asked.from_us >= stop:
        return {**nobody, **together([])}
    before, asked = await before_and_now(source, asked, now)
    allowance = Allowance(allowed_s)
    answers: list[Json] = []
    for by in (("model",), ("key", "group")):  # what one table of sums tells at once
        for one in (asked, before):
            answer = await stats(source, replace(one, by=by), percentiles=False, allowed_s=allowance.left)
            answers.append(answer)
            if not answer["complete"]:  # nothing can be compared, now or later
                return {**nobody, **together(answers)}
    (models, models_before, keys, keys_before) = (answer["stats"] for answer in answers)
    return {
        "model": _moved(_by("model", models), _by("model", models_before)),
        "key": _moved(_by("key", keys), _by("key", keys_before)),
        "group": _moved(_by("group", keys), _by("group", keys_before)),
        **together(answers),
    }


@dataclass(slots=True)
class _Spent:
    usd: Decimal | None = None  # None: of no call is it known
    calls: int = 0


def _by(name: str, rows: Iterable[Json]) -> dict[str | None, _Spent]:
    spent: defaultdict[str | None, _Spent] = defaultdict(_Spent)
    for row in rows:
        one, usd = spent[row[name]], row["cost"]["usd"]
        one.calls += row["calls"]
        if usd is not None:
            one.usd = (one.usd or Decimal(0)) + Decimal(usd)
    return spent


def _nobody() -> Json:
    return {"up": [], "down": []}


def _moved(now: Mapping[str | None, _Spent], before: Mapping[str | None, _Spent]) -> Json:
    nothing = _Spent(Decimal(0))
    moved = [
        one
        for value in {**now, **before}
        if (one := _one(value, now.get(value, nothing), before.get(value, nothing))) is not None
    ]
    up = sorted((one for one in moved if Decimal(one["change_usd"]) > 0), key=_size)
    down = sorted((one for one in moved if Decimal(one["change_usd"]) < 0), key=_size)
    return {"up": up[:_MOST], "down": down[:_MOST]}


def _size(one: Json) -> tuple[Decimal, str]:
    return -abs(Decimal(one["change_usd"])), one["value"] or ""


def _one(value: str | None, now: _Spent, before: _Spent) -> Json | None:
    if now.usd is None or before.usd is None:
        return None
    return {
        "value": value,
        "usd": f"{now.usd:.9f}",
        "previous_usd": f"{before.usd:.9f}",
        "change_usd": f"{now.usd - before.usd:.9f}",
        "change": change(now.usd, before.usd),
        "calls": now.calls,
        "previous_calls": before.calls,
    }
