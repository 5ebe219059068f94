"""The calls of a filter, by their ids, so many at a time; those that come meanwhile are not meant.

Each handful is found in a snapshot of its own, newest calls first: what is written behind it moves nothing before it.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

from store.filters import Filter
from store.questions.every_call import settled
from store.questions.logs import numbers
from store.reader import NoAnswer, Source

AT_ONCE = 2_000
_TRIES = 5
_PAUSE_S = 0.5  # a disk that hangs for a moment must not end what took minutes


async def selected(source: Source, asked: Filter, at_once: int = AT_ONCE) -> AsyncIterator[list[int]]:
    """Ids of calls, each once.

    Raises:
        NoAnswer: the book cannot be read in time.
    """
    wanted = replace(await settled(source, asked), limit=at_once)
    while True:
        found, following = await _page(source, wanted)
        if found:
            yield found
        if following is None:
            return
        wanted = replace(wanted, cursor=following)


async def _page(source: Source, wanted: Filter) -> tuple[list[int], str | None]:
    for left in reversed(range(_TRIES)):
        try:
            return await numbers(source, wanted)
        except NoAnswer:
            if not left:
                raise
            await asyncio.sleep(_PAUSE_S)
    raise AssertionError("there is at least one try")
