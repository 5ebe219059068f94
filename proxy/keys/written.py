"""What people write when they make or change a key: each function gives the value, or a ValueError with what is right.

The command line and the page take the same words. Budgets are read by `proxy/config/budget.py`.
"""

import re
from datetime import UTC, datetime, time, timedelta

from proxy.config import values
from proxy.keys import secret

_SPAN = re.compile(r"([0-9]{1,6})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LONGEST = timedelta(days=36_500)
_FINGERPRINT = re.compile(r"[0-9a-f]{8}(-[0-9A-Za-z_]{4})?")
_MOST_CALLS = 100_000


def name(text: str) -> str:
    """The name of a key or group."""
    if secret.claims_to_be_ours(text) or text.startswith("sk-"):
        raise ValueError("a name must not begin like a secret")  # whoever pasted one should not see it kept
    if _FINGERPRINT.fullmatch(text):
        raise ValueError("a name must not look like the fingerprint of a credential")
    return values.name(text)


def fingerprint(text: str) -> str:
    """What an unnamed credential is called in the rows."""
    if not _FINGERPRINT.fullmatch(text):
        raise ValueError("a fingerprint is written as in the rows: 1a2b3c4d-wxyz")
    return text


def span(text: str) -> timedelta:
    """A length of time: `90d`, `24h`, or `0` for none."""
    found = _SPAN.fullmatch("0s" if text == "0" else text)
    length = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else None
    if length is None or length > _LONGEST:
        raise ValueError("must be a length of time, such as 24h, 90d or 4w")
    return length


def expiry(text: str, now: datetime) -> datetime:
    """When a key expires: in so long a time, after a day (2026-12-31, UTC), or at a moment (RFC 3339)."""
    advice = "must be a length of time such as 90d, a date, or a time with its zone (2026-12-31T12:00:00Z)"
    try:
        if _SPAN.fullmatch(text):
            moment = now + span(text)
        elif re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            moment = datetime.combine(datetime.fromisoformat(text), time(), UTC) + timedelta(days=1)
        else:
            moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(advice) from None
    if moment <= now:
        raise ValueError("must be in the future")
    return moment


def pattern(text: str) -> str:
    """The name of a model, or a pattern of names."""
    if not re.fullmatch(r"[!-~]{1,128}", text):
        raise ValueError("must be the name of a model, in which * matches any run of characters")
    return text


def calls(number: int) -> int:
    """How many calls a limit lets through."""
    if not 1 <= number <= _MOST_CALLS:
        raise ValueError(f"must be a whole number from 1 to {_MOST_CALLS}")
    return number
