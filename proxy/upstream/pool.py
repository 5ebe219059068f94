"""Connections that wait for their next call: the one used last is used first, so that those not needed grow old."""

import asyncio
from collections import deque

from proxy.upstream.connection import Connection
from proxy.upstream.origin import Origin

_IDLE_S = 12.0  # below what upstreams keep: narrows the race of a connection that closes as we use it
_LOOK_S = 3.0


class Pool:
    """The idle connections to one origin or several."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._idle: dict[Origin, deque[Connection]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def take(self, origin: Origin) -> Connection | None:
        """One that is open and clean; None when there is none."""
        idle = self._idle.get(origin)
        while idle:
            connection = idle.pop()
            connection.idle = False
            if connection.usable():
                return connection
            connection.abort()
        return None

    def put(self, origin: Origin, connection: Connection) -> None:
        """One whose call is over; or one that was idle and is closed now."""
        idle = self._idle.setdefault(origin, deque())
        if connection.idle:
            connection.idle = False
            if connection in idle:
                idle.remove(connection)
            return
        connection.idle = True
        connection.idle_since = self._loop.time()
        idle.append(connection)
        if self._timer is None:
            self._timer = self._loop.call_later(_LOOK_S, self._look)

    def close(self) -> None:
        """Close them all."""
        if self._timer is not None:
            self._timer.cancel()
        for idle in self._idle.values():
            while idle:
                connection = idle.pop()
                connection.idle = False
                connection.abort()

    def _look(self) -> None:
        old = self._loop.time() - _IDLE_S
        for idle in self._idle.values():
            while idle and idle[0].idle_since < old:
                connection = idle.popleft()
                connection.idle = False
                connection.abort()
        self._timer = self._loop.call_later(_LOOK_S, self._look) if any(self._idle.values()) else None
