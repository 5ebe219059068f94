"""What is billed by the piece: by hand, and where the published lists know it, against the package's own sum."""

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from genai_prices import Usage, calc_price
from genai_prices.data_snapshot import get_snapshot
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.model import PriceEntry
from store.call import CallType, Cost, CostLine, Reading, Tokens, Units
from store.pricing import PriceBook

AT = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
LISTS = {provider.id: provider for provider in get_snapshot().providers}
BOOK = PriceBook((), {name: name for name in LISTS})
TOKENS = Tokens("reported", input_uncached=1_000, output_text=100)
CHAT = {"input": "1", "output": "2"}


def cost(rates: dict[str, str], units: Units, tokens: Tokens | None = TOKENS, kind: CallType = "chat") -> Cost:
    given: dict[str, Any] = {name: Decimal(rate) for name, rate in rates.items()}
    return PriceBook((PriceEntry("u", "m", **given),), {}).cost(
        Reading(kind, model="m", tokens=tokens, units=units), "u", AT
    )


def test_searches_come_on_top_of_tokens() -> None:
    """Each search of the web and of files has a line of its own, beside those of the tokens."""
    found = cost(CHAT | {"web_search": "0.01", "file_search": "0.0025"}, Units(web_searches=3, file_searches=2))
    assert found.lines[2:] == (
        CostLine("web_search", Decimal(3), Decimal("0.01"), Decimal("0.03"), per_unit=True),
        CostLine("file_search", Decimal(2), Decimal("0.0025"), Decimal("0.005"), per_unit=True),
    )
    assert found.nano_usd == 1_200_000 + 35_000_000


@pytest.mark.parametrize(
    ("units", "missing"),
    [(Units(web_searches=1), "rate:web_search:m"), (Units(file_searches=1), "rate:file_search:m")],
)
def test_a_search_without_a_rate_makes_no_cost(units: Units, missing: str) -> None:
    """Counted searches that have no rate leave the cost unknown; none counted, or none made, cost nothing."""
    assert cost(CHAT, units) == Cost("unknown", missing=missing)
    for nothing in (Units(), Units(web_searches=0, file_searches=0)):
        assert cost(CHAT, nothing).nano_usd == 1_200_000


def test_searches_alone_are_no_work() -> None:
    """A call whose searches are counted and whose tokens are not has no cost, where tokens are billed."""
    found = cost(CHAT | {"web_search": "0.01"}, Units(web_searches=3), tokens=None)
    assert found == Cost("unknown", missing="count:tokens:m")


def test_another_way_to_bill_the_same_work_is_not_billed_twice() -> None:
    """Images, seconds, characters, pages and search units without a rate are paid for by the tokens."""
    units = Units(images=1, seconds=Decimal(3), characters=9, pages=2, search_units=1, text_messages=1)
    assert cost(CHAT, units).nano_usd == 1_200_000


@pytest.mark.parametrize(
    ("rates", "units", "lines"),
    [
        ({"page": "0.001", "annotated_page": "0.003"}, Units(pages=5), {"page": 5}),
        ({"page": "0.001", "annotated_page": "0.003"}, Units(pages=5, annotated_pages=5), {"annotated_page": 5}),
        ({"page": "0.001", "annotated_page": "0.003"}, Units(pages=5, annotated_pages=2),
         {"page": 3, "annotated_page": 2}),
        ({"page": "0.001", "annotated_page": "0.003"}, Units(annotated_pages=2), {"annotated_page": 2}),
        ({"page": "0.001"}, Units(pages=5, annotated_pages=2), {"page": 5}),
        ({"page": "0.001"}, Units(annotated_pages=2), {"page": 2}),
        ({"search_unit": "0.002"}, Units(search_units=4), {"search_unit": 4}),
        ({"text_message": "0.004", "second": "0.001"}, Units(seconds=Decimal("1.5"), text_messages=4),
         {"second": Decimal("1.5"), "text_message": 4}),
    ],
)  # fmt: skip
def test_work_billed_by_the_piece_needs_no_tokens(
    rates: dict[str, str], units: Units, lines: dict[str, int | Decimal]
) -> None:
    """Pages, search units and messages are billed by their count alone; annotated pages are "of which"."""
    found = cost(rates, units, tokens=None, kind="other")
    assert {line.kind: line.count for line in found.lines} == lines
    assert all(line.per_unit for line in found.lines)
    assert found.nano_usd == sum(Decimal(rates[kind]) * count for kind, count in lines.items()) * 10**9


