"""The views of the book, for people with any SQLite tool, say what the rows say and invent nothing."""

import sqlite3
from collections.abc import Iterable
from datetime import UTC
from pathlib import Path
from typing import Any
from uuid import UUID

from store.book import BOOK_FILE
from store.call import Call, CallError, Cost, Tokens
from store.moments import at
from tests.books import NOON_US, a_book, a_call


def view(data_dir: Path, name: str, calls: Iterable[Call]) -> list[dict[str, Any]]:
    """All rows of a view, over a book of these calls."""
    connection = sqlite3.connect(a_book(data_dir, calls) / BOOK_FILE)
    try:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(f"select * from {name}")]
    finally:
        connection.close()


def test_the_log_reads_like_the_rows(tmp_path: Path) -> None:
    """`log` has one row per call, with the call's own numbers in plain units and NULL for what is unknown."""
    error = CallError("rate_limit", "429", "Slow down")
    calls = [
        a_call(started_at_us=NOON_US + 7_000),
        a_call(status=429, error=error, tokens=Tokens("estimated", input_uncached=8)),
        a_call(
            model=None, requested_model=None, key=None, upstream=None, status=None, outcome="rejected",
            tokens=None, cost=Cost("unknown"), usage_micro=None, duration_us=None, first_token_us=None,
        ),
    ]  # fmt: skip
    shown = view(tmp_path, "log", calls)
    assert [row.pop("id") for row in shown] == [1, 2, 3]
    assert shown == [as_shown(call) for call in calls]
    assert shown[0]["time_utc"] == "2026-11-21 12:00:00.007"


def as_shown(call: Call) -> dict[str, Any]:
    """What `log` must show of a call."""
    tokens = call.reading.tokens
    cost, usage, duration, first_token = call.cost.nano_usd, call.usage_micro, call.duration_us, call.first_token_us
    return {
        "time_utc": at(call.started_at_us).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3],
        "credits": None if usage is None else usage / 1e6,
        "model": call.reading.model or call.reading.requested_model,
        "seconds": None if duration is None else duration / 1e6,
        "input_tokens": tokens.input if tokens else None,
        "output_tokens": tokens.output if tokens else None,
        "total_tokens": tokens.total if tokens else None,
        "cost_usd": None if cost is None else cost / 1e9,
        "cost_state": call.cost.state,
        "key": call.key,
        "group": call.group,
        "type": call.reading.type,
        "upstream": call.upstream,
        "repeats": 0,
        "status": call.status,
        "outcome": call.outcome,
        "error_message": call.error.message if call.error else None,
        "first_token_ms": None if first_token is None else first_token / 1e3,
        "call_id": str(UUID(bytes=call.call_id)),
    }


def test_spending_of_which_nothing_is_known_is_null(tmp_path: Path) -> None:
    """A group's cost, credits and tokens are NULL when no call of it told them, else sums of the known."""
    nothing: dict[str, Any] = {"tokens": None, "cost": Cost("unknown"), "usage_micro": None}
    calls = [
        a_call(key="nobody-knows", **nothing),
        a_call(key="nobody-knows", **nothing),
        a_call(key="some-known", **nothing),
        a_call(key="some-known"),
        a_call(key="guessed", tokens=Tokens("estimated", input_uncached=9), cost=Cost("estimated", 45_000)),
        a_call(key="input-only", tokens=Tokens("reported", input_uncached=8)),
        a_call(
            key="free", tokens=Tokens("reported", input_uncached=0, output_text=0), cost=Cost("free", 0), usage_micro=0
        ),
    ]
    sums = (
        "calls",
        "input_tokens",
        "output_tokens",
        "cost_usd",
        "calls_of_unknown_cost",
        "credits",
        "estimated_tokens",
        "estimated_cost_usd",
    )
    shown = {row["key"]: tuple(row[name] for name in sums) for row in view(tmp_path, "spending_by_day", calls)}
    assert shown == {
        "nobody-knows": (2, None, None, None, 2, None, 0, 0.0),
        "some-known": (2, 100, 50, 0.000045, 1, 0.045, 0, 0.0),
        "input-only": (1, 8, None, 0.000045, 0, 0.045, 0, 0.0),
        "guessed": (1, 9, None, 0.000045, 0, 0.045, 9, 0.000045),
        "free": (1, 0, 0, 0.0, 0, 0.0, 0, 0.0),
    }
