"""Calls a minute and calls at a time, on a clock that a test turns."""

from datetime import UTC, datetime
from typing import Any

import pytest

from proxy.keys.key import Key
from proxy.keys.limits import Limits


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def a_key(name: str = "laptop", **limits: Any) -> Key:
    made = datetime(2026, 1, 1, tzinfo=UTC)
    return Key(name=name, group="g", kind="issued", digest="d", created_at=made, **limits)


def test_no_more_than_the_limit_in_any_minute() -> None:
    """Over any sixty seconds, wherever they begin, at most that many calls begin; what is refused does not count."""
    clock = Clock()
    limits, key, begun = Limits(clock=clock), a_key(per_minute=5), []
    for _ in range(2000):
        if limits.begin(key) is None:
            begun.append(clock.now)
            limits.end(key)
        clock.now += 0.7
    assert all(later - earlier >= 60 for earlier, later in zip(begun, begun[5:], strict=False))
    assert len(begun) >= 2000 * 0.7 / 60 * 5 - 5


def test_the_wait_that_is_told_is_enough_and_not_too_long() -> None:
    """After Retry-After a call goes through, a second before it does not."""
    clock = Clock()
    limits, key = Limits(clock=clock), a_key(per_minute=2)
    for _ in range(2):
        assert limits.begin(key) is None
        clock.now += 10
    refusal = limits.begin(key)
    assert refusal is not None
    assert refusal.retry_after_s == 40
    clock.now += 39
    assert limits.begin(key) is not None
    clock.now += 1
    assert limits.begin(key) is None


def test_calls_at_a_time() -> None:
    """Room comes with the end of a call; keys do not share it."""
    limits, key, other = Limits(), a_key(concurrent=2), a_key("other", concurrent=1)
    assert limits.begin(key) is None
    assert limits.begin(key) is None
    assert limits.begin(other) is None
    assert limits.begin(key) is not None
    limits.end(key)
    assert limits.begin(key) is None
    assert limits.begin(other) is not None


def test_a_call_refused_by_one_limit_does_not_count_for_the_other() -> None:
    """Calls past the calls at a time use up no calls a minute."""
    limits, key = Limits(clock=Clock()), a_key(concurrent=1, per_minute=2)
    assert limits.begin(key) is None
    for _ in range(10):
        refusal = limits.begin(key)
        assert refusal is not None
        assert refusal.code == "too_many_concurrent"
    limits.end(key)
    assert limits.begin(key) is None


@pytest.mark.parametrize(("limit", "workers", "share"), [(10, 1, 10), (10, 4, 3), (1, 4, 1), (8, 4, 2)])
def test_each_worker_has_its_share(limit: int, workers: int, share: int) -> None:
    """With several workers each admits the limit divided by their number, rounded up."""
    for key in (a_key(concurrent=limit), a_key(per_minute=limit)):
        limits = Limits(workers, Clock())
        assert [limits.begin(key) is None for _ in range(limit + 1)].count(True) == share


def test_a_key_without_limits_has_none() -> None:
    """Nothing is counted for it."""
    limits, key = Limits(), a_key()
    assert all(limits.begin(key) is None for _ in range(1000))
