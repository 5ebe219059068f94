"""kill -9 in the middle of a repricing: the book is whole, the record says so, and asking again does the rest."""

import asyncio
import signal
import sqlite3
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest

from store.book import BOOK_FILE
from store.call import Cost
from tests.books import a_book, a_call
from tests.relay.served import ROOT, Served, serve
from tests.reprice.test_repricing import assert_sums_are_of_the_rows

CALLS = 10_000
PRICES = '[[prices]]\nupstream = "*"\nmodel = "*"\ninput = 1.0\noutput = 2.0\n'
EACH = 100 * 1000 + 50 * 2000
Serve = Callable[[], Awaitable[Served]]


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A book whose calls wait for a price; the configuration beside it has one."""
    (tmp_path / "tollbook.toml").write_text(PRICES)
    made = tmp_path / "data"
    made.mkdir(mode=0o700)
    return a_book(made, (a_call(model="new", cost=Cost("unknown"), usage_micro=None) for _ in range(CALLS)))


@pytest.fixture
async def serving(data_dir: Path) -> AsyncIterator[Serve]:
    """Starts `tollbook serve` on it; ends it with the test."""
    running: list[Served] = []

    async def start() -> Served:
        running.append(await serve(data_dir, data_dir.parent / "tollbook.toml"))
        return running[-1]

    yield start
    for one in running:
        await one.stop(signal.SIGKILL)


async def reprice(data_dir: Path) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "proxy.cli", "reprice", "--apply", "--json", "--data-dir", str(data_dir),
        "--config", str(data_dir.parent / "tollbook.toml"), cwd=ROOT, stdout=PIPE, stderr=PIPE,
    )  # fmt: skip


async def ended(process: Process) -> tuple[int | None, dict[str, Any], str]:
    out, said = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, orjson.loads(out) if out else {}, said.decode()


def of_book(data_dir: Path, statement: str) -> list[Any]:
    with closing(sqlite3.connect(f"file:{data_dir / BOOK_FILE}?mode=ro", uri=True)) as connection:
        return connection.execute(statement).fetchall()


async def begun(data_dir: Path) -> None:
    """Wait until something of it is written."""
    for _ in range(6000):
        if of_book(data_dir, "select 1 from repricings limit 1"):
            return
        await asyncio.sleep(0.005)
    raise AssertionError("the repricing does not begin")


def assert_whole(data_dir: Path) -> int:
    """What is written is whole and recorded as not finished; how many calls it is."""
    ((calls, finished),) = of_book(data_dir, "select calls, finished_at from repricings where id = 1")
    assert finished is None
    assert 0 < calls < CALLS
    assert of_book(data_dir, "select count(*), sum(cost) from calls where cost is not null") == [(calls, calls * EACH)]
    assert of_book(data_dir, "select count(*), count(cost) from repriced") == [(calls, 0)]
    assert of_book(data_dir, "pragma integrity_check") == [("ok",)]
    assert_sums_are_of_the_rows(data_dir)
    return int(calls)


async def assert_asking_again_does_the_rest(data_dir: Path, written: int) -> None:
    status, told, said = await ended(await reprice(data_dir))
    assert (status, said) == (0, "")
    assert (told["finished"], told["total"]["calls"]) == (True, CALLS - written)
    assert of_book(data_dir, "select count(*), sum(cost) from calls") == [(CALLS, CALLS * EACH)]
    assert of_book(data_dir, "select calls from repricings where finished_at is not null") == [(CALLS - written,)]
    assert_sums_are_of_the_rows(data_dir)


async def test_killed_store(data_dir: Path, serving: Serve) -> None:
    """kill -9 of the store: the command says that it was not done, and another store does the rest."""
    served = await serving()
    command = await reprice(data_dir)
    await begun(data_dir)
    store = served.child("store")
    store.kill()
    status, _, said = await ended(command)
    assert status == 1
    assert "Run it again" in said
    await served.another("store", store)
    await served.asked("/api/health")
    await assert_asking_again_does_the_rest(data_dir, assert_whole(data_dir))


async def test_killed_command(data_dir: Path, serving: Serve) -> None:
    """kill -9 of the command: the store stops after the handful under way, and does the rest when asked again."""
    await serving()
    command = await reprice(data_dir)
    await begun(data_dir)
    command.kill()
    await command.wait()
    before = -1
    for _ in range(100):
        ((now,),) = of_book(data_dir, "select count(*) from repriced")
        if now == before:
            break
        before = now
        await asyncio.sleep(0.3)
    await assert_asking_again_does_the_rest(data_dir, assert_whole(data_dir))


async def test_killed_alone(data_dir: Path) -> None:
    """kill -9 of a command that writes the book itself, because nothing serves: the same."""
    command = await reprice(data_dir)
    await begun(data_dir)
    command.kill()
    await command.wait()
    await assert_asking_again_does_the_rest(data_dir, assert_whole(data_dir))


async def test_interrupted_alone(data_dir: Path) -> None:
    """Ctrl-C ends it between two handfuls, and says how to go on."""
    command = await reprice(data_dir)
    await begun(data_dir)
    command.send_signal(signal.SIGINT)
    status, _, said = await ended(command)
    assert status == 130
    assert "run it again" in said
    await assert_asking_again_does_the_rest(data_dir, assert_whole(data_dir))
