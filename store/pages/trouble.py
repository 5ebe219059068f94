"""What a page says when it cannot be shown: one sentence, the parameter that is wrong, and the way back."""

import functools
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import web

from store.filters import WrongFilter
from store.pages.rendering import render
from store.reader import NoAnswer

_log = logging.getLogger("tollbook.pages")

Page = Callable[[web.Request], Awaitable[web.StreamResponse]]


def page(handler: Page) -> Page:
    """A handler of a page: what it cannot answer is told as a page too."""

    @functools.wraps(handler)
    async def shown(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except WrongFilter as wrong:
            return trouble(request, HTTPStatus.BAD_REQUEST, "This filter cannot be used", str(wrong), wrong.param)
        except NoAnswer as reason:
            return trouble(request, HTTPStatus.SERVICE_UNAVAILABLE, "The book cannot be read just now", str(reason))
        except (web.HTTPException, ConnectionError):
            raise
        except Exception:
            _log.exception("%s could not be shown", request.match_info.route.resource)
            message = "This is a mistake of Tollbook's, not yours; its log says what happened."
            return trouble(request, HTTPStatus.INTERNAL_SERVER_ERROR, "This page could not be made", message)

    return shown


def trouble(
    request: web.Request, status: HTTPStatus, heading: str, message: str, param: str | None = None
) -> web.Response:
    """That page."""
    return render(request, "trouble.html", status, heading=heading, message=message, param=param)
