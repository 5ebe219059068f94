"""Pages of calls hold exactly the calls that the filter means, in the order asked for, each once."""

import base64
import contextlib
import itertools
import json
import re
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.book import BOOK_FILE
from store.call import Call, CallError, Cost, Tokens
from store.filters import ORDERS, PAGING, SORTS, UTC_ZONE, Filter, WrongFilter, parse
from store.moments import at, moment_us
from store.questions import logs
from store.reader import Reader
from tests.books import NOON_US, a_book, a_call
from tests.questions import generated, plainly

NOW = at(NOON_US)
Params = list[tuple[str, str]]


def ids(calls: list[Call]) -> list[str]:
    return [str(UUID(bytes=call.call_id)) for call in calls]


async def all_pages(reader: Reader, params: Params, **how: Any) -> list[str]:
    """The ids of every page, one after the other."""
    found: list[str] = []
    cursor: list[tuple[str, str]] = []
    for _ in range(20_000):
        page = await logs(reader, parse([*params, *cursor], NOW, also=PAGING), **how)
        found += [row["id"] for row in page["logs"]]
        if page["next"] is None:
            return found
        cursor = [("cursor", page["next"])]
    raise AssertionError("the pages do not end")


def in_order(calls: list[Call], sort: str, order: str) -> list[Call]:
    """Unknown comes last either way; of equals the one that arrived last comes first, ascending the other way round."""

    def value(call: Call) -> int | None:
        return {
            "time": call.started_at_us,
            "duration": call.duration_us,
            "tokens": plainly.total_of(call),
            "cost": call.cost.nano_usd,
            "usage": call.usage_micro,
        }[sort]

    numbered = list(enumerate(calls))
    known = [pair for pair in numbered if value(pair[1]) is not None]
    unknown = [pair for pair in numbered if value(pair[1]) is None]
    known.sort(key=lambda pair: (value(pair[1]), pair[0]), reverse=order == "desc")
    unknown.sort(key=lambda pair: pair[0], reverse=order == "desc")
    return [call for _, call in known + unknown]


@st.composite
def questions(draw: st.DrawFn) -> Params:
    """A filter with an order and a size of page."""
    paging = {"sort": SORTS, "order": ORDERS, "limit": ("1", "2", "7", "1000")}
    return [*draw(generated.filters), *((name, draw(st.sampled_from(values))) for name, values in paging.items())]


@given(generated.books, st.lists(questions(), min_size=3, max_size=8))
@settings(max_examples=60, deadline=None)
async def test_pages_hold_exactly_the_calls_that_are_meant(calls: list[Call], several: list[Params]) -> None:
    """For any calls, filter, order and size of page, the pages together are the plain answer."""
    with tempfile.TemporaryDirectory() as directory:
        async with Reader.open(a_book(Path(directory), calls)) as reader:
            for params in several:
                asked = parse(params, NOW, also=PAGING)
                meant = [call for call in calls if plainly.matches(call, asked)]
                assert await all_pages(reader, params) == ids(in_order(meant, asked.sort, asked.order))


@pytest.mark.parametrize("word", ["gpt-*", "!gpt-1*", "gpt-7"])
async def test_many_models_are_paged_in_the_order_of_time(tmp_path: Path, word: str) -> None:
    """A pattern for a few, for more than a hundred, or for all but some names keeps the order of time."""
    calls = [a_call(model=f"gpt-{number % 150}", started_at_us=NOON_US + number * 7919 % 1000) for number in range(400)]
    params = [("model", word), ("limit", "33")]
    meant = [call for call in calls if plainly.matches(call, parse(params, NOW, also=PAGING))]
    async with Reader.open(a_book(tmp_path, calls)) as reader:
        assert await all_pages(reader, params) == ids(in_order(meant, "time", "desc"))


async def test_calls_that_arrive_between_two_pages_repeat_nothing(tmp_path: Path) -> None:
    """Paging goes on from its place, whatever was written since."""
    old = [a_call() for _ in range(5)]
    async with Reader.open(a_book(tmp_path, old)) as reader:
        first = await logs(reader, parse([("limit", "2")], NOW, also=PAGING))
        a_book(tmp_path, [a_call() for _ in range(3)])
        second = await logs(reader, parse([("limit", "2"), ("cursor", first["next"])], NOW, also=PAGING))
    assert [row["id"] for row in first["logs"] + second["logs"]] == ids(old[:0:-1])


