"""Bodies as they were said: their beginning on the page, all of them as plain text or a file, which run nothing."""

from http import HTTPStatus
from typing import Final

from aiohttp import web

from store.dialects.document import Document
from store.pages.conversation import Allowance, Shown, shown
from store.presentation import readable

MOST_ON_A_PAGE: Final = 24_000
_SEALED: Final = "default-src 'none'; sandbox; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_TORN: Final = 6  # bytes of a character cut through, on both sides of a hole
_GAP: Final = b"\n[... the middle of this body was not kept ...]\n"


def beginning(value: object, allowance: Allowance) -> Shown:
    """A body as the JSON answer tells it, over several lines, cut where it is long."""
    return shown(readable(value, MOST_ON_A_PAGE), allowance, MOST_ON_A_PAGE)


def whole(call_id: str, side: str, body: Document) -> web.Response:
    """All that is kept of a body: shown as text where it is text, else a file; nothing in it can run."""
    data = body.head + _GAP + body.tail if body.cut else body.head
    is_text = _is_text(data)
    return web.Response(
        body=data,
        status=HTTPStatus.OK,
        headers={
            "Content-Type": "text/plain; charset=utf-8" if is_text else "application/octet-stream",
            "Content-Disposition": f'{"inline" if is_text else "attachment"}; filename="{file_name(call_id, side)}"',
            "Content-Security-Policy": _SEALED,
        },
    )


def file_name(call_id: str, side: str) -> str:
    """What the file of a body is called when it is saved."""
    return f"tollbook-{call_id}-{side}"


def _is_text(data: bytes) -> bool:
    if b"\0" in data:
        return False
    # A hole may go through a character on either side.
    return data.decode("utf-8", "replace").count("\N{REPLACEMENT CHARACTER}") <= _TORN
