"""Tells the calls of the last two weeks in the notes a worker would have written, had it relayed them.

The answers are the sandbox's own; the durations are drawn to look like those of a service that thinks.
"""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from random import Random

from proxy import refusal
from proxy.call_id import CallIds
from proxy.headers import Head
from proxy.journal.notes import Asked, Body, Ended, Failure, Started
from proxy.keys.fingerprint import fingerprint
from proxy.refusal import Refusal
from proxy.sandbox.answer import Answer, Headers, Request
from proxy.sandbox.answering import answer
from proxy.sandbox.scenes import SampleCall
from proxy.sandbox.traffic import DAYS, HABITS, NAMED, sample_calls
from proxy.stream_usage import may_ask, with_question

_DIALECTS = {"openai": "openai", "anthropic": "anthropic", "gemini": "gemini"}
_LONGEST_SILENCE = timedelta(minutes=2)
_UNKNOWN = Refusal(
    404,
    "unknown_upstream",
    "There is no upstream 'opnai'; the first part of the path must be one of: anthropic, gemini, openai.",
    retry=False,
)
_UNREACHABLE = Refusal(502, "upstream_unreachable", "No connection to the upstream could be made (sandbox).", True)
_TIMED_OUT = Refusal(504, "upstream_timed_out", "The upstream was silent for 120 s (sandbox).", True)
_BROKE_OFF = Failure("upstream_broke_off", "The upstream closed the connection in the middle of its answer (sandbox).")


@dataclass(frozen=True, slots=True)
class PastCall:
    """The notes of one call. A refused call has no `asked`: its body was never read."""

    started: Started
    asked: Asked | None
    ended: Ended


@dataclass(frozen=True, slots=True)
class _Pace:
    """How long a call took, in microseconds from its receipt."""

    asked: int
    answered: int
    first_chunk: int
    end: int
    overhead: int


def past_exchanges(
    seed: int,
    now: datetime,
    *,
    new_id: Callable[[int], bytes] | None = None,
    first_seq: int = 1,
    days: int = DAYS,
) -> Iterator[PastCall]:
    """The calls of the last days in the order they were received, all before `now`.

    `new_id` makes a call id from microseconds since the epoch; it is called with times that never go back.
    """
    new_id = CallIds().new if new_id is None else new_id
    dice = Random(f"{seed} paces")  # noqa: S311  sample data wants a seed, not a secret
    order = count()
    waiting = [(call.at, next(order), call) for call in sample_calls(seed, now, days)]
    heapq.heapify(waiting)
    for seq in count(first_seq):
        if not waiting:
            return
        at, _, call = heapq.heappop(waiting)
        received = round(at.timestamp() * 1e6)
        past, answered = _told(call, new_id(received), seq, received, dice)
        yield past
        again = at + timedelta(microseconds=past.ended.duration_us) + timedelta(seconds=dice.uniform(0.5, 1.1))
        if answered is not None and answered.status in (429, 500, 503, 529) and again < now and not _retried(call):
            heapq.heappush(waiting, (again, next(order), _retry(call, again)))


def _retried(call: SampleCall) -> bool:
    # Only the SDKs that count their retries make any.
    return ("x-stainless-retry-count", "0") not in call.headers


def _retry(call: SampleCall, at: datetime) -> SampleCall:
    counted = tuple((name, "1" if name == "x-stainless-retry-count" else value) for name, value in call.headers)
    return replace(call, at=at, headers=counted)


def _told(call: SampleCall, call_id: bytes, seq: int, received: int, dice: Random) -> tuple[PastCall, Answer | None]:
    dialect = _DIALECTS.get(call.upstream)
    key, group = NAMED.get(call.key, (fingerprint(call.key), "default"))
    started = Started(
        call_id=call_id,
        seq=seq,
        received_at_us=received,
        upstream=call.upstream if dialect else None,
        dialect=dialect or "generic",
        method=call.method,
        target=call.path if dialect else f"/{call.upstream}{call.path}",
        key=key,
        group=group,
        client="127.0.0.1",
        headers=_facts(call.headers),
    )
    if dialect is None:
        overhead = dice.randint(120, 400)
        return PastCall(started, None, _refused(call_id, _UNKNOWN, "generic", overhead, overhead)), None
    asked = Asked(call_id, Body(len(call.body), call.body))
    # As the proxy would have: OpenAI's streams are asked for their usage.
    asks = call.upstream == "openai" and may_ask("POST", call.path, None)
    body = (with_question(call.body) if asks else None) or call.body
    request = Request(call.method, call.path, call.sent_headers(), body, call.at, seq)
    answered = answer(request, HABITS)
    pace = _pace(call, answered, dice)
    if call.fate == "upstream_unreachable":
        ended = _refused(call_id, _UNREACHABLE, dialect, pace.asked + dice.randint(900, 9000), pace.overhead)
        return PastCall(started, asked, ended), None
    if call.fate == "upstream_timed_out":
        silent = pace.asked + _LONGEST_SILENCE // timedelta(microseconds=1)
        return PastCall(started, asked, _refused(call_id, _TIMED_OUT, dialect, silent, pace.overhead)), None
    return PastCall(started, asked, _ended(call, call_id, answered, pace, dice)), answered


