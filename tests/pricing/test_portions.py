"""Calls in which several models had a part: each is priced as itself, and one without a price leaves all unknown."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from proxy.config.model import PriceEntry
from store.call import Cost, CostLine, Portion, Reading, Tokens, Units
from store.pricing import PriceBook, lines_from_json, lines_to_json

AT = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
OWN = Tokens("reported", input_uncached=1000, output_text=100)
ADVICE = Tokens("reported", input_uncached=10, cache_read=1000, output_text=1)


def entry(model: str, rate: str, **more: str) -> PriceEntry:
    extra = {name: Decimal(value) for name, value in more.items()}
    return PriceEntry("u", model, input=Decimal(rate), output=Decimal(rate), **extra)  # type: ignore[arg-type]


BOOK = PriceBook(
    (
        entry("big", "10", cache_read="1"),
        entry("small", "1", web_search="0.01"),
        PriceEntry("u", "ear", second=Decimal("0.001")),
        PriceEntry("u", "free", free=True),
    ),
    {"u": "none", "anthropic": "anthropic", "groq": "groq"},
)


def cost(*portions: Portion, model: str = "small", tokens: Tokens | None = OWN, units: Units | None = None) -> Cost:
    told = Reading("chat", model=model, tokens=tokens, units=units or Units(), portions=portions)
    return BOOK.cost(told, "u", AT)


def test_a_portion_beside_the_call_is_added_at_its_own_price() -> None:
    """The call's own tokens keep their price; another model's are added at that model's, in lines that name it."""
    found = cost(Portion("big", ADVICE))
    named = {"model": "big", "entry": "config: prices[1] u/big"}
    assert found.lines == (
        CostLine("input", Decimal(1000), Decimal(1), Decimal("0.001")),
        CostLine("output", Decimal(100), Decimal(1), Decimal("0.0001")),
        CostLine("input", Decimal(10), Decimal(10), Decimal("0.0001"), **named),
        CostLine("cache_read", Decimal(1000), Decimal(1), Decimal("0.001"), **named),
        CostLine("output", Decimal(1), Decimal(10), Decimal("0.00001"), **named),
    )
    assert (found.nano_usd, found.entry, found.cache_saved) == (2_210_000, "prices[2] u/small", 9_000_000)


def test_portions_that_make_up_the_call_replace_its_own_tokens() -> None:
    """Where the call's counts are the sum over its portions, only the portions are priced, and its searches."""
    parts = (Portion("big", ADVICE, beside=False), Portion("small", OWN, beside=False))
    found = cost(*parts, units=Units(web_searches=2))
    assert [(line.model, line.kind) for line in found.lines] == [
        (None, "web_search"), ("big", "input"), ("big", "cache_read"), ("big", "output"),
        ("small", "input"), ("small", "output"),
    ]  # fmt: skip
    assert found.nano_usd == 20_000_000 + 1_110_000 + 1_100_000
    assert cost(*parts).nano_usd == 2_210_000


def test_an_agent_without_a_price_is_what_its_models_cost() -> None:
    """A call whose own model is in no list has a cost all the same when its portions make it up."""
    found = cost(Portion("big", ADVICE, beside=False), model="an-agent")
    assert (found.state, found.nano_usd, found.entry) == ("priced", 1_110_000, "prices[1] u/big")


def test_a_transcriber_is_priced_by_its_seconds() -> None:
    """A portion may be billed by other than tokens."""
    found = cost(Portion("ear", units=Units(seconds=Decimal(5))))
    assert found.lines[2] == CostLine(
        "second", Decimal(5), Decimal("0.001"), Decimal("0.005"), True, "ear", "config: prices[3] u/ear"
    )
    assert found.nano_usd == 1_100_000 + 5_000_000


@pytest.mark.parametrize(
    ("portion", "model", "missing"),
    [
        (Portion("nobody", ADVICE), "small", "price:nobody"),
        (Portion("nobody", ADVICE, beside=False), "small", "price:nobody"),
        (Portion("big", ADVICE), "nobody", "price:nobody"),
        (Portion("ear", ADVICE), "small", "count:second:ear"),
        (Portion("big"), "small", "count:tokens:big"),
        (Portion("big", ADVICE, Units(web_searches=1)), "small", "rate:web_search:big"),
    ],
)
def test_one_unknown_portion_leaves_the_whole_unknown(portion: Portion, model: str, missing: str) -> None:
    """A portion without a price or a count makes no partial sum, and the cost says which model lacks it."""
    assert cost(portion, model=model) == Cost("unknown", missing=missing)


def test_free_portions_cost_nothing() -> None:
    """What a free model did adds nothing; a call of free models alone is free; a dear adviser of one is not."""
    assert cost(Portion("free", ADVICE)).nano_usd == 1_100_000
    alone = cost(Portion("free", ADVICE), model="free")
    assert (alone.state, alone.nano_usd) == ("free", 0)
    assert cost(Portion("big", ADVICE), model="free").nano_usd == 1_110_000


def test_a_guessed_portion_makes_an_estimate() -> None:
    """One portion of estimated tokens makes the cost an estimate."""
    guessed = Tokens("estimated", input_uncached=10, output_text=1)
    assert cost(Portion("big", guessed)).state == "estimated"
    assert cost(Portion("big", ADVICE)).state == "priced"


def test_published_prices_hold_for_portions_too() -> None:
    """An adviser is priced by the list of the same upstream."""
    told = Reading(
        "chat", model="claude-haiku-4-5", tokens=OWN, portions=(Portion("claude-opus-4-8", OWN),),
    )  # fmt: skip
    found = BOOK.cost(told, "anthropic", AT)
    assert found.nano_usd == 1_500_000 + 7_500_000
    assert {line.entry for line in found.lines} == {None, "genai-prices: anthropic/claude-opus-4-8"}


def test_lines_of_portions_survive_the_book_beside_old_ones() -> None:
    """Lines with a model are read back equal, even where its name is no text; lines of before have none."""
    found = cost(Portion("big", ADVICE))
    assert lines_from_json(lines_to_json(found.lines)) == found.lines
    broken = CostLine("input", Decimal(1), Decimal(1), Decimal(1), model="\ud800", entry="e")
    (back,) = lines_from_json(lines_to_json([broken]))
    assert back.model == "?"
    (old,) = lines_from_json(b'[["input","7","0.15","0.00000105",false]]')
    assert (old.model, old.entry) == (None, None)
