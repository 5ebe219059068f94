"""Changing the book: an errand of the running store; when none runs, done by the command under the store's own lock."""

import asyncio
import os
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from proxy.cli.trouble import Trouble

if TYPE_CHECKING:
    from store.book import Book
    from store.errands.lines import Errand

T = TypeVar("T")

PATIENCE_S = 5.0  # with a store that is just starting or ending
_LOOK_S = 0.2
Heard = Callable[[int, int], None]
"""Told how many rows are done, and of these how many changed."""


async def changed(
    data_dir: Path,
    asked: "Errand",
    result: type[T],
    heard: Heard,
    alone: "Callable[[Book, Heard], Awaitable[T]]",
    *,
    after: str,
) -> T:
    """What came of it. `alone` does it with a book of its own; `after` says what holds when it ends half way.

    Raises:
        Trouble: it is not done.
    """
    from store.errands import Ended, NobodyThere, NotDone, errand
    from store.lock import STORE_LOCK, Held, take

    loop = asyncio.get_running_loop()
    until = loop.time() + PATIENCE_S
    reached = [0]  # how many rows were changed

    def counted(done: int, changed: int) -> None:
        reached[0] = changed
        heard(done, changed)

    while True:
        try:
            return await errand(data_dir, asked, result, lambda said: counted(said.done, said.changed))
        except NobodyThere:
            pass
        except NotDone as reason:
            rest = f" {after}" if reached[0] or isinstance(reason, Ended) else ""
            raise Trouble(f"The store did not do it: {reason}.{rest}") from reason
        try:
            lock = take(data_dir / STORE_LOCK)
        except Held as reason:
            if loop.time() > until:
                raise Trouble(f"{reason}, which takes no errands; end it, or ask the one that serves.") from reason
            await asyncio.sleep(_LOOK_S)
            continue
        try:
            return await _alone(data_dir, lambda book: alone(book, counted), after)
        finally:
            os.close(lock)


async def _alone(data_dir: Path, work: "Callable[[Book], Awaitable[T]]", after: str) -> T:
    from store.book import Book
    from store.schema import WrongVersion

    try:
        with Book(data_dir) as book:
            return await work(book)
    except WrongVersion as error:
        raise Trouble(f"Nothing was changed: {error}; `tollbook doctor` looks closer.") from error
    except sqlite3.Error as error:
        raise Trouble(f"The book in {data_dir} cannot be written ({error}). {after}") from error