def _ended(call: SampleCall, call_id: bytes, answered: Answer, pace: _Pace, dice: Random) -> Ended:
    length: Headers = () if answered.length is None else (("content-length", str(answered.length)),)
    ended = Ended(
        call_id=call_id,
        outcome="upstream_broke_off" if answered.ending == "cut" else "completed",
        status=answered.status,
        duration_us=pace.end,
        asked_us=pace.asked,
        answered_us=pace.answered,
        first_chunk_us=pace.first_chunk,
        overhead_us=pace.overhead,
        headers=_facts((*answered.headers, *length)),
        body=Body(len(answered.body), answered.body),
        sent=len(answered.body),
        failure=_BROKE_OFF if answered.ending == "cut" else None,
    )
    if call.fate == "answered" or answered.ending == "cut" or answered.status != 200:
        return ended
    # Cut short on the client's side or on ours. A client that waits for a whole answer leaves before it begins.
    share = dice.uniform(0.2, 0.8) if call.streamed else 0.0
    seen = b"".join(piece.data for piece in answered.pieces[: int(len(answered.pieces) * share)])
    end = pace.first_chunk + round((pace.end - pace.first_chunk) * share) if seen else round(pace.answered * 0.9)
    return Ended(
        call_id=call_id,
        outcome="interrupted" if call.fate == "interrupted" else "client_left",
        status=200 if seen else None,
        duration_us=end,
        asked_us=pace.asked,
        answered_us=pace.answered if seen else None,
        first_chunk_us=pace.first_chunk if seen else None,
        overhead_us=pace.overhead,
        headers=ended.headers if seen else (),
        body=Body(len(seen), seen),
        sent=len(seen),
    )


def _refused(call_id: bytes, why: Refusal, dialect: str, duration: int, overhead: int) -> Ended:
    return Ended(
        call_id=call_id,
        outcome="rejected"
        if why.status == 404
        else "upstream_timed_out"
        if why.status == 504
        else "upstream_unreachable",
        status=why.status,
        duration_us=duration,
        asked_us=None if why.status == 404 else min(duration, overhead),
        overhead_us=overhead,
        sent=len(refusal.body(why, dialect)),
        failure=Failure(why.code, why.message),
    )


def _facts(found: Headers) -> Headers:
    return Head([(name.encode(), value.encode()) for name, value in found]).facts


def _pace(call: SampleCall, answered: Answer, dice: Random) -> _Pace:
    asked = dice.randint(150, 420)
    if answered.status >= 400:
        wait, work = dice.lognormvariate(-2.3, 0.4), 0.0
    elif any(word in call.path for word in ("/images/", "/audio/")):
        wait, work = dice.lognormvariate(1.2, 0.5), 0.4
    elif any(word in call.path for word in ("/models?", "/v1/models", "embed", "count", "moderations")):
        wait, work = dice.lognormvariate(-1.4, 0.4), 0.0
    else:
        wait, work = dice.lognormvariate(-0.7, 0.5), _writing(answered) * dice.lognormvariate(-4.0, 0.35)
    if dice.random() < 0.01:
        wait *= 12  # now and then a service has a bad minute
    if answered.length is not None:
        wait, work = wait + work, 0.0
    answered_us = asked + round(wait * 1e6)
    first_chunk = answered_us + dice.randint(200, 30_000)
    overhead = asked + dice.randint(60, 300)
    return _Pace(asked, answered_us, first_chunk, first_chunk + round(work * 1e6) + dice.randint(80, 600), overhead)


def _writing(answered: Answer) -> int:
    """About how many tokens it wrote."""
    return 2 * len(answered.pieces) if len(answered.pieces) > 1 else len(answered.body) // 6
