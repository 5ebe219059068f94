"""Writes between the batches of the thread that fills the book."""

import asyncio
import sqlite3
from collections.abc import Callable
from typing import TypeVar

from store.book import Book
from store.charging import Charging
from store.ingest import Ingest

T = TypeVar("T")


class Between:
    """For a pruning: what needs both files."""

    def __init__(self, ingest: Ingest) -> None:
        self._ingest = ingest

    async def turn(self, work: Callable[[Book], T]) -> T:
        """Do this between two batches."""
        return await asyncio.wrap_future(self._ingest.between_batches(work))


class BetweenRows:
    """For a repricing: rows of the book alone, each time in one transaction."""

    def __init__(self, ingest: Ingest) -> None:
        self._ingest = ingest

    async def turn(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do this between two batches."""
        return await asyncio.wrap_future(self._ingest.between_batches(lambda book: book.change(work)))

    async def adopt(self, charging: Charging) -> None:
        """From now on, charge the calls that come like this."""
        await asyncio.wrap_future(self._ingest.adopt(charging))

    async def count_anew(self) -> None:
        """Begin the counters of budgets from the book."""
        await asyncio.wrap_future(self._ingest.count_budgets_anew())
