"""`/keys`: every credential that was ever presented, since when, how much it spent. Shows; changes nothing."""

from typing import Final

from aiohttp import web

from store.api.parts import PARTS
from store.filters import refuse_all
from store.pages.breakdown import exactly
from store.pages.rendering import render
from store.pages.state import State, state_of
from store.pages.trouble import page
from store.pages.viewer import viewer_of
from store.questions.keys import keys
from store.questions.row import Json

MOST_LINES: Final = 1000
"""How many keys a page shows, the last used first; the endpoint tells all."""


def add_keys(app: web.Application) -> None:
    """The page."""
    app.router.add_get("/keys", keys_page)


@page
async def keys_page(request: web.Request) -> web.StreamResponse:
    refuse_all(state_of(request).params)
    parts = request.app[PARTS]
    told = await keys(parts.source, parts.now())
    shown = told["keys"][:MOST_LINES]
    lines = [one | {"calls_address": _of("/logs", one), "stats_address": _of("/stats", one)} for one in shown]
    return render(
        request, "keys.html", lines=lines, left_out=len(told["keys"]) - len(shown), zone=viewer_of(request).zone
    )


def _of(path: str, one: Json) -> str | None:
    wanted = exactly(one["key"])
    return None if wanted is None else State(path, (("key", wanted),)).address
