"""Who writes: the store process while it runs, else whoever holds its lock."""

import sqlite3
from collections.abc import Callable
from typing import Protocol, TypeVar

from store.book import Book
from store.charging import Charging

T = TypeVar("T")


class Writer(Protocol):
    """Takes turns with whatever else writes the book."""

    async def turn(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do this in one transaction.

        Raises:
            sqlite3.Error: nothing of it was written.
        """

    async def adopt(self, charging: Charging) -> None:
        """From now on, charge the calls that come like this."""

    async def count_anew(self) -> None:
        """What was counted of usage elsewhere is to be counted from the book again."""


class Alone:
    """Nothing else writes; nobody counts."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def turn(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Not in a thread: whoever interrupts this waits for the end of the transaction."""
        return self._book.change(work)

    async def adopt(self, charging: Charging) -> None:
        """No calls come."""

    async def count_anew(self) -> None:
        """Whoever serves next counts from the book."""
