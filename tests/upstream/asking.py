"""Asks an upstream that plays one case, and says what a client of the proxy would get to see of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from proxy.config.model import Upstream
from proxy.upstream import Asker, Asking, UpstreamFault
from tests.relay.neighbours import reset
from tests.upstream.cases import Case

SILENCE_S = 0.15
# uvloop raises RuntimeError for a write to a transport that is closed.
_GONE = (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, RuntimeError)


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of it. `end`: "complete", or the outcome of the fault; before the head or after it."""

    end: str
    status: int | None = None
    reason: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""


class Player:
    """An upstream on loopback that plays the case it was given last, once for each connection or request."""

    def __init__(self) -> None:
        self.case = Case("GET", (b"",), "close")
        self.url = ""
        self._open: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self._open.add(writer)
        with contextlib.suppress(*_GONE):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                case = self.case
                for piece in case.pieces:
                    writer.write(piece)
                    await writer.drain()
                    if len(case.pieces) > 1:
                        await asyncio.sleep(0)
                        await asyncio.sleep(0.0005)
                if case.ends == "reset" and not writer.transport.is_closing():
                    reset(writer)
                if case.ends != "stay":
                    break
        with contextlib.suppress(ConnectionError):
            writer.close()
        self._open.discard(writer)

    def hang_up(self) -> None:
        """End what is open."""
        for writer in list(self._open):
            writer.transport.abort()


@asynccontextmanager
async def playing() -> AsyncIterator[Player]:
    """A running player."""
    player = Player()
    server = await asyncio.start_server(player.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    player.url = f"http://{host}:{port}"
    try:
        yield player
    finally:
        player.hang_up()
        server.close()
        await server.wait_closed()


async def seen(asker: Asker, player: Player, case: Case, silence_s: float = SILENCE_S) -> Seen:
    """Ask once, and read to the end; a silence of so many seconds is one of the upstream."""
    player.case = case
    upstream = Upstream("up", player.url, "openai", "openai", read_timeout_s=silence_s)
    body = b"{}" if case.method == "POST" else None
    try:
        answer = await asker.ask(upstream, Asking(case.method, "/v1/x", [(b"Accept", b"*/*")], body))
    except UpstreamFault as fault:
        return Seen(fault.outcome)
    got = b""

    def add(piece: bytes) -> bool:
        nonlocal got
        got += piece
        return True

    try:
        while not await answer.pour(add) and (piece := await answer.chunk()):
            got += piece
        end = "complete"
    except UpstreamFault as fault:
        end = fault.outcome
    finally:
        answer.close()
    return Seen(end, answer.status, answer.reason, tuple(answer.headers), got)
