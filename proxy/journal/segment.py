"""One file of the journal: where its records begin and end, and how to read on past damage.

A record is a mark, the length and CRC-32 of its payload, and the payload. A segment is preallocated with zeros, so
a zero where a mark should be means: nothing written here yet. A record may be read while it is being written; it
counts only when its checksum holds.
"""

import struct
import zlib
from collections.abc import Iterator

import msgspec

MARK = b"\xf1TB\n"
_HEADER = struct.Struct("<4sII")
HEADER_SIZE = _HEADER.size
SUFFIX = ".seg"


def header(payload: bytes) -> bytes:
    """What stands before this payload in a segment."""
    return _HEADER.pack(MARK, len(payload), zlib.crc32(payload))


class Record(msgspec.Struct, frozen=True, gc=False):
    """A payload whose checksum holds, still where it was read, and the offset at which the next record begins."""

    payload: memoryview
    start: int
    end: int


class Damage(msgspec.Struct, frozen=True):
    """Bytes that are no record, up to `end`, where reading can go on.

    `unfinished`: they are the beginning of one, and nothing was written behind them.
    """

    data: bytes
    start: int
    end: int
    unfinished: bool = False


def scan(data: bytes, start: int = 0, *, sealed: bool) -> Iterator[Record | Damage]:
    """The records of a segment from offset `start` on.

    Stops before a record that is not complete yet. In a `sealed` segment nothing will be completed any more: what is
    left between two whole records, or before a torn last one, is `Damage`.
    """
    view = memoryview(data)
    position = start
    while position + HEADER_SIZE <= len(data):
        found: Record | Damage | None = _record_at(view, position)
        if found is None:
            resume = _resume(data, position, sealed=sealed)
            if resume is None:
                break
            found = Damage(data[position:resume], position, resume)
        yield found
        position = found.end
    if sealed:
        rest = data[position:].rstrip(b"\0")
        if rest:
            yield Damage(rest, position, len(data), _is_unfinished(rest))


def size_of_first(data: bytes) -> int:
    """How many bytes the record takes that these begin with, as its header says; 0 when they begin with none."""
    mark, length, _ = _HEADER.unpack_from(data) if len(data) >= HEADER_SIZE else (b"", 0, 0)
    return HEADER_SIZE + int(length) if mark == MARK else 0


def _is_unfinished(rest: bytes) -> bool:
    if len(rest) < HEADER_SIZE:
        return rest[: len(MARK)] == MARK[: len(rest)]
    return len(rest) < size_of_first(rest)


def _resume(data: bytes, position: int, *, sealed: bool) -> int | None:
    """Where reading goes on past bytes that are no record; None to wait for what is still being written."""
    mark, length, _ = _HEADER.unpack_from(data, position)
    if mark == MARK:
        # Where the record says it ends. Never inside it as long as it may be completed: a body is free to hold what
        # looks like a record.
        end: int = position + HEADER_SIZE + length
        if end + HEADER_SIZE <= len(data) and _record_at(memoryview(data), end) is not None:
            return end
        if not sealed:
            return None
    elif not sealed and not any(data[position : position + HEADER_SIZE]):
        return None  # nothing written here yet
    return _next_record(data, position + 1)


def _record_at(data: memoryview, position: int) -> Record | None:
    mark, length, checksum = _HEADER.unpack_from(data, position)
    begin = position + HEADER_SIZE
    end = begin + length
    # A mark whose length is not written yet looks like an empty record, of which zero is the right checksum.
    if mark != MARK or not length or end > len(data):
        return None
    payload = data[begin:end]
    return Record(payload, position, end) if zlib.crc32(payload) == checksum else None


def _next_record(data: bytes, position: int) -> int | None:
    view = memoryview(data)
    while (position := data.find(MARK, position)) >= 0 and position + HEADER_SIZE <= len(data):
        if _record_at(view, position) is not None:
            return position
        position += 1
    return None
