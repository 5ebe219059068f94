"""Who may ask: the token, and the Host check that keeps web pages from asking through their visitor's browser.

A page can point a name of its own at 127.0.0.1 (DNS rebinding); its requests then carry that name in `Host`.
"""

import hmac
from http import HTTPStatus
from ipaddress import ip_address

from aiohttp import web
from aiohttp.typedefs import Middleware

from proxy.config.model import Dashboard, Secret
from store.api.answers import Handler, error_answer

LIVENESS = "/healthz"


def token_check(token: Secret) -> Middleware:
    """Everything but the liveness route needs `Authorization: Bearer TOKEN`."""
    expected = token.reveal().encode()

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if _is_liveness(request) or _carries(request, expected):
            return await handler(request)
        answer = error_answer(HTTPStatus.UNAUTHORIZED, "this needs the dashboard token as Authorization: Bearer TOKEN")
        answer.headers["WWW-Authenticate"] = "Bearer"
        return answer

    return check


def _is_liveness(request: web.Request) -> bool:
    resource = request.match_info.route.resource
    return resource is not None and resource.canonical == LIVENESS


def _carries(request: web.Request, expected: bytes) -> bool:
    given = request.headers.getall("Authorization", ())
    if len(given) != 1:
        return False
    scheme, _, token = given[0].partition(" ")
    # Undecodable bytes arrive as lone surrogates; they are compared as the bytes they were.
    same = hmac.compare_digest(token.strip().encode("utf-8", "surrogateescape"), expected)
    return same and scheme.lower() == "bearer"


def host_check(dashboard: Dashboard) -> Middleware:
    """The name in `Host` must be one of ours."""
    ours = {"localhost", dashboard.listen.host.lower().strip("[]"), *map(_name, dashboard.allowed_hosts)}

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.getall("Host", ())
        name = _name(given[0]) if len(given) == 1 else ""
        # A container's probe comes by the address of the container, and liveness tells nothing.
        if _is_liveness(request) or (name and (name in ours or _is_loopback(name))):
            return await handler(request)
        return error_answer(HTTPStatus.FORBIDDEN, "this host name is not allowed; add it to [dashboard] allowed_hosts")

    return check


def _name(host: str) -> str:
    """The name or address without its port, in lower case; empty when it is neither."""
    if host.startswith("["):
        address, closed, rest = host[1:].partition("]")
        return address.lower() if closed and (not rest or rest.startswith(":")) else ""
    name, _, port = host.partition(":")
    return name.lower().removesuffix(".") if not port or port.isdecimal() else ""


def _is_loopback(name: str) -> bool:
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
