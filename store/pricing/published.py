"""The public price lists, as the `genai-prices` package carries them: its data and its matching, not its sums.

Refuses to guess: an upstream whose provider the package does not know has no published price, however familiar its
models' names. What the lists price and no dialect tells apart (other tools than searches) is in no cost.

Where a model was served is part of the price only as far as the lists know: Bedrock's ids say it themselves, and the
lists have entries for them. What else is known to change a price, at a tier or in a region for which the lists have
none, is left out of the cost, which says so (`modifiers.py`).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING

from store.pricing.names import names_of
from store.pricing.price import Band, Price, UnitKind, UnitRate, costs_nothing
from store.pricing.tiers import has_own_price, is_prepaid

if TYPE_CHECKING:
    from genai_prices.types import ConditionalPrice, ModelInfo, ModelPrice, Provider

_TOKEN_KEYS = {
    "input": "input_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write_5m": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
    "input_audio": "input_audio_mtok",
    "input_image": "input_image_mtok",
    "cache_read_audio": "cache_audio_read_mtok",
    "cache_read_image": "cache_image_read_mtok",
    "output": "output_mtok",
    "output_audio": "output_audio_mtok",
    "output_image": "output_image_mtok",
    "output_reasoning": "output_reasoning_mtok",
}
# Later rows win: a price for an hour of recorded input is more exact than one for an hour of audio.
_UNIT_KEYS: tuple[tuple[UnitKind, str, int], ...] = (
    ("request", "requests_kcount", 1_000),
    ("second", "audio_hours", 3_600),
    ("second", "input_audio_hours", 3_600),
    ("character", "input_mchars", 1_000_000),
    ("page", "input_document_kpages", 1_000),
    ("annotated_page", "input_annotated_document_kpages", 1_000),
    ("search_unit", "rerank_searches_kcount", 1_000),
    ("text_message", "input_text_messages_kcount", 1_000),
    ("web_search", "web_searches_kcount", 1_000),
    ("file_search", "storage_searches_kcount", 1_000),
    ("output_citation", "output_citation_mtok", 1_000_000),
    ("input_video", "input_video_mtok", 1_000_000),
    ("output_video", "output_video_mtok", 1_000_000),
)
# Names that users give an upstream, or other software a provider, and the package does not know as one.
_ALIASES = {
    "fireworks-ai": "fireworks", "fireworks_ai": "fireworks", "together-ai": "together", "togetherai": "together",
    "z-ai": "zai", "z.ai": "zai", "zhipu": "zhipuai", "bigmodel": "zhipuai", "kimi": "moonshotai", "grok": "x-ai",
    "claude": "anthropic", "azure-openai": "azure", "azure_openai": "azure", "azure-ai": "azure", "foundry": "azure",
}  # fmt: skip
# Groq bills a recording as at least this long; genai-prices keeps that in its code, not in its data.
_MINIMUM_SECONDS = {("groq", "whisper-large-v3"): 10, ("groq", "whisper-large-v3-turbo"): 10}
_LONGEST_NAME = 256  # of a model; what is longer is no name, and matching it by regular expressions is a risk

Spans = tuple[tuple[time, Price | None], ...]
"""The prices of one day, each from its time of day (UTC) on; nearly always one, from midnight."""


class PublishedPrices:
    """One version of the lists, read once."""

    def __init__(self) -> None:
        # Imported here: the lists take 0.1 s to load, and not everyone who handles a cost needs them.
        from genai_prices import __version__
        from genai_prices.data_snapshot import find_provider_by_id, get_snapshot

        self.version: str = __version__
        self._lists = get_snapshot().providers
        self._find = find_provider_by_id

    @property
    def sellers(self) -> list[str]:
        """Whose lists there are."""
        return sorted(one.id for one in self._lists)

    def known(self, provider: str) -> bool:
        """Whether there is a list of this provider."""
        return self._seller(provider) is not None

    def newest(self, today: date) -> date | None:
        """The day of the newest price in force: how old the lists are, since they carry no date of their own."""
        starts = (
            getattr(one.constraint, "start_date", None)
            for provider in self._lists
            for model in provider.models
            if isinstance(model.prices, list)
            for one in model.prices
        )
        return max((day for day in starts if isinstance(day, date) and day <= today), default=None)

    def prices_of_day(self, provider: str | None, model: str, day: date, tier: str | None) -> Spans:
        """The prices of this model at this provider (None: whose model it is by its name) on this UTC day."""
        found = self._find_model(provider, model)
        if found is None:
            return ((time.min, None),)
        whose, info = found
        moments = [datetime.combine(day, start, UTC) for start in _changes_within_a_day(info)]
        return tuple((moment.time(), _price(whose, info, moment, tier)) for moment in moments)

    def _find_model(self, provider: str | None, model: str) -> tuple[Provider, ModelInfo] | None:
        # Not by the snapshot's own search, which remembers every name it was ever asked for.
        if not 0 < len(model) <= _LONGEST_NAME:
            return None
        whose = self._seller(provider) if provider is not None else self._maker(model)
        if whose is None:
            return None
        for name in names_of(model, (whose.id, *(whose.fallback_model_providers or ()))):
            info = whose.find_model(name, all_providers=self._lists)
            if info is not None:
                return whose, info
        return None

    def _seller(self, name: str) -> Provider | None:
        return self._find(self._lists, _ALIASES.get(name.lower(), name))

    def _maker(self, model: str) -> Provider | None:
        name = model.lower()
        return next(
            (one for one in self._lists if one.model_match is not None and one.model_match.is_match(name)), None
        )


def _price(provider: Provider, info: ModelInfo, at: datetime, tier: str | None) -> Price | None:
    # How genai-prices names what a provider calls the tier it served.
    context = {} if tier is None else {"service_tier": tier, "processing": tier, "speed": tier}
    if not any(info is own for own in provider.models):
        context = {}  # another provider's model: what its own tiers cost says nothing about them here
    standing = _standing(info, at)
    rates = info.get_prices(at, context)
    bands, units = _bands(rates), _units(rates)
    # An entry without rates says nothing, except where the model is sold as free.
    free = costs_nothing(bands, units) or info.id.endswith(":free")
    if not bands and not units and not free:
        return None
    since, entry = _start(standing), f"{provider.id}/{info.id}"
    unsure = not free and has_own_price(tier, provider.id)
    for variant in info.price_variants or () if context else ():
        active = variant.constraint is None or variant.constraint.active(at)
        if active and any(variant.prices.__dict__.values()) and variant.when.items() <= context.items():
            entry += f" ({', '.join(f'{key} {value}' for key, value in variant.when.items())})"
            since = _start(variant) or since
            unsure = False
            break
    if is_prepaid(tier) and not free:
        return Price("genai-prices", entry, since, prepaid=tier)
    return Price(
        source="genai-prices",
        entry=entry,
        since=since,
        bands=bands,
        units=units,
        minimum_seconds=_MINIMUM_SECONDS.get((provider.id, info.id), 0),
        free=free,
        unsure=unsure,
    )


def _standing(info: ModelInfo, at: datetime) -> ConditionalPrice | None:
    """Which of several prices `get_prices` chooses: the last whose condition holds, else the first."""
    if not isinstance(info.prices, list):
        return None
    for one in reversed(info.prices):
        if one.constraint is None or one.constraint.active(at):
            return one
    return info.prices[0]


def _start(one: object) -> str | None:
    start = getattr(getattr(one, "constraint", None), "start_date", None)
    return start.isoformat() if isinstance(start, date) else None


def _changes_within_a_day(info: ModelInfo) -> list[time]:
    """When, in UTC, another price may begin: at midnight, and where an off-peak time starts or ends."""
    changes = {time.min}
    for one in (*(info.prices if isinstance(info.prices, list) else ()), *(info.price_variants or ())):
        for name in ("start_time", "end_time"):
            moment = getattr(one.constraint, name, None)
            if isinstance(moment, time):
                whole = datetime.combine(date(2000, 1, 2), moment)
                changes.add((whole.astimezone(UTC) if moment.tzinfo else whole).time())
    return sorted(changes)


def _bands(prices: ModelPrice) -> tuple[Band, ...]:
    given = {kind: value for kind, key in _TOKEN_KEYS.items() if (value := prices.__dict__.get(key)) is not None}
    if not given:
        return ()
    thresholds = {tier.start for value in given.values() if not isinstance(value, Decimal) for tier in value.tiers}
    bands = []
    for above in (-1, *sorted(thresholds)):
        rates = {}
        for kind, value in given.items():
            if isinstance(value, Decimal):
                rates[kind] = value
                continue
            rates[kind] = value.base
            for tier in value.tiers:
                if tier.start <= above:
                    rates[kind] = tier.price
        bands.append(Band(above, rates))
    return tuple(bands)


def _units(prices: ModelPrice) -> dict[UnitKind, UnitRate]:
    return {
        kind: UnitRate(usd, per)
        for kind, key, per in _UNIT_KEYS
        if isinstance(usd := prices.__dict__.get(key), Decimal)
    }
