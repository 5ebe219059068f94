"""What one check of `tollbook doctor` found."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's answer. Whatever is not ok says what to do next."""

    level: Level
    check: str  # what was looked at
    message: str  # what is so
    next: str | None = None  # what to do about it


def ok(check: str, message: str) -> Finding:
    """Nothing to do."""
    return Finding("ok", check, message)


def warn(check: str, message: str, next_: str) -> Finding:
    """A risk, or something that will want attention."""
    return Finding("warn", check, message, next_)


def fail(check: str, message: str, next_: str) -> Finding:
    """Something that does not work."""
    return Finding("fail", check, message, next_)
