"""What was summed of calls stays when they are pruned; an answer that needs their rows says how far back it goes."""

import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from store import sums
from store.book import BOOK_FILE, Book, Entry
from store.call import Call
from store.filters import BY, DIMENSIONS, Filter, parse
from store.moments import epoch_us
from store.pruned import CALLS_FROM, mark
from store.pruning import Limits
from store.questions import comparison, facets, movers, stats
from store.reader import Reader
from store.sums import DAY_US, HOUR_US
from tests.book.test_sums import all_sums
from tests.books import a_book, a_call
from tests.prune.pruning import days, pruned
from tests.questions import generated, plainly
from tests.questions.directories import directory
from tests.questions.test_stats import NOW, SUMMED, asked_by, several, without_percentiles

AT = generated.FIRST + timedelta(days=31)
kept_days = st.integers(0, 31)


def sums_of(data_dir: Path) -> dict[str, list[tuple[Any, ...]]]:
    with closing(sqlite3.connect(data_dir / BOOK_FILE)) as connection:
        return all_sums(connection)


def begins(answer: dict[str, Any], asked: Filter) -> Filter:
    """The filter that this answer is exactly the answer of."""
    if answer["complete"]:
        assert answer["read_back_to"] is None
        return asked
    return replace(asked, from_us=parse([("from", answer["read_back_to"])], NOW).from_us)


@given(st.lists(generated.calls(), min_size=5, max_size=25), kept_days)
@settings(max_examples=15, deadline=None)
async def test_every_sum_is_what_it_was(calls: list[Call], kept: int) -> None:
    """For any calls and any age, each table of sums says the same before and after, and when it is made anew."""
    with directory() as data_dir:
        before = sums_of(a_book(data_dir, calls))
        done = await pruned(data_dir, Limits(calls_us=days(kept)), AT)
        assert sums_of(data_dir) == before
        with closing(sqlite3.connect(data_dir / BOOK_FILE, isolation_level=None)) as connection:
            sums.rebuild(connection)
            assert all_sums(connection) == before
            left = connection.execute("select min(started_at), count(*) from calls").fetchone()
    edge = (epoch_us(AT) - days(kept)) // DAY_US * DAY_US
    stay = [call.started_at_us for call in calls if call.started_at_us >= edge]
    assert left == (min(stay, default=None), len(stay))
    assert done.calls == len(calls) - len(stay)


@given(generated.books, kept_days, several(generated.dimension_filters, SUMMED))
@settings(max_examples=25, deadline=None)
async def test_sums_of_dimensions_are_exact(calls: list[Call], kept: int, questions: list[Filter]) -> None:
    """Whatever time and dimensions are asked for, the answer is exactly that of the calls down to where it begins."""
    with directory() as data_dir:
        await pruned(a_book(data_dir, calls), Limits(calls_us=days(kept)), AT)
        async with Reader.open(data_dir) as reader:
            told = [await stats(reader, asked) for asked in questions]
    for asked, answer in zip(questions, told, strict=True):
        expected = plainly.grouped(calls, begins(answer, asked))
        if asked.by:
            found = dict(without_percentiles(row, asked.by) for row in answer["stats"])
            assert found == {labels: plainly.sums(members) for labels, members in expected.items()}
        meant = [call for members in expected.values() for call in members]
        assert without_percentiles(answer["total"], ())[1] == plainly.sums(meant)


@given(generated.books, kept_days, several(generated.filters, BY))
@settings(max_examples=20, deadline=None)
async def test_sums_that_need_rows_are_never_silently_wrong(
    calls: list[Call], kept: int, questions: list[Filter]
) -> None:
    """By status, user, words or minutes, too: what is told is exact from where it begins, and says so."""
    with directory() as data_dir:
        await pruned(a_book(data_dir, calls), Limits(calls_us=days(kept)), AT)
        async with Reader.open(data_dir) as reader:
            told = [await stats(reader, asked) for asked in questions]
    for asked, answer in zip(questions, told, strict=True):
        meant = [call for members in plainly.grouped(calls, begins(answer, asked)).values() for call in members]
        assert without_percentiles(answer["total"], ())[1] == plainly.sums(meant)


