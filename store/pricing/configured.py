"""The user's own prices: which `[[prices]]` table of the configuration applies to a model on a day.

Refuses to be clever: no table is "more specific" than another. Of those whose patterns match, the latest `from`
that has come wins, and of equals the later one in the file.
"""

import re
from collections.abc import Iterable
from datetime import date

from proxy.config.model import PriceEntry
from store.pricing.price import Band, Price, UnitKind, UnitRate, costs_nothing

_UNITS: tuple[UnitKind, ...] = ("request", "image", "second", "character")


class ConfiguredPrices:
    """The `[[prices]]` tables, in the order of the file."""

    def __init__(self, entries: Iterable[PriceEntry]) -> None:
        self._tables = [
            (_matcher(entry.upstream), _matcher(entry.model), entry.since or date.min, _price(number, entry))
            for number, entry in enumerate(entries, start=1)
        ]

    def look_up(self, upstream: str | None, model: str, day: date) -> Price | None:
        """The price of this model at this upstream (None: at any) on this UTC day."""
        best: tuple[date, Price] | None = None
        for of_upstream, of_model, since, price in self._tables:
            if since > day or not of_model.fullmatch(model):
                continue
            if upstream is not None and not of_upstream.fullmatch(upstream):
                continue
            if best is None or since >= best[0]:
                best = since, price
        return best[1] if best else None


def _matcher(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.IGNORECASE | re.DOTALL)


def _price(number: int, entry: PriceEntry) -> Price:
    given = {
        "input": entry.input,
        "cache_read": entry.cache_read,
        "cache_write_5m": entry.cache_write,
        "cache_write_1h": entry.cache_write_1h,
        "input_audio": entry.input_audio,
        "input_image": entry.input_image,
        "output": entry.output,
        "output_audio": entry.output_audio,
        "output_image": entry.output_image,
    }
    rates = {kind: rate for kind, rate in given.items() if rate is not None}
    bands = (Band(-1, rates),) if rates else ()
    units = {kind: UnitRate(usd) for kind in _UNITS if (usd := getattr(entry, kind)) is not None}
    return Price(
        source="config",
        entry=f"prices[{number}] {entry.upstream}/{entry.model}",
        since=entry.since.isoformat() if entry.since else None,
        bands=bands,
        units=units,
        free=entry.free or costs_nothing(bands, units),
    )
