"""`/keys/one` and what can be done to a key from there: each a plain form, and a way back to the list that says so.

Whoever may open the pages may do this; that it is asked by a page of ours and not by a stranger's is seen to before
(store/api/origin.py). A new secret is shown in the answer itself, once: it is in no address and in no other answer.
"""

import asyncio
import functools
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final, TypeVar

from aiohttp import web

from proxy.config.budget import PERIODS
from proxy.keys import written
from proxy.keys.key import Key
from proxy.keys.register import NameTaken, NotDone, Register
from store.api.parts import PARTS
from store.budgets.told import counted
from store.filters import WrongFilter
from store.pages.form import Form, expect_nothing, form_of
from store.pages.key_fields import BOUNDS, Fields, harmless
from store.pages.key_lines import Keys
from store.pages.rendering import render
from store.pages.spent import SPENT, new_form
from store.pages.state import State, state_of
from store.pages.trouble import Page, page
from store.pages.viewer import viewer_of
from store.questions.key_days import key_days
from store.questions.keys import keys

_T = TypeVar("_T")
_OVERLAP: Final = "24h"


def add_key_page(app: web.Application) -> None:
    """The page of one key, and its forms."""
    app.router.add_get("/keys/one", key_page(one_key))
    for name, route in (
        ("disable", disable), ("enable", enable), ("rotate", rotate), ("rename", rename), ("move", move),
        ("limit", limit), ("delete", delete),
    ):  # fmt: skip
        app.router.add_post(f"/keys/{name}", key_page(route), expect_handler=expect_nothing)


