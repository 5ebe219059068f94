"""Answers of the dashboard listener: JSON, the one shape of an error, and the headers that all of them carry."""

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import orjson
from aiohttp import web

from store.filters import WrongFilter
from store.reader import NoAnswer

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_log = logging.getLogger("tollbook.api")

# What is shown here was written by models and by strangers: nothing of it may run, load, be framed, kept or leak.
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def json_answer(value: object, status: int = HTTPStatus.OK) -> web.Response:
    """This value as JSON."""
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json")


def error_answer(status: int, message: str, param: str | None = None) -> web.Response:
    """An error, in the one shape there is."""
    return json_answer({"error": {"message": message, "param": param}}, status)


async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
    """The headers every answer carries (a signal, so that no answer can be made without them)."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)  # a page has a policy of its own, a static file may be kept
    response.headers["Server"] = "tollbook"


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whatever goes wrong is told in a sentence; what went wrong inside goes to the log alone."""
    try:
        return await handler(request)
    except WrongFilter as wrong:
        return error_answer(HTTPStatus.BAD_REQUEST, str(wrong), wrong.param)
    except NoAnswer as reason:
        return error_answer(HTTPStatus.SERVICE_UNAVAILABLE, str(reason))
    except web.HTTPNotFound:
        return error_answer(HTTPStatus.NOT_FOUND, "there is nothing here; see /api/openapi.json")
    except web.HTTPMethodNotAllowed as wrong:
        allowed = ", ".join(sorted(wrong.allowed_methods))
        answer = error_answer(HTTPStatus.METHOD_NOT_ALLOWED, f"only {allowed} here")
        answer.headers["Allow"] = allowed
        return answer
    except web.HTTPRedirection:
        raise
    except web.HTTPException as other:
        return error_answer(other.status, other.reason)
    except ConnectionError:
        raise  # the one who asked is gone
    except Exception:
        _log.exception("%s could not be answered", request.match_info.route.resource)
        return error_answer(HTTPStatus.INTERNAL_SERVER_ERROR, "Tollbook could not answer this; its log says why")
