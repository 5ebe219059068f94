"""Keys and real worker processes: a change is in force everywhere within a second, whatever else is wrong.

A second is several looks of a worker; a machine that is busy may take longer over them, so nothing is timed here.
"""

import asyncio
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import aiohttp
import pytest

from proxy.keys import file
from proxy.keys.keyring import LOOKS_EVERY_S
from proxy.keys.register import Register
from tests.keys.conftest import OK
from tests.relay.neighbours import RawUpstream, answering
from tests.relay.served import Served, serve

WITHIN_S = 1.0


@pytest.fixture
async def upstream() -> AsyncIterator[RawUpstream]:
    """An upstream that answers {} to everything."""
    raw = RawUpstream()
    await raw.open(answering(OK))
    yield raw
    await raw.close()


@pytest.fixture
async def served(tmp_path: Path, upstream: RawUpstream) -> AsyncIterator[Served]:
    """`tollbook serve` with two workers that let in nobody but holders of keys."""
    config = tmp_path / "tollbook.toml"
    config.write_text(f'[proxy]\naccess = "keys"\nworkers = 2\n[upstreams.groq]\nbase_url = "{upstream.url}"\n')
    running = await serve(tmp_path / "data", config)
    yield running
    await running.stop(signal.SIGKILL)


async def statuses(served: Served, secret: str, count: int = 30) -> set[int]:
    """What so many calls are answered, each on a connection of its own, so that both workers have some."""
    found = set()
    headers = {"Authorization": f"Bearer {secret}"}
    for _ in range(count):
        async with aiohttp.ClientSession() as session, session.get(served.proxy + "/groq/v1/x", headers=headers) as got:
            found.add(got.status)
    return found


async def in_force(served: Served, secret: str, status: int, count: int = 30) -> None:
    """Wait until every worker answers this."""
    found: set[int] = set()
    for _ in range(200):
        if (found := await statuses(served, secret, count)) == {status}:
            return
        await asyncio.sleep(LOOKS_EVERY_S)
    raise AssertionError(found)


async def test_a_change_is_in_force_within_a_second(served: Served, tmp_path: Path) -> None:
    """A key works after it was made, and not after it was disabled, in every worker, which look often enough."""
    assert LOOKS_EVERY_S <= WITHIN_S / 4
    register = Register(tmp_path / "data")
    _, secret = register.create("laptop", "lab")
    for change, status in ((None, 200), (register.disable, 401), (register.enable, 200), (register.delete, 401)):
        if change is not None:
            change("laptop")
        await in_force(served, secret, status)


async def test_a_book_in_trouble_neither_opens_nor_shuts_the_door(
    served: Served, upstream: RawUpstream, tmp_path: Path
) -> None:
    """With the book locked, the store dead or the files gone, the keys known before are let in and no others."""
    register = Register(tmp_path / "data")
    _, secret = register.create("laptop", "lab")
    await in_force(served, secret, 200)
    with closing(sqlite3.connect(tmp_path / "data" / "book.db", isolation_level=None)) as book:
        book.execute("begin exclusive")
        _, another = register.create("phone", "lab")
        for known in (secret, another):
            await in_force(served, known, 200, 10)
        assert await statuses(served, "tb-nobody", 10) == {401}
        served.child("store").kill()
        assert await statuses(served, secret, 10) == {200}
    for name in ("book.db", "bodies.db", file.FILE):
        (tmp_path / "data" / name).unlink()
    await asyncio.sleep(WITHIN_S)
    assert await statuses(served, secret, 10) == {200}
    assert await statuses(served, "tb-nobody", 10) == {401}


async def test_a_killed_worker_knows_the_keys_again(served: Served, tmp_path: Path) -> None:
    """A worker that takes the place of another begins with the register as it is."""
    _, secret = Register(tmp_path / "data").create("laptop", "lab")
    for worker in [one for one in served.children() if "worker" in one.cmdline()]:
        worker.kill()
        await served.another("worker", worker)
    await in_force(served, secret, 200)
