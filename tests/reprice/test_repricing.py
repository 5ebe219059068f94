"""Any book charged anew by any prices: rows say what calls recorded today would say, and nothing is lost."""

import sqlite3
import tempfile
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from proxy.config.model import PriceEntry
from store import sums
from store.book import BOOK_FILE, Book, Entry, Progress, Repeat
from store.call import Call, Cost, CostLine, Tokens, Units
from store.charging import BY_FALLBACK_RATE, Charging, Tariff, Terms
from store.filters import parse
from store.moments import at
from store.pricing import lines_from_json
from store.reader import Reader
from store.repricing import Alone, Asked, Report, apply, asked_of, compare, fixed, written
from tests.book.test_sums import all_sums
from tests.books import a_call
from tests.questions import generated, plainly

PROVIDERS = {"openai": "openai", "anthropic": "anthropic"}
_rates = st.none() | st.decimals(0, 40, places=3)


@st.composite
def entries(draw: st.DrawFn) -> PriceEntry:
    """One [[prices]] table."""
    return PriceEntry(
        upstream=draw(st.sampled_from(("*", "openai", "anthropic"))),
        model=draw(st.sampled_from(("*", "gpt-4o", "gpt-4o*", "ünïcode", "nobody"))),
        since=draw(st.none() | st.dates(date(2026, 10, 1), date(2026, 11, 5))),
        free=False,
        input=draw(_rates), cache_read=draw(_rates), cache_write=draw(_rates), output=draw(_rates),
        output_audio=draw(_rates), request=draw(_rates), image=draw(_rates), second=draw(_rates),
    )  # fmt: skip


tariffs = st.builds(
    Tariff,
    prices=st.lists(entries(), max_size=4).map(tuple),
    providers=st.just(PROVIDERS),
    groups=st.dictionaries(
        st.sampled_from(generated.GROUPS),
        st.builds(Terms, st.decimals(0, 3, places=2), st.none() | st.decimals(0, 9, places=1)),
    ),
    per_usd=st.sampled_from((Decimal(1000), Decimal("0.5"))),
)


@st.composite
def calls(draw: st.DrawFn) -> Call:
    """A call as the book may hold it: whatever it cost, by whatever was known then."""
    call = draw(generated.calls())
    units = draw(
        st.just(Units())
        | st.builds(Units, images=st.none() | st.integers(0, 9), seconds=st.none() | st.decimals(0, 99, places=2))
    )
    cost = call.cost
    if cost.nano_usd is None:
        cost = replace(cost, missing=draw(st.none() | st.sampled_from(("price:gpt-4o", "model"))))
    if cost.nano_usd is not None and draw(st.booleans()):
        cost = replace(cost, lines=(CostLine("input", Decimal(7), Decimal("0.25"), Decimal("0.00000175")),))
    usage, anomalies = call.usage_micro, call.anomalies
    if cost.nano_usd is None and call.reading.tokens is not None and draw(st.booleans()):
        usage, anomalies = draw(st.integers(0, 10**6)), (*anomalies, BY_FALLBACK_RATE)
    if draw(st.integers(0, 9)) == 0:
        anomalies = (*anomalies, draw(st.sampled_from(("unreadable", "already_counted"))))
    reading = replace(call.reading, units=units)
    return replace(call, reading=reading, cost=cost, usage_micro=usage, anomalies=anomalies)


def due(call: Call, charging: Charging) -> Call:
    """What the row must say afterwards, in the plainest words."""
    before = call.cost
    if before.state == "reported" or {"unreadable", "already_counted"} & set(call.anomalies):
        return call
    reading = call.reading
    # What was asked for stands where nobody answered; of an error only that there was one is kept.
    reading = replace(reading, model=reading.model or reading.requested_model, error=call.error)
    cost = charging.cost(
        reading, call.upstream, call.started_at_us, status=call.status, outcome=call.outcome, method=call.method,
        target=call.target,
    )  # fmt: skip
    said = [(one.state, one.nano_usd, one.lines, one.cache_saved) for one in (before, cost)]
    same = said[0] == said[1] and before.missing in (None, cost.missing)
    usage, by_fallback = charging.usage(call.group, cost, reading)
    if same and (call.usage_micro is not None or cost.nano_usd is not None):
        usage, by_fallback = call.usage_micro, tuple({BY_FALLBACK_RATE} & set(call.anomalies))
    others = tuple(name for name in call.anomalies if name not in (BY_FALLBACK_RATE, "price_modifier_unknown"))
    anomalies = (*others, *cost.anomalies, *by_fallback)
    if same and usage == call.usage_micro and set(anomalies) == set(call.anomalies):
        return call
    return replace(call, cost=cost, usage_micro=usage, anomalies=anomalies)


