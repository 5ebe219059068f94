"""`/stats`: how much over a stretch of time, by whom or what; the same answers as `/api/stats`, compared and drawn.

`metric` chooses what is drawn and `by` what it is divided by, `per` the unit of time; all of it stays in the address.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, get_args

import orjson
from aiohttp import web

from store.api.parts import PARTS, Parts
from store.call import CostState
from store.filters import FILTERS, Words
from store.moments import epoch_us
from store.pages.asking import query, zoned
from store.pages.breakdown import FEW_LINES, MOST_LINES, as_csv, lines
from store.pages.changes import changes
from store.pages.filter_bar import FilterBar, filter_bar
from store.pages.measures import LATENCY, METRICS, Row
from store.pages.movements import movements
from store.pages.period import EVER, Period, period, width_ms
from store.pages.rendering import render
from store.pages.series import MOST_SERIES, by_kind, largest, latencies, stacked, whole_buckets
from store.pages.stats_view import BY, KINDS_OF_TOKENS, OWN, View
from store.pages.time_range import ALL_TIME, MONTHS, time_range
from store.pages.trouble import page
from store.questions.comparison import comparison
from store.questions.forecast import forecast
from store.questions.movers import movers
from store.questions.partial import together
from store.questions.row import Json
from store.questions.stats import stats
from store.reader import NoAnswer

_LONG_US: Final = 190 * 86_400_000_000
_MOST_ROWS: Final = 6_000  # groups times buckets that are asked for whole
_MOST_LATENCIES: Final = 4
_NOT_WORTH_HIDING: Final = 5
_TABLE: Final = "/stats/table.csv"
_MOVERS: Final = "/stats/movers"


def add_stats(app: web.Application) -> None:
    """The page, and its table as a file."""
    app.router.add_get("/stats", stats_page)
    app.router.add_get(_TABLE, table_file)
    app.router.add_get(_MOVERS, movers_piece)


@page
async def stats_page(request: web.Request) -> web.StreamResponse:
    parts = request.app[PARTS]
    now = parts.now()
    view = View.of(request)
    span = period(view.given, view.asked, now, await _first_us(parts, view, now))
    whole, over_time, against, ahead = await asyncio.gather(
        stats(parts.source, view.asked),
        stats(parts.source, replace(view.asked, by=(span.unit,))),
        comparison(parts.source, replace(view.asked, by=()), now),
        forecast(parts.source, view.asked, now),
    )
    most = _MOST_LATENCIES if view.metric == LATENCY else MOST_SERIES
    shown = [] if view.kinds else largest(view.measure, view.by, whole["stats"], most)
    divided = await _divided(parts, view, span, shown, whole, over_time)
    unread = together((whole, over_time, against, divided))["read_back_to"]
    buckets = whole_buckets(
        over_time["stats"], span.unit, view.asked.zone, together((over_time, divided))["read_back_to"]
    )
    told = lines(view.state, view.by, whole["stats"], whole["total"], shown)
    before = against["previous"]
    most_lines = MOST_LINES if view.every or len(told) <= FEW_LINES + _NOT_WORTH_HIDING else FEW_LINES
    return render(
        request,
        "stats.html",
        chart=True,
        view=view,
        state=view.state,
        zone=view.asked.zone,
        bar=await _bar(parts, view, now),
        span=span,
        offered=BY,
        metrics=METRICS,
        kinds_of_tokens=KINDS_OF_TOKENS,
        total=whole["total"],
        changes=changes(whole["total"], None if unread or not before else before["total"]),
        cache=against["cache"],
        forecast=ahead,
        month_name=MONTHS[int(ahead["month"][5:]) - 1],
        movers_address=view.state.at(_MOVERS).address,
        drawable=bool(buckets and (shown or (view.kinds and whole["total"]["tokens"]["total"]))),
        chart_data=_chart(view, span, shown, divided["stats"], buckets),
        lines=told[:most_lines],
        left_out=max(0, len(told) - most_lines),
        state_addresses={
            name: view.state.with_(cost_state=name).only((*FILTERS, "q")).at("/logs").address
            for name in get_args(CostState)
        },
        all_address=None if view.every else view.state.with_(rows="all").address,
        unread=unread,
        table_address=view.state.at(_TABLE).address,
        json_address=_json_address(request, view, view.by),
        over_time_address=_json_address(request, view, span.unit),
        scatter_address=_scatter_address(request, view),
    )


@page
async def movers_piece(request: web.Request) -> web.StreamResponse:
    """Who moved takes six sums more than all the rest: the page fetches it when it is there."""
    parts = request.app[PARTS]
    now = parts.now()
    view = View.of(request)
    state = view.state.at("/stats")
    span = period(view.given, view.asked, now, None)
    told = await movers(parts.source, replace(view.asked, by=()), now)
    return render(
        request,
        "parts/movers.html",
        zone=view.asked.zone,
        unread=told["read_back_to"],
        ever=span.ever,
        before_words=span.before_words,
        movers={} if span.ever else movements(state, told),
    )


@page
async def table_file(request: web.Request) -> web.StreamResponse:
    parts = request.app[PARTS]
    view = View.of(request)
    whole = await stats(parts.source, view.asked)
    if not whole["complete"]:
        raise NoAnswer("these sums could not be read whole in time, and a file would not say so; narrow the time")
    told = lines(view.state, view.by, whole["stats"], whole["total"], ())
    name = f"tollbook-stats-by-{view.by}.csv"
    return web.Response(
        body=as_csv(view.by, told),
        content_type="text/csv",
        charset="utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def _bar(parts: Parts, view: View, now: datetime) -> FilterBar:
    """The filter bar, whose times are those shown: all time has to be asked for here, and 30 days need not be."""
    bar = filter_bar(view.given, view.asked.zone, now, None)
    time = time_range(view.state, view.asked.zone, now)
    presets = tuple(
        replace(
            preset,
            address=view.given.with_(from_=EVER).without("to", "per").address,
            chosen=view.given.value("from") == EVER and not view.given.value("to"),
        )
        if preset.label == ALL_TIME
        else preset
        for preset in time.presets
    )
    label = next((preset.label for preset in presets if preset.chosen), time.label)
    chips = tuple(replace(chip, value=ALL_TIME) if chip.value == f"since {EVER}" else chip for chip in bar.chips)
    return replace(bar, time=replace(time, presets=presets, label=label), chips=chips)


async def _first_us(parts: Parts, view: View, now: datetime) -> int | None:
    """When the first call of a long time was received, to the month: most books are younger than the time asked for."""
    asked = view.asked
    stop = asked.to_us if asked.to_us is not None else epoch_us(now)
    if stop - (asked.from_us or 0) <= _LONG_US:
        return None
    months = (await stats(parts.source, replace(asked, by=("month",))))["stats"]
    if not months:
        return stop
    first = datetime.strptime(months[0]["month"], "%Y-%m").replace(tzinfo=asked.zone)
    return max(0, epoch_us(first))


async def _divided(
    parts: Parts, view: View, span: Period, shown: Sequence[str | None], whole: Row, over_time: Row
) -> Json:
    """Sums by time and group: of all groups when these are few, else of those with a colour of their own."""
    if not shown:
        return {"stats": [], "complete": True, "read_back_to": None}
    asked = replace(view.asked, by=(span.unit, view.by))
    if len(whole["stats"]) * len(over_time["stats"]) > _MOST_ROWS:
        # What a name also matches as a pattern is left out again by whoever makes the series.
        names = tuple(str(name) for name in shown if name is not None)
        given: Words = getattr(asked, view.by)
        narrowed: dict[str, Any] = {view.by: Words(names, given.none_of)}
        asked = replace(asked, **narrowed)
    return await stats(parts.source, asked, percentiles=view.metric == LATENCY)


def _chart(view: View, span: Period, shown: Sequence[str | None], divided: Sequence[Row], totals: Sequence[Row]) -> str:
    """What the script draws, as JSON for an attribute: text of strangers in it is shown by the script as text."""
    buckets = [str(row[span.unit])[:19] for row in totals]
    drawn: dict[str, Any] = {
        "metric": view.metric, "by": view.by, "unit": view.measure.unit, "per": span.unit, "title": view.measure.title,
        "width_ms": width_ms(span.unit), "range": span.local(view.asked), "buckets": buckets,
    }  # fmt: skip
    if view.metric == LATENCY:
        drawn |= {"unit": "ms", "title": "duration"}
        drawn["latencies"] = latencies(span.unit, view.by, totals, divided, shown)
    elif view.kinds:
        drawn["series"] = [one.as_json() for one in by_kind(totals)]
    else:
        series = stacked(view.measure, span.unit, view.by, totals, divided, shown)
        drawn["series"] = [one.as_json() for one in series]
    return orjson.dumps(drawn).decode()


def _json_address(request: web.Request, view: View, by: str) -> str:
    state = zoned(request, view.state.without(*OWN, "by")).with_(by=by)
    return f"/api/stats?{query(state.params)}"


def _scatter_address(request: web.Request, view: View) -> str:
    state = zoned(request, view.state.without(*OWN, "by"))
    return f"/api/scatter?{query(state.params)}"
