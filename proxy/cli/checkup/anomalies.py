"""The oddities of recent calls, each with what to do about it."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from proxy.cli.checkup.finding import Finding, ok, warn
from store.anomalies import CATALOGUE
from store.book import BOOK_FILE
from store.reader import NoAnswer, Reader

_PATIENCE_S = 20.0
_DAYS = 7
_NAMED_AT_MOST = 5
_NOTHING_TO_DO = {"already_counted", "budget_nearly_used"}  # the second is told by budgets themselves


def anomalies(data_dir: Path, now: datetime | None = None) -> Iterator[Finding]:
    """One finding for each kind that was seen within the last days; none without a book."""
    if not (data_dir / BOOK_FILE).exists():
        return
    try:
        seen = asyncio.run(_asked(data_dir))
    except NoAnswer as error:
        yield warn("anomalies", f"The book did not say what is odd about calls: {error}", "Try the Health page.")
        return
    since = (now or datetime.now(UTC)) - timedelta(days=_DAYS)
    recent = [
        one
        for one in seen
        if one["anomaly"] not in _NOTHING_TO_DO and datetime.fromisoformat(one["last_seen"]) >= since
    ]
    recent.sort(key=lambda one: -one["calls"])
    if not recent:
        yield ok("anomalies", f"No call of the last {_DAYS} days is odd")
    for one in recent[:_NAMED_AT_MOST]:
        calls = "1 call is" if one["calls"] == 1 else f"{one['calls']:,} calls are"
        yield warn(
            "anomalies",
            f"{calls} marked {one['anomaly']}, since {one['first_seen'][:10]}",
            f"{CATALOGUE[one['anomaly']]} They are in `tollbook logs --anomaly {one['anomaly']}`.",
        )
    if len(recent) > _NAMED_AT_MOST:
        others = ", ".join(one["anomaly"] for one in recent[_NAMED_AT_MOST:])
        yield warn("anomalies", f"Others are marked {others}", "The Health page says what each means.")


async def _asked(data_dir: Path) -> list[dict[str, Any]]:
    from store.questions import anomalies as question

    async with Reader.open(data_dir, _PATIENCE_S) as reader:
        found: list[dict[str, Any]] = (await question(reader))["anomalies"]
        return found
