"""The errand of a repricing: the store charges anew between its batches, and charges like that from then on."""

import asyncio
from collections.abc import Awaitable, Callable

from proxy.config.model import Config
from store.charging import Charging
from store.errands.between import BetweenRows
from store.errands.configuration import same_configuration
from store.errands.counter import Tell
from store.ingest import Ingest
from store.reader import Source
from store.repricing.asked import Asked
from store.repricing.report import Written
from store.repricing.repricing import apply

_AT_ONCE = 1_000
"""Rows a turn, some 50 ms: so long calls wait in the journal."""


def repricing(config: Config, source: Source, ingest: Ingest) -> Callable[[Asked, Tell], Awaitable[Written]]:
    """What does such errands."""
    writer = BetweenRows(ingest)

    async def do(asked: Asked, tell: Tell) -> Written:
        same_configuration(config, asked.source)
        charging = await asyncio.to_thread(Charging, asked.tariff)
        return await apply(
            source, asked, charging, writer, advance=tell.progress, wanted=tell.still_wanted, at_once=_AT_ONCE
        )

    return do
