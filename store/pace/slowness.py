"""How slow a call was for its model, for the colour of a duration in a list."""

from typing import Literal, NamedTuple

Slowness = Literal["usual", "slow", "very_slow"]
_VERY = 2.0


class Thresholds(NamedTuple):
    """Of a model's durations: half are below the first, nineteen of twenty below the second."""

    p50_ms: float
    p95_ms: float


def slowness(duration_ms: float | None, thresholds: tuple[float, float] | None) -> Slowness | None:
    """`slow`: slower than nineteen of twenty; `very_slow`: twice as slow as that. None where nothing is known."""
    if duration_ms is None or thresholds is None:
        return None
    _, p95_ms = thresholds
    if duration_ms > p95_ms * _VERY:
        return "very_slow"
    return "slow" if duration_ms > p95_ms else "usual"
