"""Whose key a credential is, for holders who ask about themselves. Nothing is said of what is not valid just now."""

from datetime import datetime

from proxy.keys.fingerprint import fingerprint
from proxy.keys.key import Key
from proxy.keys.keyring import Keyring
from proxy.keys.secret import claims_to_be_ours

NOT_VALID = "This key is not valid: it is unknown, has expired, or was withdrawn."
"""All that anybody learns about a key that opens nothing: the same words for every reason."""


def holder(keyring: Keyring, credential: str, now: datetime) -> Key | None:
    """The key that this credential is the secret of; None when it is unknown, or not valid now."""
    if claims_to_be_ours(credential):
        key, until = keyring.issued(credential) or (None, None)
        if until is not None and until <= now:
            return None
    else:
        key = keyring.named(fingerprint(credential))
    return key if key is not None and key.state(now) == "active" else None
