"""One answer as it comes in: its head, the bytes that nobody has taken yet, and how it ended.

Filled by the connection (`connection.py`), emptied by whoever relays. Holds little: past a bound the connection stops
reading until something is taken.
"""

import asyncio
from collections.abc import Callable

from proxy.upstream import UpstreamFault
from proxy.upstream.silence import Silence, SilenceWatch, Wait
from proxy.websocket.peer import Peer

_HIGH_WATER = 128 * 1024

Headers = list[tuple[bytes, bytes]]


class Incoming:
    """An answer, from the moment its request is sent."""

    __slots__ = (
        "_chunks",
        "_complete",
        "_fault",
        "_flow",
        "_head",
        "_held",
        "_let_go",
        "_loop",
        "_silence",
        "_sink",
        "_size",
        "_upload",
        "_wait",
        "_waiter",
        "_whose",
        "headers",
        "reason",
        "status",
    )  # fmt: skip

    def __init__(self, loop: asyncio.AbstractEventLoop, whose: str, wait: Wait, silence: SilenceWatch) -> None:
        self._loop = loop
        self._whose = whose
        self._wait = wait
        self._silence = silence
        self._head: asyncio.Future[None] | None = None
        self._waiter: asyncio.Future[bool] | None = None
        self._sink: Callable[[bytes], bool] | None = None  # while somebody waits and has them handed over
        self._chunks: list[bytes] = []
        self._size = 0
        self._held = False  # the connection does not read, because too much is here
        self._complete = False
        self._fault: BaseException | None = None
        self._flow: Callable[[bool], None] = _nowhere
        self._let_go: Callable[[], None] = _nothing
        self._upload: asyncio.Task[None] | None = None
        self.status = 0
        self.reason = b""
        self.headers: Headers = []

    # ------------------------------------------------------------------------------ whoever relays

    async def head(self) -> None:
        """Wait for the head.

        Raises:
            UpstreamFault: it never came; or whatever ended the sending of the request.
        """
        if self._fault is not None:
            raise self._fault
        if not self.status:
            self._head = self._loop.create_future()
            try:
                with self._wait:
                    await self._head
            except Silence as error:
                raise self._silent() from error

    def ready(self) -> bytes:
        """The bytes that are there without waiting; empty when there are none."""
        return self._taken() if self._chunks else b""

    def at_end(self) -> bool:
        """Whether all of the body was read."""
        return self._complete and not self._chunks

    async def chunk(self) -> bytes:
        """The next bytes; empty at the proper end. Raises `UpstreamFault` when it breaks off."""
        if not self._chunks:
            if self._complete:
                return b""
            if self._fault is None:
                await self._woken()
            if not self._chunks:
                if self._fault is not None:
                    raise self._fault
                return b""
        return self._taken()

    async def pour(self, sink: Callable[[bytes], bool]) -> bool:
        """Call `sink` with the next bytes as they come, until it returns False; False: go on with `chunk`."""
        if self._chunks or self.over:
            return False
        self._sink = sink
        try:
            return await self._woken()
        finally:
            self._sink = None

    def take_over(self, write_timeout_s: float) -> Peer:
        """Not of this kind of answer: what asks to switch is asked by aiohttp's client."""
        raise UpstreamFault("upstream_broke_off", f"{self._whose} did not open a websocket")

    def close(self) -> None:
        """Be done with it; also with the upload, which would go on waiting for a body that nobody wants."""
        self._silence.done(self._wait)
        self._let_go()
        if self._upload is not None:
            self._upload.cancel()

    async def _woken(self) -> bool:
        """Wait for more, or the end. Returns whether it was the sink that stopped."""
        self._waiter = self._loop.create_future()
        try:
            with self._wait:
                return await self._waiter
        except Silence as error:
            raise self._silent() from error
        finally:
            self._waiter = None

    def _taken(self) -> bytes:
        chunks = self._chunks
        taken = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        self._chunks = []
        self._size = 0
        if self._held:
            self._held = False
            self._flow(True)
        return taken

    def _silent(self) -> UpstreamFault:
        return UpstreamFault("upstream_timed_out", f"{self._whose} was silent for {self._wait.limit_s:g} s")

    # ------------------------------------------------------------------------------ the connection

    def uploading(self, upload: asyncio.Task[None]) -> None:
        """The request is sent by this task."""
        self._upload = upload

    def attach(self, flow: Callable[[bool], None], let_go: Callable[[], None]) -> None:
        """By which connection it comes: how to have it read on or not, and how to be done with it."""
        self._flow, self._let_go = flow, let_go

    def take_head(self, status: int, reason: bytes, headers: Headers) -> None:
        """The head is here."""
        self.status, self.reason, self.headers = status, reason, headers
        if self._head is not None and not self._head.done():
            self._head.set_result(None)

    def take(self, data: bytes, *, last: bool) -> None:
        """So much more of the body is here; `last`: it is complete with it."""
        sink, waiter = self._sink, self._waiter
        if sink is not None and not last and waiter is not None and not waiter.done():
            self._wait.extend()
            try:
                goes_on = sink(data)
            except Exception as error:  # a mistake of ours, for whoever waits
                self._let_go()
                self.fail(error)
                return
            if not goes_on:
                waiter.set_result(True)
            return
        self._chunks.append(data)
        self._size += len(data)
        if self._size > _HIGH_WATER and not self._held:
            self._held = True
            self._flow(False)
        self._wake()

    def complete(self) -> None:
        """Nothing more will come, and nothing is missing."""
        self._complete = True
        self._flow, self._let_go = _nowhere, _nothing
        self._wake()

    def fail(self, fault: BaseException) -> None:
        """Nothing more will come, and something is missing."""
        if self._complete or self._fault is not None:
            return
        self._fault = fault
        self._flow, self._let_go = _nowhere, _nothing
        if self._head is not None and not self._head.done():
            self._head.set_exception(fault)
        self._wake()

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self._complete or self._fault is not None

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(False)


def _nowhere(_: bool) -> None:
    pass


def _nothing() -> None:
    pass
