"""The routes of the query endpoint: read the parameters, ask the question, answer in JSON."""

from collections.abc import Collection
from http import HTTPStatus

from aiohttp import web

from store.api.answers import error_answer, json_answer
from store.api.export import export_route
from store.api.guard import LIVENESS
from store.api.health import told_health
from store.api.insight import INSIGHTS
from store.api.openapi import DESCRIPTION
from store.api.parts import PARTS
from store.api.tail import tail_route
from store.filters import GROUPING, PAGING, Filter, parse, refuse_all
from store.questions.call import call
from store.questions.facets import facets
from store.questions.logs import logs
from store.questions.stats import stats


def add_routes(app: web.Application) -> None:
    """Every route there is. Only GET (and HEAD where the answer ends): nothing can be changed here."""
    for path, handler in (
        ("/api/logs", logs_route),
        ("/api/logs/{id}", call_route),
        ("/api/stats", stats_route),
        ("/api/facets", facets_route),
        ("/api/export", export_route),
        *INSIGHTS,
        ("/api/health", health_route),
        ("/api/openapi.json", openapi_route),
        (LIVENESS, liveness_route),
    ):
        app.router.add_get(path, handler, expect_handler=_expect_nothing)
    app.router.add_get("/api/tail", tail_route, allow_head=False, expect_handler=_expect_nothing)


async def _expect_nothing(_: web.Request) -> None:
    """No "100 Continue" before the token is checked: no route here reads a body."""


def asked(request: web.Request, also: Collection[str] = ()) -> Filter:
    """The filter in the query string."""
    return parse(request.query.items(), request.app[PARTS].now(), also=also)


async def logs_route(request: web.Request) -> web.Response:
    return json_answer(await logs(request.app[PARTS].source, asked(request, PAGING)))


async def call_route(request: web.Request) -> web.Response:
    refuse_all(request.query.items())
    found = await call(request.app[PARTS].source, request.match_info["id"])
    if found is None:
        return error_answer(HTTPStatus.NOT_FOUND, "there is no call with this id", "id")
    return json_answer(found)


async def stats_route(request: web.Request) -> web.Response:
    return json_answer(await stats(request.app[PARTS].source, asked(request, GROUPING)))


async def facets_route(request: web.Request) -> web.Response:
    return json_answer(await facets(request.app[PARTS].source, asked(request)))


async def health_route(request: web.Request) -> web.Response:
    refuse_all(request.query.items())
    return json_answer(await told_health(request.app[PARTS]))


async def openapi_route(request: web.Request) -> web.Response:
    refuse_all(request.query.items())
    return json_answer(DESCRIPTION)


async def liveness_route(_: web.Request) -> web.Response:
    return json_answer({"status": "ok"})
