"""Top movers: whose cost changed most against the period of equal length just before, in either direction.

A name of which all costs are unknown in one of the periods is left out: by how much it moved is not known.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from store.filters import Filter
from store.moments import epoch_us
from store.questions.comparison import change
from store.questions.partial import together
from store.questions.row import Json
from store.questions.stats import stats
from store.reader import Source

MOVERS_BY = ("model", "key", "group")
_MOST = 5
_NOTHING = "0.000000000"


async def movers(source: Source, asked: Filter, now: datetime, by: Sequence[str] = MOVERS_BY) -> Json:
    """{"model": {"up": [...], "down": [...]}, "key": ..., "group": ..., "complete", "read_back_to"}.

    Each of at most five: {"value", "usd", "previous_usd", "change_usd", "change", "calls", "previous_calls"}, the
    largest change first. Without a beginning nothing is before, and nobody moved.

    Raises:
        NoAnswer: the book cannot be read in time.
    """
    stop = asked.to_us if asked.to_us is not None else epoch_us(now)
    if asked.from_us is None or asked.from_us >= stop:
        return {**{name: {"up": [], "down": []} for name in by}, **together([])}
    before = replace(asked, from_us=max(0, 2 * asked.from_us - stop), to_us=asked.from_us)
    answers = []
    found: Json = {}
    for name in by:
        here = await stats(source, replace(asked, by=(name,)))
        there = await stats(source, replace(before, by=(name,)))
        answers += [here, there]
        found[name] = _moved(name, here["stats"], there["stats"])
    return {**found, **together(answers)}


def _moved(name: str, here: Sequence[Json], there: Sequence[Json]) -> Json:
    now, before = ({row[name]: row for row in rows} for rows in (here, there))
    moved = [one for value in {**now, **before} if (one := _one(value, now.get(value), before.get(value))) is not None]
    up = sorted((one for one in moved if Decimal(one["change_usd"]) > 0), key=_size)
    down = sorted((one for one in moved if Decimal(one["change_usd"]) < 0), key=_size)
    return {"up": up[:_MOST], "down": down[:_MOST]}


def _size(one: Json) -> tuple[Decimal, str]:
    return -abs(Decimal(one["change_usd"])), one["value"] or ""


def _one(value: str | None, here: Json | None, there: Json | None) -> Json | None:
    usd = here["cost"]["usd"] if here else _NOTHING
    previous = there["cost"]["usd"] if there else _NOTHING
    if usd is None or previous is None:
        return None
    return {
        "value": value,
        "usd": usd,
        "previous_usd": previous,
        "change_usd": f"{Decimal(usd) - Decimal(previous):.9f}",
        "change": change(usd, previous),
        "calls": here["calls"] if here else 0,
        "previous_calls": there["calls"] if there else 0,
    }
