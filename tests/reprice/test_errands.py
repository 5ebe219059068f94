"""While `serve` runs, the store charges anew what a command asks it to, between its batches of calls."""

import asyncio
import sqlite3
import stat
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from proxy.config.budget import Budget
from proxy.config.model import Config, Group, PriceEntry
from store.book import BOOK_FILE, Book, Entry
from store.call import Cost
from store.charging import Tariff
from store.errands import NobodyThere, NotDone, errand
from store.errands.lines import FILE, Progressed
from store.repricing import Asked, Written
from tests.books import a_book, a_call
from tests.house import House, open_house
from tests.reprice.test_repricing import assert_sums_are_of_the_rows

UNKNOWN: dict[str, Any] = {"model": "new", "cost": Cost("unknown"), "usage_micro": None}
DEAR = PriceEntry("*", "*", input=Decimal(10), output=Decimal(10))


def asked(house: House, *entries: PriceEntry, source: str | None = None) -> Asked:
    tariff = Tariff.of(house.config)
    return Asked("ann", source, (), Tariff(entries, tariff.providers, tariff.groups))


async def done(house: House, wanted: Asked, heard: Any = lambda said: None) -> Written:
    return await errand(house.config.store.data_dir, wanted, Written, heard)


async def chat(house: House, model: str = "gpt-4o-mini") -> None:
    async with (
        ClientSession() as session,
        session.post(
            f"{house.proxy}/openai/v1/chat/completions",
            json={"model": model, "messages": [{"role": "user", "content": "hello"}]},
        ) as answer,
    ):
        assert answer.status == 200
        await answer.read()


def count(data_dir: Path, statement: str) -> Any:
    with closing(sqlite3.connect(data_dir / BOOK_FILE)) as connection:
        return connection.execute(statement).fetchone()


async def test_the_running_store_charges_anew(tmp_path: Path) -> None:
    """Asked by a command, it charges every call of the filter anew, says how far it is, and keeps sums in step."""
    a_book(tmp_path, [a_call(**UNKNOWN) for _ in range(2500)])
    heard: list[Progressed] = []
    async with open_house(tmp_path, Config()) as house:
        written = await done(house, asked(house, DEAR), heard.append)
    assert (written.number, written.finished, written.changed) == (1, True, 2500)
    assert [one.done for one in heard] == sorted(one.done for one in heard)
    assert count(tmp_path, "select count(*), sum(cost) from calls where cost_state = 'priced'") == (
        2500,
        2500 * 1_500_000,
    )
    assert_sums_are_of_the_rows(tmp_path)


async def test_calls_that_come_are_charged_alike(tmp_path: Path, house: Any) -> None:
    """From then on the running store charges new calls by the prices it was given, without a restart."""
    running: House = await house()
    await chat(running)
    (before,) = await running.rows(1)
    await done(running, asked(running, DEAR))
    await chat(running)
    newest, oldest = await running.rows(2)
    per_token = Decimal("0.00001")
    for row in (newest, oldest):
        assert Decimal(row["cost"]["usd"]) == per_token * row["tokens"]["total"]
    assert before["cost"]["usd"] != oldest["cost"]["usd"]
    assert (await running.details(newest["id"]))["cost"]["price"]["source"] == "config"


async def test_budgets_are_counted_anew(tmp_path: Path) -> None:
    """What a group has used of a budget is, right after a repricing, what its rows say now."""
    a_book(tmp_path, [a_call(**UNKNOWN) for _ in range(3)])
    budget = Budget(Decimal(4), "total")
    async with open_house(tmp_path, Config(groups={"default": Group("default", budgets=(budget,))})) as house:
        assert [(one.used_micro, one.state) for one in house.ingest.budgets()] == [(0, "ok")]
        await done(house, asked(house, DEAR))
        assert [(one.used_micro, one.state) for one in house.ingest.budgets()] == [(4_500_000, "used_up")]


async def test_calls_are_recorded_meanwhile(tmp_path: Path, house: Any) -> None:
    """Calls that are relayed while a repricing runs are in the book before it ends."""
    running: House = await house()
    data_dir = running.config.store.data_dir
    entries = [Entry(a_call(**UNKNOWN)) for _ in range(6000)]
    await asyncio.wrap_future(running.ingest.between_batches(lambda book: book.add(entries)))
    repricing = asyncio.create_task(done(running, asked(running, DEAR)))
    await chat(running)
    for _ in range(6000):
        if count(data_dir, "select count(*) from calls") == (6001,):
            break
        await asyncio.sleep(0.005)
    assert not repricing.done()
    assert (await repricing).finished


async def free(house: House) -> Written:
    """The same once the store is free: what was under way is written to its end."""
    for _ in range(3000):
        try:
            return await done(house, asked(house, DEAR))
        except NotDone:
            await asyncio.sleep(0.02)
    raise AssertionError("it is never free")


