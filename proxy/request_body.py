"""The client's request body: whole when it is small, streamed when it is not; a copy of its ends is kept either way.

A small body is read before the upstream is asked, so a slow client does not hold an upstream connection; anything
larger flows through, chunk by chunk, at the pace of the slower side. It ends when it is too large, when it stops
coming, and when it comes too slowly.
"""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from proxy.capture import Capture
from proxy.client import ClientGone
from proxy.config.model import Proxy
from proxy.refusal import Refusal

SMALL = 64 * 1024


class BrokenBody(Exception):
    """The body will not be complete, and the client is still there to be told why."""

    def __init__(self, why: Refusal) -> None:
        super().__init__(why.message)
        self.why = why


_MALFORMED = Refusal(400, "bad_request", "The request body is not framed as HTTP demands.", False)
_STALLED = Refusal(408, "body_timed_out", "The request body stopped coming.", False)
_DRIPPING = Refusal(408, "body_too_slow", "The request body came too slowly.", False)


class RequestBody:
    """The body of one request."""

    def __init__(self, request: web.BaseRequest, capture: Capture, limits: Proxy) -> None:
        self._content = request.content
        self._capture = capture
        self._prefix: list[bytes] = []
        self.length: int | None = request.content_length
        self.exists = request.body_exists
        self.complete = not request.body_exists
        self.failure: BrokenBody | None = None
        self._limits = limits
        self._waited_s = 0.0  # for the client, in all

    @property
    def arrived(self) -> bool:
        """Whether all of it is here already."""
        return self.complete or (self._content.is_eof() and self._content.exception() is None)

    def must_fit(self) -> None:
        """Raises BrokenBody when it says itself that it is too large: before anything of it is asked for or read."""
        if self.length is not None and self.length > self._limits.max_body_bytes:
            raise self._broken(self._too_large())

    async def whole(self, limit: int) -> bytes | None:
        """All of it, if it is not larger than `limit` bytes; None when it is, and then it must be streamed.

        Raises:
            ClientGone, BrokenBody: it will not be complete.
        """
        if self.length is not None and self.length > limit:
            return None
        if self.arrived and not self.complete:
            return self._here(limit)
        size = 0
        while chunk := await self._next():
            self._prefix.append(chunk)
            size += len(chunk)
            if size > limit:
                return None
        return b"".join(self._prefix)

    def _here(self, limit: int) -> bytes | None:
        """All of it, which has arrived before anybody asked: nothing to wait for, so no clock is set."""
        found = self._content.read_nowait(-1)
        if len(found) > self._limits.max_body_bytes:
            raise self._broken(self._too_large())
        if found:
            self._capture.add(found)
            self._prefix.append(found)
        self.complete = True
        return found if len(found) <= limit else None

    async def stream(self) -> AsyncIterator[bytes]:
        """The chunks, those already read by `whole` first."""
        prefix, self._prefix = self._prefix, []
        for chunk in prefix:
            yield chunk
        while chunk := await self._next():
            yield chunk

    async def _next(self) -> bytes:
        if self.complete:
            return b""
        clock = asyncio.get_running_loop().time
        limits, began = self._limits, clock()
        patience_s = limits.body_timeout_s
        if limits.min_body_bytes_per_s:
            patience_s = min(patience_s, patience_s + self._capture.size / limits.min_body_bytes_per_s - self._waited_s)
        try:
            async with asyncio.timeout(patience_s):
                chunk = await self._content.readany()
        except web.RequestPayloadError:
            raise self._broken(_MALFORMED) from None
        except TimeoutError:
            raise self._broken(_STALLED if 2 * patience_s > limits.body_timeout_s else _DRIPPING) from None
        except (ConnectionError, OSError) as error:
            raise ClientGone from error
        self._waited_s += clock() - began
        if self._capture.size + len(chunk) > limits.max_body_bytes:
            raise self._broken(self._too_large())
        if chunk:
            self._capture.add(chunk)
        else:
            self.complete = True
        return chunk

    def _broken(self, why: Refusal) -> BrokenBody:
        self.failure = BrokenBody(why)
        return self.failure

    def _too_large(self) -> Refusal:
        most = self._limits.max_body_bytes
        return Refusal(413, "body_too_large", f"The request body is larger than {most:,} bytes.", False)