async def test_a_call_is_listed_with_all_its_promised_fields(tmp_path: Path) -> None:
    """Units, names and precision are those of the documentation."""
    call = a_call(
        started_at_us=1_795_357_380_123_456,
        stream=True,
        tokens=Tokens(
            source="reported", input_uncached=100, output_text=50, cache_read=0, cache_write_5m=0, reasoning=0
        ),
        user="ann",
        tags={"team": "red"},
        error=CallError("t", "c", "m"),
    )
    async with Reader.open(a_book(tmp_path, [call])) as reader:
        page = await logs(reader, Filter())
    assert page == {
        "logs": [
            {
                "id": ids([call])[0],
                "time": "2026-11-22T14:23:00.123456Z",
                "usage": 0.045,
                "model": "gpt-4o-mini-2024-07-18",
                "duration_ms": 1234.567,
                "tokens": {
                    "total": 150, "input": 100, "output": 50, "cache_read": 0, "cache_write": 0, "reasoning": 0,
                    "source": "reported",
                },
                "cost": {"usd": "0.000045000", "state": "priced"},
                "key": "laptop",
                "group": "default",
                "type": "chat",
                "upstream": "openai",
                "requested_model": "gpt-4o-mini",
                "status": 200,
                "outcome": "completed",
                "stream": True,
                "first_token_ms": 210.4,
                "overhead_ms": 0.41,
                "error": {"type": "t", "code": "c", "message": "m"},
                "user": "ann",
                "session": None,
                "tags": {"team": "red"},
                "repeats": 0,
            }
        ],
        "next": None,
        "complete": True,
        "read_back_to": None,
    }  # fmt: skip


async def test_what_nobody_knows_is_null(tmp_path: Path) -> None:
    """A call without tokens, cost, status, key or times has nulls, and tokens are an object all the same."""
    call = a_call(
        tokens=None, cost=Cost("unknown"), usage_micro=None, status=None, key=None, upstream=None, duration_us=None,
        first_token_us=None, overhead_us=None, model=None, requested_model=None, outcome="interrupted",
    )  # fmt: skip
    async with Reader.open(a_book(tmp_path, [call])) as reader:
        (row,) = (await logs(reader, Filter()))["logs"]
    nothing = (
        "usage",
        "model",
        "duration_ms",
        "key",
        "upstream",
        "requested_model",
        "status",
        "first_token_ms",
        "error",
    )
    assert [row[name] for name in nothing] == [None] * len(nothing)
    assert row["cost"] == {"usd": None, "state": "unknown"}
    counts = dict.fromkeys(("total", "input", "output", "cache_read", "cache_write", "reasoning"))
    assert row["tokens"] == {**counts, "source": "none"}


async def test_cache_counts_add_up_over_their_kinds(tmp_path: Path) -> None:
    """Both lifetimes of written tokens, and text and audio that was read, are one number each."""
    tokens = Tokens(source="reported", cache_read=1, cache_read_audio=20, cache_write_5m=300, cache_write_1h=4000)
    async with Reader.open(a_book(tmp_path, [a_call(tokens=tokens)])) as reader:
        (row,) = (await logs(reader, Filter()))["logs"]
    assert (row["tokens"]["cache_read"], row["tokens"]["cache_write"], row["tokens"]["input"]) == (21, 4300, 4321)


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "AAAA", "bm90IGpzb24", "WyJhIiwxLDJd", "W10", "bnVsbA", "\u00e9", "WyJhIiwxLDJd===", "e30", "a" * 900],
)
async def test_what_is_no_cursor_is_refused(tmp_path: Path, cursor: str) -> None:
    """Any other word than a cursor of this filter names the parameter."""
    async with Reader.open(a_book(tmp_path, [a_call()])) as reader:
        with pytest.raises(WrongFilter) as wrong:
            await logs(reader, parse([("cursor", cursor)], NOW, also=PAGING))
    assert wrong.value.param == "cursor"


@pytest.mark.parametrize("sort", ["time", "cost"])
@pytest.mark.parametrize("order", ORDERS)
async def test_no_number_in_a_cursor_is_too_large(tmp_path: Path, sort: str, order: str) -> None:
    """Whatever numbers somebody puts into a cursor, it is answered or refused."""
    numbers = (0, -1, 2**55, 2**62, 2**63 - 1, 1 - 2**63, 2**64)
    params = [("sort", sort), ("order", order)]
    shape = parse(params, NOW, also=PAGING).shape
    async with Reader.open(a_book(tmp_path, [a_call()])) as reader:
        for value, edge in itertools.product(numbers, numbers):
            for places, edges in (([[value, 1]], [edge]), ([[1, value]], [None]), ([None, [value, 1]], [None, edge])):
                cursor = base64.urlsafe_b64encode(json.dumps([shape, places, edges]).encode()).decode().rstrip("=")
                with contextlib.suppress(WrongFilter):
                    await logs(reader, parse([*params, ("cursor", cursor)], NOW, also=PAGING))


