"""The calls under way in one worker: begins them, knows how many there are, and sees them to their end."""

import asyncio

from aiohttp import web

from proxy import me
from proxy.forward import Forwarding, Parts

_CLOSING_S = 15.0  # what a session whose client has left may take to end


class Calls:
    """All calls of one worker."""

    def __init__(self, parts: Parts, holders: me.Me) -> None:
        self._parts = parts
        self._holders = holders
        self._finish = parts.config.proxy.on_client_gone == "finish"
        self._running: set[Forwarding] = set()
        self._detached: set[asyncio.Task[web.StreamResponse]] = set()
        self._empty: asyncio.Event | None = None
        self.leaving = False  # a successor takes the calls that come by other connections
        self.stopping = False

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """One request, to its end."""
        if request.raw_path == "/healthz":
            closed = self.stopping or self._parts.refusing
            return self._last_if_leaving(web.Response(text="ok\n", status=503 if closed else 200))
        if request.raw_path.partition("?")[0] == me.PATH:
            return self._last_if_leaving(await self._holders.answer(request))
        session = "upgrade" in request.headers and request.headers["upgrade"].strip().lower() == "websocket"
        if not self._finish and not session:
            return await self._call(request)
        # The call outlives its client: it runs in a task of its own, which the client's leaving does not cancel.
        # So does a session over a websocket: its other end is still to be closed in order.
        loop = asyncio.get_running_loop()
        task = loop.create_task(self._call(request))
        self._detached.add(task)
        task.add_done_callback(self._forget)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            loop.call_later(_CLOSING_S if session else self._parts.config.proxy.finish_timeout_s, task.cancel)
            raise

    @property
    def under_way(self) -> int:
        """How many calls run, also those whose client has left."""
        return len(self._running)

    async def drain(self, patience_s: float) -> None:
        """Let the running calls end; after `patience_s`, note the rest as cut by our own end."""
        self.leaving = self.stopping = True
        if not self._running:
            return
        self._empty = asyncio.Event()
        for call in tuple(self._running):
            call.restart()
        try:
            await asyncio.wait_for(self._empty.wait(), patience_s)
        except TimeoutError:
            for call in self._running:
                call.interrupt()

    async def _call(self, request: web.BaseRequest) -> web.StreamResponse:
        call = Forwarding(self._parts, request, keep_alive=not self.leaving, restarting=self.stopping)
        self._running.add(call)
        try:
            return await call.run(full=len(self._running) > self._parts.config.proxy.max_concurrent)
        finally:
            self._running.discard(call)
            if self._empty is not None and not self._running:
                self._empty.set()

    def _last_if_leaving(self, answer: web.Response) -> web.Response:
        if self.leaving:
            answer.force_close()
        return answer

    def _forget(self, task: asyncio.Task[web.StreamResponse]) -> None:
        self._detached.discard(task)
        if not task.cancelled():
            task.exception()  # noted where it happened; the client is gone, so nobody else asks for it
