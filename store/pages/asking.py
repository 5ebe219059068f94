"""From the state of a page to the filter its questions are asked with.

A page has parameters of its own (which columns, what is open): they are named by it and taken out; every other
parameter must mean something to the filter, or the page says so.
"""

from collections.abc import Collection
from urllib.parse import urlencode

from aiohttp import web

from store.api.parts import PARTS
from store.filters import FILTERS, Filter, parse
from store.pages.state import Params, State
from store.pages.viewer import viewer_of

PLACE = ("cursor", "back", "open")
"""Where in the list somebody is: gone as soon as they ask for something else."""
NEW_TAG = "tag"
"""What a form without scripts sends for a tag it has no field of: `tag=team=research`."""


def asked_of(request: web.Request, state: State, also: Collection[str] = (), own: Collection[str] = ()) -> Filter:
    """The filter of this state; `also` as of `parse`, `own` what the page keeps to itself.

    Raises:
        WrongFilter: a parameter means nothing.
        HTTPSeeOther: the state holds a new tag; this is the address that has it under its own name.
    """
    tags = state.values(NEW_TAG)
    if tags:
        raise web.HTTPSeeOther(_with_tags(state, tags).address)
    return parse(zoned(request, state.without(*own)).params, request.app[PARTS].now(), also=also)


def zoned(request: web.Request, state: State) -> State:
    """The same, with the zone of whoever looks where the address names none: for links to the query endpoint."""
    return state if state.value("tz") else state.with_(tz=viewer_of(request).zone.key)


def filters_only(state: State) -> State:
    """The same calls, without sort, place and whatever else a page has."""
    return state.only(FILTERS)


def query(params: Params) -> str:
    """Parameters as they stand in an address, without the question mark."""
    return urlencode(params, safe="*!:,@/")


def _with_tags(state: State, tags: list[str]) -> State:
    named = state.params
    for tag in tags:
        name, _, value = tag.partition("=") if "=" in tag else tag.partition(":")
        named += ((f"tag.{name.strip()}", value.strip() or "*"),) if name.strip() else ()
    return State(state.path, named).without(NEW_TAG)
