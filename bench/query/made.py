"""Books of any size for measuring, made inside SQLite: some ten seconds for a million calls. Kept for the next run.

The calls are spread over 180 days and drawn from a cast (bench/query/cast.py) by congruential generators, so the same
size gives the same book. Bodies are there for the newest calls only.
"""

import hashlib
import shutil
import sqlite3
import sys
import time
from pathlib import Path

import orjson
import zstandard

from bench.lab import LAB
from bench.query.cast import SLOTS, Cast, cast
from store import histogram, schema, sums
from store.book import BODIES_FILE, BOOK_FILE, Book

DAYS = 180
LAST_US = 1_795_262_400_000_000  # 2026-11-21T12:00:00Z
WITH_BODIES = 500
_PRIME = 2**31 - 1

_DRAWN = f"""
with recursive drawn (i, a, b, c, d) as (
    values (1, 11, 222, 3333, 44444)
    union all
    select i + 1, a * 48271 % {_PRIME}, b * 69621 % {_PRIME}, c * 16807 % {_PRIME}, d * 39373 % {_PRIME}
      from drawn where i < :calls
)
insert into made
select i, :first_us + cast((i - 1) * :step_us as integer) + a % cast(:step_us as integer),
       a / 7 % {SLOTS}, b % 1000, b / 1000 % 1000, c % 1000, c / 1000 % 1000, d % 1000, d / 1000 % 1000
  from drawn
"""  # fmt: skip

# b: how it ended. 3 % fail: 429, 500, 503, 400, 404 with a status, the rest without one.
_CALLS = """
insert into calls
select i, cast(printf('%016d', i) as blob), 'bench', i, started_at,
       upstream_id, case upstream_id when 2 then 'anthropic' when 3 then 'gemini' else 'openai' end,
       type_id, model_id, model_id, nullif(key_id, 0), group_id,
       'POST', '/v1/chat/completions', '10.0.0.' || (key_id % 250), 'OpenAI/Python 2.10.0',
       status, outcome, failed, case when failed then 'upstream' end,
       case when failed then 'server_error' end, case when failed then 'overloaded' end,
       case when failed then 'The model is overloaded, try again later.' end,
       f < 600 and output_mean > 0, case when not failed then 'stop' end,
       'req_' || printf('%020d', i), null,
       duration, 180 + e / 4, first_token * 9 / 10, case when not failed then first_token end, 350 + f,
       bucket(duration), case when not failed then bucket(first_token) end,
       case when failed then 'none' when g < 40 then 'estimated' else 'reported' end,
       into_tokens - cached, cached, null, null, null, null, null, null,
       out_tokens, null, null, case when out_tokens and f < 100 then out_tokens / 3 end,
       into_tokens, out_tokens, into_tokens + out_tokens, null, null,
       case when not failed then
           '{"prompt_tokens":' || into_tokens || ',"completion_tokens":' || out_tokens || ',"total_tokens":'
           || (into_tokens + out_tokens) || ',"prompt_tokens_details":{"cached_tokens":' || cached || '}}' end,
       case when failed then 0 else cost end,
       case when failed then 'free' when cost is null then 'unknown' when g < 40 then 'estimated' else 'priced' end,
       case when cost is not null and not failed then
           '[["input",' || into_tokens || ',"2.5","0.0025",false],["output",' || out_tokens
           || ',"10","0.0035",false]]' end,
       null,
       case when cost is not null and not failed then 'openai' end,
       case when cost is not null and not failed then 'model-' || model_id end, null,
       case when failed then 0 else cost / 1000 end,
       case when not failed then cached * input_nano * 9 / 10 end,
       case when g < 300 then 'user-' || (e * 7 + f % 7) end,
       case when f between 300 and 450 then 'session-' || (i / 60) end,
       case when e < 200 then '{"team":"' || char(97 + f % 26) || '","env":"' || iif(g % 5, 'prod', 'test') || '"}' end,
       case when h < 2 then '["cached_over_input"]' end,
       4 * coalesce(into_tokens, 500), 5 * coalesce(out_tokens, 100), 5 * coalesce(out_tokens, 100), 0
  from (select *, into_tokens * (input_nano) + out_tokens * output_nano as cost
          from (select *,
                       case when failed then null else input_mean * (200 + e * 2 + h) / 1000 end as into_tokens,
                       case when failed then null when output_mean = 0 then 0
                            else output_mean * (200 + f + g) / 1000 end as out_tokens,
                       case when failed then null when f < 250 then input_mean * (100 + e) / 2000 else 0 end as cached,
                       first_mean * (500 + e) / 1000 as first_token,
                       case when outcome = 'interrupted' then null
                            else first_mean * (500 + e) / 1000 + output_mean * (200 + f + g) / 1000 * token_us
                       end as duration
                  from (select made.*, slots.*,
                               case when h < 970 then 200 when h < 985 then 429 when h < 988 then 500
                                    when h < 990 then 503 when h < 992 then 400 when h < 993 then 404
                                    when h < 996 then 200 when h < 998 then 504 end as status,
                               case when h < 993 then 'completed' when h < 996 then 'client_left'
                                    when h < 998 then 'upstream_timed_out' when h < 999 then 'interrupted'
                                    else 'upstream_unreachable' end as outcome,
                               h between 970 and 992 or h >= 996 as failed
                          from (select i, started_at, slot, b1 as e, b2 as f, c1 as g, c2 as h from made) as made
                          join slots on slots.slot = made.slot)))
 order by i
"""  # fmt: skip


