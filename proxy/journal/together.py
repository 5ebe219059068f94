"""Calls that come at the same time go on at the same time.

So the loop sleeps once for all of them, and their upstream and clients are woken once. Waking each of them for every
call alone costs a busy worker a third more (docs/performance.md, Why aims are missed).
"""

import asyncio

_MOST = 64
"""Nobody waits for more than so many: while some come in every turn of the loop, it might be for ever."""


class Together:
    """Those who go on as soon as nobody else joins them. Used by the loop alone."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._joined: list[asyncio.Future[bool]] = []

    def join(self, waiter: asyncio.Future[bool]) -> None:
        """Let this one go on, with True, when the others do."""
        self._joined.append(waiter)
        if len(self._joined) == 1:
            self._loop.call_soon(self._look, 1)

    def _look(self, before: int) -> None:
        if before < len(self._joined) < _MOST:
            self._loop.call_soon(self._look, len(self._joined))
            return
        joined, self._joined = self._joined, []
        for waiter in joined:
            if not waiter.done():
                waiter.set_result(True)
