"""The keys that were ever used, with sums that agree with the statistics."""

from datetime import timedelta
from pathlib import Path

from hypothesis import given, settings

from store.call import Call, Cost
from store.filters import GROUPING, parse
from store.moments import at
from store.questions.keys import keys
from store.questions.stats import stats
from store.reader import Reader
from tests.books import NOON_US, a_book, a_call
from tests.questions import generated
from tests.questions.directories import directory

DAY = 86_400_000_000
NOW = at(NOON_US)


@given(generated.books)
@settings(max_examples=25, deadline=None)
async def test_sums_of_keys_are_those_of_the_statistics(calls: list[Call]) -> None:
    """All time and the last 30 days of each key are what /api/stats says by key."""
    now = generated.FIRST + timedelta(days=33, hours=5)
    with directory() as path:
        async with Reader.open(a_book(path, calls)) as reader:
            told = {one["key"]: one for one in (await keys(reader, now))["keys"]}
            ever, lately = [
                {row["key"]: row for row in (await stats(reader, parse(params, now, also=GROUPING)))["stats"]}
                for params in ([("by", "key")], [("by", "key"), ("from", f"{now - timedelta(days=29):%Y-%m-%d}")])
            ]
    assert set(told) == set(ever)
    for name, one in told.items():
        assert one["calls"] == ever[name]["calls"]
        for sums, expected in ((one["all_time"], ever[name]), (one["last_30_days"], lately.get(name))):
            if expected is None:
                assert sums["calls"] == 0
                continue
            assert (sums["calls"], sums["errors"], sums["usage"]) == (
                expected["calls"], expected["errors"], expected["usage"],
            )  # fmt: skip
            assert sums["cost"].items() <= expected["cost"].items()
            assert sums["tokens"].items() <= expected["tokens"].items()


async def test_a_key_is_listed_once_with_all_its_groups(tmp_path: Path) -> None:
    """The last used key comes first, the last group first in it; first and last seen span all groups."""
    calls = [
        a_call(key="ci", group="old", started_at_us=NOON_US - 50 * DAY, cost=Cost("priced", 7)),
        a_call(key="ci", group="new", started_at_us=NOON_US - DAY),
        a_call(key=None, started_at_us=NOON_US - 2 * DAY),
    ]
    async with Reader.open(a_book(tmp_path, calls)) as reader:
        ci, nobody = (await keys(reader, NOW))["keys"]
    assert (ci["key"], ci["groups"], ci["calls"]) == ("ci", ["new", "old"], 2)
    assert (ci["first_seen"], ci["last_seen"]) == ("2026-10-02T12:00:00.000000Z", "2026-11-20T12:00:00.000000Z")
    assert (ci["all_time"]["calls"], ci["last_30_days"]["calls"]) == (2, 1)
    assert (ci["all_time"]["cost"]["usd"], ci["last_30_days"]["cost"]["usd"]) == ("0.000045007", "0.000045000")
    assert (nobody["key"], nobody["groups"]) == (None, ["default"])


async def test_an_empty_book_has_no_keys(tmp_path: Path) -> None:
    """Before the first call the list is empty."""
    async with Reader.open(tmp_path) as reader:
        assert await keys(reader, NOW) == {"keys": []}
