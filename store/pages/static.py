"""Style sheets, ES modules and plotly's JavaScript, under an address that changes with their content.

Such an address can be kept for good by a browser, unlike everything else here. Nothing in these files is secret.
"""

import asyncio
import gzip
from functools import cache
from hashlib import blake2b
from http import HTTPStatus
from importlib.resources import files
from mimetypes import guess_type
from typing import Final

from aiohttp import web

PREFIX: Final = "/static/"
_FOR_GOOD: Final = "public, max-age=31536000, immutable"
_PLOTLY: Final = "plotly.min.js"
_TEXT: Final = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}


def add_static(app: web.Application) -> None:
    """The route of the files."""
    app.router.add_get(PREFIX + "{version}/{name:[a-z0-9][a-z0-9._-]*}", static_route)


def address(name: str) -> str:
    """Where a file is to be had."""
    return f"{PREFIX}{_version()}/{name}"


async def static_route(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    # A page of an older version may still be open somewhere; our files would not fit its other modules.
    if name not in _names() or request.match_info["version"] != _version():
        raise web.HTTPNotFound
    content_type = _TEXT.get(name.rpartition(".")[2]) or guess_type(name)[0] or "application/octet-stream"
    headers = {"Cache-Control": _FOR_GOOD, "Vary": "Accept-Encoding"}
    zipped = "gzip" in request.headers.get("Accept-Encoding", "")
    if zipped:
        headers["Content-Encoding"] = "gzip"
    body = await asyncio.to_thread(_zipped if zipped else _content, name)
    return web.Response(
        body=body, status=HTTPStatus.OK, content_type=content_type, charset="utf-8", headers=headers
    )  # fmt: skip


@cache
def _names() -> frozenset[str]:
    own = (files("store.pages") / "static").iterdir()
    return frozenset(path.name for path in own if path.is_file()) | {_PLOTLY}


@cache
def _content(name: str) -> bytes:
    if name == _PLOTLY:
        return (files("plotly") / "package_data" / _PLOTLY).read_bytes()
    return (files("store.pages") / "static" / name).read_bytes()


@cache
def _zipped(name: str) -> bytes:
    return gzip.compress(_content(name), mtime=0)


@cache
def _version() -> str:
    digest = blake2b(digest_size=6)
    for name in sorted(_names()):
        digest.update(name.encode() + b"\0" + _content(name))
    return digest.hexdigest()
