"""What changed amounts of rows move in the sums beside them. Calls, tokens and durations stay as they are."""

import sqlite3
from collections.abc import Iterable
from operator import add

from store import sums
from store.repricing.kept import Amount, Kept

_OF_A_CALL = ("model", "key", "group", "type", "upstream")
_Moves = tuple[int, ...]


def _statement(table: sums.Table) -> str:
    return (
        f"update {table.name} set {', '.join(f'{name} = {name} + ?' for name in sums.CHARGED)} "  # noqa: S608 - names of ours
        f"where {' and '.join(f'{name} = ?' for name in (table.time, *table.columns))}"
    )


_STATEMENTS = {table: _statement(table) for table in sums.TABLES}


def move(connection: sqlite3.Connection, changes: Iterable[tuple[Kept, Amount]]) -> None:
    """Move every sum that these rows are in, within the caller's transaction.

    Raises:
        sqlite3.IntegrityError: a row is in no sum; nothing may be written then.
    """
    finest: dict[tuple[int, ...], _Moves] = {}
    for row, after in changes:
        key = (row.started_at_us // sums.QUARTER_US, *row.ids)
        moved = tuple(new - old for new, old in zip(_told(after, row.calls), _told(row.amount, row.calls), strict=True))
        finest[key] = tuple(map(add, finest[key], moved)) if key in finest else moved
    for table in sums.TABLES:
        together = _together(table, finest)
        found = connection.executemany(_STATEMENTS[table], [(*moved, *key) for key, moved in together.items()]).rowcount
        if together and found != len(together):
            raise sqlite3.IntegrityError(f"{table.name} has no sums of some of these calls")


def _told(amount: Amount, calls: int) -> _Moves:
    return sums.charged(amount.cost, amount.state, amount.usage, amount.cache_saved, calls)


def _together(table: sums.Table, finest: dict[tuple[int, ...], _Moves]) -> dict[tuple[int, ...], _Moves]:
    places = [1 + _OF_A_CALL.index(name) for name in table.dimensions]
    quarters = table.unit_us // sums.QUARTER_US
    together: dict[tuple[int, ...], _Moves] = {}
    for key, moved in finest.items():
        here = (key[0] // quarters, *(key[place] for place in places))
        together[here] = tuple(map(add, together[here], moved)) if here in together else moved
    return {key: moved for key, moved in together.items() if any(moved)}