def told(call: Call) -> tuple[Any, ...]:
    cost = call.cost
    return (
        cost.nano_usd, cost.state, cost.lines, cost.missing, cost.source, cost.entry, cost.since, call.usage_micro,
        cost.cache_saved, frozenset(call.anomalies),
    )  # fmt: skip


_AMOUNT = (
    "cost, cost_state, cost_lines, cost_missing, price_source, price_entry, price_since, usage, cache_saved, anomalies"
)


def _as_told(row: Iterable[Any]) -> tuple[Any, ...]:
    cost, state, lines, *rest, anomalies = row
    return (cost, state, lines_from_json(lines), *rest, frozenset(orjson.loads(anomalies or "[]")))


def rows(data_dir: Path) -> dict[bytes, tuple[Any, ...]]:
    with closing(sqlite3.connect(data_dir / BOOK_FILE)) as connection:
        found = connection.execute(f"select call_id, {_AMOUNT} from calls")
        return {call_id: _as_told(row) for call_id, *row in found}


def kept(data_dir: Path) -> dict[tuple[int, bytes], tuple[Any, ...]]:
    """What calls said before: {(repricing, call): amounts}."""
    with closing(sqlite3.connect(data_dir / BOOK_FILE)) as connection:
        found = connection.execute(
            "select repricing, call_id, "
            + ", ".join(f"repriced.{name.strip()}" for name in _AMOUNT.split(","))
            + " from repriced join calls on calls.id = repriced.call"
        )
        return {(number, call_id): _as_told(row) for number, call_id, *row in found}


def dump(data_dir: Path) -> list[str]:
    with closing(sqlite3.connect(data_dir / BOOK_FILE)) as connection:
        return list(connection.iterdump())


def assert_sums_are_of_the_rows(data_dir: Path) -> None:
    book, copy = (f"file:{data_dir / BOOK_FILE}?mode=ro", ":memory:")
    with (
        closing(sqlite3.connect(book, uri=True)) as source,
        closing(sqlite3.connect(copy, isolation_level=None)) as connection,
    ):
        source.backup(connection)
        stand = all_sums(connection)
        sums.rebuild(connection)
        assert all_sums(connection) == stand
        plain = "coalesce(sum(cost), 0), sum((1 + repeats) * (cost is null)), coalesce(sum(usage), 0), "
        plain += "coalesce(sum((1 + repeats) * (usage is not null)), 0)"
        of_rows = connection.execute(f"select {plain} from calls").fetchone()
        for table in sums.TABLES:
            of_sums = connection.execute(
                f"select coalesce(sum(cost), 0), sum(unknown_cost_calls), coalesce(sum(usage), 0), "
                f"coalesce(sum(usage_told), 0) from {table.name}"
            ).fetchone()
            assert of_sums == of_rows


def by_hand(pairs: list[tuple[Call, Call]], repeats: dict[bytes, int], zone: Any) -> dict[Any, list[int]]:
    """The differences by model, key and day."""
    found: dict[Any, list[int]] = {}
    for before, after in pairs:
        day = at(before.started_at_us).astimezone(zone).date()
        one = found.setdefault((plainly.model_of(before), before.key, day), [0, 0, 0, 0, 0, 0, 0])
        times = 1 + repeats.get(before.call_id, 0)
        old, new = before.cost.nano_usd, after.cost.nano_usd
        for place, more in enumerate((
            times, old or 0, new or 0, times * (old is None and new is not None),
            times * (old is not None and new is None), before.usage_micro or 0, after.usage_micro or 0,
        )):  # fmt: skip
            one[place] += more
    return found


def _figures(report: Report) -> dict[Any, list[int]]:
    return {
        where: [
            one.calls, one.cost_before, one.cost_after, one.became_known, one.became_unknown,
            one.usage_before, one.usage_after,
        ]
        for where, one in report.by.items()
    }  # fmt: skip


