"""`GET /api/export`: every call of the filter as a file, as fast as whoever asked reads it.

A file that ends early must not look whole: when something goes wrong on the way, the connection is reset.
"""

import logging
import socket
import struct
from contextlib import aclosing

from aiohttp import web

from store.api.parts import PARTS
from store.export import EXPORTING, encoder, exported, file_name, format_asked, settled
from store.filters import parse
from store.reader import NoAnswer

_log = logging.getLogger("tollbook.api")
_RESET = struct.pack("ii", 1, 0)  # linger on, for no time: closing resets


async def export_route(request: web.Request) -> web.StreamResponse:
    parts = request.app[PARTS]
    asked = parse(request.query.items(), parts.now(), also=EXPORTING)
    name = format_asked(request.query.items())
    asked = await settled(parts.source, asked)
    made = encoder(name)
    async with aclosing(exported(parts.source, asked, made)) as pieces:
        piece = await anext(pieces)  # what is wrong must be said before the file begins
        response = web.StreamResponse(
            headers={
                "Content-Type": made.media_type,
                "Content-Disposition": f'attachment; filename="{file_name(asked, name)}"',
            }
        )
        await response.prepare(request)
        if request.method == "HEAD":
            return response
        try:
            await response.write(piece.data)
            async for piece in pieces:
                if parts.stopping:
                    raise NoAnswer("the store is stopping")
                await response.write(piece.data)
        except ConnectionError:
            raise  # the one who asked is gone
        except Exception as reason:
            _log.warning("an export broke off: %s", reason, exc_info=not isinstance(reason, NoAnswer))
            _reset(request)
            raise ConnectionAbortedError("the export broke off") from reason
    return response


def _reset(request: web.Request) -> None:
    """End the connection so that nobody takes what was sent for the whole: before HTTP/1.1 its end ends the file."""
    transport = request.transport
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    transport.abort()
