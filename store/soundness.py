"""Whether the book is whole, looked at from outside: for `tollbook doctor`, while `serve` runs or not.

Reads only, through a connection of its own, and stops at a deadline: checking a large book takes minutes.
"""

import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from store.read_only import uri

_STEPS_BETWEEN_LOOKS = 10_000


@dataclass(frozen=True, slots=True)
class Soundness:
    """What a look at one file of the data directory found."""

    problems: tuple[str, ...] = ()
    finished: bool = True  # False: the deadline came before the end; what was seen until then was whole
    version: int | None = None
    counters: Mapping[str, int] = field(default_factory=dict)  # empty where the file keeps none


def look(file: Path, *, within_s: float) -> Soundness:
    """Check this file's structure for at most so long.

    Raises:
        sqlite3.Error: it cannot be opened, or is not a database.
    """
    until = time.monotonic() + within_s
    with closing(sqlite3.connect(uri(file), uri=True, isolation_level=None)) as connection:
        (version,) = connection.execute("pragma user_version").fetchone()
        kept = connection.execute("select 1 from sqlite_schema where name = 'counters'").fetchone()
        counters = dict(connection.execute("select name, value from counters")) if kept else {}
        connection.set_progress_handler(lambda: time.monotonic() > until, _STEPS_BETWEEN_LOOKS)
        try:
            found = [str(line) for (line,) in connection.execute("pragma quick_check(10)")]
        except sqlite3.OperationalError:
            if time.monotonic() <= until:
                raise
            return Soundness(finished=False, version=version, counters=counters)
    return Soundness(() if found == ["ok"] else tuple(found), version=version, counters=counters)
