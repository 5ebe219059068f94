"""Sessions of people who logged in: a cookie's value that only someone who knows the dashboard token could have made.

Nothing is kept: the value carries its end and a signature under a key made from the token. So a restart ends no
session, and a new token ends all. The token itself is never in it.
"""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Final

COOKIE: Final = "tollbook_session"
LIFETIME: Final = timedelta(days=30)
_MOST = 200  # characters; ours are shorter


class Sessions:
    """Makes and judges the values, for one token."""

    def __init__(self, token: str) -> None:
        # Slow on purpose: whoever finds a cookie must not try out a billion tokens a second against it.
        self._key = hashlib.scrypt(
            token.encode("utf-8", "surrogateescape"), salt=b"tollbook session", n=2**14, r=8, p=1
        )

    def begin(self, now: datetime) -> str:
        """The value for someone who has just shown the token."""
        said = f"{int((now + LIFETIME).timestamp())}.{secrets.token_urlsafe(16)}"
        return f"{said}.{self._signature(said)}"

    def holds(self, value: str | None, now: datetime) -> bool:
        """Whether this is one of ours and has not ended."""
        if value is None or len(value) > _MOST or not value.isascii():
            return False
        said, _, signature = value.rpartition(".")
        if not hmac.compare_digest(signature, self._signature(said)):
            return False
        return now.timestamp() < int(said.partition(".")[0])

    def _signature(self, said: str) -> str:
        return hmac.new(self._key, said.encode(), "sha256").hexdigest()
