"""Which price applies to a call, and what the call cost by it.

The order: what the provider reported, the `[[prices]]` of the configuration, the published lists, unknown. In each
of the two tables the model that answered is looked for first, then the one that was asked for. Resolving takes a
tenth of a millisecond and is remembered per upstream, models, UTC day and tier; the arithmetic takes microseconds.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time

from msgspec.structs import replace

from proxy.config.model import PriceEntry
from proxy.journal.notes import Outcome
from store.anomalies import Anomalies
from store.call import NO_UNITS, Cost, Reading
from store.pricing.arithmetic import lines_of, total_nano
from store.pricing.configured import ConfiguredPrices
from store.pricing.missing import NO_AMOUNT, no_list_price, no_price
from store.pricing.modifiers import PRICE_MODIFIER_UNKNOWN, modified
from store.pricing.names import backend_of
from store.pricing.portions import cost_together
from store.pricing.price import Price
from store.pricing.published import PublishedPrices, Spans
from store.pricing.tiers import tier_of
from store.pricing.unbilled import unbilled

_UNBILLED = Cost("free", 0, cache_saved=0)
_MODIFIED: Anomalies = (PRICE_MODIFIER_UNKNOWN,)
_REMEMBERED = 4096  # names of models come from clients, so there is no end to them

_NAMES_REGIONS = "aws"
_ROUTERS = frozenset({"huggingface"})  # whose sellers have lists of their own

_Key = tuple[str | None, str | None, str | None, int, str | None, str | None]


class PriceBook:
    """All prices that are known. Never raises on what a provider sent."""

    def __init__(self, entries: tuple[PriceEntry, ...], providers: Mapping[str, str]) -> None:
        """`providers`: for each upstream, whose price list applies."""
        self._configured = ConfiguredPrices(entries)
        self._published = PublishedPrices()
        self._providers = dict(providers)
        self._routers = {name for name, provider in providers.items() if provider.lower() in _ROUTERS}
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
        target: str = "",
    ) -> Cost:
        """What this call cost, received at `at`. The other facts tell whether anybody is billed for it, and where."""
        if (reported := reading.reported_cost_usd) is not None and (nano := total_nano((reported,))) is not None:
            return Cost("reported", nano, source="upstream")
        moment = at if at.tzinfo is UTC else _utc(at)
        tier = "batch" if reading.type == "batch" else reading.service_tier
        whose = None
        if upstream in self._routers:
            whose = backend_of(self._providers[upstream], target, reading.requested_model)
        price = self._price(upstream, reading.model, reading.requested_model, moment, tier, whose)
        if price is not None and price.free and not reading.portions:
            return Cost("free", 0, (), price.source, price.entry, price.since, cache_saved=0)
        if unbilled(reading, status, outcome, method, target):
            return _UNBILLED
        if reading.portions:
            prices = [self._price(upstream, one.model, None, moment, tier, whose) for one in reading.portions]
            cost = cost_together(reading, price, prices)
            if cost.lines and any(modified(one, reading, target) for one in (price, *prices) if one is not None):
                cost = replace(cost, anomalies=_MODIFIED)
            return cost
        model = reading.model or reading.requested_model
        if price is None:
            return Cost("unknown", missing=no_price(model))
        if price.prepaid is not None:
            return Cost("unknown", missing=no_list_price(price.prepaid, model))
        tokens, units = reading.tokens, reading.units
        prompted = reading.type in ("chat", "completion")
        bill = lines_of(
            price, model, tokens, None if units is NO_UNITS or units == NO_UNITS else units, prompted=prompted
        )
        if isinstance(bill, str):
            return Cost("unknown", missing=bill)
        nano = bill.nano if bill.nano is not None else total_nano([line.usd for line in bill.lines])
        if nano is None:
            return Cost("unknown", missing=NO_AMOUNT)
        guessed = tokens is not None and tokens.source == "estimated" and price.bands
        return Cost(
            "estimated" if guessed else "priced",
            nano,
            tuple(bill.lines),
            price.source,
            price.entry,
            price.since,
            bill.saved,
            None,
            _MODIFIED if modified(price, reading, target) else (),
        )

    def look_up(self, upstream: str | None, model: str, at: datetime, tier: str | None = None) -> Price | None:
        """The price of this model at this upstream (None: at any) at this time and tier (None: the standard one)."""
        moment = _utc(at)
        return _at(self._resolve(upstream, (model,), moment.date(), tier, None), moment)

    def _price(
        self,
        upstream: str | None,
        model: str | None,
        requested: str | None,
        moment: datetime,
        tier: str | None,
        whose: str | None,
    ) -> Price | None:
        """`whose`: the provider whose list applies, where it is not that of the upstream."""
        key = (upstream, model, requested, moment.toordinal(), tier, whose)
        spans = self._remembered.get(key)
        if spans is None:
            models = tuple(name for name in (model, requested) if name)
            spans = self._resolve(upstream, models, moment.date(), tier, whose) if upstream is not None else _NOTHING
            if len(self._remembered) >= _REMEMBERED:
                del self._remembered[next(iter(self._remembered))]  # the oldest
            self._remembered[key] = spans
        return spans[0][1] if len(spans) == 1 else _at(spans, moment)

    def _resolve(
        self, upstream: str | None, models: tuple[str, ...], day: date, told: str | None, whose: str | None
    ) -> Spans:
        tier = tier_of(told)
        for model in models:
            if (price := self._configured.look_up(upstream, model, day, tier)) is not None:
                return ((time.min, price),)
        provider = whose or (None if upstream is None else self._providers.get(upstream))
        if upstream is not None and provider is None:
            return _NOTHING
        # Bedrock's regions have prices of their own, and only the model that was asked for names one: what is invoked
        # answers by its maker's name (`claude-...`, for `global.anthropic.claude-...`).
        for model in reversed(models) if provider == _NAMES_REGIONS else models:
            spans = self._published.prices_of_day(provider, model, day, tier)
            if any(price is not None for _, price in spans):
                return spans
        return _NOTHING


_NOTHING: Spans = ((time.min, None),)


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _at(spans: Spans, moment: datetime) -> Price | None:
    """The price of the last span that has begun."""
    now = moment.time()
    return [price for start, price in spans if start <= now][-1]
