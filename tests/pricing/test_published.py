"""The published lists: what is matched, on which day and hour, at which tier; and that our sums are their sums."""

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

import pytest
from genai_prices import Usage, calc_price
from genai_prices.data_snapshot import get_snapshot
from hypothesis import given
from hypothesis import strategies as st

from store.call import Cost, Reading, Tokens, Units
from store.pricing import PriceBook

PROVIDERS = {provider.id: provider.id for provider in get_snapshot().providers}
PROVIDERS |= {"gemini": "google", "xai": "x-ai", "ollama": "ollama", "vllm": "vllm"}
BOOK = PriceBook((), PROVIDERS)
AT = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


def models_priced_by(*keys: str) -> list[tuple[str, str]]:
    """Upstream and model of everything whose latest price has all of these keys, and that its own name finds."""
    lists = {provider.id: provider for provider in get_snapshot().providers}
    return [
        (upstream, model.id)
        for upstream, provider in PROVIDERS.items()
        if provider in lists
        for model in lists[provider].models
        if all(model.get_prices(AT).__dict__.get(key) for key in keys) and lists[provider].find_model(model.id) is model
    ]


def theirs(upstream: str, model: str, tokens: Tokens, at: datetime, context: dict[str, str]) -> int:
    """The same call by the package's own calculation, in whole nano-dollars."""
    t = {name: getattr(tokens, name) or 0 for name in Tokens.__struct_fields__ if name != "source"}
    usage = Usage(
        input_tokens=tokens.input or 0,
        cache_read_tokens=t["cache_read"] + t["cache_read_audio"] + t["cache_read_image"],
        cache_write_tokens=t["cache_write_5m"] + t["cache_write_1h"],
        cache_write_5m_tokens=t["cache_write_5m"],
        cache_write_1h_tokens=t["cache_write_1h"],
        input_audio_tokens=t["input_audio"] + t["cache_read_audio"],
        input_image_tokens=t["input_image"] + t["cache_read_image"],
        cache_audio_read_tokens=t["cache_read_audio"],
        cache_image_read_tokens=t["cache_read_image"],
        output_tokens=tokens.output or 0,
        output_audio_tokens=t["output_audio"],
        output_image_tokens=t["output_image"],
        output_reasoning_tokens=t["reasoning"],
    )
    price = calc_price(usage, model, provider_id=PROVIDERS[upstream], genai_request_timestamp=at, price_context=context)
    return int((price.total_price * 10**9).to_integral_value(ROUND_HALF_UP))


COUNT = (
    st.none() | st.integers(0, 400) | st.sampled_from([99_999, 100_001, 128_000, 199_999, 200_000, 200_001, 272_001])
)
MOMENT = st.datetimes(datetime(2024, 1, 1), datetime(2027, 6, 1), timezones=st.just(UTC))  # noqa: DTZ001
CONTEXTS: list[tuple[str | None, dict[str, str]]] = [
    (None, {}), ("default", {"service_tier": "default"}), ("flex", {"service_tier": "flex"}), ("standard", {}),
    ("priority", {"service_tier": "priority"}), ("batch", {"processing": "batch"}),
    ("fast", {"service_tier": "fast", "speed": "fast"}), ("ON_DEMAND_FLEX", {"service_tier": "flex"}),
]  # fmt: skip
CHATS = models_priced_by("input_mtok", "output_mtok")


@st.composite
def token_counts(draw: st.DrawFn) -> Tokens:
    names = [name for name in Tokens.__struct_fields__ if name not in ("source", "input_uncached", "reasoning")]
    counts = {name: draw(COUNT) for name in names}
    reasoning = draw(st.none() | st.integers(0, counts["output_text"] or 0))
    return Tokens("reported", input_uncached=draw(COUNT.filter(lambda n: n is not None)), reasoning=reasoning, **counts)


