"""Which of the known prices a call is priced by."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from proxy.config.model import PriceEntry
from store.call import Cost, Reading, Tokens
from store.pricing import PriceBook

AT = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
TOKENS = Tokens("reported", input_uncached=1000, output_text=100)
PROVIDERS = {"openai": "openai", "anthropic": "anthropic", "mine": "mine"}


def book(*entries: PriceEntry) -> PriceBook:
    return PriceBook(entries, PROVIDERS)


def entry(model: str, rate: str, since: date | None = None, upstream: str = "openai") -> PriceEntry:
    return PriceEntry(upstream, model, since, input=Decimal(rate), output=Decimal(rate))


def reading(model: str | None, requested: str | None = None, tokens: Tokens | None = TOKENS) -> Reading:
    return Reading("chat", requested, model, tokens=tokens)


def test_what_the_provider_reports_comes_before_every_table() -> None:
    """A reported cost is the cost, to the nano-dollar, even where the configuration has a price."""
    told = Reading("chat", model="gpt-4o", tokens=TOKENS, reported_cost_usd=Decimal("0.0000123456785"))
    assert book(entry("gpt-4o", "7")).cost(told, "openai", AT) == Cost("reported", 12346, source="upstream")


@pytest.mark.parametrize("nonsense", ["NaN", "sNaN", "Infinity", "-0.1", "1E+999999"])
def test_a_reported_cost_that_is_no_amount_is_ignored(nonsense: str) -> None:
    """A reported cost that is no amount of money gives way to the price."""
    told = Reading("chat", model="gpt-4o", tokens=TOKENS, reported_cost_usd=Decimal(nonsense))
    assert book(entry("gpt-4o", "7")).cost(told, "openai", AT).nano_usd == 7_700_000


def test_the_configuration_comes_before_the_published_lists() -> None:
    """A configured price is used, and named, where a published one exists."""
    cost = book(entry("gpt-4o", "7")).cost(reading("gpt-4o"), "openai", AT)
    assert (cost.nano_usd, cost.source, cost.entry, cost.since) == (
        7_700_000,
        "config",
        "prices[1] openai/gpt-4o",
        None,
    )


def test_the_published_lists_come_before_unknown() -> None:
    """Without a configured price the published one is used, and named."""
    cost = book(entry("gpt-4o", "7", upstream="anthropic")).cost(reading("gpt-4-0613"), "openai", AT)
    assert (cost.state, cost.source, cost.entry) == ("priced", "genai-prices", "openai/gpt-4")
    assert cost.nano_usd == 30_000_000 + 6_000_000


@pytest.mark.parametrize(
    ("model", "upstream", "missing"),
    [("no-such-model", "openai", "price:no-such-model"), ("gpt-4o", "mine", "price:gpt-4o"),
     ("gpt-4o", "nowhere", "price:gpt-4o"), ("gpt-4o", None, "price:gpt-4o"), (None, "openai", "model"),
     ("", "openai", "model"), ("gpt-4o" + "x" * 100_000, "openai", "price:gpt-4o" + "x" * 250)],
)  # fmt: skip
def test_a_price_that_nobody_gives_is_unknown(model: str | None, upstream: str | None, missing: str) -> None:
    """Without a price the cost is unknown, never 0, and names the model; at an unfamiliar upstream none has a price."""
    assert book().cost(reading(model), upstream, AT) == Cost("unknown", missing=missing)


def test_the_answered_model_comes_before_the_requested_one() -> None:
    """A call is priced by the model that answered; by the one that was asked for only where that has no price."""
    prices = book(entry("asked", "1"), entry("answered", "2"))
    assert prices.cost(reading("answered", "asked"), "openai", AT).entry == "prices[2] openai/answered"
    assert prices.cost(reading("other", "asked"), "openai", AT).entry == "prices[1] openai/asked"
    assert prices.cost(reading(None, "asked"), "openai", AT).entry == "prices[1] openai/asked"
    assert book().cost(reading("no-such-model", "gpt-4"), "openai", AT).entry == "openai/gpt-4"


@pytest.mark.parametrize(
    ("pattern", "model", "matches"),
    [
        ("gpt-4o*", "gpt-4o", True),
        ("gpt-4o*", "GPT-4O-mini", True),
        ("GPT-4o", "gpt-4O", True),
        ("gpt-4o", "gpt-4o-mini", False),
        ("*-mini", "gpt-4o-mini", True),
        ("*-mini", "gpt-4o-mini-2024", False),
        ("g*4*i", "gpt-4o-mini", True),
        ("gpt.4o", "gpt-4o", False),
        ("*", "a/b:c", True),
        ("*anthropic.claude-haiku-4-5*", "us.anthropic.claude-haiku-4-5-20251001-v1:0", True),
        ("us.*", "eu.anthropic.claude-haiku-4-5-20251001-v1:0", False),
        ("*.gguf", "/models/llama-3 (1).GGUF", True),
    ],
)
def test_a_star_matches_any_run_of_characters(pattern: str, model: str, matches: bool) -> None:
    """A model's pattern matches the whole name, in either case, and `*` any part of it."""
    price = PriceBook((entry(pattern, "1", upstream="mine"),), PROVIDERS).look_up("mine", model, AT)
    assert (price is not None) is matches


def test_an_upstream_may_be_a_pattern() -> None:
    """A price for `a*` holds at every upstream whose name begins with it, and at no other."""
    prices = PriceBook((entry("m", "1", upstream="loc*"),), {})
    assert prices.look_up("local", "m", AT) is not None
    assert prices.look_up("mylocal", "m", AT) is None
    assert prices.look_up(None, "m", AT) is not None


