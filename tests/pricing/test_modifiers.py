"""Prices that are known to be modified, by amounts nobody publishes: priced by the list, and marked."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from proxy.config.model import PriceEntry
from store.call import Reading, Tokens, Units
from store.pricing import PriceBook

AT = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
TOKENS = Tokens("reported", input_uncached=1_000_000, output_text=0)
PROVIDERS = {"openai": "openai", "anthropic": "anthropic", "vertex": "google", "groq": "groq", "bedrock": "aws",
             "azure": "azure", "xai": "x-ai"}  # fmt: skip
BOOK = PriceBook((), PROVIDERS)
MARK = ("price_modifier_unknown",)


def told(model: str, tier: str | None = None, usage: bytes | None = None) -> Reading:
    return Reading("chat", model=model, tokens=TOKENS, service_tier=tier, raw_usage=usage)


@pytest.mark.parametrize(
    ("upstream", "model", "tier", "marked"),
    [
        ("openai", "gpt-5", "flex", False),  # the list has a rate for it
        ("openai", "gpt-4", "flex", True),
        ("openai", "gpt-4", "default", False),
        ("openai", "gpt-4", None, False),
        ("anthropic", "claude-opus-4-8", "fast", False),
        ("anthropic", "claude-haiku-4-5", "fast", True),
        ("anthropic", "claude-haiku-4-5", "standard", False),
        ("groq", "llama-3.3-70b-versatile", "flex", False),  # costs the same there
        ("groq", "llama-3.3-70b-versatile", "on_demand", False),
        ("openai", "gpt-5", "ultrafast", True),
        ("openai", "gpt-5", "ON_DEMAND_OFFPEAK", True),
        ("azure", "gpt-5", "optimized", True),
        ("azure", "gpt-5", "priority", True),  # its maker's tiers say nothing about Azure
    ],
)
def test_a_tier_without_a_price_is_marked(upstream: str, model: str, tier: str | None, marked: bool) -> None:
    """A tier known to have its own price is marked where the list has none, and the cost is the list's standard."""
    found = BOOK.cost(told(model, tier), upstream, AT)
    assert found.anomalies == (MARK if marked else ())
    if marked:
        assert found.nano_usd == BOOK.cost(told(model), upstream, AT).nano_usd


def test_a_batch_of_before_the_batch_prices_is_marked() -> None:
    """Batch rates that the list knows from one day on say nothing about the days before."""
    reading = Reading("batch", model="claude-opus-4-5", tokens=TOKENS)
    assert BOOK.cost(reading, "anthropic", AT).anomalies == ()
    assert BOOK.cost(reading, "anthropic", datetime(2026, 3, 1, tzinfo=UTC)).anomalies == MARK


@pytest.mark.parametrize(("geo", "marked"), [("us", True), ("global", False), ("not_available", False)])
def test_inference_in_one_country_is_marked(geo: str, marked: bool) -> None:
    """Anthropic's inference_geo raises the price unless it is global."""
    usage = b'{"input_tokens": 1, "inference_geo": "%b"}' % geo.encode()
    assert BOOK.cost(told("claude-opus-4-8", usage=usage), "anthropic", AT).anomalies == (MARK if marked else ())


@pytest.mark.parametrize("status", ["redeemed", "not_applied"])
def test_a_redeemed_credit_is_in_the_counts(status: str) -> None:
    """A retry on another model counts as read from the cache what it would have written, and costs what it counts."""
    usage = b'{"input_tokens": 1, "fallback_credit": {"status": {"type": "%b"}}}' % status.encode()
    assert BOOK.cost(told("claude-opus-4-8", usage=usage), "anthropic", AT).anomalies == ()


@pytest.mark.parametrize(
    ("location", "model", "marked"),
    [
        ("us-east5", "claude-sonnet-4-5@20250929", True),
        ("eu", "claude-opus-5", True),
        ("global", "claude-sonnet-4-5@20250929", False),
        ("us-east5", "claude-3-7-sonnet@20250219", False),
        ("us-east5", "claude-opus-4-1@20250805", False),
        ("us-east5", "claude-sonnet-4@20250514", False),
    ],
)
def test_claude_in_one_region_of_vertex_is_marked(location: str, model: str, marked: bool) -> None:
    """From the 4.5 models on, locations other than `global` cost more."""
    target = f"/v1/projects/p/locations/{location}/publishers/anthropic/models/{model}:rawPredict"
    found = BOOK.cost(told(model), "vertex", AT, target=target)
    assert found.anomalies == (MARK if marked else ())
    assert found.nano_usd is not None


def test_bedrock_prices_its_regions_by_their_ids() -> None:
    """A regional profile costs a tenth more than the global one, by entries of the list, and nothing is marked."""
    model = "anthropic.claude-sonnet-4-5-20250929-v1:0"
    here, there = (BOOK.cost(told(f"{where}.{model}"), "bedrock", AT) for where in ("eu", "global"))
    assert (here.nano_usd, there.nano_usd) == (3_300_000_000, 3_000_000_000)
    assert here.anomalies == there.anomalies == ()


def test_a_price_of_ones_own_is_never_marked() -> None:
    """A configured price is what the user pays, at whatever tier it is for."""
    dear = PriceEntry("openai", "gpt-4", input=Decimal(7), output=Decimal(7))
    cheap = PriceEntry("openai", "gpt-4", tier="flex", input=Decimal(3), output=Decimal(3))
    book = PriceBook((dear, cheap), PROVIDERS)
    flex, priority = (book.cost(told("gpt-4", tier), "openai", AT) for tier in ("flex", "priority"))
    assert (flex.nano_usd, flex.entry, flex.anomalies) == (3_000_000_000, "prices[2] openai/gpt-4 (flex)", ())
    assert (priority.nano_usd, priority.anomalies) == (7_000_000_000, ())
    standard = PriceBook((PriceEntry("openai", "gpt-4", tier="standard", input=Decimal(5)),), PROVIDERS)
    for tier in (None, "default", "auto"):
        assert standard.cost(told("gpt-4", tier), "openai", AT).source == "config"
    assert standard.cost(told("gpt-4", "flex"), "openai", AT).source == "genai-prices"


@pytest.mark.parametrize(
    ("usage", "units", "marked"),
    [
        (b'{"input_tokens": 1, "num_server_side_tools_used": 1}', Units(), True),
        (b'{"input_tokens": 1, "num_server_side_tools_used": 2}', Units(web_searches=2), False),  # unknown by itself
        (b'{"input_tokens": 1, "num_server_side_tools_used": 0}', Units(), False),
        (b'{"input_tokens": 1, "num_server_side_tools_used": null}', Units(), False),
    ],
)
def test_tools_of_xai_that_nobody_names_are_marked(usage: bytes, units: Units, marked: bool) -> None:
    """Where xAI tells no cost, its tools cost something beside the tokens, and some are only counted."""
    reading = Reading("chat", model="grok-4.3", tokens=TOKENS, raw_usage=usage, units=units)
    assert BOOK.cost(reading, "xai", AT).anomalies == (MARK if marked else ())
