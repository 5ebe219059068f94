"""What a credential is called that nobody named: eight characters of its SHA-256 and its last four (`1a2b3c4d-wxyz`).

Enough to recognise one's own, useless to anyone else.
"""

import hashlib
from functools import lru_cache

_LONGEST_REMEMBERED = 512


def fingerprint(credential: str) -> str:
    """What this credential is called."""
    return _remembered(credential) if len(credential) <= _LONGEST_REMEMBERED else _fingerprint(credential)


def _fingerprint(credential: str) -> str:
    digest = hashlib.sha256(credential.encode("utf-8", "surrogateescape")).hexdigest()
    ending = credential[-4:] if len(credential) >= 12 else ""
    ending = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in ending)
    return f"{digest[:8]}-{ending}" if ending else digest[:8]


_remembered = lru_cache(maxsize=10_000)(_fingerprint)
