"""Times as people and programs write them, turned into microseconds since the epoch; and zones by their IANA names.

Accepts RFC 3339, epoch seconds, a date, an age (`15m`, `24h`, `7d`; also `s` and `w`). A time without an offset is read
in the given zone. Refuses everything else: a guess about time would be a wrong answer nobody notices.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_CEILING, Decimal
from zoneinfo import ZoneInfo

_AGE = re.compile(r"([0-9]{1,9})([smhdw])")
_EPOCH = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# A plus sign in a query string that was not escaped arrives as a space: "14:00:00 01:00" is that offset.
_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?)([Zz]|[+\- ][0-9]{2}:[0-9]{2})?")  # fmt: skip  # noqa: E501
_AGES = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_EPOCH_START = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# A zone, a period before it or the next month reaches past a time; from these there is somewhere to reach.
_FIRST, _LAST = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 1, 1, tzinfo=UTC)

WRITTEN = "RFC 3339 (2026-11-22T14:00:00Z), epoch seconds, a date (2026-11-22) or an age (15m, 24h, 7d)"


def zone(name: str) -> ZoneInfo:
    """The time zone of this IANA name.

    Raises:
        ValueError: there is no such zone.
    """
    # These are files beside the zones, not zones; the first two count leap seconds or come twice.
    if name.startswith(("right/", "posix/", "posixrules", "localtime")):
        raise ValueError("no such time zone")
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        raise ValueError("no such time zone") from None


def moment_us(text: str, now: datetime, tz: ZoneInfo, *, through: bool = False) -> int:
    """The moment meant by `text`; with `through`, a date means the end of that day instead of its start.

    Raises:
        ValueError: it is written in none of the accepted ways, or out of range.
    """
    try:
        us = _read(text, now, tz, through=through)
        in_range = _FIRST <= at(us) <= _LAST
    except (ValueError, OverflowError):
        in_range = False
    except LookupError:
        raise ValueError(f"use {WRITTEN}") from None
    if not in_range:
        raise ValueError("out of range")
    return us


def _read(text: str, now: datetime, tz: ZoneInfo, *, through: bool) -> int:
    if age := _AGE.fullmatch(text):
        return epoch_us(now - timedelta(**{_AGES[age[2]]: int(age[1])}))
    if _EPOCH.fullmatch(text):
        return int((Decimal(text) * 1_000_000).to_integral_value(ROUND_CEILING))
    if _DATE.fullmatch(text):
        day = date.fromisoformat(text) + timedelta(days=1 if through else 0)
        return epoch_us(datetime.combine(day, time(), tz))
    if written := _TIME.fullmatch(text):
        # A blank before the offset can only be a plus: a minus arrives as it was written.
        read = datetime.fromisoformat(written[1].upper() + (written[2] or "").upper().replace(" ", "+"))
        return epoch_us(read if read.tzinfo else read.replace(tzinfo=tz))
    raise LookupError(text)


def epoch_us(when: datetime) -> int:
    """Microseconds since the epoch of a time that has an offset."""
    return (when - _EPOCH_START) // _MICROSECOND


def at(us: int) -> datetime:
    """The time so many microseconds after the epoch, in UTC."""
    return _EPOCH_START + timedelta(microseconds=us)


def rfc3339(us: int) -> str:
    """That time as text, with six digits and Z."""
    return at(us).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
