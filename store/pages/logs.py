"""/logs: a complete record of every call, one row each, under filters that combine.

The page waits for its rows alone. Totals and the values of the menus are on it when they are there in time; what is not
is fetched once the page is seen, by the address its place carries.
"""

import asyncio
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from aiohttp import web

from store.api.parts import PARTS
from store.filters import FILTERS, PAGING, Filter, WrongFilter
from store.moments import epoch_us
from store.pages.asking import PLACE, asked_of, filters_only, query, zoned
from store.pages.filter_bar import filter_bar, menu
from store.pages.log_columns import COLUMNS, NUMBERS, OPTIONAL, chosen_columns, headings
from store.pages.log_row import log_row
from store.pages.rendering import render
from store.pages.state import State, state_of
from store.pages.totals import Totals, totals
from store.pages.trouble import page
from store.questions.every_call import settled
from store.questions.facets import facets
from store.questions.logs import logs
from store.questions.stats import stats
from store.reader import NoAnswer

PATH: Final = "/logs"
OWN: Final = (COLUMNS, "live", "open", "back")
"""Parameters that mean something to this page alone."""
_PATIENCE_S: Final = 0.02
"""How much longer than for its rows a page waits for what can be fetched later."""
_MOST_BACK: Final = 20

_T = TypeVar("_T")


def add_logs(app: web.Application) -> None:
    """The page and the pieces of it that scripts fetch."""
    app.router.add_get(PATH, logs_page)
    app.router.add_get(PATH + "/totals", totals_piece)
    app.router.add_get(PATH + "/values", values_piece)


@dataclass(frozen=True, slots=True)
class Paging:
    """Where else one can go from this page of rows; None where there is nothing."""

    older: str | None
    newer: str | None
    newest: str | None


@page
async def logs_page(request: web.Request) -> web.Response:
    state = state_of(request)
    asked = asked_of(request, state, PAGING, OWN)
    columns = chosen_columns(state)
    source = request.app[PARTS].source
    # What no answer came to in time goes on a page that says so.
    sums = asyncio.ensure_future(_sums(request, state, asked))
    told = asyncio.ensure_future(facets(source, _uncut(asked)))
    try:
        found = await logs(source, asked)
        await asyncio.wait((sums, told), timeout=_PATIENCE_S)
        known = _known(told)
        summed = _known(sums)
    finally:
        sums.cancel()
        told.cancel()
        await asyncio.gather(sums, told, return_exceptions=True)
    return render(
        request,
        "logs.html",
        state=state,
        asked=asked,
        zone=asked.zone,
        bar=filter_bar(state, asked.zone, request.app[PARTS].now(), known),
        rows=[log_row(call) for call in found["logs"]],
        found=found,
        columns=columns,
        column_choices=OPTIONAL,
        number_columns=NUMBERS,
        headings=headings(state),
        carried=state.without(COLUMNS, *PLACE).params,
        paging=_paging(state, found["next"]),
        totals=summed,
        totals_query=query(filters_only(state).params),
        exports=query(zoned(request, state).only((*FILTERS, "sort", "order")).params),
        tail=query(filters_only(zoned(request, state)).params),
        live=state.value("live") == "1",
        live_toggle=state.without("live", *PLACE).with_(live=None if state.value("live") else "1").address,
    )


@page
async def totals_piece(request: web.Request) -> web.Response:
    """The totals line alone, with all the time it needs."""
    state = State(PATH, state_of(request).params)
    asked = asked_of(request, state, (), OWN)
    return render(
        request, "parts/totals.html", totals=await _sums(request, state, asked, patient=True), zone=asked.zone
    )


@page
async def values_piece(request: web.Request) -> web.Response:
    """The values of one menu, narrowed to what was typed."""
    whole = State(PATH, state_of(request).params)
    param, typed = whole.value("of"), whole.value("typed")
    state = whole.without("of", "typed")
    asked = asked_of(request, state, (), OWN)
    told = await facets(request.app[PARTS].source, asked)
    if param not in told:
        raise WrongFilter("of", f"{param!r}: use one of {', '.join(told)}")
    made = menu(param, state, [(one["value"], one["calls"]) for one in told[param]], typed)
    return render(request, "parts/values.html", menu=made)


async def _sums(request: web.Request, state: State, asked: Filter, *, patient: bool = False) -> Totals:
    parts = request.app[PARTS]
    whole = _uncut(asked)
    told, book = await asyncio.gather(stats(parts.source, whole), settled(parts.source, whole))
    end = asked.to_us
    if end is None:
        end = epoch_us(parts.now()) if asked.from_us is not None else book.to_us
    begin = asked.from_us if asked.from_us is not None else book.from_us
    return totals(state, asked, told, begin, end)


def _uncut(asked: Filter) -> Filter:
    return replace(asked, cursor=None, sort="time", order="desc")


def _known(future: asyncio.Future[_T]) -> _T | None:
    """What came of it, if anything did in time."""
    if not future.done() or future.cancelled():
        return None
    reason = future.exception()
    if reason is None:
        return future.result()
    if isinstance(reason, NoAnswer):
        return None
    raise reason


def _paging(state: State, following: str | None) -> Paging:
    """Backwards the way that somebody came: a cursor leads one way only."""
    cursor = state.value("cursor")
    came = [place for place in state.value("back").split(",") if place]
    here = state.without(*PLACE)
    older = None
    if following is not None:
        trail = [*came, cursor or "-"][-_MOST_BACK:]
        older = here.with_(cursor=following, back=",".join(trail)).address
    if not cursor:
        return Paging(older, None, None)
    newer = None
    if came:
        *before, last = came
        newer = here.with_(cursor=None if last == "-" else last, back=",".join(before) or None).address
    return Paging(older, newer, here.address)
