"""The upstream side of a call, behind one small interface: ask, then status, headers, chunks, and how it ended."""

from collections.abc import AsyncIterable, Callable, Sequence
from typing import Protocol

import msgspec

from proxy.config.model import Upstream
from proxy.journal.notes import Outcome
from proxy.websocket.peer import Peer


class UpstreamFault(Exception):
    """The exchange with the upstream broke; a 500 from it is not a fault, it is an answer."""

    def __init__(self, outcome: Outcome, message: str) -> None:
        super().__init__(message)
        self.outcome = outcome
        self.message = message


class Asking(msgspec.Struct, frozen=True):
    """What goes to the upstream.

    A body that is streamed is sent with `Content-Length: length`, or chunked when that is None.
    """

    method: str
    target: str  # path and query, byte for byte
    headers: list[tuple[bytes, bytes]]
    body: bytes | AsyncIterable[bytes] | None
    length: int | None = None
    switches: bool = False  # it asks to go on in another protocol; only then the answer's status may be 101


class Answer(Protocol):
    """What comes back: the head is there, the body comes in chunks."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def reason(self) -> bytes:
        """The reason phrase, as sent."""

    @property
    def headers(self) -> Sequence[tuple[bytes, bytes]]:
        """The headers, as sent."""

    def ready(self) -> bytes:
        """The bytes that are there without waiting; empty when there are none."""

    def at_end(self) -> bool:
        """Whether all of the body was read."""

    async def chunk(self) -> bytes:
        """The next bytes; empty at the proper end. Raises `UpstreamFault` when it breaks off."""

    async def pour(self, sink: Callable[[bytes], bool]) -> bool:
        """Call `sink` with the next bytes as they come, in the call by which they come, until it returns False.

        Returns True then, and False when what comes next is for `chunk`: bytes that are here already, the last ones,
        the end, a fault. Raises `UpstreamFault` when nothing comes for too long.
        """

    def take_over(self, write_timeout_s: float) -> Peer:
        """The connection, after a 101."""

    def close(self) -> None:
        """Be done with it: the connection is kept when the answer was read to its end, else closed."""


class Asker(Protocol):
    """Sends requests to upstreams."""

    async def ask(self, upstream: Upstream, asking: Asking) -> Answer:
        """Send the request and wait for the head of the answer.

        Raises:
            UpstreamFault: no connection, no answer in time, or no HTTP.
        """

    async def close(self) -> None:
        """Close all connections."""
