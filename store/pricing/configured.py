"""The user's own prices: which `[[prices]]` table of the configuration applies to a model on a day.

Refuses to be clever: no table is "more specific" than another. Of those whose patterns match, the latest `from`
that has come wins, and of equals the later one in the file. A table replaces a published price whole. Tables for long
prompts (`above`) are chosen in the same way among themselves, and are bands of the one for any length.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from proxy.config.model import PriceEntry
from store.pricing.price import Band, Price, UnitKind, UnitRate, costs_nothing
from store.pricing.tiers import is_tier

_ANY_LENGTH = -1
_UNITS: tuple[UnitKind, ...] = (
    "request", "image", "second", "character", "page", "annotated_page", "search_unit", "text_message",
    "web_search", "file_search",
)  # fmt: skip

_TOLD_APART: tuple[UnitKind, ...] = ("output_citation", "input_video", "output_video")  # USD per million tokens


@dataclass(frozen=True, slots=True)
class _Table:
    upstream: re.Pattern[str]
    model: re.Pattern[str]
    tier: str | None
    above: int
    since: date
    price: Price


class ConfiguredPrices:
    """The `[[prices]]` tables, in the order of the file."""

    def __init__(self, entries: Iterable[PriceEntry]) -> None:
        self._tables = [
            _Table(
                _matcher(entry.upstream),
                _matcher(entry.model),
                entry.tier,
                _ANY_LENGTH if entry.above is None else entry.above,
                entry.since or date.min,
                _price(number, entry),
            )
            for number, entry in enumerate(entries, start=1)
        ]

    def look_up(self, upstream: str | None, model: str, day: date, tier: str | None = None) -> Price | None:
        """The price of this model at this upstream (None: at any) on this UTC day, served at this tier."""
        best: dict[int, _Table] = {}  # for each length
        for table in self._tables:
            if table.since > day or not table.model.fullmatch(model):
                continue
            if upstream is not None and not table.upstream.fullmatch(upstream):
                continue
            if table.tier is not None and not is_tier(tier, table.tier):
                continue
            if table.above not in best or table.since >= best[table.above].since:
                best[table.above] = table
        shortest = best.pop(_ANY_LENGTH, None)
        if shortest is None:
            return None  # tables for long prompts alone are no price
        if not best or shortest.price.free:
            return shortest.price
        return _banded(shortest.price, [best[above].price for above in sorted(best)])


def _banded(price: Price, longer: list[Price]) -> Price:
    """One price of several tables: that of any length with the bands of the others, and the names of all."""
    bands = tuple(band for one in longer for band in one.bands)
    entry = ", ".join([price.entry, *(one.entry for one in longer)])
    return replace(price, entry=entry, bands=(*(price.bands or (Band(_ANY_LENGTH, {}),)), *bands))


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
        "cache_read_audio": entry.cache_read_audio,
        "cache_read_image": entry.cache_read_image,
        "output": entry.output,
        "output_audio": entry.output_audio,
        "output_image": entry.output_image,
        "output_reasoning": entry.output_reasoning,
    }
    rates = {kind: rate for kind, rate in given.items() if rate is not None}
    bands = (Band(_ANY_LENGTH if entry.above is None else entry.above, rates),) if rates else ()
    units = {kind: UnitRate(usd) for kind in _UNITS if (usd := getattr(entry, kind)) is not None}
    units |= {kind: UnitRate(usd, 1_000_000) for kind in _TOLD_APART if (usd := getattr(entry, kind)) is not None}
    limits = [f"({entry.tier})"] if entry.tier else []
    limits += [f"above {entry.above} tokens"] if entry.above is not None else []
    return Price(
        source="config",
        entry=" ".join([f"prices[{number}] {entry.upstream}/{entry.model}", *limits]),
        since=entry.since.isoformat() if entry.since else None,
        bands=bands,
        units=units,
        free=entry.free or costs_nothing(bands, units),
    )
