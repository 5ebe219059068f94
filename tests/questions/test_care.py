"""What needs care: costs that are unknown, oddities, and how fast the files grow."""

import re
import sqlite3
import time
from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from proxy.config.load import ConfigError, load
from proxy.config.model import Config, PriceEntry, Store
from store.book import Book
from store.call import Cost, Tokens, Units
from store.moments import at
from store.questions.anomalies import anomalies
from store.questions.growth import growth
from store.questions.unpriced import unpriced
from store.reader import Reader
from store.sizes import Sizes, look
from tests.books import NOON_US, a_book, a_call
from tests.house import open_house

DAY = 86_400_000_000
TODAY = NOON_US // DAY
NOW = at(NOON_US)


async def test_models_of_unknown_cost_say_what_is_missing(tmp_path: Path) -> None:
    """Calls whose tokens are known lack a price, those whose tokens are not lack them; others are not listed."""
    unknown, known = Cost("unknown"), Tokens("reported", input_uncached=5, output_text=5)
    calls = [
        a_call(),
        *(a_call(model="new", cost=unknown, tokens=known, usage_micro=None) for _ in range(3)),
        a_call(model="new", cost=unknown, tokens=None, usage_micro=None, started_at_us=NOON_US - DAY),
        *(a_call(model="mute", cost=unknown, tokens=None, usage_micro=None, started_at_us=NOON_US) for _ in range(2)),
        a_call(model=None, requested_model=None, cost=unknown, tokens=None, usage_micro=None),
        a_call(model=None, requested_model=None, cost=unknown, tokens=known, usage_micro=None),
        a_call(model=None, requested_model=None, cost=unknown, tokens=known, usage_micro=None, upstream=None),
    ]
    async with Reader.open(a_book(tmp_path, calls)) as reader:
        told = (await unpriced(reader))["unpriced"]
    assert [
        (one["model"], one["upstream"], one["calls"], one["waiting_calls"], one["untold_calls"], one["missing"])
        for one in told
    ] == [
        ("new", "openai", 4, 3, 1, "both"), (None, "openai", 2, 1, 1, "both"), ("mute", "openai", 2, 0, 2, "tokens"),
        (None, None, 1, 1, 0, "price"),
    ]  # fmt: skip
    assert told[0]["tokens"] == {"input": 15, "output": 15}
    assert told[0]["first_seen"] == "2026-11-20T12:00:00.000000Z"
    assert (told[2]["last_seen"], told[2]["last_day"]) == ("2026-11-21T12:00:00.000000Z", "2026-11-21")
    assert told[2]["stub"] is None


async def test_what_waits_is_told_as_the_rows_say_it(tmp_path: Path) -> None:
    """A rate or a price that is missing can be given; a count that nobody told, or a model, cannot."""
    lacking = {
        "price:new": "price", "rate:input_audio:new": "price", "tier:provisioned:new": "price",
        "count:tokens:new": "tokens", "model": "tokens", "amount": "tokens",
    }  # fmt: skip
    calls = [
        a_call(model=f"m{place}", cost=Cost("unknown", missing=missing), usage_micro=None)
        for place, missing in enumerate(lacking)
    ]
    async with Reader.open(a_book(tmp_path, calls)) as reader:
        told = {one["model"]: one for one in (await unpriced(reader))["unpriced"]}
    assert {f"m{place}": what for place, what in enumerate(lacking.values())} == {
        model: one["missing"] for model, one in told.items()
    }
    assert "# input_audio = " in told["m1"]["stub"]
    assert told["m0"]["lacks"] == ["no price is known for new at this upstream"]


async def test_more_calls_than_there_is_time_for_are_said_to_be_so(tmp_path: Path) -> None:
    """When the time is up the newest were read, and it is told back to when; how many there are in all is exact."""
    unknown: dict[str, Any] = {"cost": Cost("unknown", missing="price:new"), "usage_micro": None, "model": "new"}
    a_book(tmp_path, [a_call(started_at_us=NOON_US - number, **unknown) for number in range(3000)])
    async with Reader.open(tmp_path) as reader:
        told = await unpriced(reader, allowed_s=0.0)
        whole = await unpriced(reader, allowed_s=60.0)
    assert (told["unpriced"][0]["calls"], told["unpriced"][0]["waiting_calls"]) == (3000, 2001)
    assert told["unpriced_read_back_to"] == "2026-11-21T11:59:59.998000Z"
    assert (whole["unpriced"][0]["waiting_calls"], whole["unpriced_read_back_to"]) == (3000, None)


