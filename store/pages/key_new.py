"""`/keys/new` makes a key and shows its secret once; `/keys/credential` names a credential that is passed through."""

from http import HTTPStatus

from aiohttp import web

from proxy.config.budget import PERIODS
from proxy.keys import written
from proxy.keys.register import NameTaken, NotDone
from store.api.parts import PARTS
from store.filters import WrongFilter, refuse_all
from store.pages.form import expect_nothing, form_of
from store.pages.key_fields import BOUNDS, Fields, harmless
from store.pages.key_page import register_of, registered, secret_page, see
from store.pages.rendering import render
from store.pages.spent import SPENT, new_form
from store.pages.state import state_of
from store.pages.trouble import page


def add_key_new(app: web.Application) -> None:
    """Both forms."""
    app.router.add_get("/keys/new", new_key)
    app.router.add_post("/keys/new", create, expect_handler=expect_nothing)
    app.router.add_get("/keys/credential", credential)
    app.router.add_post("/keys/credential", name_credential, expect_handler=expect_nothing)


@page
async def new_key(request: web.Request) -> web.StreamResponse:
    refuse_all(state_of(request).params)
    return await _new(request, Fields())


@page
async def create(request: web.Request) -> web.StreamResponse:
    form, parts = await form_of(request, "form", "name", "group", *BOUNDS), request.app[PARTS]
    fields = Fields.of_form(form)
    name, group = fields.name(form), fields.group(form)
    bounds = fields.bounds(form, parts.config.upstreams, parts.now())
    if fields.mistakes:
        return await _new(request, fields, HTTPStatus.BAD_REQUEST)
    if not request.app[SPENT].spend(form.value("form")):
        return see("again", name)
    try:
        key, secret = await registered(request, lambda register: register.create(name, group, **bounds))
    except NotDone as problem:
        fields.mistakes["name" if isinstance(problem, NameTaken) else ""] = str(problem)
        return await _new(request, fields, HTTPStatus.BAD_REQUEST)
    return secret_page(request, key, secret, "created")


@page
async def credential(request: web.Request) -> web.StreamResponse:
    state = state_of(request)
    for name, _ in state.params:
        if name != "fingerprint":
            raise WrongFilter(name, "this page takes one parameter: fingerprint")
    return await _naming(request, state.value("fingerprint"), Fields())


@page
async def name_credential(request: web.Request) -> web.StreamResponse:
    form = await form_of(request, "fingerprint", "name", "group")
    fields = Fields.of_form(form)
    fingerprint = fields.read("fingerprint", form.value("fingerprint"), written.fingerprint) or ""
    name, group = fields.name(form), fields.group(form)
    if not fields.mistakes:
        try:
            key = await registered(request, lambda register: register.name(fingerprint, name, group))
        except NotDone as problem:
            fields.mistakes["name" if isinstance(problem, NameTaken) else ""] = str(problem)
        else:
            return see("named", key.name)
    return await _naming(request, harmless(form.value("fingerprint")), fields, HTTPStatus.BAD_REQUEST)


async def _new(request: web.Request, fields: Fields, status: int = HTTPStatus.OK) -> web.StreamResponse:
    return render(
        request, "keys_new.html", status,
        fields=fields, wrong=fields.mistakes, periods=PERIODS, form=new_form(),
        upstreams=sorted(request.app[PARTS].config.upstreams), groups=await _groups(request),
    )  # fmt: skip


async def _naming(
    request: web.Request, fingerprint: str, fields: Fields, status: int = HTTPStatus.OK
) -> web.StreamResponse:
    return render(
        request, "keys_credential.html", status,
        fingerprint=fingerprint, fields=fields, wrong=fields.mistakes, groups=await _groups(request),
    )  # fmt: skip


async def _groups(request: web.Request) -> list[str]:
    """The groups that may be meant; a new one is as good."""
    try:
        register = await register_of(request)
    except NotDone:
        register = ()
    return sorted({*request.app[PARTS].config.groups, *(key.group for key in register)})
