"""How values read: times, durations, counts, money. Unknown is "unknown", never 0 and never blank."""

from collections.abc import Mapping
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any, Final

UNKNOWN: Final = "unknown"


def count(number: int | float | Decimal | None) -> str:
    """A count with its thousands apart: 1,234,567."""
    return UNKNOWN if number is None else f"{number:,}"


def short_count(number: int | None) -> str:
    """A count in at most five characters: 999, 1.2k, 34k, 5.6M."""
    if number is None:
        return UNKNOWN
    size = float(number)
    for unit in ("", "k", "M", "G"):
        if abs(size) < 999.5 or unit == "G":
            break
        size /= 1000
    return f"{size:.1f}{unit}" if unit and abs(size) < 9.95 else f"{size:.0f}{unit}"


def duration(milliseconds: float | None) -> str:
    """A duration as a person says it: 0.4 ms, 12 ms, 1.23 s, 2 m 05 s."""
    if milliseconds is None:
        return UNKNOWN
    if milliseconds < 10:
        return f"{milliseconds:.2g} ms" if milliseconds else "0 ms"
    if milliseconds < 999.5:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    if seconds < 59.995:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} m {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} m"


def money(usd: str | Decimal | None, *, exact: bool = False) -> str:
    """Dollars: `exact` shows every digit there is, otherwise the digits that tell calls apart."""
    if usd is None:
        return UNKNOWN
    amount = Decimal(usd)
    if exact:
        return f"${trimmed(amount)}"
    if amount == 0:
        return "$0"
    if abs(amount) >= Decimal("0.9995"):
        return f"${amount:,.2f}"
    if abs(amount) >= Decimal("0.0000995"):
        return f"${amount:.4f}"
    return f"${amount:.7f}".rstrip("0") if abs(amount) >= Decimal("0.00000005") else f"${amount:.9f}"


def trimmed(amount: Decimal) -> str:
    """A decimal without the zeros that say nothing, but with cents: 2.50, 0.000045."""
    text = f"{amount:,f}"
    whole, point, fraction = text.partition(".")
    fraction = fraction.rstrip("0")
    return f"{whole}.{fraction:0<2}" if point else f"{whole}.00"


def usage(credits_used: float | str | None) -> str:
    """Usage in credits."""
    if credits_used is None:
        return UNKNOWN
    amount = Decimal(str(credits_used))
    if abs(amount) >= 100 or amount == amount.to_integral_value():
        return f"{amount:,.0f}"
    return f"{amount:.2f}" if abs(amount) >= 1 else f"{amount:.4f}"


def tokens(counted: Mapping[str, Any], *, short: bool = False) -> str:
    """In → out, with what came from the cache: 1,234 (1,000 cached) → 56. Estimates begin with a tilde."""
    asked, answered, cached = counted.get("input"), counted.get("output"), counted.get("cache_read")
    if asked is None and answered is None:
        return UNKNOWN
    say = short_count if short else count
    about = "~" if counted.get("source") == "estimated" else ""
    part = ""
    if cached:
        part = f" ↻{say(cached)}" if short else f" ({say(cached)} cached)"
    return f"{about}{'?' if asked is None else say(asked)}{part} → {'?' if answered is None else say(answered)}"


def moment(time: str, zone: tzinfo | None, *, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """A time of the book in this zone, or in the machine's own."""
    return datetime.fromisoformat(time).astimezone(zone).strftime(form)


_OUTCOMES = {
    "client_left": "client left",
    "upstream_unreachable": "unreachable",
    "upstream_timed_out": "timed out",
    "upstream_broke_off": "broke off",
    "rejected": "rejected",
    "interrupted": "interrupted",
}


def ending(status: int | None, outcome: str, error: object = None) -> str:
    """How the call ended: its status, and in words what the status does not say."""
    words = _OUTCOMES.get(outcome, "" if outcome == "completed" else outcome)
    if not words and error and status is not None and status < 400:
        words = "error"
    if status is None:
        return words or "no status"
    return f"{status} {words}".rstrip()


def colour(status: int | None, outcome: str, error: object = None) -> str:
    """Nothing for what is fine, yellow for what the client did, red for what failed."""
    if outcome == "client_left":
        return "yellow"
    if outcome != "completed" or error or status is None or status >= 500:
        return "red"
    return "yellow" if status >= 400 else ""