def test_the_latest_day_that_has_come_wins() -> None:
    """Of several tables the one with the latest `from` that is not after the call's day in UTC is used."""
    prices = book(
        entry("m", "3", date(2026, 3, 6)),
        entry("m", "2", date(2026, 3, 5)),
        entry("m", "1"),
        entry("*", "4", date(2025, 1, 1)),
    )
    for at, rate, since in (
        ("2026-03-06T00:00:00+00:00", "3", "2026-03-06"),
        ("2026-03-06T00:59:59+01:00", "2", "2026-03-05"),
        ("2026-03-05T23:59:59.999999+00:00", "2", "2026-03-05"),
        ("2026-03-05T00:00:00+00:00", "2", "2026-03-05"),
        ("2026-03-04T23:59:59+00:00", "4", "2025-01-01"),
        ("2024-12-31T23:59:59+00:00", "1", None),
    ):
        cost = prices.cost(reading("m"), "openai", datetime.fromisoformat(at))
        assert (cost.lines[0].rate, cost.since) == (Decimal(rate), since), at


def test_of_equals_the_later_table_wins() -> None:
    """Two tables from the same day that both match: the later one in the file is used."""
    assert book(entry("m*", "1"), entry("*", "2")).cost(reading("m"), "openai", AT).entry == "prices[2] openai/*"


def test_a_free_model_costs_nothing_whatever_was_counted() -> None:
    """`free = true` makes the cost 0 and free, with and without tokens, and says by which table."""
    prices = book(PriceEntry("mine", "*", free=True))
    for tokens in (TOKENS, None):
        cost = prices.cost(reading("llama", tokens=tokens), "mine", AT, outcome="upstream_timed_out")
        assert cost == Cost("free", 0, cache_saved=0, source="config", entry="prices[1] mine/*")
    assert book(entry("m", "0")).cost(reading("m"), "openai", AT).state == "free"


def test_estimated_tokens_make_an_estimated_cost() -> None:
    """A cost computed from estimated tokens is called estimated."""
    guessed = Tokens("estimated", input_uncached=1000, output_text=100)
    cost = book(entry("m", "7")).cost(reading("m", tokens=guessed), "openai", AT)
    assert (cost.state, cost.nano_usd) == ("estimated", 7_700_000)


def test_more_models_than_are_remembered_are_all_priced() -> None:
    """The memory of prices is bounded, and forgetting one does not change what it costs."""
    prices = book(entry("m*", "7"))
    for number in range(5000):
        assert prices.cost(reading(f"m{number}"), "openai", AT).nano_usd == 7_700_000
    assert prices.cost(reading("m0"), "openai", AT).nano_usd == 7_700_000
    assert len(prices._remembered) <= 4096


def test_a_price_can_be_looked_up_without_a_call() -> None:
    """Looking up a model tells its rates, where they come from and since when; `None` is any upstream."""
    published = book().look_up(None, "o3", AT)
    assert published is not None
    assert (published.source, published.entry, published.since) == ("genai-prices", "openai/o3", "2025-06-10")
    assert published.rates["input"] == 2
    assert book().look_up("mine", "o3", AT) is None
    lists, newest = book().edition(date(2026, 11, 22))
    assert lists.startswith("genai-prices ")
    assert newest is not None
    assert newest <= date(2026, 11, 22)


def test_a_table_for_long_prompts_is_a_band_of_the_other() -> None:
    """All tokens of a call with more input are billed by the table for that length; shorter ones by the other."""
    prices = book(
        entry("m", "1"),
        replace(entry("m", "3", date(2026, 1, 1)), above=2000),
        replace(entry("m", "2"), above=1000),
        replace(entry("m*", "9", date(2026, 6, 1)), above=2000),
    )
    for cached, rate in ((0, 1), (1, 2), (1000, 2), (1001, 3)):
        tokens = Tokens("reported", input_uncached=1000, cache_read=cached, output_text=10)
        cost = prices.cost(reading("m", tokens=tokens), "openai", AT)
        assert {line.rate for line in cost.lines} == {Decimal(rate)}, cached
    assert cost.entry == (
        "prices[1] openai/m, prices[3] openai/m above 1000 tokens, prices[2] openai/m above 2000 tokens"
    )
    later = prices.cost(reading("m", tokens=tokens), "openai", datetime(2026, 7, 1, tzinfo=UTC))
    assert {line.rate for line in later.lines} == {Decimal(9)}


def test_a_table_for_long_prompts_alone_is_no_price() -> None:
    """Without a table for any length the published price holds, and where there is none the cost is unknown."""
    long = replace(entry("*", "2"), above=10)
    assert book(long).cost(reading("gpt-4"), "openai", AT).source == "genai-prices"
    assert book(long).cost(reading("mine"), "openai", AT) == Cost("unknown", missing="price:mine")
    free = PriceEntry("openai", "mine", free=True)
    assert book(free, long).cost(reading("mine"), "openai", AT).state == "free"
    by_request = PriceEntry("openai", "mine", request=Decimal(1))
    assert book(by_request, long).cost(reading("mine"), "openai", AT).nano_usd == 1_000_000_000 + 2_200_000
    short = Tokens("reported", input_uncached=10, output_text=1)
    assert book(by_request, long).cost(reading("mine", tokens=short), "openai", AT).missing == "rate:input:mine"
