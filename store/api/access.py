"""Who holds the dashboard token: shown with the request, or once at the login and since then by a session."""

import hmac
from typing import Final

from aiohttp import web

from proxy.config.model import Secret
from proxy.keys.attempts import Attempts
from store.api.parts import PARTS
from store.api.session import COOKIE, Sessions

SIGNED_IN: Final = web.RequestKey("signed_in", bool)
"""Under this key a request says that a session let it in."""


class Access:
    """Judges what a request shows. Of wrong tokens an address has only so many."""

    def __init__(self, token: Secret) -> None:
        self._token = token.reveal().encode()
        self.sessions = Sessions(token.reveal())
        self.attempts = Attempts()

    def is_token(self, given: str, address: str | None) -> bool:
        """Whether this is the token; a wrong one counts against the address. Ask `too_many` before."""
        # Undecodable bytes arrive as lone surrogates; they are compared as the bytes they were.
        same = hmac.compare_digest(given.encode("utf-8", "surrogateescape"), self._token)
        if not same:
            self.attempts.failed(address)
        return same

    def has_session(self, request: web.Request) -> bool:
        """Whether the request carries the cookie of a session."""
        return self.sessions.holds(request.cookies.get(COOKIE), request.app[PARTS].now())


ACCESS: Final = web.AppKey("access", Access)
