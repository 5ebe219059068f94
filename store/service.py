"""The remembering process: builds its parts, answers questions until told to stop, and closes the book last."""

import asyncio
import os
import socket
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from proxy.config.model import Config
from proxy.lifeline import CannotServe, Lifeline
from store import schema
from store.api import make_app
from store.api.answering import answering
from store.api.parts import PARTS
from store.errands import Handler, Tell, at_the_counter
from store.errands.between import Between
from store.errands.configuration import same_configuration
from store.errands.lines import Errand
from store.errands.pruning import Prune
from store.errands.repricing import repricing
from store.ingest import Ingest
from store.lock import STORE_LOCK, Held, take_when_free
from store.me.desk import at_the_desk
from store.pruning import Limits
from store.pruning.retention import Retention, looking
from store.reader import Reader
from store.search.indexing import Indexing
from store.webhook import telling

_PREDECESSOR_S = 60.0


@asynccontextmanager
async def serving(config: Config, sockets: list[socket.socket]) -> AsyncIterator[Ingest]:
    """The store at work: the book fills, and the dashboard listener answers on these sockets."""
    try:
        lock = await take_when_free(config.store.data_dir / STORE_LOCK, _PREDECESSOR_S)
    except Held as reason:
        raise CannotServe(str(reason)) from reason
    try:
        ingest = _opened(config)
        indexing = Indexing(config.store.data_dir, lambda: ingest.live().waiting)
        ingest.start()
        indexing.start()
        try:
            async with Reader.open(config.store.data_dir) as reader, telling(config, ingest.passed_budgets) as told:
                app = make_app(
                    config,
                    reader,
                    ingest.live,
                    prices=ingest.price_edition(),
                    search=lambda: indexing.standing() if config.capture.bodies == "full" else None,
                    budgets=ingest.budgets,
                    webhook=told,
                )
                retention = Retention(reader, Between(ingest), Limits.of(config.store))
                async with (
                    answering(app, sockets),
                    at_the_desk(app[PARTS]),
                    at_the_counter(config.store.data_dir, _errands(config, reader, ingest, retention)),
                    looking(retention),
                ):
                    yield ingest
        finally:
            await asyncio.get_running_loop().run_in_executor(None, indexing.stop)
            await asyncio.get_running_loop().run_in_executor(None, ingest.stop)
    finally:
        os.close(lock)


def _errands(config: Config, reader: Reader, ingest: Ingest, retention: Retention) -> Handler:
    """What a command can have done."""
    reprice = repricing(config, reader, ingest)

    async def do(asked: Errand, tell: Tell) -> msgspec.Struct:
        if isinstance(asked, Prune):
            same_configuration(config, asked.source)
            return await retention.prune(asked.limits, lambda gone: tell.progress(gone, gone), tell.still_wanted)
        return await reprice(asked, tell)

    return do


def _opened(config: Config) -> Ingest:
    try:
        return Ingest(config)
    except schema.WrongVersion as reason:
        raise CannotServe(str(reason)) from reason
    except (sqlite3.DatabaseError, OSError) as error:
        raise CannotServe(f"the book in {config.store.data_dir} cannot be opened: {error}") from error


async def keep(config: Config, sockets: list[socket.socket], lifeline: Lifeline) -> None:
    """Serve until the parent says stop, or is gone; or that a successor waits, which then reads what comes."""
    async with serving(config, sockets) as ingest:
        lifeline.ready()
        if await lifeline.word() == "succeeded":
            ingest.leave_the_rest()
