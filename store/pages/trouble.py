"""What a page says when it cannot be shown: one sentence, the parameter that is wrong, and the way back."""

import functools
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import web

from store.api.visitor import is_a_person
from store.filters import WrongFilter
from store.pages.form import UnknownField
from store.pages.key_fields import harmless
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
        except UnknownField as wrong:
            named = harmless(wrong.name)
            return trouble(
                request, HTTPStatus.BAD_REQUEST, "This is not the form that was asked for", str(wrong), named
            )
        except NoAnswer as reason:
            return trouble(request, HTTPStatus.SERVICE_UNAVAILABLE, "The book cannot be read just now", str(reason))
        except (web.HTTPException, ConnectionError):
            raise
        except Exception:
            _log.exception("%s could not be shown", request.match_info.route.resource)
            message = "This is a mistake of Tollbook's, not yours; its log says what happened."
            return trouble(request, HTTPStatus.INTERNAL_SERVER_ERROR, "This page could not be made", message)

    return shown


@web.middleware
async def nothing_here(request: web.Request, handler: Page) -> web.StreamResponse:
    """An address that leads nowhere is told as a page to whoever looks at pages."""
    try:
        return await handler(request)
    except web.HTTPNotFound:
        if not is_a_person(request):
            raise
        message = "No page of Tollbook has this address."
        return render(
            request, "trouble.html", HTTPStatus.NOT_FOUND,
            heading="There is nothing here", message=message, param=None, way_out=("/logs", "Usage Logs"),
        )  # fmt: skip


def trouble(
    request: web.Request, status: HTTPStatus, heading: str, message: str, param: str | None = None
) -> web.Response:
    """That page."""
    way_out = (request.path, "Open this page without filters")
    return render(request, "trouble.html", status, heading=heading, message=message, param=param, way_out=way_out)
