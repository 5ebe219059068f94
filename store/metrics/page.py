"""The page of metrics, written anew for each scrape."""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from store.metrics.counted import Counted
from store.metrics.families import families
from store.questions.arrived import arrived, newest_row
from store.questions.row import Json
from store.reader import NoAnswer, Source


class Metrics:
    """What was counted since `begin`; one scrape at a time."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._counted = Counted()
        self._after: int | None = None
        self._scrape = asyncio.Lock()

    async def begin(self) -> None:
        """Count from here on; a book that cannot be read now is asked again with the first scrape."""
        with contextlib.suppress(NoAnswer):
            self._after = await newest_row(self._source)

    async def written(self, health: Json, accept: str) -> tuple[bytes, str]:
        """The page in the format that the `Accept` header asks for, and its content type.

        `health` is what the health endpoint tells. A book that cannot be read leaves the counts as they were.
        """
        async with self._scrape:
            readable, left = True, 0
            try:
                if self._after is None:
                    await self.begin()
                if self._after is not None:
                    more, self._after, left = await arrived(self._source, self._after)
                    self._counted.add(more)
            except NoAnswer:
                readable = False
            return await asyncio.to_thread(_page, self._counted, health, accept, readable=readable, left=left)


class _Once(Collector):
    """The families of one scrape."""

    def __init__(self, counted: Counted, health: Mapping[str, object], *, readable: bool, left: int) -> None:
        self._told = families(counted, health, readable=readable, left=left)

    def collect(self) -> Iterator[Metric]:
        return iter(self._told)


def _page(counted: Counted, health: Json, accept: str, *, readable: bool, left: int) -> tuple[bytes, str]:
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(_Once(counted, health, readable=readable, left=left))
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type