def key_page(handler: Page) -> Page:
    """A page that is nothing without the register: where that cannot be read it says so."""

    @functools.wraps(handler)
    async def shown(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except NotDone as problem:
            return render(
                request, "trouble.html", HTTPStatus.SERVICE_UNAVAILABLE, heading="The keys cannot be read just now",
                message=str(problem), param=None, way_out=("/keys", "Keys"),
            )  # fmt: skip

    return page(shown)


async def one_key(request: web.Request) -> web.StreamResponse:
    state = state_of(request)
    for name, _ in state.params:
        if name != "key":
            raise WrongFilter(name, "this page takes one parameter: key")
    return await _page(request, state.value("key"))


async def disable(request: web.Request) -> web.StreamResponse:
    name = (await form_of(request, "key")).value("key")
    return await _done(request, name, "disabled", lambda register: register.disable(name))


async def enable(request: web.Request) -> web.StreamResponse:
    name = (await form_of(request, "key")).value("key")
    return await _done(request, name, "enabled", lambda register: register.enable(name))


async def rotate(request: web.Request) -> web.StreamResponse:
    form, fields = await form_of(request, "key", "overlap", "form"), Fields()
    name = form.value("key")
    overlap = fields.read("overlap", form.value("overlap") or _OVERLAP, written.span)
    if overlap is None:
        return await _page(request, name, HTTPStatus.BAD_REQUEST, fields.mistakes, form)
    if not request.app[SPENT].spend(form.value("form")):
        return see("again", name)
    try:
        key, secret = await registered(request, lambda register: register.rotate(name, overlap))
    except NotDone as problem:
        return await _page(request, name, HTTPStatus.BAD_REQUEST, {"": str(problem)}, form)
    return secret_page(request, key, secret, "rotated")


async def rename(request: web.Request) -> web.StreamResponse:
    form, fields = await form_of(request, "key", "new"), Fields()
    name, new = form.value("key"), fields.name(form, "new")
    if fields.mistakes:
        return await _page(request, name, HTTPStatus.BAD_REQUEST, fields.mistakes, form)
    return await _done(request, name, "renamed", lambda register: register.rename(name, new), form, taken="new")


async def move(request: web.Request) -> web.StreamResponse:
    form, fields = await form_of(request, "key", "group"), Fields()
    name, group = form.value("key"), fields.group(form)
    if fields.mistakes:
        return await _page(request, name, HTTPStatus.BAD_REQUEST, fields.mistakes, form)
    return await _done(request, name, "moved", lambda register: register.move(name, group), form)


async def limit(request: web.Request) -> web.StreamResponse:
    form, parts = await form_of(request, "key", *BOUNDS), request.app[PARTS]
    name = form.value("key")
    before = next((key for key in await register_of(request) if key.name == name), None)
    fields = Fields.of_form(form)
    bounds = fields.bounds(form, parts.config.upstreams, parts.now(), before)
    if fields.mistakes:
        return await _page(request, name, HTTPStatus.BAD_REQUEST, fields.mistakes, form, fields)
    return await _done(request, name, "changed", lambda register: register.limit(name, **bounds), form)


async def delete(request: web.Request) -> web.StreamResponse:
    form = await form_of(request, "key", "sure")
    name = form.value("key")
    if form.value("sure") != "yes":
        mistake = {"sure": "Say that you are sure: it cannot be undone."}
        return await _page(request, name, HTTPStatus.BAD_REQUEST, mistake, form)
    return await _done(request, name, "deleted", lambda register: register.delete(name), form)


async def registered(request: web.Request, what: Callable[[Register], _T]) -> _T:
    """Do this to the register, which waits for the disk: not on the event loop.

    Raises:
        NotDone: it cannot be done.
    """
    parts = request.app[PARTS]
    return await asyncio.to_thread(what, Register(parts.data_dir, parts.now))


async def register_of(request: web.Request) -> tuple[Key, ...]:
    """All keys.

    Raises:
        NotDone: the register cannot be read.
    """
    return await registered(request, Register.keys)


def see(done: str, name: str) -> web.Response:
    """Back to the list, which says what was done to which key."""
    address = State("/keys", (("done", done), ("key", name))).address
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": address})


def secret_page(request: web.Request, key: Key, secret: str, done: str) -> web.Response:
    """The one answer that has the secret."""
    return render(
        request, "keys_secret.html",
        key=key, secret=secret, done=done, listen=request.app[PARTS].config.proxy.listen, zone=viewer_of(request).zone,
    )  # fmt: skip


async def _done(
    request: web.Request,
    name: str,
    done: str,
    what: Callable[[Register], Key],
    form: Form | None = None,
    taken: str = "",
) -> web.StreamResponse:
    try:
        key = await registered(request, what)
    except NotDone as problem:
        field = taken if isinstance(problem, NameTaken) else ""
        return await _page(request, name, HTTPStatus.BAD_REQUEST, {field: str(problem)}, form)
    return see(done, key.name)


async def _page(
    request: web.Request,
    name: str,
    status: int = HTTPStatus.OK,
    mistakes: dict[str, str] | None = None,
    form: Form | None = None,
    fields: Fields | None = None,
) -> web.StreamResponse:
    """The page of a key; with what somebody typed, and what was wrong with it."""
    parts = request.app[PARTS]
    register, told, days = await asyncio.gather(
        register_of(request), keys(parts.source, parts.now()), key_days(parts.source, parts.now())
    )
    by_name, sums = {key.name: key for key in register}, {one["key"]: one for one in told["keys"]}
    if name not in by_name:
        return render(request, "keys_none.html", HTTPStatus.NOT_FOUND, name=harmless(name))
    found = Keys(by_name, sums, days, counted(parts.budgets()), parts.config, parts.now())
    (line,), key = found.lines([name]), by_name[name]
    if fields is None:
        fields = Fields.of_key(key)
    typed: dict[str, Any] = {one: harmless(form.value(one)) if form else "" for one in ("new", "overlap")}
    return render(
        request, "keys_one.html", status,
        line=line, key=key, fields=fields, wrong=mistakes or {}, typed=typed,
        group_typed=harmless(form.value("group")) if form and "group" in (mistakes or {}) else key.group,
        groups=sorted({*parts.config.groups, *(one.group for one in register)}),
        upstreams=sorted({*parts.config.upstreams, *key.upstreams}), periods=PERIODS,
        form=new_form(), zone=viewer_of(request).zone,
    )  # fmt: skip
