"""What the fuzzer starts from: real exchanges where there are recordings, those of tests/wire where there are none."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from proxy.journal.notes import Headers
from tests.dialects.wire import cases
from tests.realtime import recorded
from tests.recordings.corpus import recordings, where
from tests.recordings.upstreams import dialect_at

_OFTEN = 5  # how often each session is among the sources: they are few
_LARGEST = 200_000  # bytes of a body: larger ones are slow to change and teach nothing more


class Exchange(NamedTuple):
    """A request and its answer, before their transport. `frames`: the messages of a session, each with who said it."""

    upstream: str
    dialect: str
    method: str
    target: str
    request_headers: Headers
    request: bytes
    status: int
    response_headers: Headers
    response: bytes
    frames: tuple[tuple[bool, bytes], ...] = ()


def sources() -> Sequence[Exchange]:
    """All there are."""
    written = [
        Exchange(
            case.dialect,
            case.dialect,
            case.method,
            case.target,
            case.request_headers,
            case.request,
            case.status,
            case.response_headers,
            case.response,
        )
        for case in cases()
    ]
    found = where()
    recorded_exchanges = [
        Exchange(
            one.upstream,
            dialect_at(one.upstream),
            one.method,
            one.target,
            one.request_headers,
            one.request,
            one.status,
            one.response_headers,
            one.response,
        )
        for one in (recordings(found) if found is not None else ())
        if max(len(one.request), len(one.response)) <= _LARGEST
    ]
    return written + recorded_exchanges + _sessions()


def _sessions() -> list[Exchange]:
    found = recorded.where()
    return [
        Exchange(
            "gemini" if one.google else "openai",
            "gemini" if one.google else "openai",
            "GET",
            "/v1/realtime?model=gpt-realtime",
            (("upgrade", "websocket"),),
            b"",
            101,
            (),
            b"",
            tuple((by_client, json.dumps(message).encode()) for by_client, message in one.frames[:60]),
        )
        for one in (recorded.sessions(found) if found is not None else ())
    ] * _OFTEN
