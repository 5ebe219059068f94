"""What a call is charged: its cost by the prices that are known, and its usage by the terms of its group.

One arithmetic for a call that has just ended and for one that is priced anew years later (store/repricing/).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Final, Self

import msgspec

from proxy.config.model import Config, PriceEntry
from proxy.journal.notes import Outcome
from store.anomalies import Anomalies
from store.call import Cost, Reading
from store.pricing import PriceBook, fallback_usage_micro, usage_micro

BY_FALLBACK_RATE: Final = "usage_by_fallback_rate"
"""The anomaly of a call that has a usage although nobody knows what it cost."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a group is charged."""

    ratio: Decimal = Decimal(1)
    unpriced_usd_per_million: Decimal | None = None


_USUAL = Terms()


@dataclass(frozen=True, slots=True)
class Tariff:
    """All of a configuration that says what calls are charged: small enough to be handed from process to process."""

    prices: tuple[PriceEntry, ...] = ()
    providers: Mapping[str, str] = field(default_factory=dict)  # of each upstream: whose price list
    groups: Mapping[str, Terms] = field(default_factory=dict)
    per_usd: Decimal = Decimal(1000)

    @classmethod
    def of(cls, config: Config) -> Self:
        """That of this configuration."""
        return cls(
            config.prices,
            {name: one.provider for name, one in config.upstreams.items()},
            {name: Terms(one.ratio, one.unpriced_usd_per_million) for name, one in config.groups.items()},
            config.credits.per_usd,
        )

    @property
    def mark(self) -> str:
        """The same for equal tariffs, and hardly ever for others."""
        return blake2b(msgspec.json.encode(self, order="deterministic"), digest_size=4).hexdigest()


class Charging:
    """Charges calls by one tariff."""

    def __init__(self, tariff: Tariff) -> None:
        self.tariff = tariff
        self.prices = PriceBook(tariff.prices, tariff.providers)

    @property
    def edition(self) -> str:
        """Which prices these are, for the record."""
        lists, _ = self.prices.edition(datetime.now(UTC).date())
        return f"{lists}, {len(self.tariff.prices)} [[prices]] of {self.tariff.mark}"

    def published(self, today: date) -> tuple[str, date | None]:
        """Which published prices are used, and how new they are."""
        return self.prices.edition(today)

    def has_price(self, upstream: str, model: str) -> bool:
        """Whether there is a price for this model at this upstream, today."""
        return self.prices.look_up(upstream, model, datetime.now(UTC)) is not None

    def cost(
        self,
        reading: Reading,
        upstream: str | None,
        started_at_us: int,
        *,
        status: int | None,
        outcome: Outcome,
        method: str,
        target: str = "",
    ) -> Cost:
        """What this call cost."""
        at = datetime.fromtimestamp(started_at_us / 1_000_000, UTC)
        return self.prices.cost(reading, upstream, at, status=status, outcome=outcome, method=method, target=target)

    def usage(self, group: str, cost: Cost, reading: Reading) -> tuple[int | None, Anomalies]:
        """What the group is charged; where the cost is unknown, by its fallback rate, and then an anomaly says so."""
        terms = self.tariff.groups.get(group) or _USUAL
        if cost.nano_usd is not None or terms.unpriced_usd_per_million is None:
            return usage_micro(cost, terms.ratio, self.tariff.per_usd), ()
        usage = fallback_usage_micro(reading, terms.unpriced_usd_per_million, terms.ratio, self.tariff.per_usd)
        return usage, () if usage is None else (BY_FALLBACK_RATE,)