async def test_whoever_leaves_ends_it_between_two_handfuls(tmp_path: Path) -> None:
    """When the command is gone the store stops, the book is whole, and the record says that it was not finished; asking
    again does the rest."""
    a_book(tmp_path, [a_call(**UNKNOWN) for _ in range(8000)])
    async with open_house(tmp_path, Config()) as house:
        begun = asyncio.Event()
        task = asyncio.create_task(done(house, asked(house, DEAR), lambda said: begun.set()))
        await begun.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        again = await free(house)
    (first, rest) = (count(tmp_path, f"select calls, finished_at from repricings where id = {n}") for n in (1, 2))
    assert first[1] is None
    assert 0 < first[0] < 8000
    assert rest[0] == again.changed == 8000 - first[0]
    assert rest[1] is not None
    assert_sums_are_of_the_rows(tmp_path)


async def test_one_errand_at_a_time(tmp_path: Path) -> None:
    """A second errand is refused in a sentence while the first is under way, which goes on."""
    a_book(tmp_path, [a_call(**UNKNOWN) for _ in range(5000)])
    async with open_house(tmp_path, Config()) as house:
        begun = asyncio.Event()
        first = asyncio.create_task(done(house, asked(house, DEAR), lambda said: begun.set()))
        await begun.wait()
        with pytest.raises(NotDone, match="another errand"):
            await done(house, asked(house, DEAR))
        assert (await first).changed == 5000


async def test_prices_of_another_configuration_are_refused(tmp_path: Path) -> None:
    """A command that read another file than `serve` did is told so, and changes nothing."""
    a_book(tmp_path, [a_call(**UNKNOWN)])
    async with open_house(tmp_path, Config(source=tmp_path / "served.toml")) as house:
        for source in (None, str(tmp_path / "other.toml")):
            with pytest.raises(NotDone, match=r"served\.toml.*--config"):
                await done(house, asked(house, DEAR, source=source))
        assert count(tmp_path, "select count(*) from repricings") == (0,)
        assert (await done(house, asked(house, DEAR, source=str(tmp_path / "served.toml")))).changed == 1


async def test_a_demo_keeps_its_own_terms(tmp_path: Path) -> None:
    """The groups of a demo are in no file that a command could read, so it is not charged anew."""
    a_book(tmp_path, [a_call(**UNKNOWN)])
    async with open_house(tmp_path, Config(sandbox=True)) as house:
        with pytest.raises(NotDone, match="demo"):
            await done(house, asked(house, DEAR))
    assert count(tmp_path, "select count(*) from repricings") == (0,)


async def test_the_socket_is_its_owners_alone(tmp_path: Path) -> None:
    """Nobody else may write to it; it is gone with the store, and then there is nobody to ask."""
    async with open_house(tmp_path, Config()) as house:
        mode = (tmp_path / FILE).stat().st_mode
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o600
    assert not (tmp_path / FILE).exists()
    with pytest.raises(NobodyThere):
        await done(house, asked(house, DEAR))


@pytest.mark.parametrize(
    "said",
    [
        b"hello\n",
        b"{}\n",
        b'{"errand":"prune"}\n',
        b'{"errand":"reprice","who":1}\n',
        b"",
        b"x",
        b"[" * 5_000_000 + b"\n",
    ],
    ids=["text", "no errand", "unknown", "wrong", "nothing", "no line", "endless"],
)
async def test_nonsense_is_refused(tmp_path: Path, said: bytes) -> None:
    """Whatever else is said at the counter is refused or ignored, and the store takes errands as before."""
    a_book(tmp_path, [a_call(**UNKNOWN)])
    async with open_house(tmp_path, Config()) as house:
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / FILE))
        writer.write(said)
        writer.write_eof()
        try:
            answer = await reader.read()
        except ConnectionError:
            answer = b""
        writer.close()
        assert answer == b"" or b'"refused"' in answer
        assert (await done(house, asked(house, DEAR))).changed == 1


async def test_a_turn_that_fails_is_told_and_changes_nothing(tmp_path: Path) -> None:
    """Work between two batches that raises is undone, its reason is told, and calls are recorded as before."""
    a_book(tmp_path, [a_call(**UNKNOWN)])

    def broken(book: Book) -> None:
        def half(connection: sqlite3.Connection) -> None:
            connection.execute("update calls set cost = 1, cost_state = 'priced'")
            raise ValueError("half way")

        book.change(half)

    async with open_house(tmp_path, Config()) as house:
        with pytest.raises(ValueError, match="half way"):
            await asyncio.wrap_future(house.ingest.between_batches(broken))
        async with ClientSession() as session, session.get(f"{house.proxy}/nothing/here"):
            pass
        await house.rows(2)
    assert count(tmp_path, "select count(*) from calls where cost_state = 'unknown'") == (1,)
