"""How far a budget is overspent by many at once, and that every process agrees about it, whichever of them dies."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp

from proxy.config.budget import read_budgets
from proxy.keys.register import Register
from store.book import BOOK_FILE
from tests.budgets.callers import Told, call, until_refused
from tests.budgets.conftest import Start
from tests.relay.served import Served

CLIENTS = 200
BUDGET = 500


def rows(data_dir: Path) -> tuple[int, int]:
    """How many calls used something, and how many credits, by the rows."""
    with closing(sqlite3.connect(f"file:{data_dir / BOOK_FILE}?mode=ro", uri=True)) as connection:
        calls, micro = connection.execute("select count(*), sum(usage) from calls where usage > 0").fetchone()
    return calls, micro // 1_000_000


async def budget(served: Served) -> dict[str, Any]:
    """The only budget, as health tells it."""
    (one,) = (await served.asked("/api/health"))["budgets"]
    return dict(one)


async def all_agree(served: Served, data_dir: Path) -> int:
    """Rows, sums and the counter, once nothing waits: the credits used."""
    for _ in range(3000):
        health = await served.asked("/api/health")
        if health["waiting"] == health["open"] == 0:
            break
        await asyncio.sleep(0.02)
    _, used = rows(data_dir)
    assert (await served.asked("/api/stats"))["total"]["usage"] == used
    assert (await budget(served))["used"] == used
    return used


async def spending(served: Served) -> None:
    """Wait until a tenth of the budget is used."""
    for _ in range(3000):
        if (await budget(served))["used"] >= BUDGET / 10:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("nothing is used")


async def known(served: Served, secret: str) -> bool:
    """Whether the worker knows this key; asked with a request that costs nothing."""
    headers = {"Authorization": f"Bearer {secret}"}
    async with aiohttp.ClientSession() as session, session.get(f"{served.proxy}/groq/x", headers=headers) as answer:
        return answer.status != 401


async def refused_now(served: Served) -> bool:
    """Whether a call of now is refused."""
    async with aiohttp.ClientSession() as session:
        return await call(session, served.proxy) == 429


async def test_only_what_is_under_way_goes_over(start: Start, tmp_path: Path) -> None:
    """Two hundred clients that never pause overspend a budget by no more than a call each, and all of it is counted."""
    served = await start(f'[groups.default]\nbudget = ["{BUDGET}"]')
    told = await until_refused(served.proxy, CLIENTS)
    assert set(told.statuses) == {200, 429}
    assert BUDGET <= told.statuses[200] <= BUDGET + CLIENTS
    assert await all_agree(served, tmp_path / "data") == told.statuses[200]
    assert (await budget(served))["state"] == "used_up"


async def test_one_caller_gets_what_the_key_may_use(start: Start, tmp_path: Path) -> None:
    """Who calls one after the other with an issued key gets exactly what its budget allows."""
    served = await start("")
    _, secret = Register(tmp_path / "data").create("laptop", "lab", budgets=read_budgets(["3"]))
    for _ in range(3000):
        if (await served.asked("/api/health"))["budgets"] and await known(served, secret):
            break
        await asyncio.sleep(0.02)
    told = await until_refused(served.proxy, 1, secret)
    assert told.statuses == {200: 3, 429: 1}
    assert await all_agree(served, tmp_path / "data") == 3
    assert (await budget(served))["of"] == "key"


async def test_a_refusal_says_not_to_try_again(start: Start) -> None:
    """An OpenAI client gets type and code insufficient_quota, and is told not to retry."""
    served = await start('[groups.default]\nbudget = ["1"]')
    await until_refused(served.proxy, 1)
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{served.proxy}/groq/v1/chat/completions", json={}) as answer,
    ):
        assert (answer.status, answer.headers["x-should-retry"]) == (429, "false")
        error = (await answer.json())["error"]
        assert (error["type"], error["code"]) == ("insufficient_quota", "insufficient_quota")


async def test_counters_are_exact_after_a_restart(start: Start, tmp_path: Path) -> None:
    """What was used is still used after a stop and a start, and the first call afterwards is refused."""
    served = await start(f'[groups.default]\nbudget = ["{BUDGET}"]')
    await until_refused(served.proxy, 20)
    used = await all_agree(served, tmp_path / "data")
    await served.stop()
    served = await start(f'[groups.default]\nbudget = ["{BUDGET}"]')
    assert await refused_now(served)
    assert await all_agree(served, tmp_path / "data") == used


async def test_counters_are_exact_when_the_store_dies(start: Start, tmp_path: Path) -> None:
    """kill -9 of the store in the middle: refusals begin all the same, and rows, sums and counter agree in the end."""
    served = await start(f'[groups.default]\nbudget = ["{BUDGET}"]')
    running = asyncio.create_task(until_refused(served.proxy, CLIENTS))
    await spending(served)
    store = served.child("store")
    store.kill()
    await served.another("store", store)
    told = await running
    assert await all_agree(served, tmp_path / "data") == told.statuses[200]
    # While the store is away it is waited for, but not for ever.
    assert (await budget(served))["state"] == "used_up"


async def test_what_is_used_up_stays_so_without_a_store(start: Start) -> None:
    """Workers go on refusing while no store is there to say so, also those that started since."""
    served = await start('[groups.default]\nbudget = ["5"]')
    await until_refused(served.proxy, 1)
    store = served.child("store")
    store.suspend()
    try:
        assert await refused_now(served)
        worker = served.child("worker")
        worker.kill()
        await served.another("worker", worker)
        assert await refused_now(served)
    finally:
        store.resume()


async def test_counters_are_exact_when_a_worker_dies(start: Start, tmp_path: Path) -> None:
    """kill -9 of the worker in the middle: rows, sums and counter agree, and the budget holds in the next worker."""
    served = await start(f'[groups.default]\nbudget = ["{BUDGET}"]')
    running = asyncio.create_task(_whatever_happens(served, CLIENTS))
    await spending(served)
    worker = served.child("worker")
    worker.kill()
    await served.another("worker", worker)
    await running
    told = await until_refused(served.proxy, 20)
    used = await all_agree(served, tmp_path / "data")
    assert used >= BUDGET
    assert told.statuses[429] == 20


async def _whatever_happens(served: Served, clients: int) -> Told:
    """Clients that call on until their connection breaks."""
    told = Told()

    async def client(session: aiohttp.ClientSession) -> None:
        while (status := await call(session, served.proxy)) == 200:
            told.hear(status)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=clients)) as session:
        await asyncio.gather(*(client(session) for _ in range(clients)))
    return told
