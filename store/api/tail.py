"""New calls as server-sent events: one event per call of the filter, resumed by `Last-Event-ID`."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import cast

import orjson
from aiohttp import web

from store.api.parts import PARTS
from store.filters import WrongFilter, parse
from store.questions.tail import Arrival, new_calls
from store.reader import NoAnswer

_KEEP_ALIVE_S = 15.0
_LAST = "Last-Event-ID"


async def tail_route(request: web.Request) -> web.StreamResponse:
    parts = request.app[PARTS]
    asked = parse(request.query.items(), parts.now())
    looks = new_calls(parts.source, asked, request.headers.get(_LAST))
    async with aclosing(cast("AsyncGenerator[list[Arrival], None]", looks)):
        try:
            arrivals = await anext(looks)  # what is wrong must be said before the stream begins
        except WrongFilter as wrong:
            raise WrongFilter(_LAST, wrong.message) if wrong.param == "cursor" else wrong from None
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
        await response.prepare(request)
        await response.write(b"retry: 1000\n\n")
        spoken = time.monotonic()
        try:
            while not parts.stopping and not _gone(request):
                said = b"".join(map(_event, arrivals))
                if not said and time.monotonic() - spoken > _KEEP_ALIVE_S:
                    said = b": still here\n\n"
                if said:
                    await response.write(said)
                    spoken = time.monotonic()
                arrivals = await anext(looks)
        except NoAnswer:
            pass  # the stream ends here; whoever listens comes back with the id of the last event
    return response


def _event(arrival: Arrival) -> bytes:
    return b"id: %b\ndata: %b\n\n" % (arrival.cursor.encode(), orjson.dumps(arrival.call))


def _gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()
