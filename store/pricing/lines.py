"""Cost lines as the book keeps them: `[[kind, count, rate, usd, per_unit], ...]` with numbers as decimal strings.

Strings, because a JSON number would pass through a float on its way back.
"""

from collections.abc import Iterable
from decimal import Decimal

import orjson

from store.call import CostLine


def lines_to_json(lines: Iterable[CostLine]) -> bytes | None:
    """The lines as JSON; None when there are none."""
    rows = [[line.kind, f"{line.count:f}", f"{line.rate:f}", f"{line.usd:f}", line.per_unit] for line in lines]
    return orjson.dumps(rows) if rows else None


def lines_from_json(text: bytes | str | None) -> tuple[CostLine, ...]:
    """The lines again, equal to those that were written."""
    rows = orjson.loads(text) if text else []
    return tuple(
        CostLine(kind, Decimal(count), Decimal(rate), Decimal(usd), per_unit)
        for kind, count, rate, usd, per_unit in rows
    )
