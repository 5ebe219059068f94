"""The header that says who a message is from, and when it was sent: `config.example.toml` shows how it is checked.

The time is signed with the body, so that nobody can send an old message again as a new one.
"""

import hashlib
import hmac

from proxy.config.model import Secret

HEADER = "x-tollbook-signature"


def signature(secret: Secret, body: bytes, unix_time: int) -> str:
    """`t=<unix time>,v1=<hex HMAC-SHA256 of "t.body">`."""
    signed = hmac.new(secret.reveal().encode(), b"%d.%b" % (unix_time, body), hashlib.sha256)
    return f"t={unix_time},v1={signed.hexdigest()}"
