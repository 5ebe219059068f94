"""Which price applies to a call, and what the call cost by it.

The order: what the provider reported, the `[[prices]]` of the configuration, the published lists, unknown. In each
of the two tables the model that answered is looked for first, then the one that was asked for. Resolving takes a
tenth of a millisecond and is remembered per upstream, models, UTC day and tier; the arithmetic takes microseconds.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time

from proxy.config.model import PriceEntry
from proxy.journal.notes import Outcome
from store.call import Cost, CostState, Reading
from store.pricing.arithmetic import lines_of, total_nano
from store.pricing.caching import spared_nano
from store.pricing.configured import ConfiguredPrices
from store.pricing.price import Price
from store.pricing.published import PublishedPrices, Spans
from store.pricing.unbilled import unbilled

_UNKNOWN = Cost("unknown")
_UNBILLED = Cost("free", 0, cache_saved=0)
_REMEMBERED = 4096  # names of models come from clients, so there is no end to them

_Key = tuple[str | None, str | None, str | None, date, str | None]


class PriceBook:
    """All prices that are known. Never raises on what a provider sent."""

    def __init__(self, entries: tuple[PriceEntry, ...], providers: Mapping[str, str]) -> None:
        """`providers`: for each upstream, whose price list applies."""
        self._configured = ConfiguredPrices(entries)
        self._published = PublishedPrices()
        self._providers = dict(providers)
        self._remembered: dict[_Key, Spans] = {}

    def edition(self, today: date) -> tuple[str, date | None]:
        """Which published lists these are, and the day of the newest price in force in them."""
        return f"genai-prices {self._published.version}", self._published.newest(today)

    def cost(
        self,
        reading: Reading,
        upstream: str | None,
        at: datetime,
        *,
        status: int | None = None,
        outcome: Outcome = "completed",
        method: str = "POST",
    ) -> Cost:
        """What this call cost, received at `at`. Status, outcome and method tell whether anybody is billed for it."""
        if (reported := reading.reported_cost_usd) is not None and (nano := total_nano((reported,))) is not None:
            return Cost("reported", nano, source="upstream")
        price = self._price(upstream, reading, at)
        if price is not None and price.free:
            return Cost("free", 0, (), price.source, price.entry, price.since, cache_saved=0)
        if unbilled(reading, status, outcome, method):
            return _UNBILLED
        if price is None or (lines := lines_of(price, reading)) is None:
            return _UNKNOWN
        nano = total_nano([line.usd for line in lines])
        if nano is None:
            return _UNKNOWN
        estimated = price.bands and reading.tokens is not None and reading.tokens.source == "estimated"
        state: CostState = "estimated" if estimated else "priced"
        spared = spared_nano(price, reading.tokens)
        return Cost(state, nano, lines, price.source, price.entry, price.since, cache_saved=spared)

    def look_up(self, upstream: str | None, model: str, at: datetime) -> Price | None:
        """The price of this model at this upstream (None: at any) at this time, at the standard tier."""
        moment = _utc(at)
        return _at(self._resolve(upstream, (model,), moment.date(), None), moment)

    def _price(self, upstream: str | None, reading: Reading, at: datetime) -> Price | None:
        moment = _utc(at)
        tier = "batch" if reading.type == "batch" else reading.service_tier
        key = (upstream, reading.model, reading.requested_model, moment.date(), tier)
        spans = self._remembered.get(key)
        if spans is None:
            models = tuple(model for model in (reading.model, reading.requested_model) if model)
            spans = self._resolve(upstream, models, key[3], tier) if upstream is not None else _NOTHING
            if len(self._remembered) >= _REMEMBERED:
                del self._remembered[next(iter(self._remembered))]  # the oldest
            self._remembered[key] = spans
        return spans[0][1] if len(spans) == 1 else _at(spans, moment)

    def _resolve(self, upstream: str | None, models: tuple[str, ...], day: date, tier: str | None) -> Spans:
        for model in models:
            if (price := self._configured.look_up(upstream, model, day)) is not None:
                return ((time.min, price),)
        provider = None if upstream is None else self._providers.get(upstream)
        if upstream is not None and provider is None:
            return _NOTHING
        for model in models:
            spans = self._published.prices_of_day(provider, model, day, tier)
            if any(price is not None for _, price in spans):
                return spans
        return _NOTHING


_NOTHING: Spans = ((time.min, None),)


def _utc(at: datetime) -> datetime:
    if at.tzinfo is UTC:
        return at
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _at(spans: Spans, moment: datetime) -> Price | None:
    """The price of the last span that has begun."""
    now = moment.time()
    return [price for start, price in spans if start <= now][-1]
