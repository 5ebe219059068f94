"""How values read: times, durations, counts, money. Unknown is "unknown", never 0 and never blank."""

from collections.abc import Mapping
from datetime import datetime, tzinfo
from decimal import ROUND_HALF_UP, Decimal
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
    if abs(amount) >= Decimal("0.995"):
        return f"${_rounded(amount, 2):,}"
    if abs(amount) >= Decimal("0.00095"):
        return f"${_rounded(amount, 4)}"
    if abs(amount) >= Decimal("0.0000005"):
        return f"${_rounded(amount, 6):f}"
    return "<$0.000001"


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
        return f"{_rounded(amount, 0):,}"
    if 0 < amount < Decimal("0.00005"):
        return "<0.0001"
    return str(_rounded(amount, 2 if abs(amount) >= 1 else 4))


def _rounded(amount: Decimal, places: int) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def tokens(counted: Mapping[str, Any], *, short: bool = False) -> str:
    """In → out, with what came from a cache: 1,234 (1,000 cached) → 56, short: ↻1.2k → 56. Estimates have a tilde."""
    asked, answered, cached = counted.get("input"), counted.get("output"), counted.get("cache_read")
    if asked is None and answered is None:
        return UNKNOWN
    say = short_count if short else count
    about = "~" if counted.get("source") == "estimated" or counted.get("estimated_calls") else ""
    mark, part = "", ""
    if cached:
        mark, part = ("↻", "") if short else ("", f" ({say(cached)} cached)")
    into, out = "?" if asked is None else say(asked), "?" if answered is None else say(answered)
    return f"{about}{mark}{into}{part} → {out}"


def moment(time: str, zone: tzinfo | None, *, form: str | None = None) -> str:
    """A time of the book in this zone, or in the machine's own; RFC 3339 where no form is given."""
    there = datetime.fromisoformat(time).astimezone(zone)
    return there.isoformat(timespec="microseconds") if form is None else there.strftime(form)


_OUTCOMES = {  # in words, and in one short word
    "client_left": ("client left", "left"),
    "upstream_unreachable": ("unreachable", "no conn"),
    "upstream_timed_out": ("timed out", "timeout"),
    "upstream_broke_off": ("broke off", "broken"),
    "rejected": ("rejected", "refused"),
    "interrupted": ("interrupted", "cut"),
}


def ending(status: int | None, outcome: str, error: object = None, *, short: bool = False) -> str:
    """How the call ended: its status, and in words what the status does not say."""
    words = "" if outcome == "completed" else _OUTCOMES.get(outcome, (outcome, outcome))[short]
    if not words and error and status is not None and status < 400:
        words = "error"
    if short:
        return str(status) if status is not None and (status >= 400 or not words) else words or "none"
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
