"""Models with calls whose cost is unknown, and what is missing: a price, or the tokens."""

from store.moments import at, rfc3339
from store.questions.row import Json
from store.questions.statements import statement
from store.reader import Snapshot, Source
from store.sums import DAY_US


async def unpriced(source: Source) -> Json:
    """{"unpriced": [{"model", "calls", "last_seen", "last_day", "missing"}, ...]}, the most calls first, at most 100.

    `missing` is judged by the newest thousand such calls of the last day there were any: "price" when tokens are known
    of all of them, "tokens" when of none, else "both"; null when those calls are pruned, and `last_seen` with it.

    Raises:
        NoAnswer: the book cannot be read in time.
    """
    async with source.snapshot() as snapshot:
        found = await snapshot.rows(statement("unpriced_models"))
        told = [await _told(snapshot, *row) for row in found]
    return {"unpriced": told}


async def _told(snapshot: Snapshot, number: int, model: str | None, calls: int, day: int, _: int) -> Json:
    values = (day * DAY_US, (day + 1) * DAY_US, number or None)
    ((looked_at, untold, last),) = await snapshot.rows(statement("unpriced_day"), values)
    return {
        "model": model,
        "calls": calls,
        "last_seen": None if last is None else rfc3339(last),
        "last_day": at(day * DAY_US).date().isoformat(),
        "missing": _missing(looked_at, untold),
    }


def _missing(calls: int, untold: int) -> str | None:
    if not calls:
        return None
    return "price" if not untold else "tokens" if untold == calls else "both"
