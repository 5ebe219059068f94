"""Carries the body of one answer to its client.

A chunk goes on in the very call by which it came, and no task wakes for it. The task that waits meanwhile takes over
where something must be waited for: before the piece that completes the answer, for a client that reads too slowly, and
at the end, whichever it is.
"""

from collections.abc import Awaitable, Callable

from proxy.capture import Capture
from proxy.client import Client, ClientGone
from proxy.exchange import Exchange
from proxy.stream_usage import UsageHider
from proxy.terminal import Watch
from proxy.upstream import Answer, UpstreamFault


class Pump:
    """One body, which is not empty by its head."""

    __slots__ = (
        "_answer", "_capture", "_client", "_exchange", "_hider", "_left_over", "_looked_at", "_settle", "_watch",
    )  # fmt: skip

    def __init__(
        self,
        answer: Answer,
        client: Client,
        exchange: Exchange,
        capture: Capture,
        settle: Callable[[int], Awaitable[None]],
        watch: Watch | None,
        hider: UsageHider | None,
    ) -> None:
        """`settle`: notes that the answer is complete once so many bytes of its body are sent; awaited before the last
        of them is. `watch`: sees the piece that completes the answer, should that not be the last. `hider`: takes out
        what the client did not ask for."""
        self._answer = answer
        self._client = client
        self._exchange = exchange
        self._capture = capture
        self._settle = settle
        self._watch = watch
        self._hider = hider
        self._left_over = b""  # a chunk that came and was left to the task
        self._looked_at: bytes | None = None  # what the client gets of it, where that is known

    async def run(self, head: bytes, *, finish: bool) -> None:
        """To the end; `head` goes out with the first piece, should that be here. `finish`: the rest of an answer whose
        client has left is still read.

        Raises:
            ClientGone, UpstreamFault: it came to no proper end.
        """
        answer, client, exchange, hider = self._answer, self._client, self._exchange, self._hider
        chunk = answer.ready()
        try:
            if not chunk:
                await client.send(head)
                head = b""
            while chunk := chunk or await self._next():
                exchange.mark_chunk()
                last = answer.at_end()
                passed_on, completes = self._look(chunk)
                if last and hider is not None:
                    passed_on += hider.rest()
                if not exchange.ended and (last or completes):
                    self._capture.add(chunk)
                    chunk = b""
                    await self._settle(client.sent + len(passed_on))
                await client.send(head + client.frame(passed_on, last=last), len(passed_on))
                if last:
                    return
                self._capture.add(chunk)
                head = chunk = b""
            rest = hider.rest() if hider is not None else b""
            await self._settle(client.sent + len(rest))
            await client.send(head + client.frame(rest, last=True), len(rest))
        except ClientGone:
            if finish and not exchange.ended:
                self._capture.add(chunk)
                await self._read_on()
            raise

    async def _next(self) -> bytes:
        """The next chunk that is not sent yet; empty at the proper end."""
        while await self._answer.pour(self._pass_on):
            if self._left_over:
                chunk, self._left_over = self._left_over, b""
                return chunk
            await self._client.drained()
        return await self._answer.chunk()

    def _pass_on(self, chunk: bytes) -> bool:
        """A chunk came that is not the last. Returns whether the next may come the same way."""
        client, hider, watch = self._client, self._hider, self._watch
        self._exchange.mark_chunk()
        if client.gone:
            self._left_over = chunk
            return False
        passed_on = chunk if hider is None else hider.pass_on(chunk)
        if watch is not None and watch.completes(passed_on):
            self._left_over, self._looked_at = chunk, passed_on
            return False
        keeps_up = client.put(passed_on)
        self._capture.add(chunk)
        return keeps_up

    def _look(self, chunk: bytes) -> tuple[bytes, bool]:
        """What the client gets of a chunk, and whether that completes the answer."""
        passed_on, self._looked_at = self._looked_at, None
        if passed_on is None:
            passed_on = chunk if self._hider is None else self._hider.pass_on(chunk)
            if self._watch is None or not self._watch.completes(passed_on):
                return passed_on, False
        self._watch = None  # nothing completes it twice
        return passed_on, True

    async def _read_on(self) -> None:
        """Learn the rest of an answer whose client has left."""
        try:
            while chunk := await self._answer.chunk():
                self._exchange.mark_chunk()
                self._capture.add(chunk)
        except UpstreamFault:
            pass  # the client left first; that is how the call ended
