"""Requests that change something must not come from somebody else's page: a browser says where they come from.

Its cookie goes along with a form of any page under the same host name, whatever the port. Browsers tell the relation
of the two pages in `Sec-Fetch-Site`, or, towards addresses they do not trust (plain HTTP beyond this machine), only the
`Origin`. What tells neither is no browser, and carries no cookie that somebody else could have made it carry.
"""

from http import HTTPStatus
from typing import Final

from aiohttp import web

from store.api.answers import Handler, error_answer

_SAFE: Final = ("GET", "HEAD", "OPTIONS", "TRACE")


@web.middleware
async def origin_check(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What is not safe is only done for our own pages, and for programs."""
    if request.method in _SAFE or _from_here(request):
        return await handler(request)
    return error_answer(HTTPStatus.FORBIDDEN, "this came from another site's page")


def _from_here(request: web.Request) -> bool:
    site = request.headers.getall("Sec-Fetch-Site", ())
    if site:
        return list(site) in (["same-origin"], ["none"])
    origin = request.headers.getall("Origin", ())
    if not origin:
        return True
    # The scheme is not compared: whoever ends TLS before us knows it, we do not.
    _, _, host = origin[0].partition("://")
    return len(origin) == 1 and bool(host) and host.lower() == request.headers.get("Host", "").lower()
