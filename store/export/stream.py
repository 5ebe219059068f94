"""An export on its way: pages of calls in, pieces of a file out, one at a time and only when the next is wanted."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import cast

from store.export.columns import Json
from store.export.formats import Encoder
from store.filters import Filter
from store.questions.every_call import pages
from store.reader import Source


@dataclass(frozen=True, slots=True)
class Piece:
    """The next bytes of the file, perhaps none yet, and how many calls were read for them."""

    data: bytes
    calls: int


async def exported(source: Source, asked: Filter, encoder: Encoder) -> AsyncGenerator[Piece, None]:
    """The whole file. The book is read before the first piece, so that what is wrong is known before a byte is sent.

    Raises:
        NoAnswer: the book cannot be read in time. What was made so far is then not a whole file.
    """
    begun = False
    # Encoding a page takes milliseconds, pyarrow's first a second: not on the event loop.
    async with aclosing(cast("AsyncGenerator[list[Json], None]", pages(source, asked))) as read:
        async for calls in read:
            if not begun:
                yield Piece(await asyncio.to_thread(encoder.begin), 0)
                begun = True
            yield Piece(await asyncio.to_thread(encoder.add, calls), len(calls))
    yield Piece(await asyncio.to_thread(encoder.end), 0)
