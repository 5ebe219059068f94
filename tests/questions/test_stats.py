"""Statistics and facets agree with the rows, whichever tables they are read from."""

import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from store.book import Book, Progress, Repeat
from store.call import Call, Cost, Tokens
from store.filters import BY, DIMENSIONS, GROUPING, TIME_UNITS, Filter, Words, WrongFilter, parse
from store.moments import at, epoch_us, rfc3339
from store.questions import facets, logs, stats
from store.reader import NoAnswer, Reader, Row, Snapshot, Source, TookTooLong
from store.sums import QUARTER_US
from tests.books import NOON_US, a_book, a_call
from tests.questions import generated, plainly

NOW = at(NOON_US)
SUMMED = (*DIMENSIONS, "hour", "day", "month")
Params = list[tuple[str, str]]


def asked_by(params: Params, by: list[str]) -> Filter:
    return parse([*params, *([("by", ",".join(by))] if by else [])], NOW, also=GROUPING)


def pairs(of: tuple[str, ...]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(of), max_size=2, unique=True)


async def answers(calls: list[Call], *several: Filter) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as directory:
        async with Reader.open(a_book(Path(directory), calls)) as reader:
            return [await stats(reader, asked) for asked in several]


def without_percentiles(row: dict[str, Any], by: tuple[str, ...]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    rest = {name: value for name, value in row.items() if name not in ("duration_ms", "first_token_ms", *by)}
    return tuple(row[name] for name in by), rest


def several(params: st.SearchStrategy[Params], of: tuple[str, ...]) -> st.SearchStrategy[list[Filter]]:
    """A handful of questions for one book."""
    return st.lists(st.builds(asked_by, params, pairs(of)), min_size=3, max_size=6)


@given(generated.books, several(generated.filters, BY))
@settings(max_examples=40, deadline=None)
async def test_sums_equal_a_plain_computation_over_the_rows(calls: list[Call], questions: list[Filter]) -> None:
    """For any calls, filter and grouping, every group and the total have the sums of exactly their calls."""
    for asked, answer in zip(questions, await answers(calls, *questions), strict=True):
        expected = plainly.grouped(calls, asked)
        rows = answer.get("stats", [])
        if asked.by:
            found = dict(without_percentiles(row, asked.by) for row in rows)
            assert found == {labels: plainly.sums(members) for labels, members in expected.items()}
            assert len(rows) == len(expected)
        meant = [call for members in expected.values() for call in members]
        assert without_percentiles(answer["total"], ())[1] == plainly.sums(meant)
        for name, durations in (
            ("duration_ms", [call.duration_us for call in meant]),
            ("first_token_ms", [call.first_token_us for call in meant]),
        ):
            for share, told in answer["total"][name].items():
                exact = plainly.percentile_ms(durations, int(share[1:]) / 100)
                assert told == (None if exact is None else pytest.approx(exact, rel=0.05, abs=0.0006))


@given(generated.books, several(generated.dimension_filters, SUMMED))
@settings(max_examples=60, deadline=None)
@example(
    [a_call(started_at_us=15 * QUARTER_US + us) for us in (0, 1, QUARTER_US)], [asked_by([("from", "13500")], ["hour"])]
)
async def test_the_sums_and_the_rows_give_the_same_answer(calls: list[Call], questions: list[Filter]) -> None:
    """A condition that every row meets sends the question to the rows, and changes nothing in the answer."""
    from_rows = [replace(asked, outcome=Words(("*",))) for asked in questions]
    told = await answers(calls, *questions, *from_rows)
    assert told[: len(questions)] == told[len(questions) :]


@given(generated.books, st.lists(generated.filters, min_size=3, max_size=6))
@settings(max_examples=25, deadline=None)
async def test_facets_equal_a_plain_count_of_the_rows(calls: list[Call], several: list[Params]) -> None:
    """Facets hold every value that the filter's calls have, with their number, and no other value."""
    questions = [Filter(), *(parse(params, NOW) for params in several)]
    with tempfile.TemporaryDirectory() as directory:
        async with Reader.open(a_book(Path(directory), calls)) as reader:
            told = [await facets(reader, asked) for asked in questions]
    for asked, answer in zip(questions, told, strict=True):
        for name in DIMENSIONS:
            counts = Counter(plainly.group_of(call, name, asked) for call in calls if plainly.matches(call, asked))
            assert {facet["value"]: facet["calls"] for facet in answer[name]} == counts


async def test_an_hour_that_comes_twice_is_two_groups(tmp_path: Path) -> None:
    """When clocks are turned back, both hours of the same name are told, in their order, with their offsets."""
    hours = [at(1_792_886_400_000_000 + hour * 3_600_000_000) for hour in range(4)]  # 2026-10-25T00:00Z on
    calls = [a_call(started_at_us=int(hour.timestamp()) * 1_000_000 + 5) for hour in hours]
    async with Reader.open(a_book(tmp_path, calls)) as reader:
        answer = await stats(reader, asked_by([("tz", "Europe/Berlin")], ["hour"]))
    assert [row["hour"] for row in answer["stats"]] == [
        "2026-10-25T02:00:00+02:00",
        "2026-10-25T02:00:00+01:00",
        "2026-10-25T03:00:00+01:00",
        "2026-10-25T04:00:00+01:00",
    ]


async def test_without_groups_there_is_only_the_total(tmp_path: Path) -> None:
    """A book without calls has a total of nothing, and percentiles that nobody knows."""
    async with Reader.open(tmp_path) as reader:
        answer = await stats(reader, Filter())
    assert answer.keys() == {"total", "complete", "read_back_to"}
    assert answer["total"]["calls"] == 0
    assert told(answer["total"]["cost"]) == {
        "usd": "0.000000000",
        "unknown_calls": 0,
        "estimated_calls": 0,
        "cache_saved_usd": "0.000000000",
    }
    assert all(share["calls"] == 0 for share in answer["total"]["cost"]["shares"].values())
    assert answer["total"]["duration_ms"] == {"p50": None, "p95": None, "p99": None}


async def test_a_sum_of_nothing_known_is_null(tmp_path: Path) -> None:
    """When no call's tokens and cost are known, the sums are null and say of how many calls."""
    calls = [a_call(tokens=None, cost=Cost("unknown"), usage_micro=None) for _ in range(3)]
    async with Reader.open(a_book(tmp_path, calls)) as reader:
        total = (await stats(reader, Filter()))["total"]
    assert (total["tokens"]["total"], total["tokens"]["unknown_calls"]) == (None, 3)
    assert told(total["cost"]) == {"usd": None, "unknown_calls": 3, "estimated_calls": 0, "cache_saved_usd": None}
    assert total["usage"] is None


async def test_usage_too_large_to_be_told_is_null(tmp_path: Path) -> None:
    """A group whose costs are known and whose usage is not has a sum of costs and no usage, read either way."""
    async with Reader.open(a_book(tmp_path, [a_call(usage_micro=None)])) as reader:
        for asked in (Filter(), Filter(outcome=Words(("*",)))):
            total = (await stats(reader, asked))["total"]
            assert (total["cost"]["usd"], total["cost"]["unknown_calls"], total["usage"]) == ("0.000045000", 0, None)


def told(sums: dict[str, Any]) -> dict[str, Any]:
    """What is summed, without how it is known."""
    return {name: value for name, value in sums.items() if name != "shares"}


async def test_shares_tell_apart_how_it_is_known(tmp_path: Path) -> None:
    """What was told, estimated and not known add up to all calls, from sums and from rows alike; refusals repeat."""
    guess = Tokens("estimated", input_uncached=7, output_text=3)
    calls = [
        a_call(cost=Cost("reported", 5)),
        a_call(cost=Cost("priced", 6)),
        a_call(cost=Cost("estimated", 70), tokens=guess),
        a_call(cost=Cost("estimated", 1), tokens=Tokens("estimated", input_uncached=2)),
        a_call(cost=Cost("unknown"), tokens=None, usage_micro=None),
        a_call(cost=Cost("free", 0), tokens=Tokens("estimated")),
    ]
    refused = calls[-1].call_id
    a_book(tmp_path, calls)
    with Book(tmp_path) as book:
        book.add([], Progress(repeats=[Repeat("boot", refused)] * 2))
    async with Reader.open(tmp_path) as reader:
        for asked in (Filter(), Filter(outcome=Words(("*",)))):
            total = (await stats(reader, asked))["total"]
            assert total["tokens"]["shares"] == {
                "reported": {"calls": 2, "total": 300},
                "estimated": {"calls": 2, "total": 12},
                "unknown": {"calls": 4, "total": None},
            }
            assert total["tokens"]["total"] == 312
            assert (total["tokens"]["estimated_input"], total["tokens"]["estimated_output"]) == (9, 3)
            assert total["cost"]["shares"] == {
                "reported": {"calls": 1, "usd": "0.000000005"},
                "priced": {"calls": 1, "usd": "0.000000006"},
                "estimated": {"calls": 2, "usd": "0.000000071"},
                "free": {"calls": 3, "usd": "0.000000000"},
                "unknown": {"calls": 1, "usd": None},
            }
            assert total["cost"]["usd"] == "0.000000082"
        (row,) = (await logs(reader, parse([("cost_state", "free")], NOW)))["logs"]
        assert row["tokens"]["source"] == "none"  # an estimate of nothing is none


async def test_a_count_that_no_call_told_is_null(tmp_path: Path) -> None:
    """Each count is null by itself when no call told it, from sums and from rows alike; one told 0 makes it 0."""
    input_only = Tokens("reported", input_uncached=8)
    calls = [
        a_call(type="embedding", tokens=input_only),
        a_call(type="embedding", tokens=None),
        a_call(type="chat", tokens=Tokens("reported", input_uncached=1, output_text=2, reasoning=0)),
        a_call(type="chat", tokens=Tokens("reported", output_text=3, cache_read_audio=0, cache_write_1h=0)),
    ]
    async with Reader.open(a_book(tmp_path, calls)) as reader:
        for asked in (asked_by([], ["type"]), asked_by([("tz", "Asia/Kathmandu")], ["day", "type"])):
            for source in (asked, replace(asked, outcome=Words(("*",)))):
                rows = {row["type"]: told(row["tokens"]) for row in (await stats(reader, source))["stats"]}
                assert rows["embedding"] == {
                    "total": 8, "input": 8, "output": None, "cache_read": None, "cache_write": None, "reasoning": None,
                    "unknown_calls": 1, "estimated_calls": 0, "estimated_input": 0, "estimated_output": 0,
                }  # fmt: skip
                assert rows["chat"] == {
                    "total": 6, "input": 1, "output": 5, "cache_read": 0, "cache_write": 0, "reasoning": 0,
                    "unknown_calls": 0, "estimated_calls": 0, "estimated_input": 0, "estimated_output": 0,
                }  # fmt: skip


@pytest.mark.parametrize("by", ["model,model", "model,key,group", "model,", "tokens", ""])
def test_wrong_groupings_are_refused(by: str) -> None:
    """At most two different known names can be joined."""
    with pytest.raises(WrongFilter) as wrong:
        parse([("by", by)], NOW, also=GROUPING)
    assert wrong.value.param == "by"


def test_every_grouping_is_known_to_the_plain_computation() -> None:
    """The plain computation covers all that can be grouped by."""
    call = a_call()
    for name in (*BY, *TIME_UNITS):
        plainly.group_of(call, name, Filter())


@given(generated.books, st.lists(generated.filters, min_size=3, max_size=6))
@settings(max_examples=25, deadline=None)
async def test_facets_without_their_own_filter(calls: list[Call], several: list[Params]) -> None:
    """Each list has the values of the calls that the rest of the filter means, with their number."""
    questions = [parse(params, NOW) for params in several]
    with tempfile.TemporaryDirectory() as directory:
        async with Reader.open(a_book(Path(directory), calls)) as reader:
            told = [await facets(reader, asked, without_own=True) for asked in questions]
    for asked, answer in zip(questions, told, strict=True):
        for name in DIMENSIONS:
            none: dict[str, Any] = {name: Words()}
            rest = replace(asked, **none)
            counts = Counter(plainly.group_of(call, name, asked) for call in calls if plainly.matches(call, rest))
            assert {facet["value"]: facet["calls"] for facet in answer[name]} == counts


async def test_without_percentiles_everything_else_is_told(tmp_path: Path) -> None:
    """Left out, percentiles are no part of the answer; the rest is as with them."""
    asked = asked_by([], ["model"])
    async with Reader.open(a_book(tmp_path, [a_call(), a_call(model="other")])) as reader:
        whole, without = await stats(reader, asked), await stats(reader, asked, percentiles=False)
    for row in (whole["total"], *whole["stats"]):
        del row["duration_ms"], row["first_token_ms"]
    assert without == whole


class Tired:
    """A source whose statements over rows are all too slow but the first few."""

    def __init__(self, source: Source, readings: int) -> None:
        self._source = source
        self._readings = readings

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        async with self._source.snapshot() as snapshot:
            yield _TiredSnapshot(snapshot, self._readings)


class _TiredSnapshot:
    def __init__(self, snapshot: Snapshot, readings: int) -> None:
        self._snapshot = snapshot
        self._left = readings

    @property
    def bodies(self) -> bool:
        return self._snapshot.bodies

    @property
    def search(self) -> bool:
        return self._snapshot.search

    async def rows(self, statement: str, values: Sequence[object] = (), within_s: float | None = None) -> list[Row]:
        if "cross join calls" in statement:
            self._left -= 1
            if self._left < 0:
                raise TookTooLong("too slow")
        return await self._snapshot.rows(statement, values, within_s)


@given(
    st.lists(generated.calls(), min_size=10, max_size=25),
    several(generated.dimension_filters, (*DIMENSIONS, "day", "month")),
    st.integers(1, 4),
)
@settings(max_examples=40, deadline=None)
async def test_what_is_told_before_time_is_up_is_exact(
    calls: list[Call], questions: list[Filter], readings: int
) -> None:
    """An answer that is not complete is that of the calls from the time on down to which it was read."""
    with tempfile.TemporaryDirectory() as directory:
        async with Reader.open(a_book(Path(directory), calls)) as reader:
            for asked in questions:
                try:
                    answer = await stats(Tired(reader, readings), asked)
                except TookTooLong:
                    continue  # not one reading of rows was quick enough
                back_to = answer["read_back_to"]
                assert answer["complete"] == (back_to is None)
                if back_to is not None:
                    read = epoch_us(datetime.fromisoformat(back_to))
                    assert asked.from_us is None or read > asked.from_us
                    asked = replace(asked, from_us=read)
                expected = plainly.grouped(calls, asked)
                found = dict(without_percentiles(row, asked.by) for row in answer.get("stats", []))
                assert found == {labels: plainly.sums(members) for labels, members in expected.items() if asked.by}


async def test_rows_are_read_newest_first_until_the_time_is_up(tmp_path: Path) -> None:
    """With no time at all the newest calls are summed and counted still, and the answer says down to which time."""
    calls = [a_call(started_at_us=NOON_US - number, user="ann") for number in range(2500)]
    asked = parse([("user", "a*"), ("by", "key")], NOW, also=GROUPING)
    async with Reader.open(a_book(tmp_path, calls)) as reader:
        partial, whole = await stats(reader, asked, allowed_s=0), await stats(reader, asked)
        some, all_of_them = await facets(reader, asked, allowed_s=0), await facets(reader, asked)
    assert (whole["total"]["calls"], whole["complete"], whole["read_back_to"]) == (2500, True, None)
    assert 0 < partial["total"]["calls"] < 2500
    assert (partial["complete"], partial["read_back_to"]) == (False, rfc3339(NOON_US - partial["total"]["calls"] + 1))
    assert partial["stats"] == [{"key": "laptop"} | partial["total"]]
    assert all_of_them["key"] == [{"value": "laptop", "calls": 2500}]
    assert some["read_back_to"] == partial["read_back_to"]
    assert some["key"] == [{"value": "laptop", "calls": partial["total"]["calls"]}]


async def test_too_many_groups_are_refused_and_too_many_values_not_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who groups by too much is told so; who only wants the values of a menu has made no mistake."""
    monkeypatch.setattr("store.questions.gathered.MOST_GROUPS", 2)
    async with Reader.open(a_book(tmp_path, [a_call(model=f"m{number}") for number in range(3)])) as reader:
        with pytest.raises(WrongFilter) as wrong:
            await stats(reader, parse([("by", "model")], NOW, also=GROUPING))
        with pytest.raises(NoAnswer):
            await facets(reader, parse([("min_tokens", "1")], NOW))
    assert wrong.value.param == "by"
