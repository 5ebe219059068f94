"""The dashboard listener: the query endpoint over the book, and the pages. The proxy's clients never come here.

`make_app` composes it: the token check around everything but liveness, the login and static files, the checks of Host
and origin, the routes.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from aiohttp import web

from proxy.config.model import Config
from store.api.access import ACCESS, Access
from store.api.answers import add_headers, errors_as_json
from store.api.guard import LIVENESS, host_check, token_check
from store.api.login import LOGIN, add_login
from store.api.metrics import add_metrics
from store.api.origin import origin_check
from store.api.parts import PARTS, Parts
from store.api.routes import add_routes
from store.budgets import BudgetState
from store.health import LiveCounts
from store.pages import add_pages
from store.pages.me import ME
from store.pages.static import PREFIX
from store.reader import Source
from store.search.standing import Standing
from store.webhook.standing import Standing as Telling


def _utc_now() -> datetime:
    return datetime.now(UTC)


def make_app(
    config: Config,
    source: Source,
    live: Callable[[], LiveCounts],
    *,
    prices: Mapping[str, object] | None = None,
    search: Callable[[], Standing | None] = lambda: None,
    budgets: Callable[[], Sequence[BudgetState]] = lambda: (),
    webhook: Callable[[], Telling | None] = lambda: None,
    now: Callable[[], datetime] = _utc_now,
) -> web.Application:
    """The application. `live` gives the counts of this moment, `prices` what health tells about the price table,
    `search` how far the index of words is, None where there is no text to search, `budgets` how each
    budget stands, `webhook` how the telling of that goes, None where nobody is told.

    Whoever opened `source` closes it, after the application.
    """
    access = Access(config.dashboard.token) if config.dashboard.token else None
    checks = [host_check(config.dashboard), origin_check]
    if access is not None:
        checks.insert(0, token_check(access, public=(LIVENESS, LOGIN, ME, PREFIX)))
    app = web.Application(middlewares=[errors_as_json, *checks])
    app[PARTS] = Parts(
        source, live, now, config.store.data_dir, prices or {}, config.sandbox, search, config, budgets, webhook
    )
    app.on_response_prepare.append(add_headers)
    app.on_shutdown.append(_end_streams)
    add_routes(app)
    add_metrics(app)
    add_pages(app)
    if access is not None:
        app[ACCESS] = access
        add_login(app)
    return app


async def _end_streams(app: web.Application) -> None:
    app[PARTS].stopping = True
