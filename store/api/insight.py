"""What follows from the rows and sums: comparison, movers, forecast, why calls were slow, keys, and what needs care."""

import asyncio
from typing import Final

from aiohttp import web

from store.api.answers import Handler, json_answer
from store.api.keys import keys_route
from store.api.parts import PARTS
from store.filters import WrongFilter, parse, refuse_all
from store.questions.anomalies import anomalies
from store.questions.comparison import comparison
from store.questions.forecast import forecast
from store.questions.growth import growth
from store.questions.movers import movers
from store.questions.scatter import MOST_POINTS, POINTS, scatter
from store.questions.unpriced import unpriced
from store.sizes import free_bytes


async def overview_route(request: web.Request) -> web.Response:
    parts = request.app[PARTS]
    now = parts.now()
    asked = parse(request.query.items(), now)
    told = await comparison(parts.source, asked, now)
    return json_answer(told | {"forecast": await forecast(parts.source, asked, now)})


async def movers_route(request: web.Request) -> web.Response:
    parts = request.app[PARTS]
    now = parts.now()
    return json_answer(await movers(parts.source, parse(request.query.items(), now), now))


async def scatter_route(request: web.Request) -> web.Response:
    parts = request.app[PARTS]
    given = list(request.query.items())
    limits = [value for name, value in given if name == "limit"]
    asked = parse([pair for pair in given if pair[0] != "limit"], parts.now())
    return json_answer(await scatter(parts.source, asked, _limit(limits)))


def _limit(given: list[str]) -> int:
    if not given:
        return POINTS
    if len(given) > 1:
        raise WrongFilter("limit", "given more than once")
    (text,) = given
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= MOST_POINTS):
        raise WrongFilter("limit", f"{text!r}: use a whole number from 1 to {MOST_POINTS}")
    return int(text)


async def care_route(request: web.Request) -> web.Response:
    refuse_all(request.query.items())
    parts = request.app[PARTS]
    free = await asyncio.to_thread(free_bytes, parts.data_dir)
    return json_answer({
        **await unpriced(parts.source),
        "anomalies": await anomalies(parts.source),
        "growth": await growth(parts.source, parts.now(), free),
    })  # fmt: skip


INSIGHTS: Final[tuple[tuple[str, Handler], ...]] = (
    ("/api/overview", overview_route),
    ("/api/movers", movers_route),
    ("/api/scatter", scatter_route),
    ("/api/keys", keys_route),
    ("/api/health/care", care_route),
)
