"""A time that reaches back to where rows were pruned, begun at a whole hour: so that two of them can be compared.

Sums are told exactly only from there. Of a month that is a thousandth; of a short time it would be much, so a short one
is left as it is, and its answer says that it is not complete.
"""

from dataclasses import replace
from datetime import datetime

from store.filters import Filter
from store.moments import epoch_us
from store.pruned import CALLS_FROM, mark_in
from store.questions.time_before import time_before
from store.reader import Source
from store.sums import HOUR_US

_HOURS = 100
"""So many hours are long."""


async def before_and_now(source: Source, asked: Filter, now: datetime) -> tuple[Filter, Filter]:
    """The time before this one (`time_before`), and this one, which has a beginning.

    Raises:
        NoAnswer: the book cannot be read.
    """
    start = asked.from_us or 0
    stop = asked.to_us if asked.to_us is not None else epoch_us(now)
    earlier = time_before(asked, now)
    before, until = earlier.from_us, earlier.to_us
    if stop - start >= _HOURS * HOUR_US:
        async with source.snapshot() as snapshot:
            rows_from = await mark_in(snapshot, CALLS_FROM) or 0
        start, before, until = (_whole(moment) if moment < rows_from else moment for moment in (start, before, until))
    return replace(asked, from_us=before, to_us=until), replace(asked, from_us=start)


def _whole(moment_us: int) -> int:
    return -(-moment_us // HOUR_US) * HOUR_US
