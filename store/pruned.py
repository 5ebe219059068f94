"""What the book remembers of what was pruned, as numbers among its counters.

- calls_from: every call received from this moment on has its row; of earlier ones there are sums, and perhaps the rows
  of calls that arrived late. Microseconds since the epoch, the beginning of a UTC day.
- bodies_gone: no call up to this id has bodies or words any more.
- last_id: the highest id that a pruned call may have had. An id is never given twice: bodies, words and cursors are
  kept by it.

Each is in the book before the first row goes. None of them ever goes back.
"""

import sqlite3
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from store.reader import Snapshot

CALLS_FROM = "calls_from"
BODIES_GONE = "bodies_gone"
LAST_ID = "last_id"

LAST = """
select max(coalesce((select max(id) from calls), 0),
           coalesce((select value from counters where name = 'last_id'), 0))"""
"""Asks for the id of the call that arrived last, whether its row is still there or not; 0 in an empty book."""

_RAISE = "insert into counters values (?, ?) on conflict do update set value = max(value, excluded.value)"


def last_id(connection: sqlite3.Connection) -> int:
    """The id of the call that arrived last."""
    (number,) = connection.execute(LAST).fetchone()
    return int(number)


def mark(connection: sqlite3.Connection, name: str) -> int | None:
    """One of the three; None: nothing of the kind was pruned."""
    found = connection.execute("select value from counters where name = ?", (name,)).fetchone()
    return None if found is None else int(found[0])


def raise_mark(connection: sqlite3.Connection, name: str, value: int) -> None:
    """Move it on, within the caller's transaction."""
    connection.execute(_RAISE, (name, value))


async def mark_in(snapshot: "Snapshot", name: str) -> int | None:
    """The same through a snapshot."""
    found = await snapshot.rows("select value from counters where name = ?", (name,))
    return int(found[0][0]) if found else None


async def last_id_in(snapshot: "Snapshot") -> int:
    """The same through a snapshot; 0 while there is no book."""
    found = await snapshot.rows(LAST)
    return int(found[0][0]) if found else 0
