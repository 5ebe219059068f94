"""While calls come, the store forgets what is not kept between its batches: none of them waits long, none is lost."""

import asyncio
import os
import random
import signal
import sqlite3
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import ClientSession

from proxy.config.model import Config, Store
from store.book import BODIES_FILE, BOOK_FILE, Book, Entry, KeptBody, Progress
from store.errands import NotDone, errand
from store.errands.between import Between
from store.errands.pruning import Prune
from store.moments import at, epoch_us
from store.pruned import CALLS_FROM, mark
from store.pruning import Limits, Pruned
from store.pruning.retention import Retention, looking
from store.reader import Reader
from tests.book.test_sums import all_sums
from tests.books import NOON_US, a_book, a_call
from tests.conservation.oracle import EARLIER
from tests.conservation.rounds import run
from tests.house import House, open_house
from tests.prune.pruning import days
from tests.relay.served import ROOT, Served, serve

LONG_AGO = NOON_US - days(400)


def old(count: int, size: int = 500) -> list[Entry]:
    """Calls of more than a year ago, with bodies."""
    return [
        Entry(
            a_call(started_at_us=LONG_AGO + number, boot_id=EARLIER),
            (), KeptBody(b"asked"), (), KeptBody(os.urandom(size)),
        )
        for number in range(count)
    ]  # fmt: skip


def one(data_dir: Path, statement: str, file: str = BOOK_FILE) -> Any:
    with closing(sqlite3.connect(data_dir / file)) as connection:
        (found,) = connection.execute(statement).fetchone()
        return found


async def refused(house: House) -> None:
    """A call that reaches no upstream, and has a row all the same."""
    async with ClientSession() as session, session.get(f"{house.proxy}/nothing/here") as answer:
        await answer.read()


async def test_a_command_has_the_store_do_it(tmp_path: Path) -> None:
    """The errand says how far it is and what went; calls that come meanwhile are in the book before it ends."""
    a_book(tmp_path, old(12_000))
    heard: list[int] = []
    async with open_house(tmp_path, Config()) as house:
        asked = Prune(None, Limits(bodies_us=days(10), calls_us=days(40)))
        task = asyncio.create_task(errand(tmp_path, asked, Pruned, lambda said: heard.append(said.done)))
        await refused(house)
        for _ in range(2000):
            if one(tmp_path, f"select count(*) from calls where boot_id <> '{EARLIER}'"):
                break
            await asyncio.sleep(0.005)
        assert not task.done()
        done = await task
    assert (done.finished, done.bodies, done.calls) == (True, 12_000, 12_000)
    assert heard == sorted(heard)
    assert one(tmp_path, "select count(*) from calls") == 1
    assert one(tmp_path, "select count(*) from bodies where id <= 12000", BODIES_FILE) == 0
    assert one(tmp_path, "select sum(calls) from day_sums") == 12_001


async def test_limits_of_another_configuration_are_refused(tmp_path: Path) -> None:
    """A command that read another file than `serve` did removes nothing."""
    a_book(tmp_path, old(3))
    async with open_house(tmp_path, Config(source=tmp_path / "served.toml")):
        with pytest.raises(NotDone, match=r"served\.toml.*--config"):
            await errand(tmp_path, Prune(None, Limits(calls_us=days(40))), Pruned, lambda said: None)
    assert one(tmp_path, "select count(*) from calls") == 3


async def test_retention_goes_by_its_clock(tmp_path: Path) -> None:
    """By itself it removes what is too old by now, not before, and not without being told to."""
    a_book(tmp_path, old(50))
    clock = [at(LONG_AGO)]

    def now() -> datetime:
        return clock[0]

    async with open_house(tmp_path, Config()) as house, Reader.open(tmp_path) as reader:
        retention = Retention(reader, Between(house.ingest), Limits(bodies_us=days(10), calls_us=days(40)), now)
        counts = []
        for age in (0, 9, 12, 39, 42):
            clock[0] = at(LONG_AGO) + timedelta(days=age)
            done = await retention.look()
            assert done is not None
            counts.append((done.bodies, done.calls))
        assert counts == [(0, 0), (0, 0), (50, 0), (0, 0), (0, 50)]
        assert await Retention(reader, Between(house.ingest), Limits(), now).look() is None


async def test_retention_looks_again_and_again(tmp_path: Path) -> None:
    """It looks without being asked; what could not be done is done at a later look."""
    a_book(tmp_path, old(50))
    async with open_house(tmp_path, Config()) as house, Reader.open(tmp_path) as reader:
        retention = Retention(reader, Between(house.ingest), Limits(calls_us=days(40)))
        with closing(sqlite3.connect(tmp_path / BODIES_FILE, isolation_level=None)) as connection:
            connection.execute("begin immediate")
            async with looking(retention, first_s=0.0, every_s=0.05):
                await asyncio.sleep(0.2)
                assert one(tmp_path, "select count(*) from calls") == 50
                connection.execute("rollback")
                for _ in range(3000):
                    if one(tmp_path, "select count(*) from calls") == 0:
                        break
                    await asyncio.sleep(0.02)
        assert one(tmp_path, "select count(*) from calls") == 0


