"""Recognises who calls: the holder of an issued key, of a credential that was given a name, or of one without.

To a client an unknown, expired, disabled and deleted key are one and the same, in words and in time; the row says
which it was.
"""

from datetime import UTC, datetime

import msgspec

from proxy import credential
from proxy.config.model import Access
from proxy.credential import Issued, Misplaced
from proxy.headers import Head
from proxy.keys.fingerprint import fingerprint
from proxy.keys.holder import NOT_VALID
from proxy.keys.key import DEFAULT_GROUP, Key
from proxy.keys.keyring import Keyring
from proxy.refusal import Refusal

_MISSING = Refusal(
    401, "missing_key", "A key is needed here: one that `tollbook keys create` made, sent as the API key.", retry=False
)


class Caller(msgspec.Struct, frozen=True):
    """Who asks, as far as the head of a request says."""

    credential: str | None = None
    name: str | None = None  # the key's, else a fingerprint
    group: str = DEFAULT_GROUP
    key: Key | None = None  # where the register has one
    issued: Issued | None = None
    refusal: Refusal | None = None  # why this is nobody who may call


NOBODY = Caller()


def recognise(head: Head, rest: str, access: Access, keyring: Keyring) -> Caller:
    """Who calls; `rest` is the target as the client sent it."""
    found = credential.issued(head, rest)
    if isinstance(found, Misplaced):
        message = f"A key must be sent alone, in one place; this one came in {found.where}."
        beside = credential.presented(head, rest)
        return Caller(beside, refusal=Refusal(400, "misplaced_key", message, retry=False))
    if found is not None:
        return _of_issued(found, keyring)
    presented = credential.presented(head, rest)
    if presented is None:
        return Caller(refusal=_MISSING) if access == "keys" else NOBODY
    called = fingerprint(presented)
    if access == "keys":
        return Caller(presented, called, refusal=_invalid("unknown_key"))
    key = keyring.named(called)
    if key is None:
        return Caller(presented, called)
    state = key.state(datetime.now(UTC))
    refusal = None if state == "active" else _invalid(f"{state}_key")
    return Caller(presented, key.name, key.group, key, refusal=refusal)


def _of_issued(found: Issued, keyring: Keyring) -> Caller:
    held = keyring.issued(found.secret)
    if held is None:
        return Caller(found.secret, fingerprint(found.secret), refusal=_invalid("unknown_key"))
    key, until = held
    now = datetime.now(UTC)
    state = key.state(now)
    if state == "active" and until is not None and until <= now:
        state = "expired"  # this secret, by a rotation
    refusal = None if state == "active" else _invalid(f"{state}_key")
    return Caller(found.secret, key.name, key.group, key, found, refusal)


def _invalid(code: str) -> Refusal:
    return Refusal(401, code, NOT_VALID, retry=False, told="invalid_api_key")
