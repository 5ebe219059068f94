"""What a call cost: from a reading, a price and the day, to whole nano-dollars and the lines that add up to them.

Pure arithmetic: no clock, no files, no network, no database. Money is Decimal or whole nano-dollars, never float,
and what nobody knows stays unknown. Ask `PriceBook`; the other modules are its parts.
"""

from store.pricing.arithmetic import fallback_usage_micro, usage_micro
from store.pricing.lines import lines_from_json, lines_to_json
from store.pricing.price import Band, Price, UnitRate
from store.pricing.price_book import PriceBook

__all__ = [
    "Band", "Price", "PriceBook", "UnitRate", "fallback_usage_micro", "lines_from_json", "lines_to_json", "usage_micro",
]  # fmt: skip
