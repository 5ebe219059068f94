"""Damage: what bytes become on bad days and in bad hands. Every way is drawn from one source of chance, so that a seed
tells an input."""

import gzip
import random
import re
import zlib
from collections.abc import Callable

import brotli
import zstandard

Mutation = Callable[[bytes, random.Random], bytes]

_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")
_STRING = re.compile(rb'"[^"\\]{0,80}"')
_MEMBER = re.compile(rb'"[\w-]{1,40}" ?: ?(?:"[^"\\]{0,80}"|[\d.]+|true|false|null|\{[^{}]{0,200}\})')
_NUMBERS = (
    b"0", b"-1", b"-9223372036854775808", b"9223372036854775807", b"9223372036854775808", b"18446744073709551616",
    b"1e999", b"-1e999", b"1e-999", b"0.1", b"3.0", b"NaN", b"Infinity", b"1" * 400, b"9007199254740993", b"00", b"1.",
    b"true", b"null", b'"12"', b"[]", b"{}",
)  # fmt: skip
_STRINGS = (
    b'"\\ud800"', b'"\\udfff\\ud800"', b'"\\u0000"', b'"\x00"', b'"\xff\xfe"', b'"\xed\xa0\x80"', b'""', b'"\\"',
    b'"\\x"',
    b'"' + b"a" * 5000 + b'"', b'"\\u202e\\u2028"', b'"../../x"', b'"<script>"', b'"%00"', b"null", b"1", b"[[]]",
    b'"data: [DONE]\\n\\n"', b'"\xf0\x9f\x98\x80"',
)  # fmt: skip
_LINES = (
    b"\n\n", b"\r\n\r\n", b"\r", b"\n", b"data: [DONE]\n\n", b"data:", b"event: error\n", b": comment\n\n",
    b"\xef\xbb\xbf",
    b"data: {}\n\n", b'data: {"error":{}}\n\n', b"\x00\x00\x00\x10", b"\x00", b"}{", b"]", b",,", b"\x1f\x8b",
)  # fmt: skip
_NESTS = ((b"[", b"]"), (b'{"a":', b"}"), (b'{"usage":', b"}"), (b'[{"content":', b"}]"), (b'{"response":', b"}"))


def mutated(body: bytes, others: bytes, dice: random.Random) -> bytes:
    """The body after a few mishaps; `others` is what is spliced in."""
    for _ in range(dice.choice((0, 1, 1, 1, 2, 3, 6))):
        how = dice.choice(_WAYS)
        body = _spliced(body, others, dice) if how is _spliced else how(body, dice)  # type: ignore[operator]
    return body


def _place(body: bytes, dice: random.Random) -> int:
    """Anywhere, but more often near an end, where models and counts stand."""
    at = dice.randint(0, len(body))
    if dice.random() < 0.5:
        near = min(len(body), 300)
        at = dice.choice((dice.randint(0, near), len(body) - dice.randint(0, near)))
    return at


def _flipped(body: bytes, dice: random.Random) -> bytes:
    changed = bytearray(body)
    for _ in range(dice.choice((1, 1, 3, 20))):
        if changed:
            changed[min(_place(body, dice), len(body) - 1)] = dice.randrange(256)
    return bytes(changed)


def _cut(body: bytes, dice: random.Random) -> bytes:
    at = _place(body, dice)
    return body[:at] if dice.random() < 0.7 else body[at:]


def _without(body: bytes, dice: random.Random) -> bytes:
    at = _place(body, dice)
    return body[:at] + body[at + dice.choice((1, 2, 10, 300)) :]


def _doubled(body: bytes, dice: random.Random) -> bytes:
    begin = _place(body, dice)
    end = begin + dice.choice((1, 20, 1000))
    return body[:end] + body[begin:end] * dice.choice((1, 1, 30)) + body[end:]


def _inserted(body: bytes, dice: random.Random) -> bytes:
    at = _place(body, dice)
    return body[:at] + dice.choice((*_LINES, dice.randbytes(8))) + body[at:]


