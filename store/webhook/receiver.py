"""The one who is told: takes a signed message, or does not.

Follows no redirect, asks no proxy of the environment, keeps no cookie, reads no answer. What goes wrong is told in our
own words: the library's could hold the URL, and the URL can be a secret.
"""

import aiohttp
from yarl import URL

from proxy.config.model import Secret, SecretUrl
from store.webhook.faults import refusal, trouble
from store.webhook.message import Message, body_of
from store.webhook.signature import HEADER, signature


class Receiver:
    """Prints as its origin."""

    def __init__(self, session: aiohttp.ClientSession, url: SecretUrl, secret: Secret, patience_s: float) -> None:
        self._session = session
        self._url = url
        self._secret = secret
        self._patience_s = patience_s

    def __repr__(self) -> str:
        return repr(self._url)

    async def take(self, message: Message, unix_time: int) -> str | None:
        """Send it once; why it was not taken, None when it was."""
        body = body_of(message)
        headers = {"content-type": "application/json", HEADER: signature(self._secret, body, unix_time)}
        try:
            async with self._session.post(
                URL(self._url.reveal(), encoded=True), data=body, headers=headers, allow_redirects=False
            ) as answer:
                return refusal(answer.status)
        except Exception as error:  # of whatever kind: nothing a receiver does may end the telling
            return trouble(error, self._patience_s)
