"""What caching of the prompt spared, worked out by hand and against the price of the same prompt without a cache."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from proxy.config.model import PriceEntry
from store.call import Cost, Reading, Tokens
from store.pricing import Band, Price, PriceBook
from store.pricing.arithmetic import lines_of

AT = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
_counts = st.none() | st.integers(0, 10**7)
_rates = st.integers(0, 10**6).map(lambda micro: Decimal(micro).scaleb(-3))


def price(**rates: str) -> Price:
    return Price("config", "one", bands=(Band(-1, {kind: Decimal(rate) for kind, rate in rates.items()}),))


def spared_nano(price: Price, tokens: Tokens) -> int | None:
    bill = lines_of(price, "m", tokens, None)
    assert not isinstance(bill, str)
    return bill.saved


def cost(tokens: Tokens | None, **rates: str) -> Cost:
    given: dict[str, Any] = {kind: Decimal(rate) for kind, rate in rates.items()}
    entry = PriceEntry("u", "m", **given)
    return PriceBook((entry,), {}).cost(Reading("chat", model="m", tokens=tokens), "u", AT)


def test_reading_from_a_cache_spares_the_difference_of_the_rates() -> None:
    """1000 tokens read at 0.3 instead of 3 dollars per million spare 0.0027 dollars."""
    tokens = Tokens("reported", input_uncached=5, cache_read=1000, output_text=7)
    assert cost(tokens, input="3", cache_read="0.3", output="15").cache_saved == 2_700_000


def test_writing_to_a_cache_costs_more_than_it_spares() -> None:
    """A call that only wrote to the cache has spared less than nothing."""
    tokens = Tokens("reported", input_uncached=5, cache_write_5m=1000, cache_write_1h=100, output_text=7)
    saved = cost(tokens, input="3", cache_write="3.75", cache_write_1h="6", output="15").cache_saved
    assert saved == -(750_000 + 300_000)


def test_audio_read_from_a_cache_is_compared_with_audio() -> None:
    """Cached audio would have been audio: its own uncached rate counts, and the plain one where it has none."""
    tokens = Tokens("reported", cache_read_audio=1000)
    assert spared_nano(price(input="1", input_audio="40", cache_read="0.5"), tokens) == 39_500_000
    assert spared_nano(price(input="1", cache_read="0.5"), tokens) == 500_000


def test_the_band_is_that_of_the_whole_prompt() -> None:
    """The rates are those that a prompt of the same length has, however much of it was cached."""
    bands = (
        Band(-1, {"input": Decimal(1), "cache_read": Decimal("0.1"), "output": Decimal(1)}),
        Band(1000, {"input": Decimal(2), "cache_read": Decimal("0.4"), "output": Decimal(1)}),
    )
    tiered = Price("config", "one", bands=bands)
    assert spared_nano(tiered, Tokens("reported", input_uncached=1, cache_read=999)) == 999 * 900
    assert spared_nano(tiered, Tokens("reported", input_uncached=2, cache_read=999)) == 999 * 1600


def test_the_difference_is_rounded_once() -> None:
    """Three halves of a nano-dollar are two, not three ones."""
    halves = Tokens("reported", cache_read=1, cache_write_5m=1, cache_write_1h=1)
    rates = price(input="0.001", cache_read="0.0005", cache_write_5m="0.0005", cache_write_1h="0.0005")
    assert spared_nano(rates, halves) == 2


@pytest.mark.parametrize(
    ("tokens", "rates", "saved"),
    [
        (Tokens("reported", input_uncached=5, output_text=7), {"input": "1", "output": "1"}, 0),
        (Tokens("reported", input_uncached=5, cache_read=0, output_text=7), {"input": "1", "output": "1"}, 0),
        (Tokens("estimated", input_uncached=5, output_text=7), {"input": "1", "output": "1"}, 0),
        (None, {"request": "1"}, 0),
        (None, {"input": "1", "output": "1"}, None),
        (Tokens("reported", cache_read=5), {"cache_read": "1"}, None),
        (Tokens("reported", cache_read=2**62), {"input": "1000000", "cache_read": "0"}, None),
    ],
)
def test_nothing_cached_is_zero_and_nothing_known_is_unknown(
    tokens: Tokens | None, rates: dict[str, str], saved: int | None
) -> None:
    """A priced call without cached tokens spared 0; without a cost, or without the uncached rate, nobody knows."""
    assert cost(tokens, **rates).cache_saved == saved


def test_a_reported_cost_says_nothing_about_savings_and_a_free_call_saves_nothing() -> None:
    """Where the provider told the cost there are no rates to compare; where nothing costs there is nothing to spare."""
    tokens = Tokens("reported", input_uncached=5, cache_read=1000, output_text=7)
    told = Reading("chat", model="m", tokens=tokens, reported_cost_usd=Decimal("0.1"))
    assert PriceBook((), {}).cost(told, "u", AT) == Cost("reported", 100_000_000, source="upstream")
    entry = PriceEntry("u", "m", free=True)
    free = PriceBook((entry,), {}).cost(replace(told, reported_cost_usd=None), "u", AT)
    assert (free.state, free.cache_saved) == ("free", 0)


@given(
    st.builds(
        Tokens, st.just("reported"), input_uncached=_counts, cache_read=_counts, cache_write_5m=_counts,
        cache_write_1h=_counts, output_text=_counts,
    ),
    _rates, _rates, _rates, _rates,
)  # fmt: skip
def test_cost_and_savings_make_the_cost_without_a_cache(
    tokens: Tokens, plain: Decimal, read: Decimal, short: Decimal, long: Decimal
) -> None:
    """What a call cost plus what it spared is what the same prompt costs uncached, to the rounding of both."""
    rates = {"input": str(plain), "cache_read": str(read), "cache_write": str(short), "cache_write_1h": str(long)}
    found = cost(tokens, **rates, output="1")
    if found.nano_usd is None:
        assert found.cache_saved is None
        return
    without = replace(
        tokens, input_uncached=tokens.input, cache_read=None, cache_write_5m=None, cache_write_1h=None
    )  # fmt: skip
    uncached = cost(without, **rates, output="1").nano_usd
    assert uncached is not None
    assert found.cache_saved is not None
    assert abs(found.nano_usd + found.cache_saved - uncached) <= 1
