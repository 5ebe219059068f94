"""Points of duration against tokens, and from which duration on a call is slow for its model."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from store.call import Call, CallError, Tokens
from store.filters import Filter, Words
from store.moments import at
from store.questions.how_slow import how_slow
from store.questions.scatter import scatter
from store.reader import Reader
from tests.books import NOON_US, a_book, a_call

MS = 1_000
NOW = at(NOON_US) + timedelta(hours=1)
TOKENS = Tokens("reported", input_uncached=1000, output_text=300)


def a_stream(**changes: Any) -> Call:
    figures: dict[str, Any] = {
        "stream": True, "duration_us": 6_800 * MS, "first_token_us": 800 * MS, "overhead_us": 500, "tokens": TOKENS,
    }  # fmt: skip
    return a_call(**(figures | changes))


async def test_only_completed_calls_of_the_filter_are_points(tmp_path: Path) -> None:
    """Refused, failed and broken calls are no points, and neither are those the filter does not mean."""
    calls = [
        a_stream(), a_stream(status=429), a_stream(outcome="client_left"), a_stream(outcome="rejected", status=403),
        a_stream(error=CallError("t", None, "m")), a_stream(key="ci"),
    ]  # fmt: skip
    async with Reader.open(a_book(tmp_path, calls)) as reader:
        found = await scatter(reader, Filter(key=Words(("laptop",))))
        none = [
            await scatter(reader, Filter(outcome=words))
            for words in (Words(("rejected",)), Words((), ("comp*",)), Words(("completed",), ("completed",)))
        ]
        wide = await scatter(reader, Filter(outcome=Words(("c*",), ("client_left",))))
    (point,) = found["points"]
    assert {name: value for name, value in point.items() if name not in ("id", "time")} == {
        "model": "gpt-4o-mini-2024-07-18", "type": "chat", "stream": True, "duration_ms": 6800.0,
        "tokens": {"input": 1000, "output": 300}, "first_token_ms": 800.0, "tokens_per_second": 50.0,
        "reasons": ["unknown"],
    }  # fmt: skip
    assert [one["points"] for one in none] == [[], [], []]
    assert len(wide["points"]) == 2


async def test_points_are_the_newest_and_say_why(tmp_path: Path) -> None:
    """Up to the limit the newest come, each placed against its own kind, and it is told when there are more."""
    calls = [a_stream() for _ in range(30)]
    calls += [a_stream(first_token_us=4_100 * MS, duration_us=10_100 * MS), a_stream(stream=False)]
    async with Reader.open(a_book(tmp_path, calls)) as reader:
        found = await scatter(reader, Filter(), limit=20)
        whole = await scatter(reader, Filter())
    assert [point["reasons"] for point in found["points"][:3]] == [["unknown"], ["slow_start"], ["none"]]
    assert (len(found["points"]), found["more"], found["complete"], found["read_back_to"]) == (20, True, True, None)
    assert (len(whole["points"]), whole["more"]) == (32, False)
    usual = {one["stream"]: (one["calls"], one["first_token_ms"]) for one in whole["usual"]}
    assert usual == {True: (31, {"p10": 800.0, "p50": 800.0, "p90": 800.0}), False: (1, None)}


async def test_a_book_that_is_not_there_has_no_points(tmp_path: Path) -> None:
    """Before the first call there are no points and no error."""
    async with Reader.open(tmp_path) as reader:
        assert (await scatter(reader, Filter()))["points"] == []


async def test_thresholds_are_those_of_each_model(tmp_path: Path) -> None:
    """Half and nineteen of twenty of a model's durations of the last 30 days, to the width of a bucket."""
    quick = [a_call(model="quick", duration_us=(100 + number) * MS) for number in range(100)]
    slow = [
        a_call(model="slow", type=kind, duration_us=9_000 * MS) for kind in ("chat", "completion") for _ in range(10)
    ]
    old = [a_call(model="quick", started_at_us=NOON_US - 40 * 86_400_000_000, duration_us=10**9) for _ in range(50)]
    rare = [a_call(model="rare", duration_us=MS) for _ in range(5)]
    async with Reader.open(a_book(tmp_path, [*quick, *slow, *old, *rare])) as reader, reader.snapshot() as snapshot:
        found = await how_slow(snapshot, ["quick", "slow", "rare", "nobody", None, "quick"], NOW)
        nothing = await how_slow(snapshot, [], NOW)
    assert set(found) == {"quick", "slow"}
    assert found["quick"] == (pytest.approx(149, rel=0.05), pytest.approx(194, rel=0.05))
    assert found["slow"].p50_ms == pytest.approx(9000, rel=0.05)
    assert nothing == {}
