"""Cost lines as the book keeps them: `[[kind, count, rate, usd, per_unit], ...]` with numbers as decimal strings.

Strings, because a JSON number would pass through a float on its way back. A line of another model's portion has two
more members: that model, and the price it was priced by.
"""

from collections.abc import Iterable
from decimal import Decimal

import orjson

from store.call import CostLine


def lines_to_json(lines: Iterable[CostLine]) -> bytes | None:
    """The lines as JSON; None when there are none."""
    rows = [_row(line) for line in lines]
    return orjson.dumps(rows) if rows else None


def lines_from_json(text: bytes | str | None) -> tuple[CostLine, ...]:
    """The lines again, equal to those that were written."""
    rows = orjson.loads(text) if text else []
    return tuple(
        CostLine(kind, Decimal(count), Decimal(rate), Decimal(usd), *rest) for kind, count, rate, usd, *rest in rows
    )


def _row(line: CostLine) -> list[str | bool | None]:
    # `str` writes most numbers without an exponent, in a third of the time of a format.
    count, rate, usd = str(line.count), str(line.rate), str(line.usd)
    if "E" in usd or "E" in rate or "E" in count:
        count, rate, usd = f"{line.count:f}", f"{line.rate:f}", f"{line.usd:f}"
    if line.model is None:
        return [line.kind, count, rate, usd, line.per_unit]
    # A lone surrogate, which no JSON has, is a question mark here as in the names of the book.
    return [line.kind, count, rate, usd, line.per_unit, line.model.encode("utf-8", "replace").decode(), line.entry]