@pytest.mark.parametrize(
    ("rates", "missing"),
    [({"search_unit": "0.002"}, "count:search_unit:m"), ({"page": "0.001"}, "count:page:m"),
     ({"annotated_page": "0.001"}, "rate:page:m")],
)  # fmt: skip
def test_what_is_billed_and_not_counted_is_missing(rates: dict[str, str], missing: str) -> None:
    """Where nobody counted what the price bills, the cost is unknown and names it."""
    units = Units(pages=3) if missing.startswith("rate") else Units()
    assert cost(rates, units, tokens=None, kind="rerank") == Cost("unknown", missing=missing)


def test_citations_are_billed_by_the_million_and_only_where_they_have_a_rate() -> None:
    """Tokens of cited sources have a line per million tokens; without a rate they cost nothing."""
    units = Units(citation_tokens=500)
    found = cost(CHAT | {"output_citation": "2"}, units)
    assert found.lines[2] == CostLine("output_citation", Decimal(500), Decimal(2), Decimal("0.001"))
    assert found.nano_usd == 2_200_000
    assert cost(CHAT, units).nano_usd == 1_200_000


def test_cached_audio_and_images_have_rates_of_their_own() -> None:
    """In a configured price audio and images from a cache, and reasoning, can each have their rate."""
    tokens = Tokens("reported", cache_read_audio=10, cache_read_image=100, output_text=1000, reasoning=400)
    rates = CHAT | {"cache_read": "9", "cache_read_audio": "3", "cache_read_image": "4", "output_reasoning": "5"}
    found = cost(rates, Units(), tokens)
    assert {line.kind: (int(line.count), int(line.rate)) for line in found.lines} == {
        "cache_read_audio": (10, 3), "cache_read_image": (100, 4), "output": (600, 2), "output_reasoning": (400, 5),
    }  # fmt: skip


_KEYS = {
    "web_searches_kcount": "web_searches", "storage_searches_kcount": "file_searches", "audio_hours": "seconds",
    "input_mchars": "characters", "input_document_kpages": "pages",
    "input_annotated_document_kpages": "annotated_pages",
    "input_text_messages_kcount": "text_messages", "output_citation_mtok": "citation_tokens",
}  # fmt: skip


def priced_by(key: str) -> list[tuple[str, str]]:
    """Provider and model of everything that the lists price by this unit, and that its own name finds."""
    return [
        (name, model.id)
        for name, provider in LISTS.items()
        for model in provider.models
        if model.get_prices(AT).__dict__.get(key) and provider.find_model(model.id) is model
    ]


def theirs(provider: str, model: str, tokens: Tokens | None, units: Units, at: datetime, batch: bool) -> int:
    """The same call by the package's own calculation, in whole nano-dollars."""
    counts: dict[str, Any] = {
        "web_searches": units.web_searches, "storage_searches": units.file_searches,
        "input_characters": units.characters, "audio_seconds": units.seconds, "input_audio_seconds": units.seconds,
        "input_document_pages": units.pages, "input_annotated_document_pages": units.annotated_pages,
        "input_text_messages": units.text_messages, "output_citation_tokens": units.citation_tokens,
        "input_tokens": tokens.input if tokens else 0,
        "output_tokens": (tokens.output or 0 if tokens else 0) + (units.citation_tokens or 0),
        "cache_read_tokens": tokens.cache_read if tokens else 0,
    }  # fmt: skip
    usage = Usage(**{name: count for name, count in counts.items() if count is not None})
    context = {"processing": "batch", "service_tier": "batch", "speed": "batch"} if batch else {}
    price = calc_price(usage, model, provider_id=provider, genai_request_timestamp=at, price_context=context)
    return int((price.total_price * 10**9).to_integral_value(ROUND_HALF_UP))


_COUNTS = {
    "web_searches": st.integers(0, 50), "file_searches": st.integers(0, 50), "characters": st.integers(0, 10**6),
    "seconds": st.decimals(0, 10_000, places=3), "text_messages": st.integers(0, 90),
    "citation_tokens": st.integers(0, 10**6),
}  # fmt: skip


