"""Which behaviours a request asks for, and what they do to an answer. The table of keys is in `proxy.sandbox`."""

import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from proxy.sandbox.answer import Answer, BadRequestError, Piece, Request

_MODEL_IN_PATH = re.compile(r"/models/([^/:]+)")
_MODEL_IN_JSON = re.compile(rb'"model"\s*:\s*"([^"]*)"')
_MODEL_IN_FORM = re.compile(rb'name="model"\r\n(?:[^\r\n]+\r\n)*\r\n([^\r\n]*)')


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What was asked for, checked."""

    status: int | None = None
    error_in_stream: bool = False
    cut_stream: bool = False
    cut_body: bool = False
    silence: bool = False
    stall: bool = False
    slow: float = 0.0
    delay_final: float = 0.0
    no_usage: bool = False
    chunk: int | None = None
    gzip: bool = False


@dataclass(frozen=True, slots=True)
class Habits:
    """What the sandbox does unasked."""

    # Of requests, chosen by their hash: but for its retries, the same one always fails or never.
    failing_share: float = 0.0
    thinking_s: float = 0.0  # before a model's answer begins, more or less
    pace_s: float = 0.0  # between two pieces of a stream


NO_HABITS = Habits()

_FLAGS = {"error-in-stream", "cut-stream", "cut-body", "silence", "stall", "no-usage", "gzip"}
_FAILURES = ("status=429", "status=500", "status=429", "status=503", "error-in-stream", "status=400", "cut-stream")


def plain_model(name: str) -> str:
    """A model's name without the behaviours in it."""
    return name.partition("+")[0]


def behaviour_of(request: Request, habits: Habits) -> Behaviour:
    """What the request asks for; without any wish, what habit brings. `BadRequestError` for an unknown key."""
    wishes = list(_wishes(request))
    if not wishes and _fails_by_habit(request, habits.failing_share):
        wishes = [_FAILURES[request.hash() // 10_000 % len(_FAILURES)]]
    credentials = (request.header("authorization"), request.header("x-api-key"), request.header("x-goog-api-key"))
    if any(credential and "invalid" in credential for credential in (*credentials, request.query("key"))):
        wishes.append("status=401")
    return _understood(wishes)


def _wishes(request: Request) -> Iterator[str]:
    for name, value in request.headers:
        if name == "x-sandbox":
            yield from (wish.strip() for wish in value.split(",") if wish.strip())
    yield from _requested_model(request).split("+")[1:]


def _requested_model(request: Request) -> str:
    if in_path := _MODEL_IN_PATH.search(request.path):
        return in_path[1]
    found = _MODEL_IN_JSON.search(request.body) or _MODEL_IN_FORM.search(request.body)
    return found[1].decode(errors="replace") if found else ""


def _fails_by_habit(request: Request, share: float) -> bool:
    # A retry has its own luck; otherwise no retry would ever help.
    retry = int(request.header("x-stainless-retry-count") or 0)
    return request.method == "POST" and (request.hash() + retry * 4321) % 10_000 < share * 10_000


def _understood(wishes: Iterable[str]) -> Behaviour:
    chosen: dict[str, Any] = {}
    for wish in wishes:
        key, _, value = wish.partition("=")
        try:
            if key in _FLAGS and not value:
                chosen[key.replace("-", "_")] = True
            elif (key == "status" and 400 <= int(value) <= 599) or (key == "chunk" and int(value) >= 1):
                chosen[key] = int(value)
            elif key in ("slow", "delay-final") and float(value) >= 0:
                chosen[key.replace("-", "_")] = float(value)
            else:
                raise ValueError
        except ValueError:
            raise BadRequestError(f"The sandbox knows no behaviour {wish!r}; see the table in proxy.sandbox.") from None
    return Behaviour(**chosen)


def misbehave(answer: Answer, behaviour: Behaviour, habits: Habits, error_event: bytes) -> Answer:
    """The answer as the behaviour and the habits deliver it."""
    streamed = answer.length is None
    pieces = answer.pieces
    half = (len(pieces) + 1) // 2
    if behaviour.error_in_stream and streamed:
        pieces = (*pieces[:half], Piece(error_event))
    if streamed and len(pieces) > 1:
        pace = behaviour.slow / (len(pieces) - 1) if behaviour.slow else habits.pace_s
        pieces = (pieces[0], *(replace(piece, wait_s=pace) for piece in pieces[1:]))
    ending = "complete"
    if behaviour.cut_stream and streamed:
        pieces, ending = pieces[:half], "cut"
    elif behaviour.cut_body or behaviour.cut_stream or behaviour.stall:
        pieces, ending = tuple(_first_half(pieces)), "stall" if behaviour.stall else "cut"
    headers, length = answer.headers, answer.length
    if behaviour.gzip:
        pieces, headers, length = tuple(_gzipped(pieces)), (*headers, ("content-encoding", "gzip")), None
    if behaviour.chunk:
        pieces, length = tuple(_cut_anew(pieces, behaviour.chunk)), None
    if behaviour.delay_final:
        length = None
    return replace(
        answer,
        headers=headers,
        pieces=pieces,
        length=length,
        wait_s=None if behaviour.silence else 0.0 if streamed else behaviour.slow,
        final_wait_s=behaviour.delay_final,
        ending=ending,
    )


def _first_half(pieces: tuple[Piece, ...]) -> Iterator[Piece]:
    left = sum(len(piece.data) for piece in pieces) // 2
    for piece in pieces:
        if left > 0:
            yield replace(piece, data=piece.data[:left])
        left -= len(piece.data)


def _gzipped(pieces: tuple[Piece, ...]) -> Iterator[Piece]:
    # mtime stays 0 in zlib's own gzip header, so the bytes are the same every time.
    compressor = zlib.compressobj(wbits=31)
    for piece in pieces[:-1]:
        yield replace(piece, data=compressor.compress(piece.data) + compressor.flush(zlib.Z_SYNC_FLUSH))
    for piece in pieces[-1:]:
        yield replace(piece, data=compressor.compress(piece.data) + compressor.flush())


def _cut_anew(pieces: tuple[Piece, ...], size: int) -> Iterator[Piece]:
    # A new piece waits as long as the old pieces whose beginnings it holds.
    start = 0
    body = b"".join(piece.data for piece in pieces)
    waits: dict[int, float] = {}
    for piece in pieces:
        waits[start // size] = waits.get(start // size, 0.0) + piece.wait_s
        start += len(piece.data)
    for number, offset in enumerate(range(0, len(body), size)):
        yield Piece(body[offset : offset + size], waits.get(number, 0.0))
