"""`/health`: whether every call is accounted for, how much disk is left, which prices are missing."""

import asyncio
import platform
import sqlite3
from typing import Final

from aiohttp import web

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
MEANINGS: Final = {
    "no_usage": "the answer told no tokens",
    "total_mismatch": "the total told is not the sum of its parts",
    "parts_over_total": "the parts told are more than their total",
    "cached_over_input": "more cached tokens told than input tokens",
    "odd_count": "a count that is no whole number of zero or more",
    "undecodable_body": "the encoding of the body could not be undone",
    "budget_nearly_used": "most of a budget was used",
    "usage_by_fallback_rate": "usage counted by a fallback rate, since the cost is unknown",
    "unreadable": "the answer could not be read",
}
"""What anomalies mean; one without a meaning here is told by its name."""


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
        unpriced=[one | {"address": _unknown_cost(one["model"])} for one in without["unpriced"]],
        odd=odd,
        anomalies=[
            one | {"meaning": MEANINGS.get(one["anomaly"]), "address": _logs(("anomaly", exactly(one["anomaly"])))}
            for one in odd["anomalies"]
        ],
        engines={"SQLite": sqlite3.sqlite_version, "Python": platform.python_version()},
    )


def _unknown_cost(model: str | None) -> str | None:
    return _logs(("cost_state", "unknown"), ("model", exactly(model)))


def _logs(*params: tuple[str, str | None]) -> str | None:
    """The calls of these filters; None when one of them cannot be told."""
    told = tuple((name, value) for name, value in params if value is not None)
    return State("/logs", told).address if len(told) == len(params) else None
