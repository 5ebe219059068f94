"""Keeps of a body what the journal may hold: all of a small one, head and tail of a large one.

A chunk is kept by reference, never copied on its way. A compressed body past the bound is useless as head and tail
(nobody can decode a tail), so it is decoded on a copy, in a thread, and head and tail are taken from that.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor

from proxy.decoding import Decoder, decoder_for
from proxy.journal.notes import Body

_MAX_UNDECODED = 8 * 1024 * 1024  # compressed bytes waiting for the thread; past that the rest is not kept


class Capture:
    """One body, while it passes."""

    __slots__ = ("_chunks", "_decoding", "_encoding", "_ends", "_executor", "_limit", "_spared", "size")

    def __init__(
        self, limit: int, encoding: str | None = None, executor: Executor | None = None, *, spared: bool = False
    ) -> None:
        """`spared`: the limit is lower than it was configured, because the disk fills."""
        self.size = 0
        self._spared = spared
        self._limit = limit
        self._chunks: list[bytes] = []
        self._ends: _Ends | None = None  # once the body is larger than the limit
        self._encoding = encoding
        self._executor = executor
        self._decoding: _Decoding | None = None

    def add(self, chunk: bytes) -> None:
        """A chunk went by."""
        self.size += len(chunk)
        if self._decoding is not None:
            self._decoding.feed(chunk)
        elif self._ends is not None:
            self._ends.add(chunk)
        else:
            self._chunks.append(chunk)
            if self.size > self._limit:
                self._outgrow()

    def _outgrow(self) -> None:
        chunks, self._chunks = self._chunks, []
        decoder = decoder_for(self._encoding) if self._encoding else None
        if decoder is not None and self._executor is not None:
            self._decoding = _Decoding(decoder, self._limit, self._executor)
            feed = self._decoding.feed
        else:
            self._ends = _Ends(self._limit)
            feed = self._ends.add
        for chunk in chunks:
            feed(chunk)

    def body(self) -> Body:
        """What was kept, as far as it is there now."""
        if self._decoding is not None:
            head, tail = self._decoding.ends.take()
            return Body(self.size, head, tail, decoded=self._decoding.ends.size, spared=self._spared)
        if self._ends is not None:
            head, tail = self._ends.take()
            return Body(self.size, head, tail, spared=self._spared)
        return Body(self.size, b"".join(self._chunks))

    def when_complete(self, then: Callable[[], None]) -> None:
        """Call `then` once nothing that went by is still to be decoded: now, in most cases."""
        if self._decoding is None:
            then()
        else:
            self._decoding.when_caught_up(then)

    async def complete(self, patience_s: float) -> Body:
        """What was kept, after waiting (not longer than that) for a decoding that lags behind."""
        if self._decoding is not None:
            await self._decoding.caught_up(patience_s)
        return self.body()


class _Ends:
    """The first and last bytes of a long row of chunks: half the limit each."""

    __slots__ = ("_half", "_head", "_head_size", "_tail", "_tail_size", "size")

    def __init__(self, limit: int) -> None:
        self.size = 0
        self._half = limit // 2
        self._head: list[bytes] = []
        self._head_size = 0
        self._tail: deque[bytes] = deque()
        self._tail_size = 0

    def add(self, chunk: bytes) -> None:
        self.size += len(chunk)
        room = self._half - self._head_size
        if room > 0:
            self._head.append(chunk[:room])
            self._head_size += len(self._head[-1])
            chunk = chunk[room:]
        if not chunk:
            return
        self._tail.append(chunk)
        self._tail_size += len(chunk)
        while self._tail_size - len(self._tail[0]) >= self._half:
            self._tail_size -= len(self._tail.popleft())

    def take(self) -> tuple[bytes, bytes]:
        tail = b"".join(self._tail)
        return b"".join(self._head), tail[-self._half :] if self._half else b""


class _Decoding:
    """A body decoded beside its way, in order, in a thread."""

    __slots__ = ("_decoder", "_executor", "_last", "_waiting", "ends")

    def __init__(self, decoder: Decoder, limit: int, executor: Executor) -> None:
        self.ends = _Ends(limit)
        self._decoder: Decoder | None = decoder
        self._executor = executor  # of one thread: keeps the order
        self._waiting = 0
        self._last: asyncio.Future[None] | None = None

    def feed(self, chunk: bytes) -> None:
        if self._decoder is None:
            return
        if self._waiting > _MAX_UNDECODED:
            self._decoder = None  # the thread cannot follow; the head is kept, the rest is not
            return
        self._waiting += len(chunk)
        self._last = asyncio.get_running_loop().run_in_executor(self._executor, self._decode, self._decoder, chunk)
        self._last.add_done_callback(lambda _: self._done(len(chunk)))

    def _decode(self, decoder: Decoder, chunk: bytes) -> None:
        for piece in decoder.decode(chunk):
            self.ends.add(piece)

    def _done(self, size: int) -> None:
        self._waiting -= size

    def when_caught_up(self, then: Callable[[], None]) -> None:
        if self._last is None:
            then()
        else:
            self._last.add_done_callback(lambda _: then())

    async def caught_up(self, patience_s: float) -> None:
        if self._last is not None:
            await asyncio.wait([self._last], timeout=patience_s)
