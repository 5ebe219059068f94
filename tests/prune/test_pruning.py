"""Bodies go first, by age or by bytes, then calls; what hangs on them goes along, and the disk gets its space back."""

import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from store.book import BODIES_FILE, BOOK_FILE, Book, Entry, KeptBody
from store.budgets.used import used
from store.budgets.window import Window
from store.call import Cost
from store.filters import Filter, parse
from store.moments import at, epoch_us
from store.pruning import Limits, look
from store.questions import call, comparison, facets, forecast, logs, movers, scatter, stats
from store.questions.arrived import arrived, newest_row
from store.questions.every_call import pages, settled
from store.reader import Reader
from store.sums import DAY_US
from tests.books import NOON_US, a_book, a_call
from tests.prune.pruning import days, pruned
from tests.reprice.test_repricing import assert_sums_are_of_the_rows

NOW = at(NOON_US) + timedelta(days=100)
NOW_US = epoch_us(NOW)


def said(age_days: float, size: int = 2_000, **changes: Any) -> Entry:
    """A call of this age whose answer cannot be compressed."""
    one = a_call(started_at_us=NOW_US - round(age_days * DAY_US), **changes)
    return Entry(one, (), KeptBody(b"asked"), (), KeptBody(os.urandom(size // 2).hex().encode()))


def told(data_dir: Path, statement: str, file: str = BOOK_FILE) -> list[Any]:
    with closing(sqlite3.connect(data_dir / file)) as connection:
        return [row[0] if len(row) == 1 else row for row in connection.execute(statement).fetchall()]


async def test_bodies_go_and_their_calls_stay(tmp_path: Path) -> None:
    """What is older than `keep_bodies` has no body any more, the rest has, and every row is as it was."""
    a_book(tmp_path, [said(age) for age in (90, 60, 31, 29, 1)])
    rows = told(tmp_path, "select * from calls")
    done = await pruned(tmp_path, Limits(bodies_us=days(30)), NOW)
    assert told(tmp_path, "select id from bodies", BODIES_FILE) == [4, 5]
    assert told(tmp_path, "select * from calls") == rows
    assert (done.bodies, done.calls, done.finished) == (3, 0, True)
    assert done.oldest_bodies_us == NOW_US - days(29)
    assert_sums_are_of_the_rows(tmp_path)
    assert (await pruned(tmp_path, Limits(bodies_us=days(30)), NOW)).bodies == 0


async def test_the_oldest_bodies_go_until_the_rest_fits(tmp_path: Path) -> None:
    """Past `max_bodies` the file becomes smaller than that, by its oldest bodies and no more of them than needed."""
    a_book(tmp_path, [said(age, 20_000) for age in range(400, 0, -1)])
    before = (tmp_path / BODIES_FILE).stat().st_size
    most = before // 2
    async with Reader.open(tmp_path) as reader:
        outlook = await look(reader, Limits(bodies_bytes=most).at(NOW))
    done = await pruned(tmp_path, Limits(bodies_bytes=most), NOW)
    size = (tmp_path / BODIES_FILE).stat().st_size
    assert most * 0.85 < size <= most
    assert told(tmp_path, "select id from bodies", BODIES_FILE) == list(range(done.bodies + 1, 401))
    assert outlook.bodies == pytest.approx(done.bodies, rel=0.15)
    assert told(tmp_path, "select count(*) from calls") == [400]


async def test_a_clock_that_was_wrong_keeps_nothing(tmp_path: Path) -> None:
    """A call from a future that never was does not keep the bodies that arrived after it from going."""
    a_book(tmp_path, [said(90), said(-4000), said(80), said(1)])
    await pruned(tmp_path, Limits(bodies_us=days(30)), NOW)
    assert told(tmp_path, "select id from bodies", BODIES_FILE) == [4]


async def test_bodies_whose_call_is_being_written_stay(tmp_path: Path) -> None:
    """Bodies are there a moment before their call is: they are not taken for what nobody refers to."""
    a_book(tmp_path, [said(90), said(80)])
    with closing(sqlite3.connect(tmp_path / BODIES_FILE)) as connection:
        connection.execute("insert into bodies select 3, x'00', '', 1, null, '', 1, null, x'' from bodies limit 1")
        connection.commit()
    async with Reader.open(tmp_path) as reader:
        outlook = await look(reader, Limits(bodies_us=days(30)).at(NOW))
    assert (outlook.bodies, outlook.bodies_through) == (2, 2)


async def test_what_hangs_on_a_call_goes_with_it(tmp_path: Path) -> None:
    """Its bodies, what it said before a repricing and the responses charged to it; nothing of any other call."""
    old, new = said(50, background=True, response_id="resp_old"), said(1, background=True, response_id="resp_new")
    a_book(tmp_path, [old, new])
    with closing(sqlite3.connect(tmp_path / BOOK_FILE)) as connection:
        connection.execute("insert into repricings values (1, 1, 1, 'ann', '[]', '', 2, 0, 0, 0, 0, 0, 0)")
        for number in (1, 2):
            connection.execute("insert into repriced (call, repricing, cost_state) values (?, 1, 'unknown')", (number,))
        connection.commit()
    done = await pruned(tmp_path, Limits(calls_us=days(40)), NOW)
    assert (done.calls, done.bodies, done.oldest_call_us) == (1, 1, new.call.started_at_us)
    assert told(tmp_path, "select id from calls") == [2]
    assert told(tmp_path, "select id from bodies", BODIES_FILE) == [2]
    assert told(tmp_path, "select call from repriced") == [2]
    assert told(tmp_path, "select response_id from background_responses") == ["resp_new"]
    assert told(tmp_path, "pragma integrity_check") == ["ok"]


async def test_a_call_goes_only_when_its_whole_day_is_too_old(tmp_path: Path) -> None:
    """Calls go by days of UTC: one of the day on which the age falls stays."""
    edge = (NOW_US - days(40)) // DAY_US * DAY_US
    a_book(tmp_path, [a_call(started_at_us=edge - 1), a_call(started_at_us=edge)])
    await pruned(tmp_path, Limits(calls_us=days(40)), NOW)
    assert told(tmp_path, "select started_at from calls") == [edge]


async def test_an_id_is_never_given_twice(tmp_path: Path) -> None:
    """After every call has gone, the next one has an id of its own, its bodies, and is counted as what arrived."""
    a_book(tmp_path, [said(50) for _ in range(5)])
    await pruned(tmp_path, Limits(calls_us=days(40)), NOW)
    assert told(tmp_path, "select count(*) from calls") == [0]
    async with Reader.open(tmp_path) as reader:
        assert await newest_row(reader) == 5
        assert await arrived(reader, 5) == ([], 5, 0)
        assert (await logs(reader, Filter()))["logs"] == []
        one = said(1)
        a_book(tmp_path, [one])
        assert told(tmp_path, "select id from calls") == [6]
        assert told(tmp_path, "select id from bodies", BODIES_FILE) == [6]
        found, after, _ = await arrived(reader, 5)
        assert (sum(each.calls for each in found), after) == (1, 6)


async def test_counters_still_balance(tmp_path: Path) -> None:
    """What was stored since the book began is counted as before."""
    a_book(tmp_path, [said(50), said(45), said(1)])
    await pruned(tmp_path, Limits(calls_us=days(40)), NOW)
    assert told(tmp_path, "select value from counters where name = 'stored'") == [3]


async def test_budgets_keep_what_was_used(tmp_path: Path) -> None:
    """What keys used in total, and in a month of any zone that the shortest age still needs, is what it was."""
    a_book(tmp_path, [said(age / 4, usage_micro=1_000 + age) for age in range(4 * 60)])
    windows = [Window(None, None)]
    for minutes in (0, 30, 45):
        start = NOW_US // DAY_US * DAY_US - days(31) + minutes * 60_000_000
        windows.append(Window(start, start + days(31)))

    def counted() -> list[Any]:
        with Book(tmp_path) as book:
            return [used(book.ask, "key", window) for window in windows]

    before = counted()
    assert before[0].micro.total() > before[1].micro.total() > 0
    done = await pruned(tmp_path, Limits(calls_us=days(32)), NOW)
    assert done.calls > 100
    assert counted() == before


async def test_a_dry_run_says_what_goes(tmp_path: Path) -> None:
    """What was foretold is what went."""
    a_book(tmp_path, [said(age) for age in range(100, 0, -1)])
    limits = Limits(bodies_us=days(10), calls_us=days(40))
    async with Reader.open(tmp_path) as reader:
        outlook = await look(reader, limits.at(NOW))
    done = await pruned(tmp_path, limits, NOW)
    assert (outlook.calls, outlook.bodies, outlook.bodies_bytes) == (done.calls, done.bodies, done.bodies_bytes)
    assert (outlook.oldest_call_us, outlook.oldest_bodies_us) == (done.oldest_call_us, done.oldest_bodies_us)
    assert (done.calls, done.bodies) == (60, 90)


async def test_nothing_goes_where_everything_is_kept(tmp_path: Path) -> None:
    """Without limits every row and byte stays."""
    a_book(tmp_path, [said(4000), said(1)])
    done = await pruned(tmp_path, Limits(), NOW)
    assert (done.calls, done.bodies, done.finished) == (0, 0, True)
    assert told(tmp_path, "select count(*) from bodies", BODIES_FILE) == [2]


async def test_what_went_is_not_in_the_files(tmp_path: Path) -> None:
    """No byte of a pruned body is left in any file, and the files are as small as what stays."""
    secret = os.urandom(600)

    def entry(age: float, text: bytes) -> Entry:
        return replace_content(said(age), text)

    large = [said(50, 30_000) for _ in range(200)]
    # Small enough to share its page with what stays.
    a_book(tmp_path, [*large, entry(45, secret), entry(1, b"what stays")])
    before = (tmp_path / BODIES_FILE).stat().st_size
    assert secret[100:500] in (tmp_path / BODIES_FILE).read_bytes()
    await pruned(tmp_path, Limits(bodies_us=days(30)), NOW)
    for name in os.listdir(tmp_path):
        assert secret[100:140] not in (tmp_path / name).read_bytes()
    assert (tmp_path / BODIES_FILE).stat().st_size < before / 10
    assert told(tmp_path, "pragma freelist_count", BODIES_FILE) == [0]


def replace_content(entry: Entry, data: bytes) -> Entry:
    """The same with this request."""
    from msgspec.structs import replace as changed

    return changed(entry, request=KeptBody(data), response=None)


async def test_pages_and_exports_of_a_pruned_book(tmp_path: Path) -> None:
    """Lists and exports have exactly the calls that stay; a call without its bodies is told as one."""
    a_book(tmp_path, [said(age) for age in (50, 45, 20, 1)])
    await pruned(tmp_path, Limits(bodies_us=days(10), calls_us=days(40)), NOW)
    async with Reader.open(tmp_path) as reader:
        listed = (await logs(reader, Filter()))["logs"]
        assert len(listed) == 2
        for sort in ("time", "cost"):
            asked = replace(await settled(reader, Filter()), sort=sort)
            assert sum([len(page) async for page in pages(reader, asked)]) == 2
        newest, older = [await call(reader, one["id"]) for one in listed]
        assert newest is not None
        assert older is not None
        assert newest["request"]["body"] is not None
        assert older["request"]["body"] is None
        assert older["cost"] == newest["cost"]


async def test_ended_half_way_it_is_done_the_next_time(tmp_path: Path) -> None:
    """When nobody wants it any more it stops between two turns; the book is whole, and the rest goes the next time."""
    a_book(tmp_path, [said(50) for _ in range(900)])
    limits = Limits(calls_us=days(40))
    asked = [0]

    def wanted() -> bool:
        asked[0] += 1
        return asked[0] < 3

    first = await pruned(tmp_path, limits, NOW, wanted=wanted)
    assert (first.finished, 0 < first.bodies < 900) == (False, True)
    assert told(tmp_path, "pragma integrity_check") == ["ok"]
    second = await pruned(tmp_path, limits, NOW)
    assert (second.finished, first.bodies + second.bodies, second.calls) == (True, 900, 900)


async def test_unknown_costs_stay_unknown(tmp_path: Path) -> None:
    """A sum over pruned calls still says how many of them it could not count."""
    a_book(tmp_path, [said(50, cost=Cost("unknown"), usage_micro=None), said(50)])
    await pruned(tmp_path, Limits(calls_us=days(40)), NOW)
    assert told(tmp_path, "select sum(calls), sum(unknown_cost_calls) from day_sums") == [(2, 1)]


def test_space_is_given_back_in_steps_of_the_size_asked_for(tmp_path: Path) -> None:
    """One step gives so many pages of each file back, no fewer and no more."""
    a_book(tmp_path, [said(50, 30_000) for _ in range(100)])
    with Book(tmp_path) as book:
        book.change_both(lambda _, kept: kept.execute("delete from bodies"))
        (before,) = told(tmp_path, "pragma freelist_count", BODIES_FILE)
        assert before > 100
        assert book.give_back(60) == before - 60
        assert book.give_back(10_000) == 0


async def test_a_book_without_a_call_left_answers_every_question(tmp_path: Path) -> None:
    """After every call has gone there are no rows to be told, whatever is asked, and the sums are all there."""
    a_book(tmp_path, [said(50, user="ann", key=f"k{number % 2}") for number in range(20)])
    await pruned(tmp_path, Limits(calls_us=days(40)), NOW)
    texts = ([], [("model", "gpt*"), ("status", "200")], [("user", "ann")], [("key", "k1")], [("q", "asked")])
    async with Reader.open(tmp_path) as reader:
        for pairs in texts:
            for more in ([], [("from", "365d")], [("from", "49d"), ("to", "48d")]):
                asked = parse([*pairs, *more], NOW)
                assert (await logs(reader, asked))["logs"] == []
                assert (await scatter(reader, asked))["points"] == []
                await facets(reader, asked)
                await comparison(reader, asked, NOW)
                await movers(reader, asked, NOW)
                await forecast(reader, asked, NOW)
                assert [page async for page in pages(reader, await settled(reader, asked))] == [[]]
        assert (await stats(reader, Filter()))["total"]["calls"] == 20
        by_user = await stats(reader, parse([("by", "user")], NOW, also=("by",)))
        assert (by_user["complete"], by_user["total"]["calls"]) == (False, 0)
        assert [one["calls"] for one in (await facets(reader, Filter()))["key"]] == [10, 10]