def _spliced(body: bytes, others: bytes, dice: random.Random) -> bytes:
    at, begin = _place(body, dice), _place(others, dice)
    return body[:at] + others[begin : begin + dice.choice((50, 2000, len(others)))] + body[at:]


def _renumbered(body: bytes, dice: random.Random) -> bytes:
    return _replaced(body, _NUMBER, _NUMBERS, dice)


def _reworded(body: bytes, dice: random.Random) -> bytes:
    return _replaced(body, _STRING, _STRINGS, dice)


def _replaced(body: bytes, what: re.Pattern[bytes], values: tuple[bytes, ...], dice: random.Random) -> bytes:
    found = list(what.finditer(body, max(0, _place(body, dice) - 2000)))[:200]
    for match in sorted(dice.sample(found, min(len(found), dice.choice((1, 1, 5)))), key=lambda one: -one.start()):
        body = body[: match.start()] + dice.choice(values) + body[match.end() :]
    return body


def _member_twice(body: bytes, dice: random.Random) -> bytes:
    found = list(_MEMBER.finditer(body))[-200:]
    if not found:
        return body
    one, other = dice.choice(found), dice.choice(found)
    return body[: one.start()] + other[0] + b"," + body[one.start() :]


def _nested(body: bytes, dice: random.Random) -> bytes:
    opening, closing = dice.choice(_NESTS)
    depth = dice.choice((3, 100, 1100, 30_000))
    at = dice.choice((0, _place(body, dice)))
    return body[:at] + opening * depth + body[at : at + 100] + closing * dice.choice((0, depth)) + body[at:]


def _other_lines(body: bytes, dice: random.Random) -> bytes:
    end = dice.choice((b"\r\n", b"\r", b"\n\r", b"\x0b", b"\x00\n"))
    return body.replace(b"\n", end)


_WAYS: tuple[Callable[..., bytes], ...] = (
    _flipped, _cut, _without, _doubled, _inserted, _spliced, _renumbered, _renumbered, _reworded, _member_twice,
    _nested, _other_lines,
)  # fmt: skip


def _raw_deflate(body: bytes) -> bytes:
    deflate = zlib.compressobj(1, wbits=-15)
    return deflate.compress(body) + deflate.flush()


_ENCODE: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda body: gzip.compress(body, 1),
    "x-gzip": lambda body: gzip.compress(body[: len(body) // 2], 1) + gzip.compress(body[len(body) // 2 :], 1),
    "deflate": lambda body: zlib.compress(body, 1),
    "DEFLATE": _raw_deflate,
    "br": lambda body: brotli.compress(body, quality=1),
    "zstd": lambda body: zstandard.compress(body, 1),
    "gzip, br": lambda body: brotli.compress(gzip.compress(body, 1), quality=1),
    "gzip,gzip , gzip": lambda body: gzip.compress(gzip.compress(gzip.compress(body, 1), 1), 1),
}
_CODINGS = (*_ENCODE, "identity", "compress", "gzip, gzip, gzip, gzip, gzip", "gz\u00efp", ",", "")
_BOMBS = tuple(
    _ENCODE[coding](filling * (8_000_000 // len(filling)))
    for coding in ("gzip", "br", "zstd", "gzip,gzip , gzip")
    for filling in (b"\0", b"[],", b'{"usage":{"a":1}},', b"data: {}\n\n")
)


def transported(body: bytes, dice: random.Random) -> tuple[bytes, str | None]:
    """The body as it may be on the wire, and the `content-encoding` that is claimed for it."""
    chance = dice.random()
    if chance < 0.6:
        return body, None
    if chance < 0.61:
        return dice.choice(_BOMBS), dice.choice(("gzip", "br", "zstd", "gzip,gzip , gzip", "gzip, br"))
    coding = dice.choice(tuple(_ENCODE))
    wire = _ENCODE[coding](body)
    if dice.random() < 0.4:
        wire = dice.choice((_flipped, _cut, _without, _doubled, _inserted))(wire, dice)
    return wire, coding if dice.random() < 0.8 else dice.choice(_CODINGS)
