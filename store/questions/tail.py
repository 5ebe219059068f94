"""New calls of a filter, one after the other, as they enter the book."""

import asyncio
import base64
import binascii
from collections.abc import AsyncIterator
from dataclasses import dataclass

from store.conditions import all_of, beside_dimensions, between, dimensions, look_up
from store.filters import Filter, WrongFilter
from store.pruned import last_id_in
from store.questions.row import Json, listed
from store.questions.statements import statement
from store.reader import Snapshot, Source
from store.search.condition import arrived, indexed_through

POLL_S = 0.25
_MOST_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Arrival:
    """A new call, and the cursor to go on after it."""

    cursor: str
    call: Json


async def new_calls(
    source: Source, asked: Filter, after: str | None = None, poll_s: float = POLL_S
) -> AsyncIterator[list[Arrival]]:
    """What arrived since the last look, without end; an empty list when a look found nothing.

    Starts with what arrives from now on, or after the cursor of an earlier arrival.

    Raises:
        WrongFilter: `after` is no cursor of this question.
        NoAnswer: the book cannot be read.
    """
    last = _read(after) if after is not None else None
    while True:
        async with source.snapshot() as snapshot:
            newest = await last_id_in(snapshot)
            if asked.q:
                # A call is only known to match once its words are indexed: until then it has not arrived.
                newest = max(last or 0, min(newest, await indexed_through(snapshot)))
            if last is None:
                last = newest
            arrived: list[Json] = []
            numbers = await _numbers(snapshot, asked, last, newest) if newest > last else []
            if numbers:
                arrived = await listed(snapshot, numbers)
        yield [Arrival(_write(number), call) for number, call in zip(numbers, arrived, strict=True)]
        if len(numbers) == _MOST_AT_ONCE:
            last = numbers[-1]
            continue
        last = newest  # also when the cursor came from a book that is gone
        await asyncio.sleep(poll_s)


async def _numbers(snapshot: Snapshot, asked: Filter, last: int, newest: int) -> list[int]:
    ids = await look_up(snapshot, asked)
    where = all_of((
        between("id", last + 1, newest + 1),
        between("started_at", asked.from_us, asked.to_us),
        dimensions(ids),
        beside_dimensions(asked),
        await arrived(snapshot, asked, last, newest),
    ))  # fmt: skip
    text = statement("page", value="id", index="not indexed", conditions=where.text, order="id asc")
    return [number for number, _ in await snapshot.rows(text, (*where.values, _MOST_AT_ONCE))]


def _write(number: int) -> str:
    return base64.urlsafe_b64encode(f"after {number}".encode()).rstrip(b"=").decode()


def _read(cursor: str) -> int:
    try:
        text = cursor.encode("ascii")
        word, number = base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True).split(b" ")
        if word == b"after" and number.isdigit() and int(number) < 2**63:
            return int(number)
    except (ValueError, binascii.Error):
        pass
    raise WrongFilter("cursor", "this is not the id of an event of /api/tail")
