"""Automatic retention: looks now and then what has to go, and removes it while the store runs.

At most one pruning is under way: a command that wants one waits for that of the store, and the other way round. What
fails is told in the log and tried again at the next look; nothing here concerns a call.
"""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from store.moments import rfc3339
from store.pruning.limits import Limits
from store.pruning.pruning import Advance, Pruned, Writer, prune
from store.reader import NoAnswer, Source
from store.turns import Closed

log = logging.getLogger("tollbook.store")

_FIRST_S = 60.0  # a store that was just started has better things to do
_EVERY_S = 3600.0


def _now() -> datetime:
    return datetime.now(UTC)


class Retention:
    """Removes what is not kept, through a writer; one pruning at a time."""

    def __init__(self, source: Source, writer: Writer, limits: Limits, now: Callable[[], datetime] = _now) -> None:
        """`limits`: those of the configuration that is served."""
        self._source = source
        self._writer = writer
        self._limits = limits
        self._now = now
        self._busy = asyncio.Lock()

    async def prune(self, limits: Limits, advance: Advance, wanted: Callable[[], bool]) -> Pruned:
        """What a command asked for.

        Raises:
            NoAnswer, sqlite3.Error, Closed: not everything went.
        """
        async with self._busy:
            return await prune(self._source, limits, self._now(), self._writer, advance=advance, wanted=wanted)

    async def look(self) -> Pruned | None:
        """What has to go by now goes; None: it could not be done, or nothing ever has to go."""
        if self._limits.none:
            return None
        try:
            async with self._busy:
                done = await prune(self._source, self._limits, self._now(), self._writer, resting=True)
        except (NoAnswer, sqlite3.Error, Closed) as reason:
            log.warning("what is not kept any more is still there (%s); it is tried again", reason)
            return None
        if done.bodies or done.calls:
            oldest = "none" if done.oldest_call_us is None else rfc3339(done.oldest_call_us)
            log.info(
                "pruned: bodies of %d calls (%d bytes), and %d calls; the oldest that stays: %s",
                done.bodies, done.bodies_bytes, done.calls, oldest,
            )  # fmt: skip
        return done


@asynccontextmanager
async def looking(retention: Retention, *, first_s: float = _FIRST_S, every_s: float = _EVERY_S) -> AsyncIterator[None]:
    """Have it look while the block lasts."""

    async def look() -> None:
        await asyncio.sleep(first_s)
        while True:
            await retention.look()
            await asyncio.sleep(every_s)

    task = asyncio.create_task(look())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
