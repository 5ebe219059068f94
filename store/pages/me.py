"""`/me`: the holder of a key pastes it and sees what it used, what is left, and its last calls: of nobody else a word.

It needs no dashboard token. The key comes by a form, is in no address, and is kept nowhere, not even in a session: who
wants to look again pastes it again. Unknown, expired and withdrawn keys get one answer.
"""

import asyncio
import logging
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from aiohttp import web

from proxy.keys.attempts import Attempts
from proxy.keys.holder import NOT_VALID, holder
from proxy.keys.key import Key
from proxy.keys.keyring import Keyring
from store.api.parts import PARTS
from store.filters import refuse_all
from store.me import told
from store.pages.form import expect_nothing, form_of
from store.pages.log_row import log_row
from store.pages.rendering import render
from store.pages.state import state_of
from store.pages.trouble import page
from store.pages.viewer import viewer_of

ME: Final = "/me"
_TOO_MANY: Final = "Too many wrong keys came from your address. Wait a moment, then try again."

_log = logging.getLogger("tollbook.pages")


@dataclass(frozen=True, slots=True)
class _Holders:
    """Knows keys by their secrets, as a worker does."""

    keyring: Keyring
    attempts: Attempts = field(default_factory=Attempts)

    async def holder(self, request: web.Request, credential: str) -> Key | None:
        """Whose it is; a wrong one counts against the address."""
        await asyncio.to_thread(self.keyring.refresh)
        key = holder(self.keyring, credential, request.app[PARTS].now())
        if key is None:
            self.attempts.failed(request.remote)
            _log.info("a wrong key at %s, from %s", ME, request.remote)
        return key


_HOLDERS: Final = web.AppKey("holders", _Holders)


def add_me(app: web.Application) -> None:
    """The page."""
    app[_HOLDERS] = _Holders(Keyring(app[PARTS].data_dir))
    app.router.add_get(ME, me_page)
    app.router.add_post(ME, shown_page, expect_handler=expect_nothing)


@page
async def me_page(request: web.Request) -> web.StreamResponse:
    refuse_all(state_of(request).params)
    return _asking(request)


@page
async def shown_page(request: web.Request) -> web.StreamResponse:
    refuse_all(state_of(request).params)
    holders = request.app[_HOLDERS]
    credential = (await form_of(request, "key")).value("key")
    if holders.attempts.too_many(request.remote):
        answer = _asking(request, HTTPStatus.TOO_MANY_REQUESTS, _TOO_MANY)
        answer.headers["Retry-After"] = str(holders.attempts.wait_s())
        return answer
    key = await holders.holder(request, credential)
    if key is None:
        return _asking(request, HTTPStatus.FORBIDDEN, NOT_VALID)
    parts = request.app[PARTS]
    about = await told(parts.source, key, parts.config, parts.budgets(), parts.now())
    rows = [log_row(call) for call in about["logs"]]
    return render(request, "me.html", about=about, rows=rows, zone=viewer_of(request).zone)


def _asking(request: web.Request, status: int = HTTPStatus.OK, wrong: str | None = None) -> web.Response:
    return render(request, "me_asking.html", status, wrong=wrong)
