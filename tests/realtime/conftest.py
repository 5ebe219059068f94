"""What the tests of websockets share: raw upstreams, closed when a test ends."""

from collections.abc import AsyncIterator

import pytest

from tests.realtime.wire import Play, Wire, accepting, open_wire
from tests.relay.neighbours import Headers, RawUpstream, Script


class OpenUpstream:
    """Opens upstreams that play for every websocket, or answer by a script of their own."""

    def __init__(self) -> None:
        self.opened: list[RawUpstream] = []

    async def __call__(self, play: Play, *, subprotocol: str | None = None, more: bytes = b"") -> RawUpstream:
        return await self.scripted(accepting(play, subprotocol=subprotocol, more=more))

    async def scripted(self, script: Script) -> RawUpstream:
        """One that is no websocket, or none at once."""
        upstream = RawUpstream()
        await upstream.open(script)
        self.opened.append(upstream)
        return upstream


@pytest.fixture
async def upstream() -> AsyncIterator[OpenUpstream]:
    """A factory of raw upstreams."""
    factory = OpenUpstream()
    yield factory
    for one in factory.opened:
        await one.close()


class Dial:
    """Opens websockets as a client; raises `Refused` where the answer is an ordinary one."""

    def __init__(self) -> None:
        self.opened: list[Wire] = []

    async def __call__(
        self, url: str, target: str, headers: Headers | None = None, *, receive_buffer: int | None = None
    ) -> Wire:
        wire = await open_wire(url, target, headers, receive_buffer=receive_buffer)
        self.opened.append(wire)
        return wire


@pytest.fixture
async def dial() -> AsyncIterator[Dial]:
    """A factory of clients."""
    factory = Dial()
    yield factory
    for one in factory.opened:
        one.writer.close()