def book(calls: int) -> Path:
    """The data directory of a book with so many calls; made now, or kept from before."""
    names = cast()
    made_of = "".join(_statements("calls")) + _DRAWN + _CALLS
    data_dir = LAB / "books" / f"{calls}-{_print(made_of.encode() + orjson.dumps(names))}"
    if not data_dir.exists():
        for old in data_dir.parent.glob(f"{calls}-*"):
            shutil.rmtree(old)
        _make(data_dir, names, calls)
    _sum(data_dir)
    return data_dir


def _make(data_dir: Path, names: Cast, calls: int) -> None:
    unfinished = data_dir.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    began = time.monotonic()
    Book(unfinished).close()
    connection = sqlite3.connect(unfinished / BOOK_FILE, isolation_level=None)
    try:
        _fill(connection, names, calls)
        _bodies(connection, unfinished / BODIES_FILE)
    finally:
        connection.close()
    unfinished.rename(data_dir)
    print(f"{calls:,} calls made in {time.monotonic() - began:.0f} s: {data_dir}", file=sys.stderr)


def _sum(data_dir: Path) -> None:
    """Make the sums, anew when their tables or what fills them have changed since."""
    tables = [*(table.name for table in sums.TABLES), "combinations"]
    statements = [statement for table in tables for statement in _statements(table)]
    made_by = b"".join(Path(module.__file__ or "").read_bytes() for module in (sums, histogram))
    mark = data_dir / f"sums-{_print(''.join(statements).encode() + made_by)}"
    if mark.exists():
        return
    began = time.monotonic()
    connection = sqlite3.connect(data_dir / BOOK_FILE, isolation_level=None)
    try:
        connection.execute("pragma synchronous = off")
        connection.execute("begin immediate")
        for view in ("log", "spending_by_day"):
            connection.execute(f"drop view if exists {view}")
        for table in tables:
            connection.execute(f"drop table if exists {table}")
        for statement in statements:
            connection.execute(statement)
        sums.rebuild(connection)
        connection.execute("commit")
        connection.execute("pragma wal_checkpoint(truncate)")
    finally:
        connection.close()
    for old in data_dir.glob("sums-*"):
        old.unlink()
    mark.touch()
    print(f"sums made in {time.monotonic() - began:.0f} s: {data_dir}", file=sys.stderr)


