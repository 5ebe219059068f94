"""Asking the book: the filters judged, the book opened for reading, one question put, the answer given back.

The questions are those of the query endpoint (store/questions/). Nothing here changes the book, and it may be asked
while `serve` runs.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from zoneinfo import ZoneInfo

import click

from proxy.cli.filters import Pairs
from proxy.cli.place import configuration
from proxy.cli.trouble import Trouble
from proxy.sandbox.mark import demo_beside

if TYPE_CHECKING:
    from store.filters import Filter, WrongFilter
    from store.reader import Reader

T = TypeVar("T")

PATIENCE_S = 30.0  # whoever typed the command can wait longer than a page
READING_S = 25.0  # of these, for reading calls one by one


def judged(pairs: Pairs, *, also: Collection[str] = ()) -> "Filter":
    """The filter that these options make; `also` names what this question takes besides.

    Raises:
        click.UsageError: one of them is wrong; it is named.
    """
    from store.filters import WrongFilter, parse

    try:
        return parse(pairs, datetime.now(UTC), also=also)
    except WrongFilter as error:
        raise wrong(error) from error


def wrong(error: "WrongFilter") -> click.UsageError:
    """The sentence for a wrong filter; it names the option."""
    return click.UsageError(f"--{error.param}: {error.message}.")


def book_dir(config: Path | None, data_dir: Path | None) -> Path:
    """The data directory, with a book in it.

    Raises:
        Trouble: there is none yet.
    """
    from store.book import BOOK_FILE

    place = configuration(config, data_dir, secrets=False).store.data_dir
    try:
        (place / BOOK_FILE).stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        beside = demo_beside(place)
        demos = f"; that of `tollbook demo` is in {beside}" if (beside / BOOK_FILE).exists() else ""
        raise Trouble(
            f"There is no book in {place} yet: run `tollbook serve` (or name the right place with --data-dir{demos})."
        ) from error
    return place


def ask(place: Path, question: Callable[["Reader"], Awaitable[T]]) -> T:
    """The answer of the book in this directory.

    Raises:
        Trouble: the book cannot be read.
        click.UsageError: the question found its filter wrong (a cursor of another one, say).
    """
    from store.reader import Reader

    async def put() -> T:
        async with Reader.open(place, PATIENCE_S) as reader:
            return await question(reader)

    with no_trouble(place):
        return asyncio.run(put())


@contextmanager
def no_trouble(place: Path) -> Iterator[None]:
    """What goes wrong with a question, in the words of the command line."""
    from store.filters import WrongFilter
    from store.reader import NoAnswer

    try:
        yield
    except WrongFilter as error:
        raise wrong(error) from error
    except NoAnswer as error:
        raise Trouble(f"No answer from the book in {place}: {error}; `tollbook doctor` looks closer.") from error


def zone_of(pairs: Pairs) -> ZoneInfo | None:
    """The zone that was asked for, else the machine's own (None)."""
    named = [value for name, value in pairs if name == "tz"]
    return ZoneInfo(named[-1]) if named else None
