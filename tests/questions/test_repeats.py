"""Rows that stand for more refusals than one count as so many calls, wherever calls are counted."""

from pathlib import Path

import pytest

from store.book import Book, Entry, Progress, Repeat
from store.call import Cost
from store.filters import GROUPING, Filter, parse
from store.moments import at
from store.questions import facets, keys, logs, stats
from store.reader import Reader
from tests.books import NOON_US, a_call

REFUSED = {"outcome": "rejected", "status": 401, "tokens": None, "cost": Cost("free", 0), "usage_micro": 0}
REPEATS = 30


@pytest.fixture
def flooded(tmp_path: Path) -> Path:
    """A book of three calls that were answered and two refusals, one of them for a flood."""
    calls = [*(a_call() for _ in range(3)), *(a_call(key="runaway", **REFUSED) for _ in range(2))]
    with Book(tmp_path) as book:
        book.add([Entry(call) for call in calls])
        book.add([], Progress(repeats=[Repeat("boot", calls[-1].call_id)] * REPEATS))
        assert book.counters() == {"stored": 5 + REPEATS, "repeats": REPEATS}
        assert book.runs() == {"boot": (5 + REPEATS, False)}
    return tmp_path


@pytest.mark.parametrize("by", ["model", "key", "group", "status", "day", "hour,key", "outcome"])
@pytest.mark.parametrize("also", [[], [("outcome", "*")], [("key", "runaway")], [("status", "401")]])
async def test_rows_and_sums_count_alike(flooded: Path, by: str, also: list[tuple[str, str]]) -> None:
    """Whether sums or rows answer, calls, errors and calls without tokens count the repeats; nothing else does."""
    async with Reader.open(flooded) as reader:
        told = await stats(reader, parse([("by", by), *also], at(NOON_US), also=GROUPING))
    total, others = told["total"], 3 if not also or also[0][0] == "outcome" else 0
    assert total["calls"] == 2 + REPEATS + others == sum(one["calls"] for one in told["stats"])
    assert total["errors"] == 2 + REPEATS
    assert total["tokens"]["unknown_calls"] == 2 + REPEATS
    assert total["tokens"]["total"] == (3 * 150 if others else None)
    assert total["usage"] == (3 * 0.045 if others else 0)
    assert (total["cost"]["unknown_calls"], total["usage_unknown_calls"]) == (0, 0)


@pytest.mark.parametrize("asked", [[], [("outcome", "rejected")], [("status", "4xx")]])
async def test_menus_and_keys_count_them(flooded: Path, asked: list[tuple[str, str]]) -> None:
    """The menus, from sums or from rows, and the list of keys count every refusal."""
    async with Reader.open(flooded) as reader:
        counts = {one["value"]: one["calls"] for one in (await facets(reader, parse(asked, at(NOON_US))))["key"]}
        told = {one["key"]: one for one in (await keys(reader, at(NOON_US)))["keys"]}
    assert counts["runaway"] == 2 + REPEATS
    assert told["runaway"]["calls"] == told["runaway"]["all_time"]["calls"] == 2 + REPEATS
    assert told["runaway"]["all_time"]["usage_unknown_calls"] == 0


async def test_a_row_tells_its_repeats(flooded: Path) -> None:
    """The row that was repeated says how often; it is listed once."""
    async with Reader.open(flooded) as reader:
        rows = (await logs(reader, Filter()))["logs"]
    assert [row["repeats"] for row in rows] == [REPEATS, 0, 0, 0, 0]
