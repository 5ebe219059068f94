"""The secret of an issued key: `tb-`, 43 letters and digits of 32 random bytes, 6 of their checksum.

The prefix is for secret scanners, the checksum for telling a mistyped key from an unknown one without looking it up.
A secret is shown once and kept nowhere; the register has its SHA-256, which is enough for 256 random bits.
"""

import hashlib
import re
import secrets
import zlib

PREFIX = "tb-"
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PAIRS = [one + other for one in _LETTERS for other in _LETTERS]  # two digits at a time: asked for at every call
_SQUARE = len(_PAIRS)
_RANDOM, _CHECK = 43, 6  # digits to the base of 62 that hold 256 bits, and 32

ANYWHERE = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{_RANDOM + _CHECK}}}")
"""A secret, wherever it stands in a text."""


def new_secret() -> str:
    """A secret that nobody has seen yet."""
    random = _in_letters(int.from_bytes(secrets.token_bytes(32)), _RANDOM)
    return PREFIX + random + _check(random)


def claims_to_be_ours(credential: str) -> bool:
    """Whether whoever presents it takes it for an issued key."""
    return credential.startswith(PREFIX)


def well_formed(credential: str) -> bool:
    """Whether it may be a secret made here: the right length, the right letters, the right checksum."""
    if not ANYWHERE.fullmatch(credential):
        return False
    return _check(credential[len(PREFIX) : -_CHECK]) == credential[-_CHECK:]


def digest(secret: str) -> str:
    """What the register keeps of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _check(random: str) -> str:
    rest, last = divmod(zlib.crc32(random.encode()), _SQUARE)
    first, middle = divmod(rest, _SQUARE)
    return _PAIRS[first] + _PAIRS[middle] + _PAIRS[last]


def _in_letters(number: int, length: int) -> str:
    letters = []
    for _ in range(length):
        number, place = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[place])
    return "".join(reversed(letters))
