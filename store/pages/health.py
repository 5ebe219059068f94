"""`/health`: whether every call is accounted for, how much disk is left, which prices are missing."""

import asyncio
import platform
import sqlite3
from typing import Final

from aiohttp import web

from store.anomalies import CATALOGUE
from store.api.health import told_health
from store.api.parts import PARTS
from store.filters import refuse_all
from store.pages.breakdown import exactly
from store.pages.rendering import render
from store.pages.state import State, state_of
from store.pages.trouble import page
from store.pages.verdict import LOST, balance, findings, worst
from store.pages.viewer import viewer_of
from store.questions.anomalies import anomalies
from store.questions.growth import growth
from store.questions.unpriced import unpriced

_SAID: Final = {
    "good": "Everything is in order",
    "attention": "Something needs attention",
    "bad": "Something is wrong",
}


def add_health(app: web.Application) -> None:
    """The page."""
    app.router.add_get("/health", health_page)


@page
async def health_page(request: web.Request) -> web.StreamResponse:
    refuse_all(state_of(request).params)
    parts = request.app[PARTS]
    told = await told_health(parts)
    grown, without, odd = await asyncio.gather(
        growth(parts.source, parts.now(), told["disk"]["free_bytes"]), unpriced(parts.source), anomalies(parts.source)
    )
    found = findings(told, grown, without["unpriced"], parts.now().date())
    return render(
        request,
        "health.html",
        zone=viewer_of(request).zone,
        now=parts.now().isoformat(),
        told=told,
        balance=balance(told),
        lost={LOST.get(name, name): calls for name, calls in told["lost"].items() if name != "total"},
        findings=found,
        state=worst(found),
        said=_SAID[worst(found)],
        growth=grown,
        unpriced=[one | {"address": _unknown_cost(one["model"], one["upstream"])} for one in without["unpriced"]],
        unpriced_back_to=without["unpriced_read_back_to"],
        odd=odd,
        anomalies=[
            one | {"meaning": CATALOGUE.get(one["anomaly"]), "address": _anomalous(one["anomaly"])}
            for one in odd["anomalies"]
        ],
        engines={"SQLite": sqlite3.sqlite_version, "Python": platform.python_version()},
    )


def _unknown_cost(model: str | None, upstream: str | None) -> str | None:
    return _logs(("cost_state", "unknown"), ("model", exactly(model)), ("upstream", exactly(upstream)))


def _anomalous(name: str) -> str | None:
    return _logs(("anomaly", name)) if name in CATALOGUE else None


def _logs(*params: tuple[str, str | None]) -> str | None:
    """The calls of these filters; None when one of them cannot be told."""
    told = tuple((name, value) for name, value in params if value is not None)
    return State("/logs", told).address if len(told) == len(params) else None
