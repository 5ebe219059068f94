"""Budgets that stand as a test wants them, and the telling of them to a receiver."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from proxy.config.budget import read_budgets
from proxy.config.model import Config, Credits, Secret, SecretUrl, Store
from store.budgets import BudgetState
from store.budgets.window import Window
from store.webhook import Standing, telling
from store.webhook.queue import Patience
from tests.books import NOON_US
from tests.budgets.receiver import SECRET, Hears

DAY_US = 86_400_000_000
SOON = Patience(look_s=0.01, waits_s=(0.01, 0.02), then_s=0.02, answer_s=5.0, last_s=0.1)

Told = Callable[[], Standing | None]


def state(used: str, budget: str = "10/day", name: str = "lab", start_us: int = NOON_US, **more: object) -> BudgetState:
    """So much is used of a budget of a group, whose day began at noon."""
    (read,) = read_budgets([budget])
    window = Window(None, None) if read.period == "total" else Window(start_us, start_us + DAY_US)
    micro = int(Decimal(used) * 1_000_000)
    return BudgetState("group", name, read, window, micro, Decimal("0.8"), **more)  # type: ignore[arg-type]


@dataclass
class Desk:
    """What stands in the budgets, and who is to be told of it."""

    data_dir: Path
    hears: Hears
    states: list[BudgetState] = field(default_factory=list)
    now_us: int = NOON_US + 1

    def telling(self, patience: Patience = SOON, url: str | None = None) -> AbstractAsyncContextManager[Told]:
        """From the start of a store to its end."""
        chosen = Credits(webhook_url=SecretUrl(url or self.hears.url), webhook_secret=Secret(SECRET))
        config = Config(store=Store(self.data_dir), credits=chosen)
        return telling(config, lambda: self.states, patience, lambda: self.now_us)


async def settled(told: Told) -> Standing:
    """How it goes once nothing waits any more, and a few looks later."""
    while True:
        standing = told()
        assert standing is not None
        if not standing.pending:
            await asyncio.sleep(10 * SOON.look_s)
            return standing
        await asyncio.sleep(SOON.look_s)


async def failing(told: Told) -> Standing:
    """How it goes once an attempt has failed."""
    while True:
        standing = told()
        if standing is not None and standing.last_error is not None:
            return standing
        await asyncio.sleep(SOON.look_s)
