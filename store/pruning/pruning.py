"""The course of a pruning: bodies first, then calls, then the space they took, a few at a time.

Between two turns calls enter the book, so none waits longer than a turn takes. Ended anywhere, the book is whole: what
is noted as gone is gone for every question, and the next pruning removes the rest of it.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Protocol, TypeVar

import msgspec

from store.book import Book
from store.pruned import BODIES_GONE, CALLS_FROM, mark_in
from store.pruning import writing
from store.pruning.limits import Limits
from store.pruning.outlook import Outlook, look
from store.pruning.writing import Gone, Pace
from store.questions.row import Json
from store.reader import Source

T = TypeVar("T")
Advance = Callable[[int], None]
"""Told how many bodies and calls went so far."""

_PAGES = 256  # given back at once, to begin with
_ROUNDS = 4  # how often bodies are looked through for bytes: how much a body takes of a file is only about known


class Writer(Protocol):
    """Whoever has the book, and takes turns with whatever else writes it."""

    async def turn(self, work: Callable[[Book], T]) -> T:
        """Do this now, or between two batches."""


class Alone:
    """Nothing else writes."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def turn(self, work: Callable[[Book], T]) -> T:
        """Not in a thread: whoever interrupts this waits for the end of the transaction."""
        return work(self._book)


class Pruned(msgspec.Struct, frozen=True):
    """What went."""

    finished: bool = True  # False: not everything that had to go
    calls: int = 0
    bodies: int = 0
    bodies_bytes: int = 0
    oldest_call_us: int | None = None  # of those that stayed
    oldest_bodies_us: int | None = None

    def as_json(self) -> Json:
        """As an outlook tells it."""
        seen = Outlook(
            bodies=self.bodies, bodies_bytes=self.bodies_bytes, calls=self.calls,
            oldest_call_us=self.oldest_call_us, oldest_bodies_us=self.oldest_bodies_us,
        )  # fmt: skip
        return {"finished": self.finished, **seen.as_json()}


class _Unwanted(Exception):
    """Whoever wanted it has left."""


async def prune(
    source: Source,
    limits: Limits,
    now: datetime,
    writer: Writer,
    *,
    advance: Advance = lambda gone: None,
    wanted: Callable[[], bool] = lambda: True,
    resting: bool = False,
) -> Pruned:
    """Remove what these limits do not keep, for as long as it is `wanted`.

    `resting`: after each turn nothing is done for as long as that took, so that half of the disk is left to others.

    Raises:
        NoAnswer, sqlite3.Error: the book cannot be read or written; what went before is gone.
    """
    course = _Course(source, writer, advance, wanted, resting=resting)
    before = limits.at(now)
    try:
        for _ in range(_ROUNDS):
            seen = await look(source, before)
            if not seen.bodies and not await course.left_by_another():
                break
            await course.bodies(seen.bodies_through)
        if before.calls_us is not None:
            await course.calls(before.calls_us)
        await course.space()
    except _Unwanted:
        return course.told(finished=False, seen=await look(source, before))
    return course.told(finished=True, seen=await look(source, before))


class _Course:
    def __init__(
        self, source: Source, writer: Writer, advance: Advance, wanted: Callable[[], bool], *, resting: bool
    ) -> None:
        self._source = source
        self._writer = writer
        self._advance = advance
        self._wanted = wanted
        self._resting = resting
        self._calls = 0
        self._bodies = 0
        self._bytes = 0

    def told(self, *, finished: bool, seen: Outlook) -> Pruned:
        return Pruned(finished, self._calls, self._bodies, self._bytes, seen.oldest_call_us, seen.oldest_bodies_us)

    async def left_by_another(self) -> bool:
        """Whether an earlier pruning was ended before the bodies that it noted as gone were."""
        async with self._source.snapshot() as snapshot:
            gone = await mark_in(snapshot, BODIES_GONE)
            if gone is None or not snapshot.bodies:
                return False
            return bool(await snapshot.rows("select 1 from bodies.bodies where id <= ? limit 1", (gone,)))

    async def bodies(self, through: int | None) -> None:
        async with self._source.snapshot() as snapshot:
            last = max(through or 0, await mark_in(snapshot, BODIES_GONE) or 0)
        pace = Pace()
        while True:
            gone = await self._turn(lambda book: writing.bodies(book, last, pace.at_once), pace)
            self._bodies, self._bytes = self._bodies + gone.rows, self._bytes + gone.bytes
            self._advance(self._calls + self._bodies)
            if not gone.rows:
                return

    async def calls(self, before_us: int) -> None:
        async with self._source.snapshot() as snapshot:
            before = max(before_us, await mark_in(snapshot, CALLS_FROM) or before_us)
            rows = await snapshot.rows("select 1 from calls where started_at < ? limit 1", (before,))
        if not rows:
            return
        pace = Pace()
        while True:
            gone = await self._turn(lambda book: writing.calls(book, before, pace.at_once), pace)
            self._calls += gone.rows
            self._advance(self._calls + self._bodies)
            if not gone.rows:
                break
        after: str | None = None
        while True:
            gone = await self._turn(partial(writing.responses, after=after), pace)
            after = gone.last
            if after is None:
                return

    async def space(self) -> None:
        """Free pages go back to the disk until there are none, or no more go."""
        pace = Pace(_PAGES)
        left: int | None = None
        while left is None or left:
            now = (await self._turn(lambda book: writing.space(book, pace.at_once), pace)).rows
            if left is not None and now >= left:
                return
            left = now

    async def _turn(self, work: Callable[[Book], Gone], pace: Pace) -> Gone:
        if not self._wanted():
            raise _Unwanted
        gone = await self._writer.turn(work)
        pace.took(gone.took_s)
        # Also where nothing is waited for: whoever looks on, or leaves, has a turn, too.
        await asyncio.sleep(gone.took_s if self._resting else 0)
        return gone
