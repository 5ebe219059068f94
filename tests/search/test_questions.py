"""Every question that takes a filter takes `q`, and means the same calls by it."""

import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from store.filters import parse
from store.questions import facets, logs, stats
from store.questions.tail import new_calls
from store.reader import Reader
from tests.books import a_book
from tests.search.test_indexing import NOW, at, caught_up, found, indexed, indexing, said


@pytest.mark.parametrize("few", [True, False])
@pytest.mark.parametrize(
    "texts", [["word"], ["!word"], ["word", "other"], ["word", "!rare"], ["nowhere"], ["rare"], ["wo*", "!ra*"]]
)
async def test_sums_are_those_of_the_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, texts: list[str], few: bool
) -> None:
    """Sums and lists of values count exactly the calls that are listed, whether few or many are meant."""
    if not few:
        monkeypatch.setattr("store.search.condition.MOST_FEW", 0)
    a_book(tmp_path, [
        said("word" if number % 3 else "other", "rare" if number == 7 else "", key=f"key{number % 2}", **at(number))
        for number in range(1, 40)
    ])  # fmt: skip
    indexed(tmp_path, 39)
    asked = parse([("by", "key"), ("limit", "1000"), *(("q", text) for text in texts)], NOW, also=("by", "limit"))
    async with Reader.open(tmp_path) as reader:
        page, sums, values = await logs(reader, asked), await stats(reader, asked), await facets(reader, asked)
    keys = [row["key"] for row in page["logs"]]
    assert sums["total"]["calls"] == len(keys)
    assert {row["key"]: row["calls"] for row in sums["stats"]} == {key: keys.count(key) for key in set(keys)}
    assert {row["value"]: row["calls"] for row in values["key"]} == {key: keys.count(key) for key in set(keys)}
    reach = {"from": "2026-11-21T12:00:00.000001Z", "to": "2026-11-21T12:00:00.000039Z", "waiting": 0}
    assert page["searched"] == sums["searched"] == values["searched"] == reach


async def test_without_q_no_answer_tells_of_a_search(tmp_path: Path) -> None:
    """The reach is told to those who search."""
    a_book(tmp_path, [said("word", **at(1))])
    async with Reader.open(tmp_path) as reader:
        for answer in (await logs(reader, parse([], NOW)), await stats(reader, parse([], NOW)), await facets(reader)):
            assert "searched" not in answer


async def test_q_goes_with_other_filters(tmp_path: Path) -> None:
    """A text, a time and a key together mean the calls that all three mean."""
    a_book(tmp_path, [said("word", key="a" if number % 2 else "b", **at(number)) for number in range(1, 9)])
    indexed(tmp_path, 8)
    times = {"from": "2026-11-21T12:00:00.000003Z", "to": "2026-11-21T12:00:00.000007Z"}
    assert await found(tmp_path, "word", key="a", **times) == [5, 3]
    assert await found(tmp_path, "!word", key="a", **times) == []


async def test_new_calls_arrive_once_they_are_indexed(tmp_path: Path) -> None:
    """With `q` the tail sends a call when its words are known, in order, and none twice."""
    a_book(tmp_path, [said("old needle", **at(1))])
    indexed(tmp_path, 1)
    asked = parse([("q", "needle")], NOW)
    seen: list[dict[str, Any]] = []
    async with Reader.open(tmp_path) as reader, aclosing(new_calls(reader, asked, poll_s=0.01)) as looks:  # type: ignore[type-var]
        assert await anext(looks) == []
        a_book(tmp_path, [said("a needle", **at(2)), said("hay", **at(3)), said("needle too", **at(4))])
        assert await anext(looks) == []
        with indexing(tmp_path) as thread:
            await asyncio.to_thread(caught_up, thread, 4, tmp_path)
        async with asyncio.timeout(60):
            while len(seen) < 2:
                seen += [arrival.call for arrival in await anext(looks)]
            assert await anext(looks) == []
    assert [call["time"][-7:] for call in seen] == ["000002Z", "000004Z"]
