"""What the handlers work with, as one value of the application."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from aiohttp import web

from proxy.config.model import Config
from store.budgets import BudgetState
from store.health import LiveCounts
from store.reader import Source
from store.search.standing import Standing
from store.webhook.standing import Standing as Telling


@dataclass(slots=True)
class Parts:
    """Given once when the application is made; only `stopping` changes."""

    source: Source
    live: Callable[[], LiveCounts]
    now: Callable[[], datetime]
    data_dir: Path
    prices: Mapping[str, object] = field(default_factory=dict)  # what health tells about the price table
    sandbox: bool = False  # the book holds sample calls
    search: Callable[[], Standing | None] = lambda: None
    config: Config = field(default_factory=Config)
    budgets: Callable[[], Sequence[BudgetState]] = lambda: ()  # how each stands
    webhook: Callable[[], Telling | None] = lambda: None
    stopping: bool = False  # streams end themselves


PARTS = web.AppKey("parts", Parts)