@given(generated.books, kept_days, st.lists(generated.filters, min_size=3, max_size=6))
@settings(max_examples=12, deadline=None)
async def test_facets_are_exact_as_far_as_they_go(calls: list[Call], kept: int, params: list[Any]) -> None:
    """Each list of values counts exactly the calls down to where it says."""
    questions = [Filter(), *(parse(one, NOW) for one in params)]
    with directory() as data_dir:
        await pruned(a_book(data_dir, calls), Limits(calls_us=days(kept)), AT)
        async with Reader.open(data_dir) as reader:
            told = [await facets(reader, asked) for asked in questions]
    for asked, answer in zip(questions, told, strict=True):
        for name in DIMENSIONS:
            counts = Counter(
                plainly.group_of(call, name, asked) for call in calls if plainly.matches(call, begins(answer, asked))
            )
            assert {facet["value"]: facet["calls"] for facet in answer[name]} == counts


async def test_whole_hours_need_no_rows(tmp_path: Path) -> None:
    """Sums by key, model and day over a time of whole hours are complete, however long ago their rows went."""
    first = epoch_us(AT) - days(300)
    calls = [a_call(started_at_us=first + hour * HOUR_US, key=f"key {hour % 2}") for hour in range(48)]
    await pruned(a_book(tmp_path, [*calls, a_call(started_at_us=epoch_us(AT))]), Limits(calls_us=days(32)), AT)
    async with Reader.open(tmp_path) as reader:
        ends = [("from", str(first // 10**6 + 3600)), ("to", str(first // 10**6 + 40 * 3600))]
        for by in (["key"], ["model"], ["key", "day"], ["model", "hour"]):
            told = await stats(reader, asked_by(ends, by))
            assert (told["complete"], told["total"]["calls"]) == (True, 39)
        told = await stats(reader, asked_by([("from", str(first // 10**6 + 60))], ["model"]))
        assert (told["complete"], told["total"]["calls"]) == (False, 48)
        told = await stats(reader, asked_by([("status", "200")], []))
        assert (told["complete"], told["total"]["calls"]) == (False, 1)


async def test_a_call_that_comes_late_is_in_the_sums(tmp_path: Path) -> None:
    """One that began before the rows that are kept, and arrives after they went, is counted, and goes the next time."""
    old = epoch_us(AT) - days(50)
    a_book(tmp_path, [a_call(started_at_us=old + number) for number in range(3)])
    await pruned(tmp_path, Limits(calls_us=days(40)), AT)
    with Book(tmp_path) as book:
        book.add([Entry(a_call(started_at_us=old + 9))])
    before = sums_of(tmp_path)
    assert sum(row[6] for row in before["day_sums"]) == 4
    assert (await pruned(tmp_path, Limits(calls_us=days(40)), AT)).calls == 1
    assert sums_of(tmp_path) == before


async def test_an_older_version_of_a_pruned_book_keeps_its_sums(tmp_path: Path) -> None:
    """A migration that makes every table of sums anew carries over what it cannot sum from rows."""
    first = epoch_us(AT)
    calls = [a_call(started_at_us=first - days(day), model=f"m{day % 3}") for day in range(60)]
    before = sums_of(a_book(tmp_path, calls))
    await pruned(tmp_path, Limits(calls_us=days(32)), AT)
    with closing(sqlite3.connect(tmp_path / BOOK_FILE)) as connection:
        for name in ("pause", "held", "uploaded"):  # what came after version 4
            connection.execute(f"alter table calls drop column {name}")
        connection.execute("pragma user_version = 3")
    with Book(tmp_path) as book:
        assert book.ask("select count(*) from sqlite_schema where name like 'former%'") == [(0,)]
    assert sums_of(tmp_path) == before
    with closing(sqlite3.connect(tmp_path / BOOK_FILE)) as connection:
        assert mark(connection, CALLS_FROM) == first // DAY_US * DAY_US - days(32)


async def test_long_times_can_still_be_compared(tmp_path: Path) -> None:
    """Two times of weeks whose rows are gone are compared exactly, from the whole hours that the answer tells."""
    now = AT + timedelta(minutes=7)
    calls = [a_call(started_at_us=epoch_us(now) - hours * HOUR_US, key=f"k{hours % 2}") for hours in range(1, 24 * 130)]
    await pruned(a_book(tmp_path, calls), Limits(calls_us=days(32)), AT)
    async with Reader.open(tmp_path) as reader:
        asked = parse([("from", "60d")], now)
        told = await comparison(reader, asked, now)
        moved = await movers(reader, asked, now)
    assert (told["complete"], moved["complete"]) == (True, True)
    for stretch in (told, told["previous"]):
        ends = parse([("from", stretch["from"]), ("to", stretch["to"])], now)
        assert stretch["total"]["calls"] == sum(plainly.matches(call, ends) for call in calls)
    assert told["previous"]["from"].endswith(":00:00.000000Z")
    assert told["change"]["calls"] is not None
    assert moved["key"]["up"] or moved["key"]["down"]
