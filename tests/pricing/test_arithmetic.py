"""From counts and rates to lines, a total and a usage: worked out by hand."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from proxy.config.model import PriceEntry
from store.call import CallType, Cost, CostLine, Reading, Tokens, Units
from store.pricing import PriceBook, lines_from_json, lines_to_json, usage_micro

AT = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
ALL_BUCKETS = Tokens(
    "reported",
    input_uncached=1, cache_read=20, cache_write_5m=300, cache_write_1h=4_000, input_audio=50_000, input_image=600_000,
    cache_read_audio=7, output_text=80, output_audio=900, output_image=1_000, reasoning=79,
)  # fmt: skip


def rates(**given: str) -> dict[str, Any]:
    return {kind: Decimal(rate) for kind, rate in given.items()}


def cost(
    price: dict[str, Any], tokens: Tokens | None = None, units: Units | None = None, kind: CallType = "chat"
) -> Cost:
    entry = PriceEntry("u", "m", **price)
    return PriceBook((entry,), {}).cost(Reading(kind, model="m", tokens=tokens, units=units or Units()), "u", AT)


def test_every_bucket_has_its_line() -> None:
    """With a rate for each, every bucket is multiplied by its own, and reasoning, being output, is counted once."""
    found = cost(
        rates(input="1", cache_read="2", cache_write="3", cache_write_1h="4", input_audio="5", input_image="6",
              output="8", output_audio="9", output_image="10"),
        ALL_BUCKETS,
    )  # fmt: skip
    lines: dict[str, tuple[object, object, object]] = {
        line.kind: (line.count, line.rate, line.usd) for line in found.lines
    }
    assert lines == {
        "input": (1, 1, Decimal("0.000001")),
        "cache_read": (20, 2, Decimal("0.00004")),
        "cache_write_5m": (300, 3, Decimal("0.0009")),
        "cache_write_1h": (4_000, 4, Decimal("0.016")),
        "input_audio": (50_000, 5, Decimal("0.25")),
        "input_image": (600_000, 6, Decimal("3.6")),
        "cache_read_audio": (7, 2, Decimal("0.000014")),
        "output": (80, 8, Decimal("0.00064")),
        "output_audio": (900, 9, Decimal("0.0081")),
        "output_image": (1_000, 10, Decimal("0.01")),
    }
    assert found.nano_usd == 3_885_695_000
    assert not any(line.per_unit for line in found.lines)


def test_what_has_no_rate_is_priced_as_the_next_wider_kind() -> None:
    """With two rates alone, all input is priced at the one and all output at the other."""
    found = cost(rates(input="1", output="2"), ALL_BUCKETS)
    assert found.nano_usd == 654_328_000 + 2 * 1_980_000


@pytest.mark.parametrize(
    ("price", "kind", "rate"),
    [
        (rates(input="1", output="1", cache_write="3"), "cache_write_1h", "3"),
        (rates(input="1", output="1", cache_write_1h="3"), "cache_write_5m", "1"),
        (rates(input="1", output="1", input_audio="3"), "cache_read_audio", "3"),
        (rates(input="1", output="1", input_audio="3", cache_read="0.5"), "cache_read_audio", "0.5"),
    ],
)
def test_the_closest_rate_stands_in(price: dict[str, Any], kind: str, rate: str) -> None:
    """A kind without a rate is billed at the rate of the closest kind that has one."""
    assert {line.kind: line.rate for line in cost(price, ALL_BUCKETS).lines}[kind] == Decimal(rate)


def test_an_empty_bucket_has_no_line() -> None:
    """Zero counts and counts that are not told apart give no line."""
    tokens = Tokens("reported", input_uncached=5, cache_read=0, output_text=0)
    assert [line.kind for line in cost(rates(input="1", output="1"), tokens).lines] == ["input"]


def test_nothing_counted_is_zero_and_not_unknown() -> None:
    """Tokens that are known to be none cost nothing, at a price."""
    found = cost(rates(input="1", output="1"), Tokens("reported", input_uncached=0, output_text=0))
    assert (found.state, found.nano_usd, found.lines) == ("priced", 0, ())


@pytest.mark.parametrize(
    ("input_rate", "input_tokens", "output_rate", "output_tokens", "nano"),
    [
        ("0.0005", 1, "0", 0, 1),  # half a nano-dollar goes up
        ("0.0004", 1, "0", 0, 0),
        ("0.0015", 1, "0", 0, 2),  # away from the even neighbour, too
        ("0.0025", 1, "0", 0, 3),
        ("0.0004", 1, "0.0004", 1, 1),  # 0.4 + 0.4: rounded once, not per line
        ("0.0005", 1, "0.0005", 1, 1),  # 0.5 + 0.5: likewise
    ],
)
def test_the_total_is_rounded_once_half_up(
    input_rate: str, input_tokens: int, output_rate: str, output_tokens: int, nano: int
) -> None:
    """The exact amounts are added first, and the sum is rounded half up to a nano-dollar."""
    tokens = Tokens("reported", input_uncached=input_tokens, output_text=output_tokens)
    assert cost(rates(input=input_rate, output=output_rate, request="0"), tokens).nano_usd == nano


@pytest.mark.parametrize(
    ("price", "tokens", "missing"),
    [
        (rates(input="1", output="1"), None, "count:tokens:m"),
        (rates(input="1", output="1"), Tokens("reported"), "count:tokens:m"),
        (rates(input="1", output="1"), Tokens("reported", output_text=5), "count:input:m"),
        (rates(input="1"), Tokens("reported", input_uncached=5, output_text=5), "rate:output:m"),
        (rates(output="1"), Tokens("reported", input_uncached=5, output_text=5), "rate:input:m"),
        (rates(image="1"), Tokens("reported", input_uncached=5, output_text=5), "count:image:m"),
        (rates(second="1", request="1"), Tokens("reported", input_uncached=5, output_text=5), "count:second:m"),
        (rates(input="1", output="1", request="1"), None, "count:tokens:m"),
        (rates(input="1000000", output="1"), Tokens("reported", input_uncached=2**63, output_text=0), "amount"),
        (rates(input="1", output="1"), Tokens("reported", input_uncached=10**5000, output_text=0), "amount"),
    ],
)
def test_half_an_answer_is_no_cost(price: dict[str, Any], tokens: Tokens | None, missing: str) -> None:
    """Where a count has no rate, a rate no count, or the sum no room in the book, the cost is unknown and says why."""
    assert cost(price, tokens) == Cost("unknown", missing=missing)


def test_an_embedding_needs_no_rate_of_output() -> None:
    """A price with an input rate alone prices a call that has input alone."""
    assert cost(rates(input="1"), Tokens("reported", input_uncached=5), kind="embedding").nano_usd == 5_000
    assert cost(rates(input="1"), Tokens("reported", input_uncached=5, output_text=0)).nano_usd == 5_000


def test_units_are_priced_by_the_piece() -> None:
    """Images, seconds, characters and the request itself have lines of USD per unit."""
    price = rates(request="0.01", image="0.04", second="0.0001", character="0.000015")
    found = cost(price, units=Units(images=3, seconds=Decimal("12.5"), characters=200), kind="image")
    assert found.lines == (
        CostLine("image", Decimal(3), Decimal("0.04"), Decimal("0.12"), per_unit=True),
        CostLine("second", Decimal("12.5"), Decimal("0.0001"), Decimal("0.00125"), per_unit=True),
        CostLine("character", Decimal(200), Decimal("0.000015"), Decimal("0.003"), per_unit=True),
        CostLine("request", Decimal(1), Decimal("0.01"), Decimal("0.01"), per_unit=True),
    )
    assert (found.nano_usd, found.state) == (134_250_000, "priced")


def test_tokens_and_units_add_up() -> None:
    """A price with token rates and a request rate bills both."""
    found = cost(rates(input="1", output="1", request="0.01"), Tokens("reported", input_uncached=5, output_text=5))
    assert found.nano_usd == 10_010_000


def test_a_price_by_the_request_needs_no_tokens() -> None:
    """Where the request is all that is billed, a call without counts has a cost, and estimates don't make it one."""
    assert cost(rates(request="0.01")).nano_usd == 10_000_000
    guessed = Tokens("estimated", input_uncached=5, output_text=5)
    assert cost(rates(request="0.01"), guessed).state == "priced"


