"""How fast the files grow, and how long the disk lasts at that pace.

Refuses to foretell from one look, or where nothing grows: then the answer is null.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from store.moments import at, epoch_us
from store.questions.row import Json
from store.questions.statements import statement
from store.reader import Source
from store.sums import DAY_US

_DAYS = 30
_AVERAGED = 7


async def growth(source: Source, now: datetime, free_bytes: int | None) -> Json:
    """{"days": [{"day", "book_bytes", "bodies_bytes", "search_bytes", "total_bytes", "grew_bytes"}, ...], ...}.

    Beside it `bytes_per_day`, over the last seven days that were looked at, and `full_in_days`. The oldest day comes
    first. `grew_bytes` is per day since the look before, null for the first.

    Raises:
        NoAnswer: the book cannot be read in time.
    """
    today = epoch_us(now) // DAY_US
    async with source.snapshot() as snapshot:
        rows = await snapshot.rows(statement("growth"), (today - _DAYS,))
    looks = [(day, sum(sizes)) for day, *sizes in rows]
    per_day = _per_day([look for look in looks if look[0] >= today - _AVERAGED])
    grew = [None, *(_per_day(pair) for pair in pairwise(looks))][: len(looks)]
    return {
        "days": [
            {
                "day": at(day * DAY_US).date().isoformat(),
                "book_bytes": book,
                "bodies_bytes": bodies,
                "search_bytes": search,
                "total_bytes": book + bodies + search,
                "grew_bytes": more,
            }
            for (day, book, bodies, search), more in zip(rows, grew, strict=True)
        ],
        "bytes_per_day": per_day,
        "full_in_days": round(free_bytes / per_day, 1) if free_bytes is not None and per_day and per_day > 0 else None,
    }


def _per_day(looks: Sequence[tuple[int, int]]) -> int | None:
    if len(looks) < 2:
        return None
    (first_day, first), (last_day, last) = looks[0], looks[-1]
    return round((last - first) / (last_day - first_day))