@pytest.mark.parametrize("key", _KEYS)
def test_every_unit_of_the_lists_is_met(key: str) -> None:
    """Some model is priced by each unit that we count and the lists know."""
    assert priced_by(key)


@pytest.mark.parametrize("key", [key for key in _KEYS if "citation" not in key])
@given(st.data())
def test_units_cost_what_the_package_says(key: str, data: st.DataObject) -> None:
    """For every model priced by a unit, on any day, batched or not, the cost is theirs to the nano-dollar."""
    provider, model = data.draw(st.sampled_from(priced_by(key)))
    at = AT + timedelta(days=data.draw(st.integers(-700, 200)))
    batch = data.draw(st.booleans())
    rates = LISTS[provider].find_model(model).get_prices(at).__dict__  # type: ignore[union-attr]
    counted: dict[str, Any] = {
        name: data.draw(_COUNTS[name]) for of, name in _KEYS.items() if rates.get(of) and name in _COUNTS
    }
    if rates.get("input_document_kpages"):
        counted["pages"] = data.draw(st.integers(0, 500))
        counted["annotated_pages"] = data.draw(st.none() | st.integers(0, counted["pages"]))
    tokens = None
    if rates.get("input_mtok"):
        tokens = Tokens("reported", data.draw(st.integers(0, 300_000)), data.draw(st.integers(0, 300_000)),
                        output_text=data.draw(st.integers(0, 10_000)))  # fmt: skip
    units = Units(**counted)
    if not rates or (tokens is None and units == Units()):
        return
    found = BOOK.cost(Reading("batch" if batch else "other", model=model, tokens=tokens, units=units), provider, at)
    assert found.nano_usd == theirs(provider, model, tokens, units, at, batch), found


def test_an_agent_that_searches_and_cites_costs_what_the_package_says() -> None:
    """Searches, citations and reasoning of one call, each at its own rate, are the package's sum."""
    tokens = Tokens("reported", input_uncached=33, output_text=10_000, reasoning=7_000)
    units = Units(web_searches=28, citation_tokens=19_111)
    found = BOOK.cost(Reading("chat", model="sonar-deep-research", tokens=tokens, units=units), "perplexity", AT)
    assert {line.kind for line in found.lines} == {
        "input", "output", "output_reasoning", "output_citation", "web_search",
    }  # fmt: skip
    usage = Usage(
        input_tokens=33, output_tokens=10_000 + 19_111, output_reasoning_tokens=7_000, output_citation_tokens=19_111,
        web_searches=28,
    )  # fmt: skip
    price = calc_price(usage, "sonar-deep-research", provider_id="perplexity", genai_request_timestamp=AT)
    assert found.nano_usd == int((price.total_price * 10**9).to_integral_value(ROUND_HALF_UP))


@pytest.mark.parametrize(("provider", "model"), [*priced_by("input_video_mtok"), *priced_by("output_video_mtok")])
def test_video_costs_what_the_package_says(provider: str, model: str) -> None:
    """Tokens of video that have a rate are billed by it instead of the plain one, each of them once."""
    tokens = Tokens("reported", input_uncached=1000, input_image=20, output_text=3000, output_audio=10)
    units = Units(video_in=700, video_out=2000)
    found = BOOK.cost(Reading("chat", model=model, tokens=tokens, units=units), provider, AT)
    usage = Usage(
        input_tokens=1020, input_image_tokens=20, input_video_tokens=700, output_tokens=3010, output_audio_tokens=10,
        output_video_tokens=2000,
    )  # fmt: skip
    price = calc_price(usage, model, provider_id=provider, genai_request_timestamp=AT)
    assert found.nano_usd is None or found.nano_usd == price.total_price * 10**9
    assert found.nano_usd is not None or found.missing == f"rate:output:{model}"  # of embeddings


def test_video_without_a_rate_is_plain() -> None:
    """Where video has no rate of its own it stays in the plain counts, and a configured rate takes it out."""
    units = Units(video_in=300, video_out=40)
    assert cost(CHAT, units).nano_usd == 1_200_000
    found = cost(CHAT | {"input_video": "10"}, units)
    assert {line.kind: (int(line.count), line.usd) for line in found.lines} == {
        "input": (700, Decimal("0.0007")), "output": (100, Decimal("0.0002")), "input_video": (300, Decimal("0.003")),
    }  # fmt: skip