async def test_a_table_for_the_configuration_has_what_was_counted(tmp_path: Path) -> None:
    """Filled in, it is a price of every kind that waiting calls counted; as it is, it is refused."""
    counted = Tokens("reported", input_uncached=5, cache_read=3, output_text=5, output_audio=2)
    hostile = 'a"b\\c\x1b[2J\u202e*\n'
    calls = [
        a_call(model=hostile, cost=Cost("unknown"), tokens=counted, units=Units(images=2), usage_micro=None),
        a_call(model=hostile, cost=Cost("unknown"), tokens=counted, usage_micro=None, started_at_us=NOON_US - DAY),
    ]
    async with Reader.open(a_book(tmp_path, calls)) as reader:
        ((stub,)) = [one["stub"] for one in (await unpriced(reader))["unpriced"]]
    assert stub.isprintable() or stub.replace("\n", "").isprintable()
    file = tmp_path / "tollbook.toml"
    file.write_text(stub)
    with pytest.raises(ConfigError, match="gives no rate"):
        load(file, environ={})
    file.write_text(re.sub(r"(?m)^# (?!free)", "", stub).replace("= 0.0", "= 1.5"))
    (entry,) = load(file, environ={}).prices
    assert (entry.upstream, entry.model, entry.since) == ("openai", 'a"b\\c*[2J*', date(2026, 11, 20))
    given = {name for name in PriceEntry.__slots__ if getattr(entry, name) == Decimal("1.5")}
    assert given == {"input", "cache_read", "output", "output_audio", "image"}


async def test_anomalies_are_counted_by_name(tmp_path: Path) -> None:
    """A call with two oddities counts for both; the first and the last time of each are told."""
    calls = [
        a_call(anomalies=("a", "b"), started_at_us=NOON_US),
        a_call(anomalies=("a",), started_at_us=NOON_US - 5),
        a_call(),
    ]
    noon = "2026-11-21T12:00:00.000000Z"
    async with Reader.open(a_book(tmp_path, calls)) as reader:
        assert await anomalies(reader) == {
            "anomalies": [
                {"anomaly": "a", "calls": 2, "first_seen": "2026-11-21T11:59:59.999995Z", "last_seen": noon},
                {"anomaly": "b", "calls": 1, "first_seen": noon, "last_seen": noon},
            ],
            "complete": True,
            "read_back_to": None,
        }


async def test_more_anomalies_than_are_looked_at_are_said_to_be_so(tmp_path: Path) -> None:
    """Past so many odd calls the answer tells down to which time it counted."""
    a_book(tmp_path, [a_call(anomalies=("a",), started_at_us=NOON_US - number) for number in range(51)])
    async with Reader.open(tmp_path) as reader:
        told = await anomalies(reader, most=50)
        assert (await anomalies(reader, most=51))["complete"]
    assert (told["anomalies"][0]["calls"], told["complete"]) == (50, False)
    assert told["read_back_to"] == "2026-11-21T11:59:59.999951Z"


async def test_growth_is_an_average_over_the_days_looked_at(tmp_path: Path) -> None:
    """Bytes per day over the last week, days without a look bridged; and how long the disk lasts at that."""
    with Book(tmp_path) as book:
        book.note_sizes(TODAY - 20, Sizes(1, 1, 1))
        book.note_sizes(TODAY - 3, Sizes(100, 1000, 10))
        book.note_sizes(TODAY - 1, Sizes(150, 1500, 20))
        book.note_sizes(TODAY, Sizes(1, 1, 1))
        book.note_sizes(TODAY, Sizes(200, 2500, 10))
    async with Reader.open(tmp_path) as reader:
        told = await growth(reader, NOW, 5340)
        unknown = await growth(reader, NOW, None)
    assert [(one["day"], one["total_bytes"], one["grew_bytes"]) for one in told["days"]] == [
        ("2026-11-01", 3, None), ("2026-11-18", 1110, 65), ("2026-11-20", 1670, 280), ("2026-11-21", 2710, 1040),
    ]  # fmt: skip
    assert (told["bytes_per_day"], told["full_in_days"]) == (533, 10.0)
    assert unknown["full_in_days"] is None


async def test_nothing_is_foretold_from_one_look_or_from_shrinking(tmp_path: Path) -> None:
    """With one day known, or files that shrink, no day is named on which the disk is full."""
    async with Reader.open(tmp_path) as reader:
        assert await growth(reader, NOW, 10) == {"days": [], "bytes_per_day": None, "full_in_days": None}
        with Book(tmp_path) as book:
            book.note_sizes(TODAY - 1, Sizes(100, 100, 0))
        assert (await growth(reader, NOW, 10))["bytes_per_day"] is None
        with Book(tmp_path) as book:
            book.note_sizes(TODAY, Sizes(50, 50, 0))
        told = await growth(reader, NOW, 10)
    assert (told["bytes_per_day"], told["full_in_days"]) == (-100, None)


async def test_the_store_notes_how_large_its_files_are(tmp_path: Path) -> None:
    """Who filled the book leaves a look at the sizes behind, one for a day; who wrote nothing leaves none."""
    assert await kept(tmp_path, calls=0) == []
    assert look(tmp_path / "nowhere") == Sizes(0, 0, 0)
    for _ in range(2):
        ((day, book, bodies, _search),) = await kept(tmp_path, calls=1)
        assert day == int(time.time()) // 86_400
        assert min(book, bodies) > 0


async def kept(data_dir: Path, calls: int) -> list[tuple[int, int, int, int]]:
    """What is noted of sizes once a Tollbook has recorded so many more calls."""
    async with open_house(data_dir, Config(store=Store(data_dir))) as house, ClientSession() as session:
        for _ in range(calls):
            async with session.get(f"{house.proxy}/nothing/here") as answer:
                assert answer.status == 404
    with closing(sqlite3.connect(data_dir / "book.db")) as connection:
        return connection.execute("select * from sizes").fetchall()
