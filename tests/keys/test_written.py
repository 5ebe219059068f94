"""What people write when they make a key, and what they are told when it makes no sense."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from proxy.keys import written

ISSUED = "tb-hCXIx7vG2cCXk5hBooduZkCAvkqEEgqp3srliTV31ur1aoqrz"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize("text", ["a", "alice@example.org", "team-1_x.y", "x" * 64])
def test_names(text: str) -> None:
    """A name is what names are everywhere."""
    assert written.name(text) == text


@pytest.mark.parametrize(
    "text", ["", "a b", "x" * 65, "a/b", "é", "a\n", ISSUED, "sk-proj-abc", "1a2b3c4d-wxyz", "deadbeef"]
)
def test_what_is_no_name(text: str) -> None:
    """A name must be no secret and no fingerprint, and is not repeated when it is refused."""
    with pytest.raises(ValueError, match="name") as problem:
        written.name(text)
    assert len(text) < 8 or text not in str(problem.value)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("90d", NOON + timedelta(days=90)),
        ("24h", NOON + timedelta(hours=24)),
        ("2026-12-31", datetime(2027, 1, 1, tzinfo=UTC)),
        ("2026-11-22", datetime(2026, 11, 23, tzinfo=UTC)),
        ("2026-12-31T12:00:00+01:00", datetime(2026, 12, 31, 11, tzinfo=UTC)),
    ],
)
def test_expiry(text: str, moment: datetime) -> None:
    """After a while, after a day, or at a moment."""
    assert written.expiry(text, NOON) == moment


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (lambda text: written.expiry(text, NOON), "yesterday"),
        (lambda text: written.expiry(text, NOON), "2026-11-21"),
        (lambda text: written.expiry(text, NOON), "2026-12-31T12:00:00"),
        (lambda text: written.expiry(text, NOON), "2026-13-45"),
        (lambda text: written.expiry(text, NOON), "9999-12-31"),
        (lambda text: written.expiry(text, NOON), "0"),
        (written.span, "1"),
        (written.span, "1y"),
        (written.span, "-1d"),
        (written.span, "999999w"),
        (written.fingerprint, "laptop"),
        (written.fingerprint, "1A2B3C4D-wxyz"),
        (written.pattern, ""),
        (written.pattern, "a b"),
        (written.pattern, "x" * 129),
        (written.calls, 0),
        (written.calls, 100_001),
    ],
)
def test_what_makes_no_sense(read: Callable[[Any], object], text: Any) -> None:
    """It is refused with what would be right."""
    with pytest.raises(ValueError, match=r"must|written"):
        read(text)


def test_spans() -> None:
    """A length of time has a unit; none is 0."""
    assert [written.span(text) for text in ("0", "5m", "2w")] == [
        timedelta(0), timedelta(minutes=5), timedelta(weeks=2),
    ]  # fmt: skip