@given(st.lists(calls(), max_size=14), tariffs, generated.filters, st.data())
@settings(max_examples=20, deadline=None)
async def test_any_book_is_charged_anew(
    made: list[Call], tariff: Tariff, pairs: list[tuple[str, str]], data: st.DataObject
) -> None:
    """For any book, prices, filter and zone, a dry run tells what applying does; then rows are as if recorded today,
    rows beside the filter are as they were, sums are those of the rows, and old amounts are all kept; twice is once."""
    repeated = data.draw(st.lists(st.sampled_from([call.call_id for call in made]), max_size=3)) if made else []
    asked = parse(pairs, datetime.now(UTC))
    charging = Charging(tariff)
    with tempfile.TemporaryDirectory() as directory:
        data_dir = Path(directory)
        with Book(data_dir) as book:
            book.add([Entry(call) for call in made])
            book.add([], Progress(repeats=[Repeat("boot", call_id) for call_id in repeated]))
        meant = [(call, due(call, charging)) for call in made if plainly.matches(call, asked)]
        changed = [(before, after) for before, after in meant if after is not before]
        times = {call_id: repeated.count(call_id) for call_id in repeated}
        before = dump(data_dir)
        async with Reader.open(data_dir) as reader:
            foretold = await compare(reader, asked, charging)
            assert dump(data_dir) == before
            assert _figures(foretold) == by_hand(changed, times, asked.zone)
            errand = Asked("ann", None, fixed(pairs, asked), tariff)
            with Book(data_dir) as book:
                done = await apply(reader, errand, charging, Alone(book), at_once=3)
            assert (done.looked_at, done.changed, done.finished) == (len(meant), len(changed), True)
            assert _figures(await written(reader, asked_of(errand.filter), done)) == _figures(foretold)
        expected = {call.call_id: told(call) for call in made} | {call.call_id: told(call) for _, call in changed}
        assert rows(data_dir) == expected
        assert kept(data_dir) == {(done.number, call.call_id): told(call) for call, _ in changed}
        assert_sums_are_of_the_rows(data_dir)
        after = dump(data_dir)
        async with Reader.open(data_dir) as reader:
            with Book(data_dir) as book:
                again = await apply(reader, errand, charging, Alone(book))
        still_meant = [call for call, _ in meant]
        assert again.changed <= len(still_meant)
        if not (asked.cost_state or asked.cost_nano):  # else other calls are meant now, by their new amounts
            assert (again.number, again.changed) == (None, 0)
            assert dump(data_dir) == after


async def charged(data_dir: Path, tariff: Tariff, *pairs: tuple[str, str]) -> Any:
    """Apply it to the book that nobody else has open."""
    async with Reader.open(data_dir) as reader:
        with Book(data_dir) as book:
            asked = parse(pairs, datetime.now(UTC))
            return await apply(reader, Asked("ann", None, fixed(pairs, asked), tariff), Charging(tariff), Alone(book))


def priced(**rates: Any) -> Tariff:
    return Tariff((PriceEntry("*", "*", **rates),), PROVIDERS)


async def test_old_amounts_can_be_put_together_again(tmp_path: Path) -> None:
    """After several repricings every call's amounts of each time are in the book, in order."""
    call = a_call(model="new", cost=Cost("unknown"), usage_micro=None)
    with Book(tmp_path) as book:
        book.add([Entry(call)])
    for rate in (1, 2, 3):
        done = await charged(tmp_path, priced(input=Decimal(rate), output=Decimal(rate)))
        assert (done.number, done.changed) == (rate, 1)
    with closing(sqlite3.connect(tmp_path / BOOK_FILE)) as connection:
        said = connection.execute("select cost, usage from repriced order by repricing").fetchall()
        assert said == [(None, None), (150_000, 150_000), (300_000, 300_000)]
        assert connection.execute("select cost, usage from calls").fetchall() == [(450_000, 450_000)]
        record = connection.execute(
            "select who, filter, calls, cost_before, cost_after, became_known, finished_at >= began_at from repricings"
        ).fetchall()
    assert record == [
        ("ann", "[]", 1, 0, 150_000, 1, 1), ("ann", "[]", 1, 150_000, 300_000, 0, 1),
        ("ann", "[]", 1, 300_000, 450_000, 0, 1),
    ]  # fmt: skip


async def test_a_price_from_a_day_on_leaves_the_days_before(tmp_path: Path) -> None:
    """Only calls received from that UTC day on are charged by it; the others keep what they said."""
    midnight = 1_795_219_200_000_000  # 2026-11-21T00:00:00Z
    calls = [a_call(started_at_us=midnight - 1), a_call(started_at_us=midnight)]
    with Book(tmp_path) as book:
        book.add([Entry(call) for call in calls])
    first = PriceEntry("*", "*", input=Decimal("0.15"), output=Decimal("0.6"))
    await charged(tmp_path, Tariff((first,), PROVIDERS))
    before = rows(tmp_path)
    since = PriceEntry("*", "*", since=date(2026, 11, 21), input=Decimal(10), output=Decimal(20))
    done = await charged(tmp_path, Tariff((first, since), PROVIDERS))
    after = rows(tmp_path)
    assert done.changed == 1
    assert after[calls[0].call_id] == before[calls[0].call_id]
    assert after[calls[1].call_id][0] == 100 * 10_000 + 50 * 20_000


