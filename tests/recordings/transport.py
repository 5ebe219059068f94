"""How a recorded body may have come over the wire: compressed, framed and cut in ways drawn from a seed.

Boundaries and codings were not recorded, so every replay draws its own; the same seed draws the same.
"""

import gzip
import itertools
import random
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import brotli
import zstandard

CODINGS = ("gzip", "deflate", "br", "zstd")
_ONE_BYTE_AT_A_TIME = 4096  # the largest body that may be sent so

Framing = Literal["length", "chunked", "close", "none"]


@dataclass(frozen=True, slots=True)
class Wire:
    """One answer's body as it goes out."""

    coding: str  # "identity" or one of CODINGS
    framing: Framing
    body: bytes  # encoded
    writes: tuple[bytes, ...]  # framed; each is handed to the socket on its own


def drawn(body: bytes, offered: str, dice: random.Random) -> Wire:
    """A transport for this body. A coding is used when the request offered it, and now and then all the same."""
    may = [coding for coding in CODINGS if coding in offered]
    if dice.random() < 0.1:
        may = list(CODINGS)
    coding = dice.choice([*may, "identity"])
    encoded = encode(body, coding)
    framing: Framing = dice.choices(("length", "chunked", "close"), (45, 50, 5))[0]
    pieces = _pieces(encoded, dice)
    if framing == "chunked":
        pieces = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces]
        ending = b"0\r\n\r\n"
        if dice.random() < 0.5 and pieces:
            pieces[-1] += ending
        else:
            pieces.append(ending)
        if dice.random() < 0.2:
            pieces = _pieces(b"".join(pieces), dice)  # boundaries of writes that are none of chunks
    return Wire(coding, framing, encoded, tuple(pieces))


def encode(body: bytes, coding: str) -> bytes:
    """The body under a content coding."""
    match coding:
        case "gzip":
            return gzip.compress(body, 1, mtime=0)
        case "deflate":
            return zlib.compress(body, 1)
        case "br":
            return bytes(brotli.compress(body, quality=1))
        case "zstd":
            return zstandard.ZstdCompressor(level=1).compress(body)
        case _:
            return body


def _pieces(body: bytes, dice: random.Random) -> list[bytes]:
    """The body in one piece, in a few, in many, byte by byte, or cut only where it hurts."""
    if not body:
        return []
    how = dice.random()
    if how < 0.02 and len(body) <= _ONE_BYTE_AT_A_TIME:
        return [body[at : at + 1] for at in range(len(body))]
    if how < 0.25:
        return [body]
    if how < 0.5:
        cuts = _awkward(body, dice)
    else:
        most = 3 if how < 0.8 else 40
        cuts = {dice.randrange(1, len(body) + 1) for _ in range(dice.randint(1, most))}
    edges = sorted({0, *cuts, len(body)})
    return [body[begin:end] for begin, end in itertools.pairwise(edges)]


def _awkward(body: bytes, dice: random.Random) -> set[int]:
    """Places inside of a character, of a line end, of a blank line."""
    places = list(_inside(body))
    return set(dice.sample(places, min(len(places), 30))) or {len(body) // 2}


def _inside(body: bytes) -> Iterator[int]:
    for mark in (b"\r\n", b"\n\n", b"\n\r"):
        at = body.find(mark)
        while at >= 0:
            yield at + 1
            at = body.find(mark, at + 1)
    yield from (at for at, byte in enumerate(body[:50_000]) if byte & 0xC0 == 0x80)
