"""Pruning a book that nobody serves, as the command does it."""

from datetime import datetime
from pathlib import Path
from typing import Any

from store.book import Book
from store.pruning import Alone, Limits, Pruned, prune
from store.reader import Reader
from store.sums import DAY_US

NOTHING = Limits()


def days(number: int) -> int:
    """So many days in microseconds."""
    return number * DAY_US


async def pruned(data_dir: Path, limits: Limits, now: datetime, **how: Any) -> Pruned:
    """What went of this book."""
    with Book(data_dir) as book:
        async with Reader.open(data_dir) as reader:
            return await prune(reader, limits, now, Alone(book), **how)
