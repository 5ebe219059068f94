"""The book: that it opens and is whole, what was lost on the way into it, and what in it has no price."""

import asyncio
import sqlite3
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from proxy.cli.checkup.finding import Finding, fail, ok, warn
from proxy.config.model import Config
from store.book import BODIES_FILE, BOOK_FILE
from store.filters import GROUPING, parse
from store.journal import QUARANTINE
from store.pricing import PriceBook
from store.reader import NoAnswer, Reader
from store.schema import BODIES_VERSION, BOOK_VERSION
from store.soundness import look

_PATIENCE_S = 20.0
_NAMED_AT_MOST = 5
_DAYS = 30


def book(config: Config) -> Iterator[Finding]:
    """Findings about the two files; none but one when no call was ever recorded here."""
    data_dir = config.store.data_dir
    if not (data_dir / BOOK_FILE).exists():
        yield ok("book", "There is none yet; the first `tollbook serve` makes it")
        return
    for name, file, version in (("book", BOOK_FILE, BOOK_VERSION), ("bodies", BODIES_FILE, BODIES_VERSION)):
        yield from _file(name, data_dir / file, version)
    yield from _quarantine(data_dir)
    yield from _unpriced(config)


def _file(name: str, file: Path, version: int) -> Iterator[Finding]:
    if not file.exists():
        yield fail(name, f"{file} is missing", "Restore it from a backup, or move the book away and begin a new one.")
        return
    try:
        found = look(file, within_s=_PATIENCE_S)
    except sqlite3.Error as error:
        yield fail(name, f"{file} cannot be read: {error}", "Stop `serve`, keep a copy, and restore a backup.")
        return
    if found.problems:
        more = f" and {len(found.problems) - 1} more" if len(found.problems) > 1 else ""
        yield fail(
            name, f"{file} is damaged: {found.problems[0]}{more}", "Stop `serve`, keep a copy, restore a backup."
        )
    elif found.version != version:
        yield fail(
            name, f"{file} has version {found.version}, this program has {version}", "Use the version that wrote it."
        )
    elif not found.finished:
        yield warn(
            name,
            f"{file} is too large to check within {_PATIENCE_S:.0f} s; nothing wrong until then",
            f"For the whole: sqlite3 {file} 'pragma quick_check'",
        )
    else:
        yield ok(name, f"{file} is whole")
    if name == "book":
        yield lost(found.counters)


def lost(counters: Mapping[str, int]) -> Finding:
    """What the counters say about calls that are not in the book."""
    reasons = {name.removeprefix("lost."): count for name, count in counters.items() if name.startswith("lost.")}
    reasons = {reason: count for reason, count in reasons.items() if count}
    stored = counters.get("stored", 0)
    if reasons:
        named = ", ".join(f"{reason} {count:,}" for reason, count in sorted(reasons.items()))
        return warn(
            "lost records",
            f"{sum(reasons.values()):,} calls were lost ({named}), {stored:,} stored",
            "Look at the disk: it was full, slow or failing at some time.",
        )
    return ok("lost records", f"None; {stored:,} calls stored")


def _quarantine(data_dir: Path) -> Iterator[Finding]:
    place = data_dir / QUARANTINE
    kept = sorted(path for path in place.rglob("*") if path.is_file()) if place.is_dir() else []
    if kept:
        yield warn(
            "quarantine",
            f"{len(kept)} {'file' if len(kept) == 1 else 'files'} in {place} could not be understood",
            "They are kept for a bug report; remove them when you no longer want them.",
        )


def _unpriced(config: Config) -> Iterator[Finding]:
    data_dir = config.store.data_dir
    wanted = parse(
        [("from", f"{_DAYS}d"), ("cost_state", "unknown"), ("by", "upstream,model")], datetime.now(UTC), also=GROUPING
    )

    async def ask() -> list[dict[str, Any]]:
        from store.questions import stats

        async with Reader.open(data_dir, _PATIENCE_S) as reader:
            rows: list[dict[str, Any]] = (await stats(reader, wanted))["stats"]
            return rows

    try:
        rows = asyncio.run(ask())
    except NoAnswer as error:
        yield warn("prices", f"The book did not say which models have no price: {error}", "Try `tollbook prices`.")
        return
    # A call of unknown cost may just have been cut short: what matters is whether the model has a price.
    book_of_prices = PriceBook(config.prices, {name: one.provider for name, one in config.upstreams.items()})
    now = datetime.now(UTC)
    rows = [row for row in rows if row["model"] and not book_of_prices.look_up(row["upstream"], row["model"], now)]
    rows.sort(key=lambda row: -row["calls"])
    if not rows:
        yield ok("prices", f"Every model used in the last {_DAYS} days has a price")
        return
    named = ", ".join(f"{row['model']} ({row['calls']:,})" for row in rows[:_NAMED_AT_MOST])
    more = f" and {len(rows) - _NAMED_AT_MOST} more" if len(rows) > _NAMED_AT_MOST else ""
    yield warn(
        "prices",
        f"Models without a price, with calls in the last {_DAYS} days: {named}{more}",
        "Add [[prices]] tables for them (`tollbook prices --unknown` makes a beginning), then `tollbook reprice`.",
    )