async def test_what_a_call_was_billed_by_is_kept(tmp_path: Path) -> None:
    """A call billed by images is charged anew by the images that were counted when it came."""
    call = a_call(
        type="image", model="painter", tokens=None, units=Units(images=3), cost=Cost("unknown"), usage_micro=None
    )
    with Book(tmp_path) as book:
        book.add([Entry(call)])
    await charged(tmp_path, priced(image=Decimal("0.04")))
    ((cost, state, lines, *_),) = rows(tmp_path).values()
    assert (cost, state) == (120_000_000, "priced")
    assert lines == (CostLine("image", Decimal(3), Decimal("0.04"), Decimal("0.12"), per_unit=True),)


async def test_calls_from_before_units_were_kept_keep_their_lines(tmp_path: Path) -> None:
    """In a book that began without units, what was billed by them, or would be now, stays and is counted; calls priced
    by tokens alone are charged anew, and so are calls that came since."""
    images = Cost("priced", 5, (CostLine("image", Decimal(1), Decimal(5), Decimal(5), per_unit=True),), "config", "old")
    calls = [
        a_call(type="image", model="painter", tokens=None, cost=images),
        a_call(type="image", model="painter", cost=Cost("unknown"), usage_micro=None),
        a_call(),
        a_call(type="image", model="painter", tokens=None, units=Units(images=2), cost=images),
        a_call(type="image", model="painter", tokens=None, cost=images),
    ]
    with Book(tmp_path) as book:
        book.add([Entry(call) for call in calls])
        book.change(lambda connection: connection.execute("insert into counters values ('calls_without_units', 4)"))
    tariff = Tariff(
        (PriceEntry("*", "*", input=Decimal(1), output=Decimal(1)), PriceEntry("*", "painter", image=Decimal(1))),
        PROVIDERS,
    )
    done = await charged(tmp_path, tariff)
    found = [rows(tmp_path)[call.call_id][:2] for call in calls]
    assert done.stays == {"units_not_kept": 2}
    assert found == [
        (5, "priced"),
        (None, "unknown"),
        (150_000, "priced"),
        (2_000_000_000, "priced"),
        (None, "unknown"),
    ]


async def test_usage_by_a_fallback_rate_comes_and_goes(tmp_path: Path) -> None:
    """A call charged by a fallback rate loses that anomaly with a known cost; one that nobody charged gets it."""
    tokens = Tokens("reported", input_uncached=1000, output_text=1000)
    known = a_call(
        model="known", tokens=tokens, cost=Cost("unknown"), usage_micro=9, anomalies=("odd_count", BY_FALLBACK_RATE)
    )
    name = "unknown-to-all"
    unknown = a_call(model=name, requested_model=name, tokens=tokens, cost=Cost("unknown"), usage_micro=None)
    with Book(tmp_path) as book:
        book.add([Entry(known), Entry(unknown)])
    entry = PriceEntry("*", "known", input=Decimal(1), output=Decimal(1))
    tariff = Tariff((entry,), PROVIDERS, {"default": Terms(Decimal(2), Decimal(5))})
    await charged(tmp_path, tariff)
    found = {call_id: (row[0], row[7], row[9]) for call_id, row in rows(tmp_path).items()}
    assert found[known.call_id] == (2_000_000, 4_000_000, {"odd_count"})
    assert found[unknown.call_id] == (None, 20_000_000, {BY_FALLBACK_RATE})
    assert_sums_are_of_the_rows(tmp_path)


async def test_a_call_whose_cost_stays_keeps_its_usage(tmp_path: Path) -> None:
    """The ratio of a group is for calls to come and for those whose cost changes."""
    with Book(tmp_path) as book:
        book.add([Entry(a_call(cost=Cost("unknown"), usage_micro=None))])
    tariff = priced(input=Decimal(1), output=Decimal(1))
    await charged(tmp_path, tariff)
    before = dump(tmp_path)
    other = Tariff(tariff.prices, PROVIDERS, {"default": Terms(Decimal(7))})
    assert (await charged(tmp_path, other)).changed == 0
    assert dump(tmp_path) == before
    dearer = Tariff(priced(input=Decimal(2), output=Decimal(1)).prices, PROVIDERS, {"default": Terms(Decimal(7))})
    assert (await charged(tmp_path, dearer)).changed == 1
    ((cost, *_, usage, _, _),) = rows(tmp_path).values()
    assert (cost, usage) == (250_000, 1_750_000)
