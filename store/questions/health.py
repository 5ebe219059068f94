"""How the book stands: what was received, stored, waits or was lost; how far behind it is; how much disk is left."""

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from proxy.journal.ladder import MEANING
from proxy.journal.room import BALLAST
from store.budgets import BudgetState
from store.health import LiveCounts
from store.moments import epoch_us, rfc3339
from store.questions.row import Json
from store.sizes import free_bytes, look


def health(
    live: LiveCounts,
    data_dir: Path,
    now: datetime,
    prices: Mapping[str, object] | None = None,
    *,
    sandbox: bool = False,
    search: Mapping[str, object] | None = None,
    budgets: Sequence[BudgetState] = (),
    webhook: Mapping[str, object] | None = None,
) -> Json:
    """The state of the book at this moment; needs no look into it. `sandbox`: what it holds are sample calls.

    `search`: how far the index of words is, None when no bodies are kept that could be searched.
    `webhook`: how the telling of budgets goes, None when nobody is told.
    `drained_through` is the time up to which everything that ended is in the book.
    """
    lag_ms, sizes = live.oldest_waiting_ms or 0.0, look(data_dir)
    return {
        "received": live.received,
        "stored": live.stored,
        "waiting": live.waiting,
        "open": live.open,
        "repeats": live.repeats,
        "malformed": live.malformed,
        "late_heads": live.late_heads,
        "turned_away": live.turned_away,
        "stalls": live.stalls,
        "longest_stall_ms": live.longest_stall_ms,
        "late_notes": live.late_notes,
        "lost": {"total": sum(live.lost.values()), **live.lost},
        "ladder": {
            "step": live.step.label,
            "since": None if live.step_since_us is None else rfc3339(live.step_since_us),
            "means": MEANING[live.step],
            "low_bytes": live.low_bytes,
            "ballast_bytes": _ballast_bytes(data_dir),
            "book_error": live.book_error,
        },
        "lag_ms": round(lag_ms, 3),
        "drained_through": rfc3339(epoch_us(now - timedelta(milliseconds=lag_ms))),
        "disk": {
            "book_bytes": sizes.book,
            "bodies_bytes": sizes.bodies,
            "search_bytes": sizes.search,
            "journal_bytes": live.journal_bytes,
            "free_bytes": free_bytes(data_dir),
        },
        "prices": dict(prices or {}),
        "sandbox": sandbox,
        "budgets": [one.as_json() for one in budgets],
        "webhook": None if webhook is None else dict(webhook),
        "search": None if search is None else dict(search),
        "engine": {"sqlite": sqlite3.sqlite_version},
    }


def _ballast_bytes(data_dir: Path) -> int:
    try:
        return (data_dir / BALLAST).stat().st_size
    except OSError:
        return 0
