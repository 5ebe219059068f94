"""The dashboard listener over a real book, as tests ask it."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from aiohttp import web

from proxy.config.model import Config, Dashboard, Secret, Store
from store.api import make_app
from store.book import Book, Entry
from store.call import Call
from store.health import LiveCounts
from store.moments import at
from store.reader import Reader
from tests.books import NOON_US, a_book

TOKEN = "canary-t0ken-ü"
LIVE = LiveCounts(
    received=12,
    stored=5,
    waiting=2,
    open=4,
    malformed=3,
    late_heads=6,
    turned_away=7,
    stalls=8,
    longest_stall_ms=1300,
    lost={"disk_full": 1},
    oldest_waiting_ms=1500.0,
    journal_bytes=99,
)


def an_app(
    data_dir: Path, calls: Iterable[Call | Entry] = (), *, book: bool = True, **dashboard: Any
) -> web.Application:
    """The real application over a book with these calls; its reader is closed with it."""
    if book:
        a_book(data_dir, calls)
    config = Config(store=Store(data_dir), dashboard=replace(Dashboard(), **dashboard))
    reader = Reader(data_dir)
    app = make_app(config, reader, lambda: LIVE, prices={"date": "2026-11-01"}, now=lambda: at(NOON_US + 10**12))

    async def close(_: web.Application) -> None:
        await reader.close()

    app.on_cleanup.append(close)
    return app


def guarded(data_dir: Path, calls: Iterable[Call | Entry] = ()) -> web.Application:
    """The same with a token."""
    return an_app(data_dir, calls, token=Secret(TOKEN))


def write_more(data_dir: Path, *calls: Call | Entry) -> None:
    """Write calls while the application answers."""
    with Book(data_dir) as book:
        book.add([entry if isinstance(entry, Entry) else Entry(entry) for entry in calls])
