"""One call is told with everything that is kept of it, and how its cost was computed."""

from decimal import Decimal
from pathlib import Path
from uuid import UUID

import orjson
import pytest
from msgspec.structs import replace

from store.book import Entry, KeptBody
from store.call import Call, CallError, Cost, CostLine, Units
from store.filters import Filter
from store.questions import call, logs
from store.reader import Reader
from tests.books import a_book, a_call

HEADERS = (("content-type", "application/json"), ("x-a", "1"), ("x-a", "2"))


def text_id(one: Call) -> str:
    return str(UUID(bytes=one.call_id))


async def test_a_call_has_what_its_row_has_and_the_rest(tmp_path: Path) -> None:
    """Nothing of the row is lost or said differently; request, answer, arithmetic and timings are added."""
    one = a_call(fault="client", anomalies=("cached_over_input",), service_tier="flex")
    entry = Entry(
        one, HEADERS, KeptBody(b'{"model":"gpt-4o-mini","temperature":0.5}'), HEADERS[:1], KeptBody(b'{"id":"x"}')
    )
    async with Reader.open(a_book(tmp_path, [a_call(), entry, a_call()])) as reader:
        told = await call(reader, text_id(one))
        (row,) = [row for row in (await logs(reader, Filter()))["logs"] if row["id"] == text_id(one)]
    assert told is not None
    for name, value in row.items():
        assert told[name] == value or (name in ("tokens", "cost") and value.items() <= told[name].items())
    assert (told["upstream_request_id"], told["finish_reason"], told["fault"]) == ("req_1", "stop", "client")
    assert (told["anomalies"], told["service_tier"]) == (["cached_over_input"], "flex")
    assert [list(pair) for pair in told["request"]["headers"]] == [list(pair) for pair in HEADERS]
    assert told["request"]["body"] == {"model": "gpt-4o-mini", "temperature": 0.5}
    assert (told["request"]["bytes"], told["request"]["truncated"]) == (120, False)
    assert told["response"]["body"] == {"id": "x"}
    assert (told["response"]["bytes"], told["response"]["truncated"]) == (480, False)
    stretches = told["timings"].pop("parts")
    assert told["timings"] == {
        "asked_ms": 0.2, "uploaded_ms": None, "answered_ms": 200.0, "first_token_ms": 210.4,
        "duration_ms": 1234.567, "overhead_ms": 0.41, "longest_pause_ms": 320.0, "client_wait_ms": 0.0,
    }  # fmt: skip
    assert [(one["part"], one["ms"]) for one in stretches] == [
        ("overhead", 0.2), ("waiting", 199.8), ("first_token", 10.4), ("streaming", 1024.167),
    ]  # fmt: skip
    assert told["cost"]["lines"] == [
        {"kind": "input", "count": 100, "rate_usd_per_million": "0.15", "usd": "0.000015"},
        {"kind": "output", "count": 50, "rate_usd_per_million": "0.6", "usd": "0.00003"},
    ]
    assert told["cost"]["price"] == {"source": "config", "entry": "openai/gpt-4o-mini*", "since": "2024-07-18"}
    assert told["tokens"]["parts"]["output_text"] == 50
    assert told["tokens"]["raw"] == {"prompt_tokens": 100, "completion_tokens": 50}


@pytest.mark.parametrize("odd", ["1" + "0" * 30, "[" * 247 + "]" * 247, "[" * 300 + "]" * 300, "[" * 9000 + "]" * 9000])
async def test_what_json_of_ours_cannot_hold_is_told_as_text(tmp_path: Path, odd: str) -> None:
    """Numbers too long and nesting too deep for an answer stand in it as they were sent."""
    body = f'{{"seed":{odd},"model":"x"}}'
    one = a_call(raw_usage=f'{{"odd":{odd}}}'.encode())
    kept = KeptBody(body.encode())
    async with Reader.open(a_book(tmp_path, [Entry(one, HEADERS, kept, HEADERS, kept)])) as reader:
        told = await call(reader, text_id(one))
    assert told is not None
    assert orjson.dumps(told)
    assert (told["request"]["body"], told["response"]["body"]) == (body, body)
    assert told["parameters"]["model"] == "x"
    assert told["tokens"]["raw"] == f'{{"odd":{odd}}}'


