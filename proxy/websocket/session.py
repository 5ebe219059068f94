"""Two ends and what passes between them, from the opening to the last close.

Each direction is one loop: receive, send, then show. Only a message that tells models, usage or errors waits for its
note (not long) before it is sent: what a client received in full is in the book. Whichever end closes, vanishes, falls
silent or breaks the rules, the other is closed too, within a few seconds; and the last note is written before the
client is told.
"""

import asyncio
from typing import Protocol

import msgspec
from aiohttp.http_websocket import WSMsgType

from proxy.journal.notes import Outcome
from proxy.websocket import codes
from proxy.websocket.peer import VANISHED, End, Message, Peer

_CLOSING_S = 5.0  # how long an end may take to answer a close
_RESTARTING_S = 2.0
_DATA = (WSMsgType.TEXT, WSMsgType.BINARY)


class Ending(msgspec.Struct, frozen=True):
    """How a session ended."""

    outcome: Outcome
    by: str  # client, upstream, tollbook
    end: End


class Witness(Protocol):
    """Who is shown what passes."""

    def sent(self, message: Message) -> None:
        """The client sent this, and the upstream has it."""

    async def received(self, message: Message) -> None:
        """The upstream sent this; the client gets it when this returns."""

    def relayed(self, message: Message) -> None:
        """The client has it."""

    async def ended(self, ending: Ending) -> None:
        """It is over; the client is told when this returns."""


class Session:
    """One session."""

    def __init__(self, client: Peer, upstream: Peer, witness: Witness, heartbeat_s: float) -> None:
        self._client = client
        self._upstream = upstream
        self._witness = witness
        self._heartbeat_s = heartbeat_s
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """End it because Tollbook ends."""
        self._stopping.set()

    async def run(self) -> None:
        """Relay to the end."""
        loop = asyncio.get_running_loop()
        up, down = loop.create_task(self._up()), loop.create_task(self._down())
        stop = loop.create_task(self._stopping.wait())
        self._client.keep_asking(self._heartbeat_s)
        self._upstream.keep_asking(self._heartbeat_s)
        try:
            await asyncio.wait((up, down, stop), return_when=asyncio.FIRST_COMPLETED)
            if up.done():
                await self._end_by_client(up.result(), down)
            elif down.done():
                await self._end_by_upstream(down.result(), up)
            else:
                await self._end_by_us(up, down)
        finally:
            for task in (up, down, stop):
                task.cancel()
            await asyncio.gather(up, down, stop, return_exceptions=True)
            self._client.leave()
            self._upstream.leave()
            self._upstream.close(codes.GOING_AWAY)  # when nothing else was said

    async def _up(self) -> End:
        receive, send, witness = self._client.receive, self._upstream.send, self._witness
        while True:
            message = await receive()
            if isinstance(message, End):
                return message
            if await send(message) and message.kind in _DATA:
                witness.sent(message)

    async def _down(self) -> End:
        receive, send, witness = self._upstream.receive, self._client.send, self._witness
        while True:
            message = await receive()
            if isinstance(message, End):
                return message
            if message.kind not in _DATA:
                await send(message)
                continue
            await witness.received(message)
            if await send(message):
                witness.relayed(message)

    async def _end_by_client(self, end: End, down: asyncio.Task[End]) -> None:
        """What the upstream still says until it closes too is still relayed, and counted."""
        if end.closed:
            self._upstream.close(end.code, end.reason)
        else:
            if end.code != VANISHED.code:
                self._client.close(end.code, end.reason)
            self._upstream.close(codes.ENDED_BADLY)
        await asyncio.wait((down,), timeout=_CLOSING_S)
        await self._witness.ended(Ending("completed" if end.closed else "client_left", "client", end))
        answered = down.result() if down.done() and not down.cancelled() and down.exception() is None else VANISHED
        self._client.close(answered.code if answered.closed else end.code)
        await self._client.flush(_CLOSING_S)

    async def _end_by_upstream(self, end: End, up: asyncio.Task[End]) -> None:
        if end.closed:
            self._upstream.close(end.code)
        elif end.code != VANISHED.code:
            self._upstream.close(end.code, end.reason)
        broken: Outcome = "upstream_timed_out" if end.silent else "upstream_broke_off"
        await self._witness.ended(Ending("completed" if end.closed else broken, "upstream", end))
        if end.closed:
            self._client.close(end.code, end.reason)
        else:
            self._client.close(codes.ENDED_BADLY, "the upstream broke off")
        await self._wait_for_client((up,), _CLOSING_S)

    async def _end_by_us(self, *both: asyncio.Task[End]) -> None:
        end = End(closed=True, code=codes.RESTARTING)
        await self._witness.ended(Ending("interrupted", "tollbook", end))
        self._client.close(codes.RESTARTING, "Tollbook is restarting")
        self._upstream.close(codes.GOING_AWAY)
        await self._wait_for_client(both, _RESTARTING_S)

    async def _wait_for_client(self, tasks: tuple[asyncio.Task[End], ...], patience_s: float) -> None:
        _, waiting = await asyncio.wait(tasks, timeout=patience_s)
        if waiting:
            self._client.abort()
