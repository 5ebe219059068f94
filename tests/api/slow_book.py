"""A book that is slow to read."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from store.reader import Snapshot, Source


class SlowBook:
    """The book on a disk so slow that every look takes so long."""

    def __init__(self, source: Source, look_s: float) -> None:
        self._source = source
        self._look_s = look_s

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        """As `Source` has it."""
        async with self._source.snapshot() as snapshot:
            yield _SlowSnapshot(snapshot, self._look_s)


class _SlowSnapshot:
    def __init__(self, snapshot: Snapshot, look_s: float) -> None:
        self._snapshot = snapshot
        self._look_s = look_s
        self.bodies = snapshot.bodies
        self.search = snapshot.search

    async def rows(self, statement: str, values: Sequence[object] = (), within_s: float | None = None) -> list[Any]:
        """As `Snapshot` has it."""
        await asyncio.sleep(self._look_s)
        return await self._snapshot.rows(statement, values, within_s)
