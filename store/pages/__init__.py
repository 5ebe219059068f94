"""The pages people look at: HTML over the same questions as the query endpoint, rendered here, without SQL of its own.

All state of a page is in its URL, under the names of the query parameters. Without scripts a page is complete and can
be filtered; the ES modules in `static/` only spare reloads, draw charts and follow new calls. What models and clients
said is hostile: templates escape everything, scripts set text only, and the content security policy forbids the rest.
"""

from aiohttp import web

from store.pages.call import add_call
from store.pages.health import add_health
from store.pages.keys import add_keys
from store.pages.logs import PATH, add_logs
from store.pages.me import add_me
from store.pages.static import add_static
from store.pages.stats import add_stats
from store.pages.trouble import nothing_here

FRONT = PATH


def add_pages(app: web.Application) -> None:
    """Every page, and the files they need."""
    app.middlewares.append(nothing_here)
    app.router.add_get("/", front)
    add_logs(app)
    add_call(app)
    add_stats(app)
    add_keys(app)
    add_health(app)
    add_me(app)
    add_static(app)


async def front(_: web.Request) -> web.Response:
    """Where everybody wants to go first."""
    raise web.HTTPSeeOther(FRONT)