async def test_the_store_does_it_by_its_configuration(tmp_path: Path) -> None:
    """What `[store]` says is what the served store removes when a command asks with the same configuration."""
    store = Store(keep_bodies=timedelta(days=10), max_bodies=16_000_000, keep_calls=timedelta(days=40))
    assert Limits.of(store) == Limits(days(10), 16_000_000, days(40))
    assert Limits.of(Store()).none


@pytest.mark.timeout(300)
async def test_what_was_received_is_in_the_book_while_old_calls_go(tmp_path: Path) -> None:
    """Under load, with pruning under way all the time and kill -9 of anybody, no answer that was received is lost, and
    the sums have every call that ever was in the book."""
    data_dir = tmp_path / "data"
    data_dir.mkdir(mode=0o700)
    with Book(data_dir) as book:
        book.add(old(8000, 2_000), Progress(counters={"received": 8000}))

    async def pruning(config: Path, under_way: asyncio.Event) -> None:
        asked = Prune(str(config), Limits(bodies_us=days(10), calls_us=days(40)))
        while True:
            with suppress(Exception):
                await errand(data_dir, asked, Pruned, lambda said: under_way.set())
                under_way.set()
            await asyncio.sleep(0.02)

    course = await run(data_dir, 5, clients=6, seed=random.randrange(10**6), meanwhile=pruning, earlier=8000)
    assert course.verdict is not None
    assert course.verdict.broken == []
    assert course.received > 20
    assert one(data_dir, "select count(*) from bodies where id <= 8000", BODIES_FILE) < 8000
    assert one(data_dir, "pragma integrity_check") == "ok"
    assert one(data_dir, "pragma integrity_check", BODIES_FILE) == "ok"


async def prune(data_dir: Path, config: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "proxy.cli", "prune", "--json", "--data-dir", str(data_dir), "--config", str(config),
        cwd=ROOT, stdout=PIPE, stderr=PIPE,
    )  # fmt: skip


@dataclass
class Cut:
    """A pruning that somebody killed in the middle."""

    data_dir: Path
    config: Path
    served: Served | None
    before: dict[str, list[tuple[Any, ...]]]  # all sums
    said: bytes  # by the command, on stderr
    left: int  # calls


def sums(data_dir: Path) -> dict[str, list[tuple[Any, ...]]]:
    with closing(sqlite3.connect(f"file:{data_dir / BOOK_FILE}?mode=ro", uri=True)) as connection:
        return all_sums(connection)


@asynccontextmanager
async def cut(folder: Path, *, serving: bool) -> AsyncIterator[Cut]:
    """On a machine that is busy the middle may be over before it is seen: then nothing is left."""
    data_dir, config = folder / "data", folder / "tollbook.toml"
    data_dir.mkdir(mode=0o700, parents=True)
    config.write_text('[store]\nkeep_calls = "40d"\nkeep_bodies = "10d"\n')
    a_book(data_dir, old(12_000))
    before = sums(data_dir)
    served = await serve(data_dir, config) if serving else None
    try:
        command = await prune(data_dir, config)
        while command.returncode is None and one(data_dir, "select count(*) from calls") == 12_000:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        victim = command if served is None else served.child("store")
        with suppress(ProcessLookupError):
            victim.kill()
        _, said = await asyncio.wait_for(command.communicate(), 120)
        yield Cut(data_dir, config, served, before, said, one(data_dir, "select count(*) from calls"))
    finally:
        if served is not None:
            await served.stop(signal.SIGKILL)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("serving", [False, True], ids=["alone", "while serve runs"])
async def test_killed(tmp_path: Path, serving: bool) -> None:
    """kill -9 in the middle: the book is whole, its sums are as before, and the next pruning removes the rest."""
    for attempt in range(10):
        async with cut(tmp_path / str(attempt), serving=serving) as found:
            if found.left:
                await is_whole_and_goes_on(found)
                return
    raise AssertionError("no pruning was seen in its middle")


async def is_whole_and_goes_on(found: Cut) -> None:
    data_dir, left = found.data_dir, found.left
    assert 0 < left < 12_000
    if found.served is not None:
        assert b"Run it again" in found.said
        await found.served.asked("/api/health")
    assert one(data_dir, "pragma integrity_check") == "ok"
    assert sums(data_dir) == found.before
    with closing(sqlite3.connect(data_dir / BOOK_FILE)) as connection:
        assert mark(connection, CALLS_FROM)
    again = await prune(data_dir, found.config)
    out, said = await asyncio.wait_for(again.communicate(), 120)
    assert (again.returncode, said) == (0, b"")
    told = orjson.loads(out)
    assert (told["finished"], told["calls"]) == (True, left)
    assert one(data_dir, "select count(*) from calls") == 0
    assert one(data_dir, "select count(*) from bodies", BODIES_FILE) == 0
    assert sums(data_dir) == found.before


def test_ages_are_of_the_clock(tmp_path: Path) -> None:
    """What goes at a moment is what began before it by the age, to the whole day for calls."""
    now = at(NOON_US)
    before = Limits(calls_us=days(40), bodies_us=days(1)).at(now)
    assert before.calls_us == epoch_us(now) - days(40) - days(1) // 2
    assert before.bodies_us == epoch_us(now) - days(1)
    assert Limits(calls_us=days(40)).at(now).bodies_us == before.calls_us
