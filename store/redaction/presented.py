"""Finds the credential a call presented in its bodies, by nothing but its fingerprint.

The fingerprint ends in the credential's last four characters. Where these stand, what leads up to them is hashed: what
has the right hash is the credential.
"""

import hashlib
import re
from functools import lru_cache

import msgspec

from store.redaction.secret import SHORTEST, KnownSecret, known

MARK = b"[redacted credential]"

_FINGERPRINT = re.compile(r"([0-9a-f]{8})-([0-9A-Za-z_]{4})")
_IN_CREDENTIALS = bytes(set(range(0x21, 0x7F)) - set(b"\"'<>(),;{}[]`"))
_LONGEST = 4096
_ANY_BEGINNING = 256  # characters before the end, within which it may begin anywhere; further away, after a sign only
_MOST_HASHES = 10_000  # for one body: 5 ms
_AFTER_SIGN = re.compile(rb"(?<![0-9A-Za-z])[0-9A-Za-z]|(?<=\\[nrt])[0-9A-Za-z]")
_BEGUN = re.compile(
    rb"(?<![0-9A-Za-z])(?:sk-|gsk_|xai-|pplx-|hf_|r8_|nvapi-|AIza|ya29\.|eyJ)[0-9A-Za-z._~+/=-]{4,}\Z"
)  # as the keys of well-known vendors do
_SIGN = rb"(?:\\+u00[0-9a-fA-F]{2}|%[0-9a-fA-F]{2}|[^0-9A-Za-z])"
_ESCAPED = re.compile(rb"\\+u00([0-9a-fA-F]{2})|%([0-9a-fA-F]{2})|\\+(/)")


class Fingerprint(msgspec.Struct, frozen=True):
    """What is known of a credential."""

    digest: str  # the first eight digits of its SHA-256
    needle: bytes  # what is certain of its last four characters
    ending: re.Pattern[bytes]

    def found_in(self, data: bytes) -> KnownSecret | None:
        """The credential itself, if it stands there."""
        if data.rfind(self.needle) < 0:
            return None
        hashes = _MOST_HASHES
        seen: set[bytes] = set()
        for match in self.ending.finditer(data):
            before = data[max(0, match.end() - _LONGEST) : match.end()]
            run = before[len(before.rstrip(_IN_CREDENTIALS)) :]
            if len(run) < SHORTEST or run in seen:
                continue
            seen.add(run)
            plain = _ESCAPED.sub(_unescaped, run)
            for text in (run, plain) if plain != run else (run,):
                for begin in _beginnings(text):
                    if hashlib.sha256(text[begin:]).hexdigest().startswith(self.digest):
                        return known(text[begin:], MARK)
                    hashes -= 1
                    if not hashes:
                        return None
        return None

    def without_halves(self, head: bytes, tail: bytes) -> tuple[bytes, bytes]:
        """The bytes before and after a gap, without a word cut there that begins or ends as the credential may."""
        begun = _BEGUN.search(head[-_LONGEST:])
        if begun is not None:
            head = head[: len(head) - len(begun[0])] + MARK
        length = len(tail[:_LONGEST]) - len(tail[:_LONGEST].lstrip(_IN_CREDENTIALS))
        match = self.ending.search(tail[:length].rstrip(b".:="), max(0, length - 8))
        return head, MARK + tail[match.end() :] if match else tail


@lru_cache(maxsize=4096)
def fingerprint(text: str) -> Fingerprint | None:
    """What this tells; None when it is none, or that of a credential too short to be looked for."""
    match = _FINGERPRINT.fullmatch(text)
    if match is None:
        return None
    ending = match[2].encode()
    return Fingerprint(
        match[1],
        max(ending.split(b"_"), key=len),
        re.compile(ending.replace(b"_", _SIGN), re.DOTALL),
    )


def _beginnings(text: bytes) -> list[int]:
    last = len(text) - SHORTEST
    likely = [match.start() for match in _AFTER_SIGN.finditer(text) if match.start() <= last]
    return list(dict.fromkeys([0, *likely, *range(max(0, len(text) - _ANY_BEGINNING), last + 1)]))


def _unescaped(match: re.Match[bytes]) -> bytes:
    code = match[1] or match[2]
    return bytes((int(code, 16),)) if code else match[3]
