"""`/api/me` on the listener that clients call: the holder of a key shows it as for a call, and is told about it.

A worker knows whose key it is and no more; the rest it asks the store, on a socket of their own, and only for as long
as somebody likes to wait. This is no call: it has no row, and goes to no upstream.
"""

import asyncio
import re
from http import HTTPStatus
from typing import Final

import aiohttp
from aiohttp import web

from proxy import credential, refusal
from proxy.caller import recognise
from proxy.config.model import Access, Config
from proxy.headers import Head
from proxy.keys import desk
from proxy.keys.attempts import Attempts
from proxy.keys.holder import NOT_VALID
from proxy.keys.key import Key
from proxy.keys.keyring import Keyring
from proxy.refusal import Refusal
from proxy.target import is_name, without_parameters

PATH: Final = "/api/me"
_PATIENCE_S: Final = 2.0
_AT_A_TIME: Final = 4
_HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

_MISSING = Refusal(401, "missing_key", "Show your key here, as for a call.", retry=False)
_INVALID = Refusal(401, "invalid_api_key", NOT_VALID, retry=False)
_UNANSWERED = Refusal(503, "no_answer", "The book cannot be asked just now.", retry_after_s=1)


class Me:
    """Answers the holders of keys, in one worker."""

    def __init__(self, config: Config, keyring: Keyring) -> None:
        self._data_dir = config.store.data_dir
        # A credential that passes through has a holder, too, wherever one may pass.
        accesses = {config.proxy.access, *(upstream.access for upstream in config.upstreams.values())}
        self._access: Access = "open" if "open" in accesses else "keys"
        self._keyring = keyring
        self._attempts = Attempts()
        self._places = asyncio.Semaphore(_AT_A_TIME)

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Whatever was asked here."""
        if request.method not in ("GET", "HEAD"):
            answer = _refused(Refusal(405, "method_not_allowed", "Only GET here.", retry=False))
            answer.headers["Allow"] = "GET, HEAD"
            return answer
        unknown = without_parameters(request.raw_path, credential.IN_QUERY).partition("?")[2]
        if unknown:
            return _refused(
                Refusal(400, "unknown_parameter", f"{_named(unknown)}: this takes no parameters.", retry=False)
            )
        key = self._key(request)
        if isinstance(key, Refusal):
            return _refused(key)
        told = await self._ask(key)
        return _refused(_UNANSWERED) if told is None else _answer(HTTPStatus.OK, told)

    def _key(self, request: web.BaseRequest) -> Key | Refusal:
        """Whose key is shown; what is not a valid one is a refusal that does not say why."""
        head = Head(request.raw_headers)
        twice = credential.duplicated(head)
        if twice:
            return Refusal(400, "duplicate_credential", f"The header {twice} came more than once.", retry=False)
        caller = recognise(head, request.raw_path, self._access, self._keyring)
        if caller.refusal is not None and caller.refusal.status == HTTPStatus.BAD_REQUEST:
            return caller.refusal
        if caller.name is None:
            return _MISSING
        if self._attempts.too_many(request.remote):
            message = "Too many wrong keys came from this address."
            return Refusal(429, "rate_limited", message, retry_after_s=self._attempts.wait_s())
        if caller.refusal is not None or caller.key is None:
            self._attempts.failed(request.remote)
            return _INVALID
        return caller.key

    async def _ask(self, key: Key) -> bytes | None:
        """What the store tells; None when it does not, in time."""
        try:
            async with asyncio.timeout(_PATIENCE_S), self._places:
                with desk.address(self._data_dir) as path:
                    return await _told(path, key)
        except (TimeoutError, aiohttp.ClientError, OSError):
            return None


def _named(query: str) -> str:
    """The first parameter of this query, as far as it can be said: some put a key where its name belongs."""
    name = re.split("[=&]", query, maxsplit=1)[0]
    return name if is_name(name) else "parameter"


async def _told(path: str, key: Key) -> bytes | None:
    connector = aiohttp.UnixConnector(path, force_close=True)
    async with (
        aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session,
        session.get(f"http://desk{desk.ROUTE}", params={desk.NAME: key.name}, allow_redirects=False) as answer,
    ):
        return await answer.read() if answer.status == HTTPStatus.OK else None


def _answer(status: int, body: bytes) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json", headers=_HEADERS)


def _refused(why: Refusal) -> web.Response:
    """In JSON, whatever the dialect: this belongs to none."""
    answer = _answer(why.status, refusal.body(why, None))
    for name, value in refusal.headers(why):
        if name != b"Content-Type":
            answer.headers[name.decode()] = value.decode()
    return answer