@given(st.sampled_from(CHATS), token_counts(), MOMENT, st.sampled_from(CONTEXTS))
def test_our_sum_is_the_sum_of_the_package(
    model: tuple[str, str], tokens: Tokens, at: datetime, tier: tuple[str | None, dict[str, str]]
) -> None:
    """For every model with token rates, any counts, day and tier, the cost is theirs to the nano-dollar."""
    told = Reading("chat", model=model[1], tokens=tokens, service_tier=tier[0])
    cost = BOOK.cost(told, model[0], at)
    assert cost.nano_usd == theirs(*model, tokens, at, tier[1]), cost
    assert cost.state in ("priced", "free")


@pytest.mark.parametrize(
    "key", ["cache_read_mtok", "cache_write_mtok", "cache_write_1h_mtok", "input_audio_mtok", "cache_audio_read_mtok",
            "output_audio_mtok", "input_image_mtok", "output_image_mtok", "output_reasoning_mtok", "requests_kcount"],
)  # fmt: skip
def test_every_kind_of_rate_is_met(key: str) -> None:
    """For the models that have a rate of this kind, a call that uses every bucket costs what the package says."""
    tokens = Tokens("reported", 1009, 1013, 1019, 1021, 1031, 1033, 1039, 2003, 2011, 2017, reasoning=1500)
    priced = models_priced_by(key, "input_mtok", "output_mtok")
    assert priced
    for model in priced:
        assert BOOK.cost(Reading("chat", model=model[1], tokens=tokens), model[0], AT).nano_usd == theirs(
            *model, tokens, AT, {}
        ), model


def test_a_long_prompt_is_priced_whole_at_the_higher_rate() -> None:
    """One token above the threshold, cached ones counted, every token of the call is billed at the higher band."""
    for whole, input_rate, output_rate in ((200_000, "1.25", "10"), (200_001, "2.5", "15")):
        tokens = Tokens("reported", input_uncached=whole - 1000, cache_read=1000, output_text=10)
        cost = BOOK.cost(Reading("chat", model="gemini-2.5-pro", tokens=tokens), "gemini", AT)
        lines = {line.kind: line.rate for line in cost.lines}
        assert (lines["input"], lines["output"]) == (Decimal(input_rate), Decimal(output_rate))


def test_a_price_holds_from_its_day_on() -> None:
    """A model whose price fell is priced by the day of the call, and the row says since when that price holds."""
    told = Reading("chat", model="o3", tokens=Tokens("reported", input_uncached=1_000_000, output_text=0))
    start = datetime(2025, 6, 10, tzinfo=UTC)
    before, after = BOOK.cost(told, "openai", start - timedelta(seconds=1)), BOOK.cost(told, "openai", start)
    assert (before.nano_usd, before.since) == (10_000_000_000, None)
    assert (after.nano_usd, after.since) == (2_000_000_000, "2025-06-10")


def test_an_off_peak_price_holds_at_its_hours() -> None:
    """A model priced by the time of day costs what the package says in every half hour of the day."""
    tokens = Tokens("reported", input_uncached=1_000_003, cache_read=7, output_text=1_009)
    for model in ("deepseek-chat", "deepseek-v4-flash"):
        seen = set()
        for minute in range(0, 1440, 30):
            for at in (
                AT.replace(hour=0) + timedelta(minutes=minute),
                AT.replace(hour=0) + timedelta(minutes=minute, seconds=-1),
            ):
                nano = BOOK.cost(Reading("chat", model=model, tokens=tokens), "deepseek", at).nano_usd
                assert nano == theirs("deepseek", model, tokens, at, {}), at
                seen.add(nano)
        assert len(seen) > 1


