"""Answers the workers that ask about the holder of a key, on a socket that nobody else can reach.

A store that cannot open it goes on without: then `/api/me` says that the book cannot be asked.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus

from aiohttp import web

from proxy.keys import desk
from proxy.keys.register import NotDone, Register
from store.api.answers import error_answer, errors_as_json, json_answer
from store.api.parts import PARTS, Parts
from store.listening import listening
from store.me.told import told

log = logging.getLogger("tollbook.store")


@asynccontextmanager
async def at_the_desk(parts: Parts) -> AsyncIterator[None]:
    """Answer while the block lasts."""
    app = web.Application(middlewares=[errors_as_json])
    app[PARTS] = parts
    app.router.add_get(desk.ROUTE, _me)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        try:
            with desk.address(parts.data_dir) as path:
                await web.SockSite(runner, listening(path)).start()
        except OSError as error:
            log.warning("holders of keys cannot be told about them: no socket in %s: %s", parts.data_dir, error)
        yield
    finally:
        await runner.cleanup()
        with suppress(OSError):
            (parts.data_dir / desk.FILE).unlink()


async def _me(request: web.Request) -> web.Response:
    parts = request.app[PARTS]
    name = request.query.get(desk.NAME)
    try:
        keys = await asyncio.to_thread(Register(parts.data_dir).keys)
    except NotDone as problem:
        return error_answer(HTTPStatus.SERVICE_UNAVAILABLE, str(problem))
    for key in keys:
        if name == key.name or name in key.former_names:
            return json_answer(await told(parts.source, key, parts.config, parts.budgets(), parts.now()))
    return error_answer(HTTPStatus.NOT_FOUND, "there is no such key")
