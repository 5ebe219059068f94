"""One input of the fuzzer: the notes of a call whose exchange was damaged in ways that a seed tells."""

import random
from collections.abc import Sequence
from typing import TypeVar, get_args

from proxy.journal import notes
from proxy.journal.notes import Asked, Body, Close, Ended, Failure, Headers, Outcome, Started, Told
from store.metering import Noted
from tests.fuzz.exchanges import Exchange
from tests.fuzz.mutations import mutated, transported

NOON_US = 1_795_262_400_000_000  # 2026-11-21T12:00:00Z
_DIALECTS = ("openai", "azure", "anthropic", "gemini", "vertex", "bedrock", "cohere", "ollama", "generic", "unheard-of")
_TYPES = (
    "application/json",
    "text/event-stream",
    "application/octet-stream",
    "multipart/form-data; boundary=x",
    "\x7f",
)
_STATUS = (200, 200, 200, 201, 204, 302, 400, 401, 429, 500, 529, None)
_ODD_HEADERS: Headers = (
    ("x-tollbook-user", "\u0000 \u202e"),
    ("x-tollbook-tag-a", "b" * 5000),
    ("baggage", "a=%ff,=,;,userId=%00"),
    ("x-portkey-metadata", '{"_user": {"a": [[]]}, "b": 1e999, "c": "\\ud800"}'),
    ("cf-aig-metadata", "[" * 2000),
    ("x-amzn-bedrock-input-token-count", "1e9"),
    ("x-amzn-bedrock-output-token-count", "99999999999999999999999"),
    ("x-litellm-response-cost", "NaN"),
    ("x-request-id", "\u0130" * 300),
    ("content-type", "multipart/form-data; boundary=" + "b" * 300),
    ("x-amzn-errortype", ":"),
)


def drawn(sources: Sequence[Exchange], seed: int) -> Noted:
    """The input of this seed."""
    dice = random.Random(seed)
    one, other = dice.choice(sources), dice.choice(sources)
    request, request_coding = transported(mutated(one.request, other.request, dice), dice)
    response, response_coding = transported(mutated(one.response, other.response, dice), dice)
    call_id = seed.to_bytes(16, "big")
    started = Started(
        call_id=call_id,
        seq=seed,
        received_at_us=NOON_US + seed % 10**12,
        upstream=dice.choice((one.upstream, one.upstream, other.upstream, None)),
        dialect=one.dialect if dice.random() < 0.8 else dice.choice(_DIALECTS),
        method=one.method if dice.random() < 0.9 else dice.choice(("GET", "POST", "DELETE", "BREW")),
        target=_target(one.target, other.target, dice),
        key=None,
        group="default",
        client="127.0.0.1",
        headers=_headers(one.request_headers, request_coding, dice),
    )
    ended = Ended(
        call_id=call_id,
        outcome=dice.choice(("completed",) * 6 + get_args(Outcome)),
        status=one.status if dice.random() < 0.7 else dice.choice(_STATUS),
        duration_us=dice.choice((0, 1234, 10**12)),
        headers=_headers(one.response_headers, response_coding, dice),
        body=_kept(response, dice),
        sent=dice.choice((0, len(response))),
        failure=Failure("upstream_broke_off", "It did.") if dice.random() < 0.05 else None,
        told=len(one.frames) + (dice.random() < 0.1),
        close=Close("upstream", dice.choice((1000, 1005, 1011, 0)), "\u0000" * 9) if dice.random() < 0.5 else None,
    )
    told = [
        Told(call_id, by_client, _kept(mutated(message, other.response, dice), dice))
        for by_client, message in one.frames
    ]
    return Noted(
        "fuzz",
        _written(started),
        None if dice.random() < 0.03 else _written(Asked(call_id, _kept(request, dice))),
        None if dice.random() < 0.03 else _written(ended),
        tuple(_written(message) for message in told),
    )


_N = TypeVar("_N", Started, Asked, Told, Ended)


def _written(note: _N) -> _N:
    """As the journal gives it back."""
    read = notes.decode(notes.encode(note))
    assert isinstance(read, type(note))
    return read


def _target(target: str, other: str, dice: random.Random) -> str:
    chance = dice.random()
    if chance < 0.85:
        return target
    if chance < 0.9:
        return other
    at = dice.randint(0, len(target))
    return (
        target[:at] + dice.choice(("%00", "/", "//", "?", "?model=", ":", "\u00ff", "%ff%fe", "a" * 9000)) + target[at:]
    )


def _headers(headers: Headers, coding: str | None, dice: random.Random) -> Headers:
    kept = tuple(header for header in headers if dice.random() < 0.95)
    if dice.random() < 0.1:
        kept += (("content-type", dice.choice(_TYPES)),)
    if dice.random() < 0.2:
        kept = (dice.choice(_ODD_HEADERS), *kept)
    return kept if coding is None else (*kept, ("content-encoding", coding))


def _kept(body: bytes, dice: random.Random) -> Body:
    """All of it, its two ends, or ends that somebody decoded before, or claims about them that cannot be."""
    chance = dice.random()
    if chance < 0.7:
        return Body(len(body), body)
    half = dice.choice((1, 32, 500, 4096))
    head, tail = body[:half], body[-half:]
    if chance < 0.95 and len(body) > 2 * half:
        return Body(len(body), head, tail, decoded=None if dice.random() < 0.8 else 10**9)
    return Body(dice.choice((0, 1, 2**40)), head, tail)
