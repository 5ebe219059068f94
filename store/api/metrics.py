"""`/metrics`, for Prometheus: guarded by the token like everything that tells about calls."""

from aiohttp import web

from store.api.health import told_health
from store.api.parts import PARTS
from store.filters import refuse_all
from store.metrics import Metrics

METRICS = web.AppKey("metrics", Metrics)


def add_metrics(app: web.Application) -> None:
    """The route, and the count that begins when the application does."""
    app[METRICS] = metrics = Metrics(app[PARTS].source)

    async def begin(_: web.Application) -> None:
        await metrics.begin()

    app.on_startup.append(begin)
    app.router.add_get("/metrics", metrics_route)


async def metrics_route(request: web.Request) -> web.Response:
    refuse_all(request.query.items())
    page, content_type = await request.app[METRICS].written(
        await told_health(request.app[PARTS]), request.headers.get("Accept", "")
    )
    return web.Response(body=page, headers={"Content-Type": content_type})
