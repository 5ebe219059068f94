"""The errand of a repricing: the store charges anew between its batches, and charges like that from then on."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from proxy.config.model import Config
from store.charging import Charging
from store.errands.counter import Handler, Tell
from store.errands.lines import Errand
from store.ingest import Ingest
from store.reader import Source
from store.repricing.report import Written
from store.repricing.repricing import apply

T = TypeVar("T")

_AT_ONCE = 1_000
"""Rows a turn, some 50 ms: so long calls wait in the journal."""


class OtherConfiguration(Exception):
    """The command has read another configuration than the one that is served."""


def repricing(config: Config, source: Source, ingest: Ingest) -> Handler:
    """What does such errands."""
    writer = _Between(ingest)

    async def do(asked: Errand, tell: Tell) -> Written:
        if config.sandbox:
            raise OtherConfiguration("what is served is the demo, whose groups are its own")
        served, told = _path(config.source), _path(asked.source)
        if served != told:
            raise OtherConfiguration(
                f"what is served was started with {served or 'no configuration file'}, and this command has read "
                f"{told or 'none'}: name the same one with --config"
            )
        charging = await asyncio.to_thread(Charging, asked.tariff)
        return await apply(
            source, asked, charging, writer, advance=tell.progress, wanted=tell.still_wanted, at_once=_AT_ONCE
        )

    return do


def _path(told: Path | str | None) -> str | None:
    return None if told is None else str(Path(told).resolve())


class _Between:
    """Writes between the batches of the thread that fills the book."""

    def __init__(self, ingest: Ingest) -> None:
        self._ingest = ingest

    async def turn(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await asyncio.wrap_future(self._ingest.between_batches(lambda book: book.change(work)))

    async def adopt(self, charging: Charging) -> None:
        await asyncio.wrap_future(self._ingest.adopt(charging))

    async def count_anew(self) -> None:
        await asyncio.wrap_future(self._ingest.count_budgets_anew())