async def test_unit_prices_are_rates_per_unit(tmp_path: Path) -> None:
    """What is billed by the piece or the second says so, and broken counts stay numbers."""
    line = CostLine("second", Decimal("2.5"), Decimal("0.0001"), Decimal("0.00025"), per_unit=True)
    one = a_call(cost=Cost("priced", 250_000, (line,), "config"))
    async with Reader.open(a_book(tmp_path, [one])) as reader:
        told = await call(reader, text_id(one))
    assert told is not None
    assert told["cost"]["lines"] == [{"kind": "second", "count": 2.5, "rate_usd": "0.0001", "usd": "0.00025"}]


async def test_portions_name_their_model_and_its_price(tmp_path: Path) -> None:
    """A line of what another model did names that model and the price it was priced by; the others name none."""
    lines = (
        CostLine("web_search", Decimal(2), Decimal("0.01"), Decimal("0.02"), per_unit=True),
        CostLine("output", Decimal(5), Decimal(10), Decimal("0.00005"), model="big", entry="config: prices[1] */big"),
    )
    one = a_call(
        reading=replace(a_call().reading, units=Units(web_searches=2, seconds=Decimal("1.50"))),
        cost=Cost("priced", 20_050_000, lines, "config"),
    )
    async with Reader.open(a_book(tmp_path, [one])) as reader:
        told = await call(reader, text_id(one))
    assert told is not None
    assert told["cost"]["lines"] == [
        {"kind": "web_search", "count": 2, "rate_usd": "0.01", "usd": "0.02"},
        {"kind": "output", "count": 5, "rate_usd_per_million": "10", "usd": "0.00005", "model": "big",
         "price": "config: prices[1] */big"},
    ]  # fmt: skip
    assert told["units"] == {"web_searches": 2, "seconds": "1.50"}
    assert told["cost"]["missing"] is None


@pytest.mark.parametrize("missing", ["price:gpt-9", "rate:web_search:a:b", "price:\ud800\0", None])
async def test_an_unknown_cost_says_what_it_lacks(tmp_path: Path, missing: str | None) -> None:
    """What an unknown cost lacks is kept with the row, whatever the model is called."""
    one = a_call(cost=Cost("unknown", missing=missing), usage_micro=None)
    async with Reader.open(a_book(tmp_path, [one])) as reader:
        told = await call(reader, text_id(one))
    assert told is not None
    kept = None if missing is None else missing.replace("\ud800", "?").replace("\0", "\N{SYMBOL FOR NULL}")
    assert told["cost"]["missing"] == kept


async def test_cut_bodies_say_so(tmp_path: Path) -> None:
    """A body with a hole is marked on its own side only."""
    one = a_call(request_bytes=10**6)
    entry = Entry(one, (), KeptBody(b'{"model":"x","me' + b'end"}', cut=16), (), KeptBody(b"{}"))
    async with Reader.open(a_book(tmp_path, [entry])) as reader:
        told = await call(reader, text_id(one))
    assert told is not None
    assert (told["request"]["truncated"], told["response"]["truncated"]) == (True, False)
    assert told["request"]["bytes"] == 10**6


async def test_a_call_without_bodies_is_told_all_the_same(tmp_path: Path) -> None:
    """When nothing was kept, or the file of bodies is gone, bodies are null and the rest is there."""
    one = a_call(error=CallError("rate_limit", None, "slow down"), status=429)
    a_book(tmp_path, [one])
    async with Reader.open(tmp_path) as reader:
        kept = await call(reader, text_id(one))
    (tmp_path / "bodies.db").unlink()
    async with Reader.open(tmp_path) as reader:
        gone = await call(reader, text_id(one))
    assert kept == gone
    assert kept is not None
    assert (kept["request"]["body"], kept["response"]["body"]) == (None, None)
    assert kept["error"] == {"type": "rate_limit", "code": None, "message": "slow down"}


@pytest.mark.parametrize("wrong", ["", "x", "1", "' or 1=1", str(UUID(int=0)), "\ud800"])
async def test_other_ids_are_no_call(tmp_path: Path, wrong: str) -> None:
    """An id that no call has, or that is none, finds nothing."""
    async with Reader.open(a_book(tmp_path, [a_call()])) as reader:
        assert await call(reader, wrong) is None


async def test_an_id_is_found_in_any_common_spelling(tmp_path: Path) -> None:
    """Upper case and missing hyphens mean the same call."""
    one = a_call()
    async with Reader.open(a_book(tmp_path, [one])) as reader:
        for spelling in (text_id(one).upper(), one.call_id.hex()):
            told = await call(reader, spelling)
            assert told is not None
            assert told["id"] == text_id(one)