@pytest.mark.parametrize("seconds", ["NaN", "Infinity"])
def test_nonsense_in_a_count_is_no_cost(seconds: str) -> None:
    """A duration that is no number leaves the cost unknown."""
    assert cost(rates(second="1"), units=Units(seconds=Decimal(seconds)), kind="transcription") == Cost(
        "unknown", missing="count:second:m"
    )


@pytest.mark.parametrize(
    ("nano", "ratio", "per_usd", "micro"),
    [
        (45_000, "1", "1000", 45_000),  # 0.000045 USD = 0.045 credits
        (45_000, "2.5", "1000", 112_500),
        (1, "0.5", "1000", 1),  # 0.5 micro-credits go up
        (1, "0.4999", "1000", 0),
        (3, "0.5", "1000", 2),
        (1_234_567_891, "1", "1", 1_234_568),
        (45_000, "0", "1000", 0),
        (0, "3", "1000", 0),
        (None, "1", "1000", None),
        (2**62, "1000", "1000", None),  # no column holds it
    ],
)
def test_usage_is_cost_by_ratio_by_credits(nano: int | None, ratio: str, per_usd: str, micro: int | None) -> None:
    """Usage is the rounded cost times ratio times credits per USD, rounded once, half up; unknown stays unknown."""
    known = Cost("unknown") if nano is None else Cost("priced", nano)
    assert usage_micro(known, Decimal(ratio), Decimal(per_usd)) == micro


def test_lines_survive_the_book() -> None:
    """Lines written as JSON are strings of decimals in positions, and read back equal."""
    found = cost(
        rates(input="0.15", output="1E+1", request="0.01"), Tokens("reported", input_uncached=7, output_text=10)
    )
    text = lines_to_json(found.lines)
    assert text == (
        b'[["input","7","0.15","0.00000105",false],["output","10","10","0.00010",false],'
        b'["request","1","0.01","0.01",true]]'
    )
    assert lines_from_json(text) == lines_from_json(text.decode()) == found.lines
    assert lines_to_json(()) is None
    assert lines_from_json(None) == ()
