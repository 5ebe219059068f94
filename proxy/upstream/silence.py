"""Ends waits for an upstream that has been silent for too long.

One look over all waits, a few times a second, instead of a timer for each: a stream waits for every chunk, and setting
a timer anew each time would be a tenth of what relaying the chunk costs.
"""

import asyncio
from types import TracebackType
from typing import Self

_NEVER = float("inf")
_LOOKS_PER_LIMIT = 10
_LONGEST_S = 1.0  # between two looks


class Silence(Exception):
    """The limit was reached."""


class Wait:
    """The waits of one call, one after the other: `with wait: await ...` raises `Silence` when one is too long."""

    __slots__ = ("_loop", "_task", "deadline", "limit_s", "over")

    def __init__(self, loop: asyncio.AbstractEventLoop, limit_s: float) -> None:
        self._loop = loop
        self.limit_s = limit_s
        self._task: asyncio.Task[object] | None = None  # that waits
        self.deadline = _NEVER
        self.over = False

    def __enter__(self) -> Self:
        self._task = asyncio.current_task(self._loop)
        self.extend()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.deadline = _NEVER
        task, self._task = self._task, None
        # The task may have been cancelled for another reason too; then that is how it ends.
        if self.over and isinstance(error, asyncio.CancelledError) and task and task.uncancel() == 0:
            raise Silence from error

    def extend(self) -> None:
        """Something happened: the limit counts from now."""
        self.deadline = self._loop.time() + self.limit_s

    def suspend(self) -> None:
        """It is not the upstream that is waited for."""
        self.deadline = _NEVER

    def end(self) -> None:
        """Cut the wait short that is running, if one is: an upload may set the clock while the client is waited for."""
        self.deadline = _NEVER
        if self._task is not None:
            self.over = True
            self._task.cancel()


class SilenceWatch:
    """Looks after the waits of one worker."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waits: set[Wait] = set()
        self._interval_s = _LONGEST_S
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, limit_s: float) -> Wait:
        """Look after a new call's waits, until `done`."""
        wait = Wait(self._loop, limit_s)
        self._waits.add(wait)
        self._interval_s = min(self._interval_s, limit_s / _LOOKS_PER_LIMIT)
        if self._timer is None:
            self._timer = self._loop.call_later(self._interval_s, self._look)
        return wait

    def done(self, wait: Wait) -> None:
        """The call is over."""
        self._waits.discard(wait)

    def close(self) -> None:
        """Stop looking."""
        self._waits.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        now = self._loop.time()
        for wait in [wait for wait in self._waits if wait.deadline < now]:
            wait.end()
        self._timer = self._loop.call_later(self._interval_s, self._look) if self._waits else None
