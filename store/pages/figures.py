"""Numbers, money, durations and times as the pages show them. Unknown is a word, never 0.

Each takes what the JSON answers hold (numbers, decimal strings, RFC 3339 text, None) and gives short text for people.
"""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

UNKNOWN: Final = "unknown"
_THIN: Final = "\N{NARROW NO-BREAK SPACE}"
_UNITS: Final = ("B", "KB", "MB", "GB", "TB", "PB")


def count(value: float | None) -> str:
    """1234567 as 1,234,567."""
    return UNKNOWN if value is None else f"{value:,.0f}"


def short_count(value: float | None) -> str:
    """1234567 as 1.23M; exact below ten thousand."""
    if value is None:
        return UNKNOWN
    for size, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K")):
        if value >= max(size, 10_000):
            return f"{value / size:.3g}{letter}" if value < 999.5 * size else f"{value / size:,.0f}{letter}"
    return f"{value:,.0f}"


def usd(value: str | None) -> str:
    """A decimal string as dollars: cents where there are many, all that matters where there are few."""
    if value is None:
        return UNKNOWN
    amount = Decimal(value)
    if amount == 0:
        return "$0"
    sign, size = ("-", -amount) if amount < 0 else ("", amount)
    if size >= 100:
        return f"{sign}${size:,.2f}"
    if size >= 1:
        return f"{sign}${size:.3f}"
    digits = max(2, -size.adjusted() + 2)
    return f"{sign}${size:.{digits}f}"


def exact_usd(value: str | None) -> str:
    """Every decimal there is, without zeros at the end."""
    if value is None:
        return UNKNOWN
    amount = Decimal(value).normalize()
    return f"${amount:f}" if amount >= 0 else f"-${-amount:f}"


def rate(value: float | None) -> str:
    """So many in a minute or second: 0.042, 3.1, 512."""
    if value is None:
        return UNKNOWN
    if 0 < value < 0.01:
        return "<0.01"
    return f"{value:.2g}" if value < 9.95 else short_count(value)


def credits_(value: float | None) -> str:
    """Usage in credits, to three significant digits below a thousand."""
    if value is None:
        return UNKNOWN
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    digits = max(0, 2 - Decimal(repr(abs(value))).adjusted())
    return f"{value:,.{min(digits, 6)}f}"


def duration(value: float | None) -> str:
    """Milliseconds as 850 ms, 1.23 s, 2 min 05 s."""
    if value is None:
        return UNKNOWN
    if value < 10:
        return f"{value:.2g}{_THIN}ms"
    if value < 999.5:
        return f"{value:.0f}{_THIN}ms"
    if value < 9_995:
        return f"{value / 1000:.2f}{_THIN}s"
    if value < 59_950:
        return f"{value / 1000:.1f}{_THIN}s"
    seconds = round(value / 1000)
    if seconds < 3600:
        return f"{seconds // 60}{_THIN}min{_THIN}{seconds % 60:02}{_THIN}s"
    return f"{seconds // 3600}{_THIN}h{_THIN}{seconds % 3600 // 60:02}{_THIN}min"


def size(value: int | None) -> str:
    """Bytes as 12.3 MB (powers of ten)."""
    if value is None:
        return UNKNOWN
    amount = float(value)
    for unit in _UNITS:
        if abs(amount) < 999.5 or unit == _UNITS[-1]:
            return f"{amount:.0f}{_THIN}{unit}" if unit == "B" else f"{amount:.3g}{_THIN}{unit}"
        amount /= 1000
    raise AssertionError("unreachable: the last unit takes everything")


def share(value: float | None) -> str:
    """0.1234 as 12.3 %."""
    if value is None:
        return UNKNOWN
    percent = value * 100
    if 0 < percent < 0.1:
        return f"<0.1{_THIN}%"
    return f"{percent:.3g}{_THIN}%"


def moment(value: str | None, zone: ZoneInfo) -> str:
    """RFC 3339 text as date and time of a zone, to the second."""
    return UNKNOWN if value is None else _local(value, zone).strftime("%Y-%m-%d %H:%M:%S")


def exact_moment(value: str | None, zone: ZoneInfo) -> str:
    """RFC 3339 text in a zone, to the microsecond, with its offset."""
    return UNKNOWN if value is None else _local(value, zone).isoformat(timespec="microseconds")


def _local(value: str, zone: ZoneInfo) -> datetime:
    return datetime.fromisoformat(value).astimezone(zone)


FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "count": count,
    "short_count": short_count,
    "usd": usd,
    "exact_usd": exact_usd,
    "credits": credits_,
    "duration": duration,
    "rate": rate,
    "size": size,
    "share": share,
    "moment": moment,
    "exact_moment": exact_moment,
}
"""What templates write after a `|`."""
