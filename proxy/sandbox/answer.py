"""What the sandbox is asked and what it answers, as values: no socket, no clock, no state."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson

Json = dict[str, Any]
Headers = tuple[tuple[str, str], ...]


class BadRequestError(ValueError):
    """The request cannot be answered; its message is what a 400 says."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `at` and `number` stand in for the clock and the luck of a real service: ids grow from them."""

    method: str
    target: str  # path and query, as on the wire
    headers: Headers  # names in lower case
    body: bytes
    at: datetime
    number: int = 1

    @property
    def path(self) -> str:
        """The decoded path without the query."""
        return unquote(urlsplit(self.target).path)

    def query(self, name: str) -> str | None:
        """The first value of a query parameter."""
        return dict(reversed(parse_qsl(urlsplit(self.target).query))).get(name)

    def header(self, name: str) -> str | None:
        """The first value of a header."""
        return next((value for key, value in self.headers if key == name), None)

    def json(self) -> Json:
        """The body as a JSON object; `BadRequestError` if it is none."""
        try:
            body = orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise BadRequestError(f"We could not parse the JSON body of your request: {error}") from None
        if not isinstance(body, dict):
            raise BadRequestError("The body of your request must be a JSON object.")
        return body

    @property
    def seconds(self) -> int:
        """When it came, in seconds since the epoch."""
        return int(self.at.timestamp())

    def hash(self) -> int:
        """A number that depends on what is asked, not on when."""
        parts = self.method.encode(), self.target.encode(), self.body
        return int.from_bytes(sha256(b"\0".join(parts)).digest()[:8])

    def token(self, purpose: str, length: int = 24) -> str:
        """Letters for an id: unlike for two requests, alike for the same one at the same moment."""
        seed = f"{purpose} {self.at.timestamp()} {self.number} {self.hash()}".encode()
        return sha256(seed).hexdigest()[:length]


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes handed over at once, after a wait."""

    data: bytes
    wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, and how it is delivered."""

    status: int
    headers: Headers
    pieces: tuple[Piece, ...]
    length: int | None = None  # the content-length to promise; None: sent in chunks
    wait_s: float | None = 0.0  # before the status line; None: it never comes
    final_wait_s: float = 0.0  # between the last byte and the end of the message
    ending: str = "complete"  # or "cut": the connection is aborted; or "stall": left open in silence

    @property
    def body(self) -> bytes:
        """Everything that is sent."""
        return b"".join(piece.data for piece in self.pieces)

    def header(self, name: str) -> str | None:
        """The first value of a header."""
        return next((value for key, value in self.headers if key == name), None)


def whole(body: Json | list[Any] | bytes, *, status: int = 200, headers: Headers = (), kind: str = "") -> Answer:
    """An answer in one piece, its length told beforehand."""
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    content_type = ("content-type", kind or "application/json")
    return Answer(status, (content_type, *headers), (Piece(data),), length=len(data))


def stream(pieces: Iterable[bytes], *, headers: Headers = (), kind: str = "text/event-stream; charset=utf-8") -> Answer:
    """An answer that comes piece by piece."""
    return Answer(200, (("content-type", kind), *headers), tuple(map(Piece, pieces)))


def event(data: Json, name: str | None = None) -> bytes:
    """One server-sent event, named where the dialect names its events."""
    head = b"event: " + name.encode() + b"\n" if name else b""
    return head + b"data: " + orjson.dumps(data) + b"\n\n"
