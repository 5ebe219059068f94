"""The sandbox's thin ring: an aiohttp server that asks the pure middle and does what its `Answer` says.

It decides nothing. What it adds is the moment and the number of each request.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count

from aiohttp import web

from proxy.sandbox.answer import Answer, Request
from proxy.sandbox.answering import answer
from proxy.sandbox.behaviour import NO_HABITS, Habits

_LARGEST_REQUEST = 256 * 1024 * 1024


def _now() -> datetime:
    return datetime.now(UTC)


def sandbox_app(habits: Habits = NO_HABITS, clock: Callable[[], datetime] = _now) -> web.Application:
    """The application that answers every path and method as the sandbox does."""
    numbers = count(1)

    async def handle(incoming: web.Request) -> web.StreamResponse:
        request = Request(
            method=incoming.method,
            target=incoming.raw_path,
            headers=tuple((name.lower(), value) for name, value in incoming.headers.items()),
            body=await incoming.read(),
            at=clock(),
            number=next(numbers),
        )
        return await _deliver(incoming, answer(request, habits))

    app = web.Application(client_max_size=_LARGEST_REQUEST)
    app.router.add_route("*", "/{path:.*}", handle)
    return app


@asynccontextmanager
async def serve(
    host: str = "127.0.0.1", port: int = 0, habits: Habits = NO_HABITS, clock: Callable[[], datetime] = _now
) -> AsyncIterator[str]:
    """The sandbox listening for as long as the context lasts; gives its base URL. Port 0: the system chooses."""
    # A handler that keeps silent must neither hold up the stop nor outlive its client.
    app = sandbox_app(habits, clock)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5, handler_cancellation=True)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def _deliver(incoming: web.Request, answered: Answer) -> web.StreamResponse:
    if answered.wait_s is None:
        await asyncio.Event().wait()
    await asyncio.sleep(answered.wait_s or 0)
    response = web.StreamResponse(status=answered.status)
    response.headers.extend(answered.headers)
    response.content_length = answered.length
    if answered.length is None:
        response.enable_chunked_encoding()
    await response.prepare(incoming)
    for piece in answered.pieces:
        # Sleeping for no time at all still lets each piece reach the socket on its own.
        await asyncio.sleep(piece.wait_s)
        await response.write(piece.data)
    if answered.ending == "stall":
        await asyncio.Event().wait()
    if answered.ending == "cut":
        _abort(incoming)
        return response
    await asyncio.sleep(answered.final_wait_s)
    await response.write_eof()
    return response


def _abort(incoming: web.Request) -> None:
    if incoming.transport is not None:
        incoming.transport.abort()
