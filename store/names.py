"""The tables of names (models, keys, groups, types, upstreams), written: each name once, and its id in every row."""

import sqlite3
from collections.abc import Mapping


class Names:
    """One of them; its ids are looked up in memory."""

    def __init__(self, connection: sqlite3.Connection, table: str) -> None:
        self._connection = connection
        self._insert = f"insert into {table} (name) values (?) returning id"  # noqa: S608 - a name of ours
        self._ids: dict[str, int] = {
            name: number
            for number, name in connection.execute(f"select id, name from {table}")  # noqa: S608
        }
        self._new: list[str] = []

    def id(self, name: str | None) -> int | None:
        """The id of this name, which is written if it is new; None for none."""
        if name is None:
            return None
        known = self._ids.get(name)
        if known is None:
            (known,) = self._connection.execute(self._insert, (name,)).fetchone()
            self._ids[name] = known
            self._new.append(name)
        return known

    def known(self) -> Mapping[str, int]:
        """Every name and its id."""
        return self._ids

    def settle(self, *, committed: bool) -> None:
        """Keep the names of a committed transaction, forget those of one that was rolled back."""
        if not committed:
            for name in self._new:
                del self._ids[name]
        self._new.clear()
