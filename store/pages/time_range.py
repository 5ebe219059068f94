"""The Time Range of a page: what can be chosen with one click, and what is chosen, in words."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from store.pages.asking import PLACE
from store.pages.state import State
from store.pages.visible import visible

_AGES: Final = (
    ("15m", "Last 15 minutes"),
    ("1h", "Last hour"),
    ("24h", "Last 24 hours"),
    ("7d", "Last 7 days"),
    ("30d", "Last 30 days"),
)
ALL_TIME: Final = "All time"
MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_LENGTHS: Final = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week"}


@dataclass(frozen=True, slots=True)
class Preset:
    """A range with a name."""

    label: str
    address: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class TimeRange:
    """What the time menu shows."""

    label: str
    presets: tuple[Preset, ...]
    start: str  # as it stands in the address
    stop: str
    zone: str
    zone_chosen: bool  # the address names it

    @property
    def limited(self) -> bool:
        return bool(self.start or self.stop)


def time_range(state: State, zone: ZoneInfo, now: datetime) -> TimeRange:
    """The time range of this state, in this zone at this moment."""
    start, stop = state.value("from"), state.value("to")
    base = state.without("from", "to", *PLACE)
    named = _named(now.astimezone(zone))
    presets = tuple(
        Preset(label, base.with_(from_=first or None, to=last or None).address, (first, last) == (start, stop))
        for label, first, last in named
    )
    label = next((preset.label for preset in presets if preset.chosen), _in_words(start, stop))
    return TimeRange(label, presets, start, stop, zone.key, bool(state.value("tz")))


def length_in_words(age: str) -> str | None:
    """An age such as 14d as "14 days", 1h as "hour"; None when it is none."""
    number, letter = age[:-1], age[-1:]
    if not number.isdecimal() or letter not in _LENGTHS:
        return None
    return f"{number} {_LENGTHS[letter]}s" if number != "1" else _LENGTHS[letter]


def _named(here: datetime) -> list[tuple[str, str, str]]:
    today = here.date()
    yesterday = today - timedelta(days=1)
    first = today.replace(day=1)
    before = (first - timedelta(days=1)).replace(day=1)
    return [
        *((label, age, "") for age, label in _AGES),
        ("Today", f"{today}", f"{today}"),
        ("Yesterday", f"{yesterday}", f"{yesterday}"),
        ("This month", f"{first}", f"{_last(first)}"),
        ("Last month", f"{before}", f"{_last(before)}"),
        (ALL_TIME, "", ""),
    ]


def _last(first: date) -> date:
    """The last day of the month that begins on this one."""
    return (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _month(start: str, stop: str) -> str | None:
    """October 2026, where it is a whole month."""
    if len(start) != len("2026-10-01"):  # seconds since the epoch could be read as a date, too
        return None
    try:
        first, last = date.fromisoformat(start), date.fromisoformat(stop)
        return f"{MONTHS[first.month - 1]} {first.year}" if first.day == 1 and last == _last(first) else None
    except (ValueError, OverflowError):
        return None


def _in_words(start: str, stop: str) -> str:
    if month := _month(start, stop):
        return month
    first, last = _short(start), _short(stop)
    if not stop and (length := length_in_words(start)):
        return f"Last {length}"
    if start and stop:
        return first if start == stop else f"{first} to {last}"
    return f"since {first}" if start else f"until {last}"


def _short(text: str) -> str:
    """An age in words; else without the T, and without seconds and offset where the text is long."""
    if length := length_in_words(text):
        return f"{length} ago" if length[0].isdigit() else f"1 {length} ago"
    plain = visible(text, 40)
    return plain[:16].replace("T", " ") if len(plain) > 16 and plain[4:5] == "-" else plain
