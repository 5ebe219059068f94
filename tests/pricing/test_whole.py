"""Whatever was read, a cost is whole: its lines add up to it, or it is unknown and says what is missing."""

from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import get_args

from genai_prices.data_snapshot import get_snapshot
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.model import PriceEntry
from store.call import CallType, Portion, Reading, Tokens, Units
from store.pricing import PriceBook, lines_from_json, lines_to_json
from store.pricing.missing import in_words, parts_of
from store.pricing.price import TOKEN_KINDS, UnitKind

KINDS = {*TOKEN_KINDS, *get_args(UnitKind), "tokens"}
LISTS = get_snapshot().providers
MODELS = [model.id for provider in LISTS if provider.id in ("openai", "mistral", "google") for model in provider.models]
ENTRIES = (
    PriceEntry("*", "all", **{
        name: Decimal(place + 1) / 7_000_000_000
        for place, name in enumerate(PriceEntry.__dataclass_fields__)
        if name not in ("upstream", "model", "since", "tier", "above", "free")
    }),
    PriceEntry("*", "all", above=1000, input=Decimal("0.3333"), output=Decimal("1E+2")),
    PriceEntry("*", "in", input=Decimal("0.0000001")),
    PriceEntry("*", "page", page=Decimal("0.001")),
    PriceEntry("*", "fr*", free=True),
)  # fmt: skip
BOOK = PriceBook(ENTRIES, {"openai": "openai", "mistral": "mistral", "google": "google", "hf": "huggingface"})

_COUNT = st.none() | st.integers(0, 3000) | st.sampled_from([10**9, 10**15, 2**63 - 1, 10**40])
_TOKENS = st.none() | st.builds(
    Tokens,
    st.sampled_from(["reported", "estimated"]),
    **{name: _COUNT for name in Tokens.__struct_fields__ if name != "source"},
)
_SECONDS = st.none() | st.decimals(0, 10**6) | st.sampled_from([Decimal("NaN"), Decimal("Infinity"), Decimal("1E+3")])
_UNITS = st.just(Units()) | st.builds(
    Units, seconds=_SECONDS, **{name: _COUNT for name in Units.__struct_fields__ if name != "seconds"}
)
_MODEL = st.sampled_from(["all", "in", "page", "free", "nobody", *MODELS]) | st.text(max_size=9)
_PORTIONS = st.just(()) | st.lists(st.builds(Portion, _MODEL, _TOKENS, _UNITS, st.booleans()), max_size=3).map(tuple)
_READING = st.builds(
    Reading,
    st.sampled_from(get_args(CallType)),
    requested_model=st.none() | _MODEL,
    model=st.none() | _MODEL,
    stream=st.booleans(),
    tokens=_TOKENS,
    units=_UNITS,
    portions=_PORTIONS,
    raw_usage=st.none() | st.binary(max_size=9) | st.just(b'{"inference_geo": "us"}'),
    service_tier=st.none() | st.sampled_from(["default", "flex", "batch", "scale", "ON_DEMAND_PRIORITY", "\ud800"]),
)


@given(
    _READING,
    st.none() | st.sampled_from(["openai", "mistral", "google", "hf", "x"]),
    st.sampled_from(
        ["", "/v1/chat/completions", "/v1/projects/p/locations/eu/publishers/anthropic/models/m:rawPredict"]
    )
    | st.text(max_size=9),
)
def test_lines_add_up_or_something_is_missing(reading: Reading, upstream: str | None, target: str) -> None:
    """No reading raises; the sum of the lines, rounded once, is the cost; an unknown one names what it lacks."""
    cost = BOOK.cost(reading, upstream, datetime(2026, 11, 2, tzinfo=UTC), status=200, target=target)
    assert (cost.state == "unknown") == (cost.nano_usd is None) == (cost.missing is not None)
    if cost.missing is not None:
        what, of, _ = parts_of(cost.missing)
        assert in_words(cost.missing)
        assert what in ("model", "price", "rate", "count", "tier", "amount")
        assert what not in ("rate", "count") or of in KINDS
        return
    if cost.state == "free":
        assert (cost.nano_usd, cost.lines) == (0, ())
        return
    with localcontext(prec=80):
        exact = sum((line.usd for line in cost.lines), Decimal(0)) * 10**9
        assert cost.nano_usd == int(exact.to_integral_value(ROUND_HALF_UP))
        for line in cost.lines:
            rate = line.rate if line.per_unit else line.rate / 1_000_000
            assert abs(line.count * rate - line.usd) <= abs(line.usd) * Decimal("1E-25")
    assert lines_from_json(lines_to_json(cost.lines)) == cost.lines or any("\ud800" in str(x) for x in cost.lines)
