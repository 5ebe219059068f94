"""The course of a repricing: compared, which only reads; applied, a handful of calls at a time; told as it was written.

After each handful the sums equal the rows. What was written stays when it ends before its end: the record says that it
did, and asking again does the rest, because a call whose amount is right already is left alone.
"""

import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from store.charging import Charging
from store.filters import Filter
from store.moments import at
from store.reader import Source
from store.repricing.anew import Stays, anew
from store.repricing.asked import Asked, asked_of
from store.repricing.kept import WITHOUT_UNITS, Amount, kept, kept_statement, listed
from store.repricing.report import Difference, Report, Written
from store.repricing.selection import AT_ONCE, selected
from store.repricing.writer import Writer
from store.repricing.writing import Record, Turn, finish, write

Advance = Callable[[int, int], None]
"""Told after each handful: how many rows were looked at so far, and how many of them change."""

_COUNT_EVERY_S = 1.0
_TOLD_AT_ONCE = 20_000


async def compare(
    source: Source, asked: Filter, charging: Charging, advance: Advance = lambda done, changed: None
) -> Report:
    """What charging these calls anew would change. Writes nothing.

    Raises:
        NoAnswer: the book cannot be read in time.
    """
    report = Report()
    changed = 0
    async for numbers in selected(source, asked):
        async with source.snapshot() as snapshot:
            without = await snapshot.rows(WITHOUT_UNITS)
            rows = await snapshot.rows(kept_statement(), (listed(numbers),))
        for row in rows:
            one = kept(row, without[0][0] if without else 0)
            after = anew(one, charging)
            if isinstance(after, str):
                report.stays[after] += 1
            elif after is not one.amount:
                changed += 1
                day = at(one.started_at_us).astimezone(asked.zone).date()
                where = (one.reading.model, one.key, day)
                report.by.setdefault(where, Difference()).add(one.calls, one.amount, after)
        report.looked_at += len(rows)
        advance(report.looked_at, changed)
    return report


async def apply(
    source: Source,
    asked: Asked,
    charging: Charging,
    writer: Writer,
    *,
    advance: Advance = lambda done, changed: None,
    wanted: Callable[[], bool] = lambda: True,
    at_once: int = AT_ONCE,
) -> Written:
    """Charge these calls anew, for as long as it is `wanted`.

    Raises:
        WrongFilter: the filter is none.
        NoAnswer, sqlite3.Error: the book cannot be read or written; what was written before stays.
    """
    filter_ = asked_of(asked.filter)
    await writer.adopt(charging)
    record = Record(time.time_ns() // 1000, asked.who, asked.filter, charging.edition)
    looked_at, changed, stays = 0, 0, Counter[Stays]()
    finished = True
    counted = time.monotonic()
    try:
        async for numbers in selected(source, filter_, at_once):
            if not wanted():
                finished = False
                break
            turn = await writer.turn(_handful(numbers, charging, record))
            record = turn.record
            looked_at, changed, stays = looked_at + turn.looked_at, changed + turn.changed, stays + turn.stays
            advance(looked_at, changed)
            if turn.changed and time.monotonic() - counted > _COUNT_EVERY_S:
                await writer.count_anew()
                counted = time.monotonic()
        if finished and record.number is not None:
            await writer.turn(lambda connection: finish(connection, record))
    finally:
        if changed:
            await writer.count_anew()
    return Written(record.number, finished, looked_at, changed, dict(stays))


async def written(source: Source, asked: Filter, done: Written) -> Report:
    """What a repricing changed, read back from the book right after it.

    Raises:
        NoAnswer: the book cannot be read in time.
    """
    report = Report(looked_at=done.looked_at, stays=Counter(done.stays))
    last = 0
    while done.number is not None:
        async with source.snapshot() as snapshot:
            rows = await snapshot.rows(_changed(), (done.number, last, _TOLD_AT_ONCE))
        for number, model, key, started_at, calls, *amounts in rows:
            before, after = (_amount(*amounts[place : place + 3]) for place in (0, 3))
            where = (model, key, at(started_at).astimezone(asked.zone).date())
            report.by.setdefault(where, Difference()).add(calls, before, after)
            last = number
        if len(rows) < _TOLD_AT_ONCE:
            break
    return report


def _handful(numbers: Sequence[int], charging: Charging, record: Record) -> Callable[[sqlite3.Connection], Turn]:
    return lambda connection: write(connection, numbers, charging, record)


@cache
def _changed() -> str:
    return (files("store.repricing") / "changed.sql").read_text()


def _amount(cost: int | None, state: Any, usage: int | None) -> Amount:
    return Amount(cost, state, None, None, None, None, None, usage, None, None)
