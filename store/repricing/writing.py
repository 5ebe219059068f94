"""A handful of calls charged anew in one transaction: rows, sums, what the rows said before, and the record of it."""

import sqlite3
import time
from collections import Counter
from collections.abc import Sequence

import msgspec
import orjson

from store.charging import Charging
from store.repricing.anew import Stays, anew
from store.repricing.asked import Pairs
from store.repricing.kept import WITHOUT_UNITS, Amount, Kept, kept, kept_statement, listed
from store.repricing.moved import move
from store.repricing.report import Difference


class Record(msgspec.Struct, frozen=True):
    """What is written of a repricing."""

    began_at_us: int
    who: str
    filter: Pairs
    prices: str
    number: int | None = None  # None until it changes something


class Turn(msgspec.Struct, frozen=True):
    """What became of a handful."""

    record: Record
    looked_at: int
    changed: int
    stays: Counter[Stays]


_BEGIN = """
insert into repricings
    (began_at, who, filter, prices, calls, cost_before, cost_after, usage_before, usage_after,
     became_known, became_unknown)
values (?, ?, ?, ?, 0, 0, 0, 0, 0, 0, 0)
returning id"""
_COUNT = """
update repricings
   set calls = calls + ?, cost_before = cost_before + ?, cost_after = cost_after + ?,
       usage_before = usage_before + ?, usage_after = usage_after + ?,
       became_known = became_known + ?, became_unknown = became_unknown + ?
 where id = ?"""
_KEEP = """
insert into repriced
    (call, repricing, cost, cost_state, cost_lines, cost_missing, price_source, price_entry, price_since,
     usage, cache_saved, anomalies)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_WRITE = """
update calls
   set cost = ?, cost_state = ?, cost_lines = ?, cost_missing = ?, price_source = ?, price_entry = ?, price_since = ?,
       usage = ?, cache_saved = ?, anomalies = ?
 where id = ?"""


def write(connection: sqlite3.Connection, numbers: Sequence[int], charging: Charging, record: Record) -> Turn:
    """Charge these calls anew, within the caller's transaction."""
    (without_units,) = connection.execute(WITHOUT_UNITS).fetchone() or (0,)
    stays: Counter[Stays] = Counter()
    changes: list[tuple[Kept, Amount]] = []
    looked_at = 0
    for row in connection.execute(kept_statement(), (listed(numbers),)).fetchall():
        looked_at += 1
        one = kept(row, without_units)
        after = anew(one, charging)
        if isinstance(after, str):
            stays[after] += 1
        elif after is not one.amount:
            changes.append((one, after))
    if changes:
        record = _recorded(connection, record, changes)
        connection.executemany(_WRITE, [(*_columns(after), one.number) for one, after in changes])
        move(connection, changes)
    return Turn(record, looked_at, len(changes), stays)


def finish(connection: sqlite3.Connection, record: Record) -> None:
    """Every call of the filter was reached."""
    connection.execute("update repricings set finished_at = ? where id = ?", (time.time_ns() // 1000, record.number))


def _recorded(connection: sqlite3.Connection, record: Record, changes: Sequence[tuple[Kept, Amount]]) -> Record:
    number = record.number
    if number is None:
        filter_ = orjson.dumps(record.filter).decode()
        began = (record.began_at_us, record.who, filter_, record.prices)
        (number,) = connection.execute(_BEGIN, began).fetchone()
    whole = Difference()
    for one, after in changes:
        whole.add(one.calls, one.amount, after)
    connection.execute(
        _COUNT,
        (len(changes), whole.cost_before, whole.cost_after, whole.usage_before, whole.usage_after,
         whole.became_known, whole.became_unknown, number),
    )  # fmt: skip
    connection.executemany(_KEEP, [(one.number, number, *_columns(one.amount)) for one, _ in changes])
    return msgspec.structs.replace(record, number=number)


def _columns(amount: Amount) -> tuple[object, ...]:
    return msgspec.structs.astuple(amount)
