"""The members of a JSON object, or the elements of an array, whose middle is missing or whose syntax is broken.

A large body is kept as head and tail, and its model or usage may stand in either. The head is scanned forward as
usual. The tail begins anywhere, perhaps inside a string; but which quotes delimit strings can still be told:
an escaped quote follows an odd run of backslashes, an opening quote never follows one, and the body ends outside of
a string, so counting delimiting quotes from the end says what lies inside.

Only whole members are given; values are the bytes as they stand, not validated.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from store.dialects.document import Document

_MARK = re.compile(rb"[{}\[\],]")
_PIECE = 64 * 1024
_OPENING = b"{["
_CLOSING = b"}]"
_NAMED = re.compile(rb'\s*("[^"\\]*+(?:\\.[^"\\]*+)*+")\s*:\s*(.*\S)\s*', re.DOTALL)
_BEGUN = re.compile(rb'\s*("[^"\\]*+(?:\\.[^"\\]*+)*+")\s*:\s*(\[.*)', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Parts:
    """What stands between the commas of the outermost container."""

    whole: list[bytes]  # in their order
    rest: bytes  # what is there of the part that is not whole
    closed: bool  # the container reaches its own end


def members(document: Document) -> dict[str, bytes]:
    """The members of the object, by name; the last of equal names counts."""
    found = _named(_first_parts(document.head).whole)
    if document.cut:
        found |= _named(_last_parts(document.tail).whole)
    return found


def elements(document: Document) -> list[bytes]:
    """The whole elements of an array, in their order."""
    found = _first_parts(document.head).whole
    if document.cut:
        found = found + _last_parts(document.tail).whole
    return [element.strip() for element in found]


def closed(document: Document) -> bool:
    """Whether the document reaches its own end."""
    return document.tail.rstrip()[-1:] in (b"}", b"]") if document.cut else _first_parts(document.head).closed


def levels(tail: bytes) -> Iterator[dict[str, bytes]]:
    """The members that end in this tail, for each container that was cut: the outermost first."""
    for _ in range(4):  # deeper ones are of no interest to anybody
        parts = _last_parts(tail)
        if not parts.closed:
            return
        yield _named(parts.whole)
        tail = parts.rest


def torn(document: Document) -> tuple[str, list[bytes], list[bytes]] | None:
    """The member that is an array in which the hole begins: its name, and the whole elements before and after the hole.

    Those after the hole may belong to another array that ends behind it: nobody can tell.
    """
    begun = _BEGUN.fullmatch(_first_parts(document.head).rest) if document.cut else None
    if begun is None:
        return None
    try:
        name = msgspec.json.decode(begun[1], type=str)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    before = [element.strip() for element in _first_parts(begun[2]).whole]
    left = _last_parts(document.tail).rest
    after = [element.strip() for element in _last_parts(left).whole] if left.rstrip()[-1:] == b"]" else []
    return name, before, after


def _first_parts(data: bytes) -> Parts:
    """Forward from the beginning."""
    whole: list[bytes] = []
    depth, start = 0, 0
    for mark in _MARK.finditer(_skeleton(data, inside=False)):
        at = mark.start()
        char = data[at]
        if char in _OPENING:
            depth += 1
            if depth == 1:
                start = at + 1
        elif char in _CLOSING:
            depth -= 1
            if depth <= 0:
                return Parts(whole + _some(data[start:at]), b"", closed=depth == 0)
        elif depth == 1:
            whole.append(data[start:at])
            start = at + 1
    return Parts(whole, data[start:], closed=False)


def _last_parts(data: bytes) -> Parts:
    """Backward from the end."""
    data = _from_first_certain(data.rstrip())
    inside = _masked(data).count(b'"') % 2 == 1
    whole: list[bytes] = []
    depth, end = 0, 0
    for at in _marks_backward(_skeleton(data, inside)):
        char = data[at]
        if depth == 0 and (char not in _CLOSING or at != len(data) - 1):
            break
        if char in _CLOSING:
            depth += 1
            if depth == 1:
                end = at
        elif char in _OPENING:
            depth -= 1
            if depth == 0:
                whole += _some(data[at + 1 : end])
                return Parts(whole[::-1], b"", closed=True)
        elif depth == 1:
            whole += _some(data[at + 1 : end])
            end = at
    return Parts(whole[::-1], data[:end], closed=depth > 0)


def _marks_backward(skeleton: bytes) -> Iterator[int]:
    """Where structure is, from the end, found piece by piece: a body of nothing else would fill the memory."""
    for end in range(len(skeleton), 0, -_PIECE):
        yield from reversed([mark.start() for mark in _MARK.finditer(skeleton, max(0, end - _PIECE), end)])


def _some(part: bytes) -> list[bytes]:
    return [part] if part.strip() else []


def _masked(data: bytes) -> bytes:
    """The same with escaped backslashes and escaped quotes overwritten, so that every quote left delimits a string."""
    return data.replace(b"\\\\", b"..").replace(b'\\"', b"..") if b"\\" in data else data


def _skeleton(data: bytes, inside: bool) -> bytes:
    """The same with the contents of strings blanked, so that every mark left is structure."""
    pieces = _masked(data).split(b'"')
    for index in range(0 if inside else 1, len(pieces), 2):
        pieces[index] = b" " * len(pieces[index])
    return b'"'.join(pieces)


def _from_first_certain(data: bytes) -> bytes:
    """Without a run of backslashes at the very start and what it may escape: whether it is odd is not known."""
    if data[:1] != b"\\":
        return data
    return data.lstrip(b"\\")[1:]


def _named(parts: list[bytes]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for part in parts:
        match = _NAMED.fullmatch(part)
        if match:
            try:
                found[msgspec.json.decode(match[1], type=str)] = match[2]
            except (msgspec.MsgspecError, UnicodeDecodeError):
                continue
    return found
