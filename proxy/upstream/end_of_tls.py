"""What came by TLS before a connection ended, and nobody has been given yet.

When TCP ends, uvloop and asyncio let go of what is not decrypted, because reading is paused or it is more than a buffer
takes at once. But it came: without it, an answer to a slow client would lose its end.
"""

import asyncio
import ssl
from collections.abc import Iterator

_PIECE = 64 * 1024


def left_in(transport: asyncio.BaseTransport) -> Iterator[bytes]:
    """The rest of what came by this connection, which is closed; nothing when it is not by TLS."""
    tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
    if tls is None:
        return
    try:
        while piece := tls.read(_PIECE):
            yield piece
    except ssl.SSLError:
        return  # that was all
