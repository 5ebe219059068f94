"""What becomes of a connection past `max_connections`: a 503, whatever it asks, and an end.

The answer waits for the first bytes of a request, for a moment: some clients take what comes earlier for nonsense. Then
we shut our half and drop what still comes, because a connection that is closed over unread bytes is reset, and the
answer may be lost with it. Of these connections, too, there may only be so many; those past that are closed at once.
"""

import asyncio
from typing import cast

from proxy import refusal
from proxy.refusal import Refusal

_WHY = Refusal(503, "too_many_connections", "Too many connections are open; try again.", True, 1)
_SPEAKS_AFTER_S = 1.0
_CLOSED_AFTER_S = 1.0
MOST = 256


class TurnedAway(asyncio.Protocol):
    """One such connection; `all_of_them` has it for as long as it is open."""

    def __init__(self, all_of_them: "set[TurnedAway]") -> None:
        self._all = all_of_them
        self._transport: asyncio.Transport | None = None
        self._next: asyncio.TimerHandle | None = None
        self._said = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self._transport = cast(asyncio.Transport, transport)
        self._all.add(self)
        if len(self._all) > MOST:
            self._say()
            self._transport.close()
        else:
            self._next = asyncio.get_running_loop().call_later(_SPEAKS_AFTER_S, self._say)

    def data_received(self, data: bytes) -> None:
        """It asks something."""
        if not self._said:
            self._say()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed."""
        self._all.discard(self)
        if self._next is not None:
            self._next.cancel()
        self._transport = None

    def _say(self) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        self._said = True
        transport.write(_ANSWER)
        transport.write_eof()
        if self._next is not None:
            self._next.cancel()
        self._next = asyncio.get_running_loop().call_later(_CLOSED_AFTER_S, transport.abort)


def _answer() -> bytes:
    body = refusal.body(_WHY, None)
    lines = [b"HTTP/1.1 503 Service Unavailable"]
    lines += [b"%b: %b" % pair for pair in refusal.headers(_WHY)]
    lines += [b"Content-Length: %d" % len(body), b"Connection: close", b"", body]
    return b"\r\n".join(lines)


_ANSWER = _answer()
