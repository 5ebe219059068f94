"""A price: what one model costs from one day on, by one source.

Token rates are USD per million tokens and may change with the length of the prompt: a price is a list of bands, and
the band whose threshold the whole input exceeds holds for *all* tokens of the call. Unit rates are USD per `per`
units. A rate that the source does not give is not zero; another kind's rate stands in for it (`FALLBACKS`), or the
kind has no rate and what it counts cannot be priced.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

Source = Literal["config", "genai-prices"]
UnitKind = Literal[
    "request", "image", "second", "character", "page", "annotated_page", "search_unit", "text_message",
    "web_search", "file_search", "output_citation", "input_video", "output_video",
]  # fmt: skip

FALLBACKS: Mapping[str, tuple[str, ...]] = {
    # kind of token: whose rate stands in, best first. As genai-prices does it: what has no rate of its own is priced
    # as the next wider kind. For audio read from a cache "cached" counts as closer than "audio". Tokens written for
    # an hour are priced as those written for five minutes where only one rate is known; Anthropic charges more for
    # them, and for its models genai-prices gives both.
    "input": (),
    "cache_read": ("input",),
    "cache_write_5m": ("input",),
    "cache_write_1h": ("cache_write_5m", "input"),
    "input_audio": ("input",),
    "input_image": ("input",),
    "cache_read_audio": ("cache_read", "input_audio", "input"),
    "cache_read_image": ("cache_read", "input_image", "input"),
    "output": (),
    "output_audio": ("output",),
    "output_image": ("output",),
    "output_reasoning": ("output",),
}
TOKEN_KINDS = tuple(FALLBACKS)

# What the same tokens would have been without a cache.
_UNCACHED = {
    "cache_read": "input",
    "cache_write_5m": "input",
    "cache_write_1h": "input",
    "cache_read_audio": "input_audio",
    "cache_read_image": "input_image",
}


@dataclass(frozen=True, slots=True)
class Rate:
    """What tokens of one kind cost. The whole numbers are exact, too: Decimals are slow where there is much to add."""

    usd: Decimal  # per million tokens
    usd_per_token: Decimal
    exact_to: int  # the largest count whose product with it has room in the 28 digits of a plain multiplication
    scaled: int  # USD per million tokens, times ten to the power of the band's digits
    spares: int | None  # the rate without a cache minus this one, scaled; None: the former is not known


@dataclass(frozen=True, slots=True)
class Band:
    """Token rates for calls whose whole input is more than `above` tokens; -1: from nothing on."""

    above: int
    rates: Mapping[str, Decimal]  # only what the source gives
    # What follows from the rates, worked out once, with fallbacks applied: the rate of each kind, and whether reasoning
    # costs something else than the rest of the output. Scaled rates times counts, divided by `per_nano`, are nano-USD.
    billed: Mapping[str, Rate] = field(init=False, repr=False, compare=False)
    reasoning_apart: bool = field(init=False, repr=False, compare=False)
    per_nano: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        usd = {kind: rate for kind in TOKEN_KINDS if (rate := self.rate(kind)) is not None}
        # At least 3 digits: USD per million tokens are thousands of nano-dollars per token, so a nano-dollar is whole.
        digits = max([3, *(-int(rate.as_tuple().exponent) for rate in usd.values())])
        scaled = {kind: int(rate.scaleb(digits)) for kind, rate in usd.items()}
        billed = {}
        for kind, rate in usd.items():
            plain = scaled.get(_UNCACHED.get(kind, kind))
            spares = None if plain is None else plain - scaled[kind]
            room = 10 ** max(0, 28 - len(rate.as_tuple().digits)) - 1
            billed[kind] = Rate(rate, rate.scaleb(-6), room, scaled[kind], spares)
        object.__setattr__(self, "billed", billed)
        object.__setattr__(self, "reasoning_apart", self.rate("output_reasoning") != self.rate("output"))
        object.__setattr__(self, "per_nano", 10 ** (digits - 3))

    def rate(self, kind: str) -> Decimal | None:
        """The rate that tokens of this kind are billed at; None when neither it nor a stand-in is given."""
        for name in (kind, *FALLBACKS[kind]):
            if name in self.rates:
                return self.rates[name]
        return None


@dataclass(frozen=True, slots=True)
class UnitRate:
    """`usd` for every `per` units: an hour's price is kept as it is, because a second's may have no last digit."""

    usd: Decimal
    per: int = 1

    @property
    def one(self) -> Decimal:
        """The price of one unit, to 28 digits."""
        return self.usd if self.per == 1 else self.usd / self.per


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs, who says so, and since when. Ascending bands; none when tokens are not what is billed."""

    source: Source
    entry: str
    since: str | None = None
    bands: tuple[Band, ...] = ()
    units: Mapping[UnitKind, UnitRate] = field(default_factory=dict)
    minimum_seconds: int = 0  # a shorter recording is billed as this long
    free: bool = False
    prepaid: str | None = None  # the tier it was served at, when that is paid for in advance: then there are no rates
    unsure: bool = False  # the tier it was served at has another price, which this source does not know

    @property
    def rates(self) -> Mapping[str, Decimal]:
        """The token rates of a short prompt, as the source gives them."""
        return self.bands[0].rates if self.bands else {}

    @property
    def named(self) -> str:
        """Source, entry and day in one."""
        return f"{self.source}: {self.entry}" + (f", since {self.since}" if self.since else "")

    def band(self, input_tokens: int) -> Band:
        """The band that a call with this much input is billed by."""
        chosen = self.bands[0]
        if len(self.bands) > 1:
            for band in self.bands[1:]:
                if input_tokens > band.above:
                    chosen = band
        return chosen


def costs_nothing(bands: tuple[Band, ...], units: Mapping[UnitKind, UnitRate]) -> bool:
    """Whether rates are given and all of them are zero. No rates at all is not free: nobody said anything."""
    given = [rate for band in bands for rate in band.rates.values()] + [unit.usd for unit in units.values()]
    return bool(given) and not any(given)
