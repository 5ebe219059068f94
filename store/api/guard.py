"""Who may ask: the token or its session, and the Host check that keeps pages from asking through a visitor's browser.

A page can point a name of its own at 127.0.0.1 (DNS rebinding); its requests then carry that name in `Host`.
"""

from collections.abc import Collection
from http import HTTPStatus
from ipaddress import ip_address

from aiohttp import web
from aiohttp.typedefs import Middleware

from proxy.config.model import Dashboard
from store.api.access import SIGNED_IN, Access
from store.api.answers import Handler, error_answer
from store.api.login import login_address
from store.api.visitor import is_a_person

LIVENESS = "/healthz"


def token_check(access: Access, public: Collection[str]) -> Middleware:
    """Everything but `public` needs `Authorization: Bearer TOKEN` or a session.

    `public` are paths of routes; one that ends with a slash stands for all beneath it.
    """

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if access.has_session(request):
            request[SIGNED_IN] = True
            return await handler(request)
        if _is_one_of(request, public):
            return await handler(request)
        given = request.headers.getall("Authorization", ())
        if given and access.attempts.too_many(request.remote):
            answer = error_answer(HTTPStatus.TOO_MANY_REQUESTS, "too many wrong tokens from this address")
            answer.headers["Retry-After"] = str(access.attempts.wait_s())
            return answer
        if len(given) == 1 and _is_bearer(given[0], access, request.remote):
            return await handler(request)
        if not given and is_a_person(request):
            return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": login_address(request.path_qs)})
        answer = error_answer(HTTPStatus.UNAUTHORIZED, "this needs the dashboard token as Authorization: Bearer TOKEN")
        answer.headers["WWW-Authenticate"] = "Bearer"
        return answer

    return check


def _is_one_of(request: web.Request, public: Collection[str]) -> bool:
    resource = request.match_info.route.resource
    if resource is None:
        return False
    path = resource.canonical
    return any(path.startswith(one) if one.endswith("/") else path == one for one in public)


def _is_bearer(given: str, access: Access, address: str | None) -> bool:
    scheme, _, token = given.partition(" ")
    return access.is_token(token.strip(), address) and scheme.lower() == "bearer"


def host_check(dashboard: Dashboard) -> Middleware:
    """The name in `Host` must be one of ours."""
    ours = {"localhost", dashboard.listen.host.lower().strip("[]"), *map(_name, dashboard.allowed_hosts)}

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.getall("Host", ())
        name = _name(given[0]) if len(given) == 1 else ""
        # A container's probe comes by the address of the container, and liveness tells nothing.
        if _is_one_of(request, (LIVENESS,)) or (name and (name in ours or _is_loopback(name))):
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
