"""From a template and values to an answer: escaping always on, a missing value is an error, the policy always there."""

from functools import cache
from http import HTTPStatus
from typing import Any

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from store.api.access import SIGNED_IN
from store.api.parts import PARTS
from store.pages import figures
from store.pages.policy import policy
from store.pages.static import address
from store.pages.viewer import viewer_of
from store.pages.visible import visible


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("store.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["static"] = address
    environment.filters |= figures.FILTERS | {"visible": visible}
    return environment


def render(
    request: web.Request, template: str, status: int = HTTPStatus.OK, *, chart: bool = False, **values: Any
) -> web.Response:
    """The page. Templates also see `viewer` (zone, theme), `path`, `chart`, `sandbox`, `signed_in`; `static("x")`."""
    text = _environment().get_template(template).render(
        viewer=viewer_of(request),
        path=request.path,
        chart=chart,
        sandbox=request.app[PARTS].sandbox,
        signed_in=request.get(SIGNED_IN, False),
        **values,
    )  # fmt: skip
    return web.Response(
        text=text,
        status=status,
        content_type="text/html",
        headers={
            "Content-Security-Policy": policy(chart=chart),
            # With none at all a browser calls the origin of our own forms "null" (store/api/origin.py).
            "Referrer-Policy": "same-origin",
        },
    )
