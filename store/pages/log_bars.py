"""/logs/histogram: the calls of the filter over its time, drawn as SVG beside the table, after it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from aiohttp import web

from store.api.parts import PARTS
from store.filters import Filter
from store.moments import at, epoch_us
from store.pages.asking import asked_of
from store.pages.bars import Bar, Step, bars, step_for, ticks
from store.pages.log_columns import OWN
from store.pages.rendering import render
from store.pages.state import state_of
from store.pages.trouble import page
from store.questions.every_call import settled
from store.questions.row import Json
from store.questions.stats import stats

_MINUTES_S = 0.25  # minutes are added up from rows; hours are there already


@page
async def histogram_piece(request: web.Request) -> web.Response:
    """The bars alone."""
    asked = asked_of(request, state_of(request), (), OWN)
    begin, end = await extent(request, asked)
    if begin is None or end is None:
        return render(request, "parts/bars.html", drawn=[])
    first, last = at(begin), at(end)
    step = step_for(first, last)
    told = await _sums(request, asked, step)
    if not told["complete"] and step.coarser != step:
        step = step.coarser
        told = await _sums(request, asked, step)
    cut = bars(first, last, step, asked.zone, told["stats"])
    most = max(bar.calls for bar in cut)
    return render(
        request,
        "parts/bars.html",
        drawn=_drawn(cut, most),
        cut=cut,
        most=most,
        peak=max(cut, key=lambda bar: bar.calls),
        total=told["total"],
        step=step,
        ticks=[(f"{tick.share:.3%}", tick.text) for tick in ticks(cut, step)],
        read_back_to=told["read_back_to"],
        zone=asked.zone,
    )


@dataclass(frozen=True, slots=True)
class Drawn:
    """A bar in per cent of the drawing: errors at the foot, the other calls upon them."""

    bar: Bar
    x: str
    width: str
    calls_y: str
    calls_height: str
    errors_y: str
    errors_height: str


def _drawn(cut: Sequence[Bar], most: int) -> list[Drawn]:
    begin = cut[0].start.timestamp()
    whole = cut[-1].stop.timestamp() - begin
    return [_bar(bar, begin, whole, most or 1) for bar in cut]


def _bar(bar: Bar, begin: float, whole: float, most: int) -> Drawn:
    failed, others = bar.errors / most, (bar.calls - bar.errors) / most
    return Drawn(
        bar=bar,
        x=f"{(bar.start.timestamp() - begin) / whole:.4%}",
        width=f"{(bar.stop.timestamp() - bar.start.timestamp()) / whole:.4%}",
        calls_y=f"{1 - failed - others:.3%}",
        calls_height=f"{others:.3%}",
        errors_y=f"{1 - failed:.3%}",
        errors_height=f"{failed:.3%}",
    )


async def extent(request: web.Request, asked: Filter) -> tuple[int | None, int | None]:
    """From when to when the filter's calls can be: its own ends, else those of the book; an age ends now."""
    parts = request.app[PARTS]
    book = await settled(parts.source, asked)
    if book.from_us is None:
        return None, None
    end = asked.to_us
    if end is None:
        end = epoch_us(parts.now()) if asked.from_us is not None else book.to_us
    begin = asked.from_us if asked.from_us is not None else book.from_us
    return (begin, end) if end is not None and end > begin else (None, None)


async def _sums(request: web.Request, asked: Filter, step: Step) -> Json:
    grouped = replace(asked, by=(step.unit,))
    allowed_s = _MINUTES_S if step.unit == "minute" else 1.5
    return await stats(request.app[PARTS].source, grouped, percentiles=False, allowed_s=allowed_s)
