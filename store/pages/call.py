"""One call with everything: as a page of its own, and as the piece of a page that opens beneath its row.

    /logs/{id}                the page; the beginning of an id leads to the only call that has it
    /logs/{id}/details        the same, without the page around it
    /logs/{id}/earlier        leads to the call before it among those of `back`; /later to the one after
    /logs/{id}/request        the body of the request as it was said, as plain text or a file; /response likewise

`back` is the address of the list somebody came from, so that its filters are there again on the way back.
"""

import asyncio
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo

from aiohttp import web

from store.api.parts import PARTS
from store.filters import FILTERS, Filter, WrongFilter, parse
from store.moments import zone
from store.pages import raw
from store.pages.portrait import LIST, Portrait, portrait
from store.pages.rendering import render
from store.pages.state import State
from store.pages.trouble import page
from store.pages.viewer import viewer_of
from store.questions.bodies import bodies
from store.questions.call import call_in_full
from store.questions.ids import ids_beginning
from store.questions.logs import logs

_OWN: Final = ("back", "tz")
_MOST_NAMED: Final = 10  # calls that a beginning of an id may mean


def add_call(app: web.Application) -> None:
    """The routes of one call."""
    app.router.add_get(LIST + "/{id}", call_page)
    app.router.add_get(LIST + "/{id}/details", details)
    app.router.add_get(LIST + "/{id}/{direction:earlier|later}", neighbour)
    app.router.add_get(LIST + "/{id}/{side:request|response}", raw_body)


@page
async def call_page(request: web.Request) -> web.Response:
    id_ = request.match_info["id"]
    seen = await _seen(request, id_)
    if seen is None:
        return await _none(request, id_)
    return render(request, "call.html", seen=seen, call=seen.call)


@page
async def details(request: web.Request) -> web.Response:
    seen = await _seen(request, request.match_info["id"])
    if seen is None:
        return render(request, "parts/no_call.html", HTTPStatus.NOT_FOUND)
    return render(request, "parts/call_details.html", seen=seen, call=seen.call)


@page
async def neighbour(request: web.Request) -> web.Response:
    """The next call of the same list, in time."""
    id_, direction = request.match_info["id"], request.match_info["direction"]
    found = await call_in_full(request.app[PARTS].source, id_)
    if found is None:
        return await _none(request, id_)
    back = _back(request)
    asked = _asked(request, back)
    at = round(datetime.fromisoformat(found.told["time"]).timestamp() * 1_000_000)
    if direction == "earlier":
        asked = replace(asked, to_us=at if asked.to_us is None else min(at, asked.to_us), order="desc")
    else:
        asked = replace(asked, from_us=at + 1 if asked.from_us is None else max(at + 1, asked.from_us), order="asc")
    rows = (await logs(request.app[PARTS].source, asked))["logs"]
    if rows:
        raise web.HTTPSeeOther(_address(rows[0]["id"], request))
    return render(request, "no_neighbour.html", HTTPStatus.NOT_FOUND, direction=direction, id=id_, back=back,
                  this=_address(id_, request))  # fmt: skip


@page
async def raw_body(request: web.Request) -> web.Response:
    id_, side = request.match_info["id"], request.match_info["side"]
    found = await bodies(request.app[PARTS].source, id_)
    if found is None:
        return await _none(request, id_)
    asked, answered = await asyncio.to_thread(found.unpacked)
    body = (asked if side == "request" else answered).body
    if body is None:
        return render(request, "no_body.html", HTTPStatus.NOT_FOUND, side=side, id=id_)
    return raw.whole(id_, side, body)


async def _seen(request: web.Request, id_: str) -> Portrait | None:
    for name in request.query:
        if name not in _OWN:
            raise WrongFilter(name, f"unknown parameter; there are {', '.join(_OWN)}")
    at = _zone(request)
    found = await call_in_full(request.app[PARTS].source, id_)
    if found is None:
        return None
    # Taking a conversation apart takes milliseconds when it is long: not on the event loop.
    return await asyncio.to_thread(portrait, found, request.app[PARTS].config, at, _back(request))


def _zone(request: web.Request) -> ZoneInfo:
    given = request.query.get("tz")
    if not given:
        return viewer_of(request).zone
    try:
        return zone(given)
    except ValueError as reason:
        raise WrongFilter("tz", f"{given!r}: {reason}") from None


def _back(request: web.Request) -> str:
    """The list to go back to; never another place than the list."""
    given = request.query.get("back", "")
    params = parse_qsl(given.removeprefix(LIST).removeprefix("?")) if len(given) < 8000 else []
    return State(LIST, tuple(params)).address


def _asked(request: web.Request, back: str) -> Filter:
    """The calls of that list, one of them."""
    params = dict.fromkeys(parse_qsl(back.partition("?")[2]))
    kept = [(name, value) for name, value in params if name in FILTERS or name.startswith("tag.")]
    if not any(name == "tz" for name, _ in kept):
        kept.append(("tz", viewer_of(request).zone.key))
    return replace(parse(kept, request.app[PARTS].now()), limit=1)


def _address(id_: str, request: web.Request) -> str:
    kept = [(name, value) for name, value in request.query.items() if name in _OWN]
    return f"{LIST}/{id_}?{urlencode(kept)}" if kept else f"{LIST}/{id_}"


async def _none(request: web.Request, id_: str) -> web.Response:
    """The call whose id begins so, or the sentence that there is none."""
    found = await ids_beginning(request.app[PARTS].source, id_, _MOST_NAMED)
    if len(found) == 1 and "direction" not in request.match_info and "side" not in request.match_info:
        raise web.HTTPSeeOther(_address(found[0], request))
    return render(request, "no_call.html", HTTPStatus.NOT_FOUND, id=id_, found=found)
