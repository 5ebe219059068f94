"""What the relay's tests share: raw neighbours on both sides, closed when a test ends."""

from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterator
from typing import Protocol

import pytest

from tests.relay.neighbours import RawClient, RawUpstream, Script, answering


class OpenUpstream(Protocol):
    """Opens an upstream that plays a script, or answers the same bytes to every request."""

    async def __call__(self, script: Script | bytes) -> RawUpstream: ...


class Dial(Protocol):
    """Connects a raw client."""

    async def __call__(self, proxy: str, *, receive_buffer: int | None = None) -> RawClient: ...


@pytest.fixture
async def raw_upstream() -> AsyncIterator[OpenUpstream]:
    """A factory of raw upstreams."""
    opened: list[RawUpstream] = []

    async def factory(script: Script | bytes) -> RawUpstream:
        upstream = RawUpstream()
        await upstream.open(answering(script) if isinstance(script, bytes) else script)
        opened.append(upstream)
        return upstream

    yield factory
    for upstream in opened:
        await upstream.close()


@pytest.fixture
async def dial() -> AsyncIterator[Dial]:
    """A factory of client connections."""
    opened: list[RawClient] = []

    async def factory(proxy: str, *, receive_buffer: int | None = None) -> RawClient:
        client = await RawClient.dial(proxy, receive_buffer=receive_buffer)
        opened.append(client)
        return client

    yield factory
    for client in opened:
        client.leave()


@pytest.fixture
def started() -> Iterator[list[Process]]:
    """Processes of a test that starts them itself: what still runs at its end is killed."""
    processes: list[Process] = []
    yield processes
    for one in processes:
        if one.returncode is None:
            one.kill()
