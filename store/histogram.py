"""Durations counted in buckets that grow by a constant ratio, so that percentiles of any sum of calls can be had.

A bucket is 9 % wide, so its middle is within 4.5 % of every duration in it; 5 % is what we promise.

A histogram is one whole number with 32 bits for each bucket, the lowest first: adding two of them adds every bucket at
once, and taking one away again is exact. In the book it is packed, since most are a few small counts side by side:

    2 bytes  the first bucket that is not empty
    1 byte   how wide a count is in bytes: 1, 2 or 4
    ...      the counts from that bucket on, up to the last that is not empty

All of it little-endian; an empty histogram is no bytes at all.
"""

import math
import struct
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Final

RATIO = 1.09
_LOG_RATIO = math.log(RATIO)
_LANE = 32  # bits of a count: four thousand million calls in one bucket of one sum
_BYTES = _LANE // 8
_HEAD = 3


def bucket(duration_us: int) -> int:
    """The bucket of a duration in microseconds; everything below one microsecond is in bucket 0."""
    return int(math.log(duration_us) / _LOG_RATIO) if duration_us > 1 else 0


def middle_us(number: int) -> float:
    """The duration that stands for a bucket: its geometric middle, in microseconds."""
    return float(RATIO ** (number + 0.5))


def of(counts: Mapping[int, int]) -> int:
    """The histogram with so many calls in these buckets."""
    return sum(calls << (_LANE * number) for number, calls in counts.items())


def single(number: int) -> int:
    """The histogram of one call in this bucket."""
    return 1 << (_LANE * number)


def of_buckets(joined: str | None) -> int:
    """The histogram of calls whose buckets are these numbers, as SQLite joins them: with commas between."""
    return of({int(number): calls for number, calls in Counter(joined.split(",")).items()}) if joined else 0


def of_packed(joined: str | None) -> int:
    """The sum of packed histograms, as SQLite joins them: hexadecimal, with blanks between."""
    if not joined:
        return 0
    packed = bytes.fromhex(joined)  # passes over blanks
    # Nearly all counts are one byte wide: all bytes are made counts at once, and those of one first bucket added up.
    wide = bytearray(len(packed) * _BYTES)
    wide[::_BYTES] = packed
    counts = memoryview(wide)
    sums: dict[int, int] = {}
    start = 0
    for one in joined.split(" "):
        stop = start + len(one) // 2
        if start == stop:
            continue
        if packed[start + 2] == 1:
            first = packed[start] | packed[start + 1] << 8
            more = int.from_bytes(counts[(start + _HEAD) * _BYTES : stop * _BYTES], "little")
        else:
            first, more = 0, unpack(packed[start:stop])
        sums[first] = sums.get(first, 0) + more
        start = stop
    return sum(added << (_LANE * first) for first, added in sums.items())


def counts(histogram: int) -> dict[int, int]:
    """How many calls are in each bucket that is not empty."""
    first, lanes = _lanes(histogram)
    return {number: calls for number, calls in enumerate(lanes, first) if calls}


def percentiles(histogram: int, shares: Iterable[float]) -> list[int] | None:
    """For each share (0..1) the bucket below whose end that many of the calls lie; None when there are none."""
    if not histogram:
        return None
    first, lanes = _lanes(histogram)
    below = list(accumulate(lanes))
    total = below[-1]
    return [first + bisect_left(below, math.ceil(share * total) or 1) for share in shares]


def percentiles_us(histogram: int, shares: Sequence[float]) -> list[float | None]:
    """For each share (0..1) the duration below which that many of the calls lie; None when there are none."""
    found = percentiles(histogram, shares)
    return [None for _ in shares] if found is None else [middle_us(number) for number in found]


def pack(histogram: int) -> bytes:
    """A histogram as it is kept."""
    if not histogram:
        return b""
    first, data = _trimmed(histogram)
    # Stripping zeros asks whether there is anything else, ten times faster than any().
    if data[2::_BYTES].strip(b"\0") or data[3::_BYTES].strip(b"\0"):
        return struct.pack("<HB", first, 4) + data
    if data[1::_BYTES].strip(b"\0"):
        narrow = bytearray(len(data) // 2)
        narrow[::2], narrow[1::2] = data[::_BYTES], data[1::_BYTES]
        return struct.pack("<HB", first, 2) + narrow
    return struct.pack("<HB", first, 1) + data[::_BYTES]


def unpack(packed: bytes) -> int:
    """The histogram that was packed so."""
    if not packed:
        return 0
    width = packed[2]
    wide = bytearray((len(packed) - _HEAD) * _WIDER[width])
    for place in range(width):
        wide[place::_BYTES] = packed[_HEAD + place :: width]
    return int.from_bytes(wide, "little") << (_LANE * (packed[0] | packed[1] << 8))


_WIDER: Final = {1: 4, 2: 2, 4: 1}


def add_packed(left: bytes, right: bytes) -> bytes:
    """The sum of two packed histograms, packed.

    To a large one a few calls are usually added, whose buckets it has and whose counts fit: then nothing is unpacked.
    """
    if not left or not right:
        return left or right
    width, narrow = left[2], right[2] == 1
    start = ((right[0] | right[1] << 8) - (left[0] | left[1] << 8)) * width
    counts = right[_HEAD:]
    stop = start + len(counts) * width
    if narrow and start >= 0 and stop <= len(left) - _HEAD:
        below = left[_HEAD + start : _HEAD + stop]
        if max(below[width - 1 :: width]) < _ALMOST_FULL[width] and (width > 1 or max(counts) < _ALMOST_FULL[1]):
            if width > 1:
                wide = bytearray(len(below))
                wide[::width] = counts
                counts = bytes(wide)
            more = int.from_bytes(below, "little") + int.from_bytes(counts, "little")
            return left[: _HEAD + start] + more.to_bytes(len(below), "little") + left[_HEAD + stop :]
    return pack(unpack(left) + unpack(right))


# Of the highest byte of a count, by its width: no count of a byte more makes it run over.
_ALMOST_FULL: Final = {1: 128, 2: 255, 4: 255}


def _trimmed(histogram: int) -> tuple[int, bytes]:
    """The first bucket that is not empty, and the bytes of the counts from there to the last such."""
    first = ((histogram & -histogram).bit_length() - 1) // _LANE
    lanes = histogram >> (_LANE * first)
    return first, lanes.to_bytes(-(-lanes.bit_length() // _LANE) * _BYTES, "little")


def _lanes(histogram: int) -> tuple[int, Sequence[int]]:
    if not histogram:
        return 0, ()
    first, data = _trimmed(histogram)
    return first, struct.unpack(f"<{len(data) // _BYTES}I", data)