async def test_a_cursor_of_another_order_is_refused(tmp_path: Path) -> None:
    """A cursor of one order would skip calls in another."""
    async with Reader.open(a_book(tmp_path, [a_call(), a_call()])) as reader:
        page = await logs(reader, parse([("limit", "1")], NOW, also=PAGING))
        for other in ([("sort", "cost")], [("order", "asc")], [("model", "*")]):
            with pytest.raises(WrongFilter) as wrong:
                await logs(reader, parse([*other, ("cursor", page["next"])], NOW, also=PAGING))
            assert wrong.value.param == "cursor"


class Explained:
    """A source that keeps the plan of every statement about calls."""

    bodies = False
    search = False

    def __init__(self, data_dir: Path) -> None:
        self._connection = sqlite3.connect(data_dir / BOOK_FILE)
        self.plans: list[str] = []

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Self]:
        yield self

    async def rows(self, statement: str, values: Sequence[Any] = (), within_s: float | None = None) -> list[Any]:
        if "as value" in statement:
            plan = self._connection.execute(f"explain query plan {statement}", tuple(values))
            self.plans.append("; ".join(row[3] for row in plan))
        return self._connection.execute(statement, tuple(values)).fetchall()

    def close(self) -> None:
        self._connection.close()


@pytest.mark.parametrize(
    ("params", "index"),
    [
        ([], "calls_by_time"),
        ([("from", "1h"), ("to", "2026-11-22")], "calls_by_time"),
        ([("model", "gpt-1"), ("from", "1d")], "calls_by_model"),
        ([("key", "laptop")], "calls_by_key"),
        ([("group", "default")], "calls_by_group"),
        ([("type", "chat")], "calls_by_type"),
        ([("upstream", "openai")], "calls_by_upstream"),
        ([("status", "!error")], "calls_by_time"),
        ([("stream", "false")], "calls_by_time"),
    ],
)
async def test_pages_are_read_in_order_from_an_index(tmp_path: Path, params: Params, index: str) -> None:
    """No page in the order of time sorts more than the calls of one microsecond."""
    calls = [a_call(model=f"gpt-{number % 3}") for number in range(9)]
    plans = await plans_of(a_book(tmp_path, calls), [*params, ("limit", "2")])
    assert len(plans) == 2
    for plan in plans:
        assert index in plan
        assert "B-TREE FOR ORDER BY" not in plan


_USUAL = {"status": 200, "outcome": "completed", "user": "ann", "session": "s1", "key": "laptop", "model": "big"}


@pytest.mark.parametrize(
    ("params", "rare", "index"),
    [
        ([("status", "429")], {"status": 429}, "calls_by_status"),
        ([("status", "4xx")], {"status": 429}, "calls_by_status"),
        ([("status", "!200")], {"status": 429}, "calls_by_status"),
        ([("status", "error")], {"status": 500}, "calls_failed"),
        ([("outcome", "client_left")], {"outcome": "client_left"}, "calls_by_outcome"),
        ([("outcome", "!completed")], {"outcome": "client_left"}, "calls_by_outcome"),
        ([("user", "bob")], {"user": "bob"}, "calls_by_user"),
        ([("session", "s2")], {"session": "s2"}, "calls_by_session"),
        ([("anomaly", "odd_*")], {"anomalies": ("odd_count",)}, "calls_odd"),
        ([("cost_state", "unknown")], {"cost": Cost("unknown"), "usage_micro": None}, "calls_unpriced"),
        ([("model", "big"), ("status", "429")], {"status": 429}, "calls_by_status"),
        ([("model", "small"), ("status", "200")], {"model": "small"}, "calls_by_model"),
        ([("key", "laptop"), ("status", "error")], {"status": 500}, "calls_failed"),
        ([("key", "laptop"), ("model", "small")], {"model": "small"}, "calls_by_model"),
        ([("key", "ci"), ("model", "big")], {"key": "ci"}, "calls_by_key"),
        ([("user", "bob"), ("model", "big")], {"user": "bob"}, "calls_by_user"),
    ],
)
async def test_the_rarest_name_is_looked_up(tmp_path: Path, params: Params, rare: dict[str, Any], index: str) -> None:
    """Of several filters the one that few calls fit leads the way, through its own index."""
    usual = [a_call(**_USUAL) for _ in range(1200)]
    plans = await plans_of(a_book(tmp_path, [*usual, a_call(**(_USUAL | rare))]), params)
    assert plans
    assert all(re.search(rf"INDEX {index}\b", plan) for plan in plans)


