"""Every call of a filter, page after page: for exports, which may take minutes.

Each page is a snapshot of its own, so that no long reading keeps SQLite from shortening the write-ahead log. What it
costs: this is not the book of one moment. A call that was under way at the beginning is in it when it entered the book
before its place was reached. No call is in it twice, and it ends, because calls received later are not meant.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

from store.filters import MAX_LIMIT, Filter
from store.questions.logs import logs
from store.questions.row import Json
from store.questions.statements import statement
from store.reader import NoAnswer, Source, TookTooLong

Question = Callable[[Source, Filter], Awaitable[Json]]
"""What answers with one page: `logs`."""

_TRIES = 3
_PAUSE_S = 0.5  # a disk that hangs for a moment must not cost an hour's export


async def settled(source: Source, asked: Filter) -> Filter:
    """The same filter, its ends drawn in to the calls that are in the book now.

    Raises:
        NoAnswer: the book cannot be read in time.
    """
    async with source.snapshot() as snapshot:
        rows = await snapshot.rows(statement("extent"))
    first, last = rows[0] if rows else (None, None)
    if first is None or last is None:
        return replace(asked, to_us=asked.from_us or 0)  # no call is before its own beginning
    return replace(
        asked,
        from_us=first if asked.from_us is None else max(first, asked.from_us),
        to_us=last + 1 if asked.to_us is None else min(last + 1, asked.to_us),
    )


async def pages(source: Source, asked: Filter, question: Question = logs) -> AsyncIterator[list[Json]]:
    """The calls in the order asked for, as `logs` lists them. At least one page, and a page may be empty.

    A page that was not filled in time is followed by the rest. Only the order of time can be continued so.

    Raises:
        NoAnswer: the book cannot be read in time, now or later; or not in this order.
    """
    wanted = replace(asked, limit=MAX_LIMIT)
    begun = False
    while True:
        page = await _page(source, wanted, question, tries=_TRIES if begun else 1)
        begun = True
        if asked.sort != "time" and not page.get("complete", True):
            # Its calls are the first of some stretch of time, not of all: what follows would begin the order anew.
            raise TookTooLong("this order takes too long here; narrow the filter, or sort by time")
        yield page["logs"]
        if page["next"] is None:
            return
        wanted = replace(wanted, cursor=page["next"])


async def _page(source: Source, wanted: Filter, question: Question, tries: int) -> Json:
    for left in reversed(range(tries)):
        try:
            return await question(source, wanted)
        except NoAnswer:
            if not left:
                raise
            await asyncio.sleep(_PAUSE_S)
    raise AssertionError("there is at least one try")
