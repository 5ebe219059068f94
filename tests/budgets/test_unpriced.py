"""Calls without a known price: charged by a fallback rate, or refused, as their group says."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from proxy.config.builtin import BUILTIN
from proxy.config.model import Config, Credits, Group, Store
from proxy.journal.notes import Body, Ended
from store.book import Book, Entry
from store.budgets import Budgets
from store.call import Cost, Tokens
from store.metering import Meter, Noted
from store.pricing import fallback_usage_micro
from tests.books import a_call
from tests.journal.runs import asked, ended, started

UNKNOWN: dict[str, Any] = {"cost": Cost("unknown"), "usage_micro": None, "model": "odd-7b", "requested_model": "odd-7b"}
LAB = Config(groups={"lab": Group("lab", unpriced="refuse")})


def learned(data_dir: Path, *entries: Entry, priced: tuple[str, ...] = ()) -> tuple[set[Any], set[Any]]:
    """What is known to have no price: after these calls, and counted anew from the book that has them."""
    config = replace(LAB, store=Store(data_dir))
    budgets = Budgets(config, lambda _, model: model in priced)
    again = Budgets(config, lambda _, model: model in priced)
    with Book(data_dir) as book:
        budgets.begin(book)
        book.add(entries)
        budgets.add(entries)
        again.begin(book)
    found = set(budgets.published.unpriced), set(again.published.unpriced)
    budgets.close()
    again.close()
    return found


def test_a_model_without_a_price_is_known_by_its_call(tmp_path: Path) -> None:
    """What was asked for, answered in full and priced nowhere is told to the workers, also after a restart."""
    both = ({("openai", "odd-7b")},) * 2
    assert learned(tmp_path, Entry(a_call(**UNKNOWN)), Entry(a_call())) == both


@pytest.mark.parametrize(
    "changes",
    [
        {"tokens": None},
        {"outcome": "client_left"},
        {"model": "priced"},
        {"requested_model": "priced"},
        {"upstream": None},
    ],
)
def test_an_unknown_cost_alone_says_nothing_about_the_price(tmp_path: Path, changes: dict[str, Any]) -> None:
    """A call whose tokens nobody told, that was cut short, or whose model has a price, makes no model unpriced."""
    assert learned(tmp_path, Entry(a_call(**{**UNKNOWN, **changes})), priced=("priced",)) == (set(), set())


@given(
    st.integers(0, 10**6),
    st.decimals(0, 1000, places=6),
    st.decimals(0, 1000, places=3),
    st.decimals("0.001", 10_000, places=3),
)
def test_a_fallback_rate_charges_every_token(output: int, rate: Decimal, ratio: Decimal, per_usd: Decimal) -> None:
    """The usage is tokens x rate x ratio x credits per USD, to the micro-credit; the cost stays unknown."""
    group = Group("default", ratio=ratio, unpriced_usd_per_million=rate)
    meter = Meter(Config(upstreams=BUILTIN, groups={"default": group}, credits=Credits(per_usd)))
    call = started(1)
    end = ended(call)
    told = (
        b'{"object":"chat.completion","model":"odd-7b","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":%d}}'
    )
    body = replace_body(end, told % output)
    row = meter.meter(Noted("boot", call, asked(call), body)).call
    exact = (3 + output) * rate * ratio * per_usd
    assert row.cost.nano_usd is None
    assert row.usage_micro is not None
    assert abs(row.usage_micro - exact) <= Decimal("0.5")
    assert "usage_by_fallback_rate" in row.anomalies


def replace_body(end: Ended, body: bytes) -> Ended:
    """The same end with another answer."""
    return structs.replace(end, body=Body(len(body), body), sent=len(body))


@pytest.mark.parametrize("tokens", [None, Tokens("reported", output_text=5)])
def test_without_all_tokens_a_fallback_rate_knows_nothing(tokens: Tokens | None) -> None:
    """A call of which no tokens, or not those of the prompt, are told has no usage: half would be too little."""
    reading = a_call(tokens=tokens).reading
    assert fallback_usage_micro(reading, Decimal(1), Decimal(1), Decimal(1)) is None
