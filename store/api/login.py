"""`/login` and `/logout`: a person shows the dashboard token once, and the browser keeps a session instead of it.

Only there when a token is set. Where somebody goes afterwards is a path of ours or the front page, never an address.
"""

import logging
import re
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl, quote

from aiohttp import web

from store.api.access import ACCESS
from store.api.parts import PARTS
from store.api.session import COOKIE, LIFETIME
from store.pages.rendering import render

LOGIN: Final = "/login"
LOGOUT: Final = "/logout"
_FRONT = "/"
_FORM = "application/x-www-form-urlencoded"
_MOST_BYTES = 16_384
# One slash, then what is no slash; a backslash is one to browsers, and they skip tabs and line ends before they look.
_LOCAL = re.compile(r"/(?:[\x21-\x2e\x30-\x5b\x5d-\x7e][\x21-\x5b\x5d-\x7e]*)?")
_LONGEST = 4000

_log = logging.getLogger("tollbook.api")


def add_login(app: web.Application) -> None:
    """The two routes; `app[ACCESS]` judges."""
    app.router.add_get(LOGIN, login_page)
    app.router.add_post(LOGIN, login_route)
    app.router.add_post(LOGOUT, logout_route, expect_handler=_expect_nothing)


async def _expect_nothing(_: web.Request) -> None:
    """No "100 Continue" before it is known who asks."""


def login_address(after: str) -> str:
    """Where to log in and come back from."""
    return f"{LOGIN}?next={quote(after, safe='')}" if local(after) == after != _FRONT else LOGIN


def local(wanted: str) -> str:
    """The same path if it is one of ours; else the front page."""
    ours = len(wanted) <= _LONGEST and _LOCAL.fullmatch(wanted) and not re.match(r"/log(in|out)\b", wanted)
    return wanted if ours else _FRONT


async def login_page(request: web.Request) -> web.StreamResponse:
    after = local(request.query.get("next", _FRONT))
    if request.app[ACCESS].has_session(request):
        return _see(after)
    return _page(request, after)


async def login_route(request: web.Request) -> web.StreamResponse:
    access = request.app[ACCESS]
    if request.content_type != _FORM:
        raise web.HTTPUnsupportedMediaType
    form = _fields(await request.clone(client_max_size=_MOST_BYTES).read())
    after, token = local(form.get("next", _FRONT)), form.get("token", "").strip()
    if access.attempts.too_many(request.remote):
        told = _page(
            request, after, HTTPStatus.TOO_MANY_REQUESTS, "Too many wrong tokens. Wait a moment, then try again."
        )
        told.headers["Retry-After"] = str(access.attempts.wait_s())
        return told
    if not access.is_token(token, request.remote):
        _log.warning("a wrong dashboard token at the login, from %s", request.remote)
        return _page(request, after, HTTPStatus.FORBIDDEN, "That is not the dashboard token.")
    answer = _see(after)
    answer.set_cookie(
        COOKIE,
        access.sessions.begin(request.app[PARTS].now()),
        max_age=int(LIFETIME.total_seconds()),
        path="/",
        httponly=True,
        samesite="Strict",
        secure=request.secure,  # of this connection; what headers say about others is anybody's word
    )
    return answer


async def logout_route(_: web.Request) -> web.StreamResponse:
    answer = _see(LOGIN)
    answer.del_cookie(COOKIE, path="/", httponly=True, samesite="Strict")
    return answer


def _page(request: web.Request, after: str, status: int = HTTPStatus.OK, wrong: str | None = None) -> web.Response:
    return render(request, "login.html", status, after=after, wrong=wrong)


def _see(path: str) -> web.Response:
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": path})


def _fields(body: bytes) -> dict[str, str]:
    """The fields of a form; what cannot be decoded stays in it as lone surrogates, and is then no right token."""
    return dict(parse_qsl(body.decode("utf-8", "surrogateescape"), keep_blank_values=True, errors="surrogateescape"))
