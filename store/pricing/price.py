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
UnitKind = Literal["request", "image", "second", "character"]

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


@dataclass(frozen=True, slots=True)
class Band:
    """Token rates for calls whose whole input is more than `above` tokens; -1: from nothing on."""

    above: int
    rates: Mapping[str, Decimal]  # only what the source gives
    # What follows from the rates, worked out once: in the order of TOKEN_KINDS, with fallbacks applied, the rate per
    # million tokens and per token; and whether reasoning costs something else than the rest of the output.
    billed: tuple[tuple[Decimal, Decimal] | None, ...] = field(init=False, repr=False, compare=False)
    reasoning_apart: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        rates = (self.rate(kind) for kind in TOKEN_KINDS)
        billed = tuple(None if rate is None else (rate, rate.scaleb(-6)) for rate in rates)
        object.__setattr__(self, "billed", billed)
        object.__setattr__(self, "reasoning_apart", self.rate("output_reasoning") != self.rate("output"))

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

    @property
    def rates(self) -> Mapping[str, Decimal]:
        """The token rates of a short prompt, as the source gives them."""
        return self.bands[0].rates if self.bands else {}

    def band(self, input_tokens: int) -> Band:
        """The band that a call with this much input is billed by."""
        chosen = self.bands[0]
        for band in self.bands[1:]:
            if input_tokens > band.above:
                chosen = band
        return chosen


def costs_nothing(bands: tuple[Band, ...], units: Mapping[UnitKind, UnitRate]) -> bool:
    """Whether rates are given and all of them are zero. No rates at all is not free: nobody said anything."""
    given = [rate for band in bands for rate in band.rates.values()] + [unit.usd for unit in units.values()]
    return bool(given) and not any(given)
