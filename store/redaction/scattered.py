"""Secrets that a model repeats in pieces: each delta of a stream has a few letters, and readers put them together.

A model can only repeat what it was told, so this is done for secrets that the request held, and for no other call.
Strings that follow each other under the same name are taken for one text. Bytes in, bytes out; nothing is parsed.
"""

import re
from collections.abc import Iterable

import msgspec

from store.redaction.secret import KnownSecret

_LITERAL = re.compile(rb'"((?:[^"\\]++|\\.)*+)"(\s*:)?', re.DOTALL)


class _Piece(msgspec.Struct):
    start: int  # within the quotes
    end: int
    text: str


def replaced(data: bytes, secrets: Iterable[KnownSecret]) -> bytes:
    """The bytes without the pieces of these secrets."""
    changed: list[_Piece] = []
    for pieces in _pieces(data).values():
        joined = "".join(piece.text for piece in pieces)
        for secret in secrets:
            joined = _cleared(pieces, joined, secret, changed)
    for piece in sorted(changed, key=lambda piece: piece.start, reverse=True):
        data = data[: piece.start] + msgspec.json.encode(piece.text)[1:-1] + data[piece.end :]
    return data


def _pieces(data: bytes) -> dict[bytes, list[_Piece]]:
    """The strings that are values, by their names."""
    found: dict[bytes, list[_Piece]] = {}
    name = b""
    for match in _LITERAL.finditer(data):
        if match[2]:
            name = match[1]
            continue
        try:
            text = msgspec.json.decode(data[match.start() : match.end(1) + 1], type=str)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        found.setdefault(name, []).append(_Piece(match.start(1), match.end(1), text))
    return found


def _cleared(pieces: list[_Piece], joined: str, secret: KnownSecret, changed: list[_Piece]) -> str:
    """Take the secret out of the pieces; the text that they make then."""
    value, mark = secret.value.decode("utf-8", "replace"), secret.mark.decode()
    while (begin := joined.find(value)) >= 0:
        end = begin + len(value)
        place = 0
        for piece in pieces:
            first, last = max(begin, place), min(end, place + len(piece.text))
            length = len(piece.text)
            if first < last:
                within = mark if first == begin else ""
                piece.text = piece.text[: first - place] + within + piece.text[last - place :]
                if piece not in changed:
                    changed.append(piece)
            place += length
        joined = joined[:begin] + mark + joined[end:]
    return joined
