"""How many calls each key made on each of the last days: what its line on the page is drawn from."""

from datetime import datetime

from store.moments import epoch_us
from store.questions.keys import LATELY_DAYS
from store.questions.statements import statement
from store.reader import Source
from store.sums import DAY_US


async def key_days(source: Source, now: datetime) -> dict[str | None, list[int]]:
    """Calls of the last 30 days by the name of the key, today last: whole UTC days, as `keys` has them.

    Keys without a call in that time are not in it.

    Raises:
        NoAnswer: the book cannot be read in time.
    """
    first = epoch_us(now) // DAY_US - LATELY_DAYS + 1
    async with source.snapshot() as snapshot:
        rows = await snapshot.rows(statement("key_days"), (first,))
    found: dict[str | None, list[int]] = {}
    for name, day, calls in rows:
        if day < first + LATELY_DAYS:  # a clock was ahead
            found.setdefault(name, [0] * LATELY_DAYS)[day - first] = calls
    return found
