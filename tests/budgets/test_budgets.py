"""The counters of budgets: begun from the book, raised by batches, told to workers, begun anew with each period."""

import asyncio
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from proxy.config.budget import read_budgets
from proxy.config.model import Config, Credits, Group, Store
from proxy.keys.counted import CountedPage
from proxy.keys.key import Key
from proxy.keys.known_standing import KnownStanding
from proxy.keys.register import Register
from proxy.keys.standing import read
from store.book import Book, Entry
from store.budgets import Budgets
from store.moments import epoch_us
from tests.books import a_call

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)  # a Saturday
CREDIT = 1_000_000


@dataclass
class Desk:
    """A book, its budgets, and a worker that hears of them; `now` may be moved."""

    config: Config
    book: Book
    budgets: Budgets
    worker: KnownStanding
    now: datetime = NOON

    def spend(self, micro: int, **changes: Any) -> None:
        """One call that used so much."""
        call = a_call(**{"started_at_us": epoch_us(self.now), "usage_micro": micro, **changes})
        entries = self.budgets.flagged([Entry(call)])
        assert self.book.add(entries) == 1
        self.budgets.add(entries)
        self.worker.refresh()

    def anew(self) -> None:
        """Count again from the book."""
        self.budgets.count(self.book)
        self.worker.refresh()

    def look(self) -> None:
        """What the store does all the time."""
        self.budgets.look(self.book)
        self.worker.refresh()

    def told(self) -> list[tuple[str, str, float, str]]:
        """Every budget: of whom, which, how much is used, and how it stands."""
        states = [one.as_json() for one in self.budgets.states()]
        return [(one["name"], one["period"], one["used"], one["state"]) for one in states]

    def key(self, name: str = "laptop") -> Key:
        """The key as a worker knows it."""
        all_keys = Register(self.config.store.data_dir).keys()
        return next(key for key in all_keys if key.name == name)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A group `lab` with 10 credits a day and 25 a month; keys come from the register."""
    groups = {"lab": Group("lab", budgets=read_budgets(["10/day", "25/month"]))}
    config = Config(store=Store(tmp_path), groups=groups, credits=Credits(tz="Europe/Berlin"))
    with Book(tmp_path) as book:
        now: list[Desk] = []
        budgets = Budgets(config, now_us=lambda: epoch_us(now[0].now))
        worker = KnownStanding(tmp_path, groups, now=lambda: now[0].now)
        now.append(Desk(config, book, budgets, worker))
        now[0].anew()
        yield now[0]
        budgets.close()
        worker.close()


def test_counters_are_what_the_book_says(desk: Desk) -> None:
    """Raised call by call, or counted anew, the counters are the same; a day is that of the zone."""
    desk.spend(3 * CREDIT + 1, group="lab")
    desk.spend(CREDIT, group="other")
    desk.spend(4 * CREDIT, group="lab", started_at_us=epoch_us(datetime(2026, 11, 20, 22, 59, 59, tzinfo=UTC)))
    desk.spend(5 * CREDIT, group="lab", started_at_us=epoch_us(datetime(2026, 11, 20, 23, tzinfo=UTC)))
    raised = desk.told()
    assert raised == [("lab", "day", 8.000001, "warned"), ("lab", "month", 12.000001, "ok")]
    desk.anew()
    assert desk.told() == raised


def test_used_up_to_the_micro_credit(desk: Desk) -> None:
    """One micro-credit less than the budget is not used up; with that one, it is, and the worker knows until when."""
    desk.spend(10 * CREDIT - 1, group="lab")
    assert desk.worker.used_up(None, "lab") is None
    desk.spend(1, group="lab")
    found = desk.worker.used_up(None, "lab")
    assert found is not None
    assert (found.of, found.name, found.credits, found.period) == ("group", "lab", Decimal(10), "day")
    assert found.until == datetime(2026, 11, 21, 23, tzinfo=UTC)
    assert desk.worker.used_up(None, "default") is None


def test_a_period_that_ends_begins_anew(desk: Desk) -> None:
    """After midnight of the zone the day's budget is whole again, and the month's goes on."""
    desk.spend(11 * CREDIT, group="lab")
    desk.now += timedelta(hours=11)
    desk.look()
    assert desk.told() == [("lab", "day", 0.0, "ok"), ("lab", "month", 11.0, "ok")]
    assert desk.worker.used_up(None, "lab") is None


def test_a_worker_needs_no_store_to_see_a_period_end(desk: Desk) -> None:
    """A budget whose period is over is not held against anybody, though nobody said so."""
    desk.spend(11 * CREDIT, group="lab")
    assert desk.worker.used_up(None, "lab") is not None
    desk.now += timedelta(hours=11)
    assert desk.worker.used_up(None, "lab") is None


def test_keys_get_and_lose_budgets(desk: Desk) -> None:
    """A budget that is given to a key counts what the key used before; one that is raised is not used up any more."""
    register = Register(desk.config.store.data_dir)
    register.create("laptop", "default", budgets=read_budgets(["5"]))
    desk.look()
    desk.spend(6 * CREDIT)
    found = desk.worker.used_up(desk.key(), "default")
    assert found is not None
    assert (found.of, found.name, found.period, found.until) == ("key", "laptop", "total", None)
    register.limit("laptop", budgets=read_budgets(["7"]))
    assert desk.worker.used_up(desk.key(), "default") is None
    desk.look()
    assert desk.told()[-1] == ("laptop", "total", 6.0, "warned")
    register.limit("laptop", budgets=read_budgets(["2/week"]))
    desk.look()
    assert desk.worker.used_up(desk.key(), "default") is not None


def test_a_renamed_key_keeps_what_it_used(desk: Desk) -> None:
    """Rows under the old name count in the budget, before and after the store has seen the new one."""
    register = Register(desk.config.store.data_dir)
    register.create("laptop", "default", budgets=read_budgets(["5"]))
    desk.look()
    desk.spend(6 * CREDIT)
    register.rename("laptop", "desktop")
    for _ in range(2):
        found = desk.worker.used_up(desk.key("desktop"), "default")
        assert found is not None
        assert found.name == "desktop"
        desk.look()
    desk.spend(CREDIT, key="desktop")
    assert desk.told()[-1] == ("desktop", "total", 7.0, "used_up")


def test_calls_say_that_a_budget_is_nearly_used(desk: Desk) -> None:
    """From the call on with which four fifths of a budget are used, calls that were let in are marked."""
    calls = [
        Entry(a_call(group=group, usage_micro=2 * CREDIT, started_at_us=epoch_us(desk.now), outcome=outcome))
        for group, outcome in [("lab", "completed")] * 4 + [("other", "completed"), ("lab", "rejected")]
    ]
    marked = ["budget_nearly_used" in one.call.anomalies for one in desk.budgets.flagged(calls)]
    assert marked == [False, False, False, True, False, False]


def test_a_register_that_cannot_be_read_changes_nothing(desk: Desk) -> None:
    """The budgets that were known stay in force."""
    Register(desk.config.store.data_dir).create("laptop", "default", budgets=read_budgets(["5"]))
    desk.look()
    (desk.config.store.data_dir / "keys.json").write_text("{")
    desk.look()
    desk.spend(6 * CREDIT)
    assert desk.told()[-1] == ("laptop", "total", 6.0, "used_up")


def test_a_published_file_that_is_damaged_or_gone_changes_nothing(desk: Desk) -> None:
    """A worker keeps what it knew, and the store says it again."""
    desk.spend(11 * CREDIT, group="lab", started_at_us=epoch_us(NOON))
    file = desk.config.store.data_dir / "standing.json"
    for spoil in (lambda: file.write_text("{"), file.unlink):
        spoil()
        desk.worker.refresh()
        assert desk.worker.used_up(None, "lab") is not None
        desk.look()
        assert [one.name for one in read(desk.config.store.data_dir).used_up] == ["lab"]


async def test_what_is_in_no_file_is_not_counted(desk: Desk) -> None:
    """Whatever the store has counted to: a call whose notes it cannot read yet may have used the budget up."""
    desk.spend(10 * CREDIT - 1, group="lab")
    page = CountedPage(desk.config.store.data_dir)
    loop = asyncio.get_running_loop()
    try:
        filed: list[asyncio.Future[bool]] = [loop.create_future() for _ in range(2)]
        for one in filed:
            desk.worker.ended(None, "lab", lambda one=one: one)
        _, edition = page.read()
        for one in filed:
            page.write(time.monotonic() + 1, edition)
            assert desk.worker.undecided(None, "lab")
            one.set_result(True)
            await asyncio.sleep(0)
        assert not desk.worker.undecided(None, "lab")
        page.write(time.monotonic() - 1, edition)
        assert desk.worker.undecided(None, "lab")
        desk.worker.ended(None, "other", filed.pop)  # a group without a budget: nothing to wait for
        assert len(filed) == 2
    finally:
        page.close()


async def test_what_cannot_be_read_is_waited_for_once(desk: Desk) -> None:
    """A worker that cannot read what the store says waits for it once, though the store goes on counting."""
    page = CountedPage(desk.config.store.data_dir)
    try:
        page.write(time.monotonic(), 2**62)
        assert desk.worker.undecided(None, "lab")
        await desk.worker.counted()
        page.write(time.monotonic(), 2**62)
        assert not desk.worker.undecided(None, "lab")
        page.write(time.monotonic(), 2**62 + 1)
        assert desk.worker.undecided(None, "lab")
    finally:
        page.close()


def test_a_file_that_looks_like_the_one_before_is_read(desk: Desk) -> None:
    """What the store says is heard by its edition, also in a file that nothing tells from the one before."""
    desk.spend(CREDIT, group="lab")
    file = desk.config.store.data_dir / "standing.json"
    before = file.stat()
    edition = read(desk.config.store.data_dir).edition
    file.write_text(file.read_text().replace(str(edition), str(edition + 1)))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    page = CountedPage(desk.config.store.data_dir)
    try:
        page.write(time.monotonic(), edition + 1)
        assert desk.worker.undecided(None, "lab")
        desk.worker.refresh()
        assert not desk.worker.undecided(None, "lab")
    finally:
        page.close()


@pytest.mark.parametrize(
    "damage",
    [
        '"more": ' + "[" * 100_000,
        '"used_up": [{"of": "group", "name": "lab", "credits": "NaN", "period": "day", "until": null}]}',
        '"used_up": [{"of": "group", "name": "lab", "credits": "1", "period": "day", "until": "2030-01-01T00:00:00"}]}',
    ],
    ids=["nested", "no number", "time without zone"],
)
def test_what_would_raise_in_a_call_is_not_taken_over(desk: Desk, damage: str) -> None:
    """A published file whose words cannot be compared with a budget changes nothing."""
    desk.spend(11 * CREDIT, group="lab")
    (desk.config.store.data_dir / "standing.json").write_text('{"edition": 1, ' + damage)
    desk.worker.refresh()
    found = desk.worker.used_up(None, "lab")
    assert found is not None
    assert found.credits == 10