def test_a_tier_is_named_with_its_price() -> None:
    """A call served at a tier with its own rates says so; one that counts as a batch call is priced as a batch."""
    tokens = Tokens("reported", input_uncached=1_000_000, output_text=0)
    fast = BOOK.cost(Reading("chat", model="claude-opus-4-8", tokens=tokens, service_tier="fast"), "anthropic", AT)
    assert (fast.entry, fast.nano_usd) == ("anthropic/claude-opus-4-8 (speed fast)", 10_000_000_000)
    batch = BOOK.cost(Reading("batch", model="claude-opus-4-5", tokens=tokens), "anthropic", AT)
    assert (batch.entry, batch.since) == ("anthropic/claude-opus-4-5 (processing batch)", "2026-10-14")
    assert batch.nano_usd == 2_500_000_000


@pytest.mark.parametrize("tier", ["provisioned", "PROVISIONED_THROUGHPUT", "scale", "reserved"])
def test_reserved_capacity_has_no_list_price(tier: str) -> None:
    """A call served from capacity paid for in advance is unknown."""
    tokens = Tokens("reported", input_uncached=10, output_text=10)
    assert BOOK.cost(Reading("chat", model="gpt-4o", tokens=tokens, service_tier=tier), "openai", AT) == Cost(
        "unknown", missing=f"tier:{tier.lower()}:gpt-4o"
    )


def test_a_local_upstream_borrows_no_price() -> None:
    """An upstream whose provider publishes no prices has none, even for a model that is sold elsewhere."""
    told = Reading("chat", model="gpt-4o", tokens=Tokens("reported", input_uncached=10, output_text=10))
    for upstream in ("ollama", "vllm"):
        assert BOOK.cost(told, upstream, AT) == Cost("unknown", missing="price:gpt-4o")


@pytest.mark.parametrize(
    ("upstream", "model", "seconds", "nano"),
    [
        ("openai", "whisper-1", "7.5", 750_000),  # 0.36 USD an hour
        ("openai", "whisper-1", "0", 0),
        ("groq", "whisper-large-v3", "3", 308_333),  # 0.111 USD an hour, 10 s at least
        ("groq", "whisper-large-v3", "3600", 111_000_000),
    ],
)
def test_recordings_are_priced_by_their_length(upstream: str, model: str, seconds: str, nano: int) -> None:
    """A transcription without tokens costs its seconds, rounded once."""
    told = Reading("transcription", model=model, units=Units(seconds=Decimal(seconds)))
    assert BOOK.cost(told, upstream, AT).nano_usd == nano


def test_speech_is_priced_by_its_characters() -> None:
    """Speech of 1,000 characters at 15 USD per million costs 1.5 cents."""
    assert (
        BOOK.cost(Reading("speech", model="tts-1", units=Units(characters=1000)), "openai", AT).nano_usd == 15_000_000
    )


def test_another_providers_tiers_are_not_borrowed() -> None:
    """A model sold on by another provider is priced without its maker's tiers, as the package does."""
    prices = PriceBook((), {"azure": "azure", "openai": "openai"})
    tokens = Tokens("reported", input_uncached=1_000_000, output_text=0)
    told = Reading("chat", model="gpt-6-sol", tokens=tokens, service_tier="flex")
    assert prices.cost(told, "openai", AT).nano_usd == 1_000_000_000 * 2  # a long prompt: twice the flex rate of 1 USD
    cost = prices.cost(told, "azure", AT)
    assert (cost.nano_usd, cost.entry) == (4_000_000_000, "azure/gpt-6-sol")


@pytest.mark.parametrize(
    ("asked", "entry"),
    [
        ("global.anthropic.claude-sonnet-4-5-20250929-v1:0", "aws/global.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "aws/regional.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("otnfa2ysixqd", "aws/regional.anthropic.claude-sonnet-4-5-20250929-v1:0"),
    ],
)
def test_the_region_at_bedrock_is_that_of_the_model_asked_for(asked: str, entry: str) -> None:
    """Behind `invoke` a model answers by its maker's name, which has no region; a profile of one's own has no price."""
    tokens = Tokens("reported", input_uncached=10, output_text=5)
    reading = Reading("chat", requested_model=asked, model="claude-sonnet-4-5-20250929", tokens=tokens)
    assert BOOK.cost(reading, "aws", AT).entry == entry