def _statements(table: str) -> list[str]:
    """What makes this table and its indexes."""
    plan = sqlite3.connect(":memory:")
    plan.executescript(schema.book_schema())
    found = plan.execute(
        "select sql from sqlite_master where tbl_name = ? and sql is not null order by rowid", (table,)
    )
    return [text for (text,) in found]


def _print(made_of: bytes) -> str:
    return hashlib.sha256(made_of).hexdigest()[:12]


def _fill(connection: sqlite3.Connection, names: Cast, calls: int) -> None:
    connection.create_function("bucket", 1, lambda us: None if us is None else histogram.bucket(us), deterministic=True)
    for setting in ("synchronous = off", "cache_size = -400000", "temp_store = file", "threads = 2"):
        connection.execute(f"pragma {setting}")
    indexes = connection.execute(
        "select name, sql from sqlite_master where type = 'index' and tbl_name = 'calls' and sql is not null"
    ).fetchall()
    connection.execute("begin immediate")
    for name, _ in indexes:
        connection.execute(f"drop index {name}")
    _name(connection, names)
    connection.execute("create temp table made (i integer primary key, started_at, slot, a1, b1, b2, c1, c2, d2)")
    _in_parts(connection, calls)
    for _, text in indexes:
        connection.execute(text)
    connection.execute("insert into counters values ('stored', ?), ('received', ?)", (calls, calls))
    connection.execute("commit")
    connection.execute("pragma wal_checkpoint(truncate)")


def _in_parts(connection: sqlite3.Connection, calls: int) -> None:
    step_us = DAYS * 86_400 * 1_000_000 / calls
    connection.execute(
        _DRAWN, {"calls": calls, "first_us": LAST_US - DAYS * 86_400 * 1_000_000, "step_us": max(1.0, step_us)}
    )
    connection.execute(_CALLS)
    connection.execute("drop table made")


def _name(connection: sqlite3.Connection, names: Cast) -> None:
    for table, several in (
        ("models", [model.name for model in names.models]), ("keys", names.keys), ("groups", names.groups),
        ("types", names.types), ("upstreams", names.upstreams),
    ):  # fmt: skip
        connection.executemany(f"insert into {table} (name) values (?)", [(name,) for name in several])
    connection.execute(
        "create temp table slots (slot integer primary key, model_id, key_id, group_id, upstream_id, type_id, "
        "input_mean, output_mean, input_nano, output_nano, first_mean, token_us)"
    )
    rows = []
    for number, slot in enumerate(names.slots):
        model = names.models[slot.model - 1]
        rows.append((
            number, slot.model, slot.key, slot.group, model.upstream, model.type, model.input_tokens,
            model.output_tokens, model.input_nano, model.output_nano, model.first_token_us, model.token_us,
        ))  # fmt: skip
    connection.executemany(f"insert into slots values ({', '.join('?' * 12)})", rows)


def _bodies(connection: sqlite3.Connection, path: Path) -> None:
    """A chat of a few messages for the newest calls."""
    newest = connection.execute("select id, call_id from calls order by id desc limit ?", (WITH_BODIES,)).fetchall()
    words = "a call and its answer, with the words that are usual between people and models " * 20
    asked = orjson.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": words}], "temperature": 0.7})
    answered = orjson.dumps(
        {"id": "chatcmpl-1", "object": "chat.completion", "model": "gpt-4o-mini", "created": 1_700_000_000,
         "choices": [{"index": 0, "message": {"role": "assistant", "content": words}, "finish_reason": "stop"}],
         "usage": {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}}
    )  # fmt: skip
    content = zstandard.ZstdCompressor(level=3).compress(asked + answered)
    headers = '[["content-type","application/json"]]'
    bodies = sqlite3.connect(path)
    with bodies:
        bodies.executemany(
            "insert into bodies values (?, ?, ?, ?, null, ?, ?, null, ?)",
            [(number, call_id, headers, len(asked), headers, len(answered), content) for number, call_id in newest],
        )
    bodies.close()
