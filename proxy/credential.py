"""Finds the credential a client presents, and tells credentials apart without keeping them.

A credential that is passed through is called by eight characters of its SHA-256 and its last four
(`1a2b3c4d-wxyz`): enough to recognise one's own, useless to anyone else.
"""

import hashlib
from functools import lru_cache

from proxy.headers import CREDENTIALS, Head
from proxy.target import query_value

_IN_HEADERS = ("x-api-key", "api-key", "x-goog-api-key", "ocp-apim-subscription-key")


@lru_cache(maxsize=10_000)
def fingerprint(credential: str) -> str:
    """What a passed-through credential is called."""
    digest = hashlib.sha256(credential.encode("utf-8", "surrogateescape")).hexdigest()
    ending = credential[-4:] if len(credential) >= 12 else ""
    ending = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in ending)
    return f"{digest[:8]}-{ending}" if ending else digest[:8]


def presented(head: Head, rest: str) -> str | None:
    """The credential of this request, wherever the dialects' clients put one; None when there is none."""
    authorization = head.first("authorization")
    if authorization:
        scheme, space, credential = authorization.partition(" ")
        return credential.strip() if space and scheme.lower() in ("bearer", "basic", "token") else authorization
    for name in _IN_HEADERS:
        found = head.first(name)
        if found:
            return found
    return query_value(rest, "key") or query_value(rest, "api_key") if "?" in rest else None


def duplicated(head: Head) -> str | None:
    """The credential header that came twice, if one did: two of them may be read as either."""
    for name in CREDENTIALS:
        if head.times(name) > 1:
            return name
    return None


def own_header(dialect: str, secret: str) -> tuple[str, str]:
    """Where an upstream of this dialect expects its key."""
    match dialect:
        case "anthropic":
            return "x-api-key", secret
        case "gemini":
            return "x-goog-api-key", secret
        case _:
            return "Authorization", f"Bearer {secret}"