async def test_what_the_index_knows_is_not_looked_up_in_the_rows(tmp_path: Path) -> None:
    """A pair of filters with a dimension is decided inside the index of the other."""
    usual = [a_call(**_USUAL) for _ in range(1200)]
    rare = a_call(**(_USUAL | {"status": 429, "user": "bob", "outcome": "client_left", "session": "s2"}))
    book = a_book(tmp_path, [*usual, rare])
    for other in (("status", "429"), ("user", "bob"), ("outcome", "client_left"), ("session", "s2"), ("key", "laptop")):
        for plan in await plans_of(book, [("model", "big"), other]):
            assert "USING COVERING INDEX" in plan
    for other in (("key", "laptop"), ("outcome", "client_left"), ("user", "bob"), ("session", "s2")):
        for status in (("status", "error"), ("status", "429")):
            for plan in await plans_of(book, [other, status]):
                assert "USING COVERING INDEX" in plan


async def test_names_that_never_met_are_answered_without_a_look_at_the_calls(tmp_path: Path) -> None:
    """A pair that no call has is known from the combinations alone."""
    book = a_book(tmp_path, [a_call(model="a", key="laptop"), a_call(model="b", key="ci")])
    assert await plans_of(book, [("model", "a"), ("key", "ci")]) == []
    assert await plans_of(book, [("model", "nobody")]) == []


async def plans_of(book: Path, params: Params) -> list[str]:
    """How the first two pages are read; one entry for each way through the calls."""
    source = Explained(book)
    first = await logs(source, parse([*params], NOW, also=PAGING))
    if first["next"]:
        await logs(source, parse([*params, ("cursor", first["next"])], NOW, also=PAGING))
    source.close()
    return source.plans


@given(generated.books, st.lists(questions(), min_size=2, max_size=5), st.sampled_from((1, 3, 10)))
@settings(max_examples=60, deadline=None)
async def test_without_time_to_look_every_call_is_still_found_once(
    calls: list[Call], several: list[Params], calls_at_once: int
) -> None:
    """With no time at all each page looks at one window; together they hold all that is meant, time in its order."""
    with tempfile.TemporaryDirectory() as directory:
        async with Reader.open(a_book(Path(directory), calls)) as reader:
            for params in several:
                asked = parse(params, NOW, also=PAGING)
                expected = ids(
                    in_order([call for call in calls if plainly.matches(call, asked)], asked.sort, asked.order)
                )
                found = await all_pages(reader, params, allowed_s=0, calls_at_once=calls_at_once)
                assert sorted(found) == sorted(expected)
                if asked.sort == "time":
                    assert found == expected


@pytest.mark.parametrize("order", ORDERS)
async def test_a_page_that_is_cut_short_says_how_far_it_has_read(tmp_path: Path, order: str) -> None:
    """Every call that is meant is on a page exactly when the page has read its time."""
    calls = [a_call(started_at_us=NOON_US + number, stream=number % 2 == 0) for number in range(40)]
    params = [("stream", "true"), ("order", order)]
    async with Reader.open(a_book(tmp_path, calls)) as reader:
        page = await logs(reader, parse(params, NOW, also=PAGING), allowed_s=0, calls_at_once=9)
        whole = await logs(reader, parse(params, NOW, also=PAGING))
    assert (page["complete"], whole["complete"], whole["read_back_to"]) == (False, True, None)
    edge = moment_us(page["read_back_to"], NOW, UTC_ZONE)
    reached = [call for call in calls if (call.started_at_us >= edge if order == "desc" else call.started_at_us < edge)]
    meant = [call for call in reached if call.reading.stream]
    assert [row["id"] for row in page["logs"]] == ids(in_order(meant, "time", order))
    assert 0 < len(meant) < 20


async def test_the_best_of_what_was_read_comes_first(tmp_path: Path) -> None:
    """A page in another order than that of time holds, in order, the best of the time it has read."""
    calls = [a_call(started_at_us=NOON_US + number, duration_us=number * 7 % 40 + 1) for number in range(40)]
    params = [("sort", "duration"), ("limit", "3")]
    async with Reader.open(a_book(tmp_path, calls)) as reader:
        page = await logs(reader, parse(params, NOW, also=PAGING), allowed_s=0, calls_at_once=9)
    read = [call for call in calls if call.started_at_us >= moment_us(page["read_back_to"], NOW, UTC_ZONE)]
    assert len(read) < 40
    assert [row["id"] for row in page["logs"]] == ids(in_order(read, "duration", "desc"))[:3]


async def test_a_question_that_would_take_too_long_is_answered_in_part(tmp_path: Path) -> None:
    """When the deadline of the reader comes first, what was found until then is told."""
    calls = [a_call(started_at_us=NOON_US + number, tags={"team": "x" * 50}) for number in range(6000)]
    params = [("tag.team", "*a*a*a*a*a*a")]
    async with Reader.open(a_book(tmp_path, calls)) as reader:
        page = await logs(reader, parse(params, NOW, also=PAGING), allowed_s=0.001, calls_at_once=50)
        assert (page["logs"], page["complete"]) == ([], False)
        assert await all_pages(reader, params, allowed_s=0.001, calls_at_once=500) == []
