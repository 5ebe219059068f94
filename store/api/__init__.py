"""The dashboard listener: the query endpoint over the book, and the pages. The proxy's clients never come here.

`make_app` composes it: the token check around everything but liveness, the Host check, the routes.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from aiohttp import web

from proxy.config.model import Config
from store.api.answers import add_headers, errors_as_json
from store.api.guard import host_check, token_check
from store.api.parts import PARTS, Parts
from store.api.routes import add_routes
from store.health import LiveCounts
from store.pages import add_pages
from store.reader import Source


def _utc_now() -> datetime:
    return datetime.now(UTC)


def make_app(
    config: Config,
    source: Source,
    live: Callable[[], LiveCounts],
    *,
    prices: Mapping[str, object] | None = None,
    now: Callable[[], datetime] = _utc_now,
) -> web.Application:
    """The application. `live` gives the counts of this moment, `prices` what health tells about the price table.

    Whoever opened `source` closes it, after the application.
    """
    token = config.dashboard.token
    app = web.Application(
        middlewares=[errors_as_json, *([token_check(token)] if token else []), host_check(config.dashboard)]
    )
    app[PARTS] = Parts(source, live, now, config.store.data_dir, prices or {}, config.sandbox)
    app.on_response_prepare.append(add_headers)
    app.on_shutdown.append(_end_streams)
    add_routes(app)
    add_pages(app)
    return app


async def _end_streams(app: web.Application) -> None:
    app[PARTS].stopping = True
