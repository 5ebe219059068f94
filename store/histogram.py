"""Durations counted in buckets that grow by a constant ratio, so that percentiles of any sum of calls can be had.

A bucket is 9 % wide, so its middle is within 4.5 % of every duration in it; 5 % is what we promise.
"""

import math
from collections.abc import Mapping

RATIO = 1.09
_LOG_RATIO = math.log(RATIO)


def bucket(duration_us: int) -> int:
    """The bucket of a duration in microseconds; everything below one microsecond is in bucket 0."""
    return int(math.log(duration_us) / _LOG_RATIO) if duration_us > 1 else 0


def middle_us(number: int) -> float:
    """The duration that stands for a bucket: its geometric middle, in microseconds."""
    return float(RATIO ** (number + 0.5))


def percentile_us(counts: Mapping[int, int], share: float) -> float | None:
    """The duration below which `share` (0..1) of the counted calls lie; None when there are none."""
    total = sum(counts.values())
    if not total:
        return None
    wanted = max(1, math.ceil(share * total))
    for number in sorted(counts):
        wanted -= counts[number]
        if wanted <= 0:
            return middle_us(number)
    raise AssertionError("unreachable: the counts add up to their total")


def add(into: dict[int, int], counts: Mapping[int, int]) -> None:
    """Add one histogram to another."""
    for number, calls in counts.items():
        into[number] = into.get(number, 0) + calls
