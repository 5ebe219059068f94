"""What a form sent: text, not much of it, and in time; anything else is refused before anybody looks at it.

Answers to forms are never kept by a browser or a cache, and what was secret in a form is not sent back.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import web

_FORM: Final = "application/x-www-form-urlencoded"
_MOST_BYTES: Final = 65_536
_MOST_FIELDS: Final = 500
_PATIENCE_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Form:
    """Its fields, in the order in which they stand; without blanks around them."""

    fields: tuple[tuple[str, str], ...] = ()

    def value(self, name: str) -> str:
        """The first value of a field; empty where there is none."""
        return next((value for given, value in self.fields if given == name), "")

    def values(self, name: str) -> list[str]:
        """All values of a field that are not empty."""
        return [value for given, value in self.fields if given == name and value]


class UnknownField(Exception):
    """A field that the form does not have: what somebody meant by it would silently not be done."""

    def __init__(self, name: str, there_are: Sequence[str]) -> None:
        self.name = name
        super().__init__(f"There is no such field; there are {', '.join(there_are)}.")


async def form_of(request: web.Request, *names: str) -> Form:
    """What this request sent; `names` are the fields there are.

    Raises:
        HTTPException: it is no form, too large, too slow, or not text.
        UnknownField: it has one that is not there.
    """
    if request.content_type != _FORM:
        raise web.HTTPUnsupportedMediaType
    try:
        async with asyncio.timeout(_PATIENCE_S):
            body = await request.clone(client_max_size=_MOST_BYTES).read()
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS
        )  # fmt: skip
    except ValueError:
        raise web.HTTPBadRequest(reason="this is not the form that was asked for") from None
    for name, value in pairs:
        if name not in names and (name or value):
            raise UnknownField(name, names)
    return Form(tuple((name, value.strip()) for name, value in pairs))


async def expect_nothing(_: web.Request) -> None:
    """No "100 Continue" before it is known who asks."""
