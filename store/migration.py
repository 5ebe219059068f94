"""Brings a book of an earlier version to this one, when it is opened to be written. All or nothing.

Every index, view and table of sums is made as schema.sql has it now, and the sums are summed anew from the rows: what
is left to say here is only what becomes of the rows themselves. What was summed of pruned calls is carried over. Never
goes back.
"""

import logging
import sqlite3
from contextlib import closing

from store import pruned, schema, sums

_log = logging.getLogger("tollbook.book")


def _reworded(before: str, after: str) -> str:
    before, after = (rule.replace("'", "''") for rule in (before, after))
    return f"update sqlite_schema set sql = replace(sql, '({before}', '({after}') where name = 'calls'"  # noqa: S608


_ROWS = {
    # What caching saved is not known of calls that were priced before it was asked.
    1: (
        "alter table calls add column cache_saved integer",
        "alter table calls add column repeats integer not null default 0",
        # A usage may be known without a cost. SQLite has no statement for it; this way is the one its manual describes.
        "pragma writable_schema = on",
        "update sqlite_schema set sql = replace(sql, ',\n    check (usage is null or cost is not null)', '') "
        "where type = 'table' and name = 'calls'",
        "pragma writable_schema = reset",
    ),
    # Calls from before have no units: what was billed by them keeps its lines, but cannot be priced anew.
    2: (
        "alter table calls add column cache_read_image integer check (cache_read_image >= 0)",
        "alter table calls add column units text",
        "alter table calls add column portions text",
        "alter table calls add column cost_missing text",
        # The same rules, written so that they cost less (schema.sql says why).
        "pragma writable_schema = on",
        _reworded("outcome in ('completed', ", "outcome = 'completed' or outcome in ("),
        _reworded("fault in (", "fault is null or fault in ("),
        _reworded("tokens_source in ('reported', ", "tokens_source = 'reported' or tokens_source in ("),
        _reworded(
            "cost_state in ('reported', 'priced', 'estimated', 'free', 'unknown')",
            "cost_state = 'priced' or cost_state = 'reported'\n"
            "                            or cost_state in ('estimated', 'free') or cost_state = 'unknown'",
        ),
        "pragma writable_schema = reset",
        "insert into counters select 'calls_without_units', max(id) from calls having max(id) is not null",
    ),
    3: (),  # what repricings changed is kept from here on
    # Of calls from before it is not known.
    4: tuple(f"alter table calls add column {name} integer" for name in ("pause", "held", "uploaded")),
}
"""What changes the rows of this version into those of the next."""
_SUMS = ("quarter_sums", *(table.name for table in sums.TABLES), "combinations")


def bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Change a book of an earlier version into one of this version; leave any other file alone.

    Raises:
        sqlite3.Error: the file is as it was.
    """
    (version,) = connection.execute("pragma user_version").fetchone()
    if version not in _ROWS:
        return
    _log.info("the book has version %d; bringing it to version %d", version, schema.BOOK_VERSION)
    connection.execute("begin immediate")
    try:
        for step in range(version, schema.BOOK_VERSION):
            for statement in _ROWS[step]:
                connection.execute(statement)
        _rebuild_the_rest(connection)
        connection.execute(f"pragma user_version = {schema.BOOK_VERSION}")
        connection.execute("commit")
    except BaseException:
        if connection.in_transaction:
            connection.execute("rollback")
        raise
    _log.info("the book has version %d now", schema.BOOK_VERSION)


def _rebuild_the_rest(connection: sqlite3.Connection) -> None:
    """Make everything but the rows as it is in schema.sql."""
    carried = _SUMS if pruned.mark(connection, pruned.CALLS_FROM) is not None else ()
    for kind, name in _named(connection):
        if kind == "table" and name in carried:
            connection.execute(f"alter table {name} rename to former_{name}")
        elif kind in ("view", "index") or name in _SUMS:
            connection.execute(f"drop {kind} if exists {name}")  # an index may have gone with its table
    there = set(_named(connection))
    with closing(sqlite3.connect(":memory:")) as wanted:
        wanted.executescript(schema.book_schema())
        missing = [
            text
            for kind, name, text in wanted.execute("select type, name, sql from sqlite_schema where sql is not null")
            if (kind, name) not in there
        ]
    for text in missing:
        connection.execute(text)
    for name in carried:
        if ("table", f"former_{name}") in there:
            _carry_over(connection, name)
    sums.rebuild(connection)


def _carry_over(connection: sqlite3.Connection, name: str) -> None:
    """What one table of sums said; the rebuilding keeps what it cannot sum from rows."""
    known = "select name from pragma_table_info(?) intersect select name from pragma_table_info(?)"
    columns = ", ".join(column for (column,) in connection.execute(known, (name, f"former_{name}")))
    if columns:  # else there is no such table any more
        connection.execute(f"insert into {name} ({columns}) select {columns} from former_{name}")  # noqa: S608 - names of ours
    connection.execute(f"drop table former_{name}")


def _named(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    # Indexes without a text belong to a constraint.
    return connection.execute(
        "select type, name from sqlite_schema where sql is not null order by type = 'table'"
    ).fetchall()
