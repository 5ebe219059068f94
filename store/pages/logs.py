"""/logs: a complete record of every call, one row each, under filters that combine.

The page waits for its rows alone. Totals and the values of the menus are on it when they are there in time; what is not
is fetched once the page is seen, by the address its place carries.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, TypeVar

from aiohttp import web

from store.api.parts import PARTS
from store.filters import DIMENSIONS, FILTERS, PAGING, Filter, WrongFilter
from store.pace import Thresholds
from store.pages.asking import PLACE, asked_of, filters_only, query, zoned
from store.pages.curl import reachable
from store.pages.filter_bar import filter_bar, menu
from store.pages.log_bars import extent, histogram_piece
from store.pages.log_columns import COLUMNS, NUMBERS, OPTIONAL, OWN, chosen_columns, headings
from store.pages.log_row import log_row
from store.pages.rendering import render
from store.pages.state import State, state_of
from store.pages.totals import Totals, totals
from store.pages.trouble import page
from store.questions.facets import facets
from store.questions.how_slow import how_slow
from store.questions.logs import logs
from store.questions.row import Json
from store.questions.stats import stats
from store.reader import NoAnswer, Source

PATH: Final = "/logs"
_PATIENCE_S: Final = 0.03
_AT_LEAST_S: Final = 0.01
"""A page waits so long in all for what can be fetched later, and at least so long once its rows are there."""
_PATIENT_S: Final = 0.3
"""How long sums are read for once the page is there: then "at least" is a better answer than more waiting."""
_MOST_BACK: Final = 20

_T = TypeVar("_T")


def add_logs(app: web.Application) -> None:
    """The page and the pieces of it that scripts fetch."""
    app.router.add_get(PATH, logs_page)
    app.router.add_get(PATH + "/totals", totals_piece)
    app.router.add_get(PATH + "/values", values_piece)
    app.router.add_get(PATH + "/histogram", histogram_piece)


@dataclass(frozen=True, slots=True)
class Paging:
    """Where else one can go from this page of rows; None where there is nothing."""

    older: str | None
    newer: str | None
    newest: str | None


@page
async def logs_page(request: web.Request) -> web.Response:
    began = time.monotonic()
    state = state_of(request)
    asked = asked_of(request, state, PAGING, OWN)
    columns = chosen_columns(state)
    source = request.app[PARTS].source
    sums = asyncio.ensure_future(_sums(request, state, asked))
    told = asyncio.ensure_future(facets(source, _uncut(asked), without_own=True, allowed_s=_PATIENT_S))
    late: list[asyncio.Future[Any]] = [sums, told]
    try:
        found = await logs(source, asked)
        slow = asyncio.ensure_future(_thresholds(source, found["logs"], request.app[PARTS].now()))
        late.append(slow)
        await asyncio.wait(late, timeout=max(_AT_LEAST_S, began + _PATIENCE_S - time.monotonic()))
    finally:
        for future in late:
            future.cancel()
        await asyncio.gather(*late, return_exceptions=True)
    return render(
        request,
        "logs.html",
        state=state,
        asked=asked,
        zone=asked.zone,
        bar=filter_bar(state, asked.zone, request.app[PARTS].now(), _known(told)),
        rows=[log_row(call, _known(slow)) for call in found["logs"]],
        found=found,
        columns=columns,
        column_choices=OPTIONAL,
        number_columns=NUMBERS,
        headings=headings(state),
        carried=state.without(COLUMNS, *PLACE).params,
        way_back=_way_back(state),
        paging=_paging(state, found["next"]),
        totals=_known(sums),
        pieces_query=query(filters_only(state).params),
        exports=query(zoned(request, state).only((*FILTERS, "sort", "order")).params),
        tail=query(filters_only(zoned(request, state)).params),
        proxy=f"http://{reachable(request.app[PARTS].config.proxy.listen)}",
        live=state.value("live") == "1",
        live_toggle=state.without("live", *PLACE).with_(live=None if state.value("live") else "1").address,
    )


@page
async def totals_piece(request: web.Request) -> web.Response:
    """The totals line alone, with all the time it needs."""
    state = State(PATH, state_of(request).params)
    asked = asked_of(request, state, (), OWN)
    return render(request, "parts/totals.html", totals=await _sums(request, state, asked), zone=asked.zone)


@page
async def values_piece(request: web.Request) -> web.Response:
    """The values of one menu, narrowed to what was typed; for every page with a filter bar, whatever else it has."""
    whole = State(PATH, state_of(request).params)
    param, typed = whole.value("of"), whole.value("typed")
    state = filters_only(whole)
    asked = asked_of(request, state)
    told = await facets(request.app[PARTS].source, asked, without_own=True, allowed_s=_PATIENT_S)
    if param not in DIMENSIONS:
        raise WrongFilter("of", f"{param!r}: use one of {', '.join(DIMENSIONS)}")
    made = menu(param, state, [(one["value"], one["calls"]) for one in told[param]], typed)
    return render(request, "parts/values.html", menu=made)


async def _sums(request: web.Request, state: State, asked: Filter, allowed_s: float = _PATIENT_S) -> Totals:
    whole = _uncut(asked)
    told, (begin, end) = await asyncio.gather(
        stats(request.app[PARTS].source, whole, allowed_s=allowed_s), extent(request, whole)
    )
    return totals(state, asked, told, begin, end)


async def _thresholds(source: Source, calls: Sequence[Json], now: datetime) -> dict[str, Thresholds]:
    async with source.snapshot() as snapshot:
        return await how_slow(snapshot, {call["model"] for call in calls}, now)


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


def _way_back(state: State) -> str:
    """What the page of a call is told about the list it was opened from."""
    kept = state.without("open")
    back = [("back", kept.address)] if kept.params else []
    zone = [("tz", state.value("tz"))] if state.value("tz") else []
    return f"?{query((*back, *zone))}" if back or zone else ""


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
