"""From the notes of one call to the finished record: decode, read, price. Pure, and total: every call becomes a row."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from http import HTTPStatus
from operator import itemgetter

import msgspec

from proxy.config.model import Config
from proxy.journal.notes import Asked, Body, Close, Ended, Failure, Headers, Outcome, Started, Told
from store import dialects
from store.anomalies import Anomalies
from store.aside import NEVER, Aside
from store.book import Entry, KeptBody
from store.call import Call, CallError, Cost, Fault, Reading
from store.charging import Charging, Tariff
from store.dialects import Document
from store.dialects.checks import SPARED_BY_OUTCOME
from store.dialects.decoding import Decoded, decode
from store.dialects.estimate import Counting
from store.redaction import Redaction, Strainer

# A body that decodes to more is read by its two ends: two kilobytes on the wire can decode to gigabytes, and all other
# rows wait while it is read. No honest answer within the default of `capture.max_bytes` is compressed so well.
_LARGEST_DECODED = 4 * 1024 * 1024
_NOTHING = Body(0)
_OUR_DEATH = Failure("interrupted", "Tollbook stopped while the call ran.")
_READ_TOGETHER = 4 * 1024 * 1024  # bytes of decoded bodies that wait for the next step
_value = itemgetter(1)  # of a header
_POLICY = frozenset({  # what was set here: room, budgets, limits, and what a key may use
    "overloaded", "upstream_busy", "not_recorded", "insufficient_quota", "rate_limited", "too_many_concurrent",
    "model_not_allowed", "model_unpriced", "upstream_not_allowed",
})  # fmt: skip


class Noted(msgspec.Struct, frozen=True, gc=False):
    """All notes of one call; `ended` is None when its worker died first."""

    boot_id: str
    started: Started
    asked: Asked | None
    ended: Ended | None
    told: tuple[Told, ...] = ()  # by a session over a websocket


class _Opened(msgspec.Struct, frozen=True, gc=False):
    """A call whose bodies are decoded, without its secrets."""

    noted: Noted
    ended: Ended
    request: Decoded
    response: Decoded
    session: bool = False
    told: tuple[dialects.Line, ...] = ()

    @property
    def size(self) -> int:
        request, response = self.request.document, self.response.document
        told = sum(len(line.document.head) + len(line.document.tail) for line in self.told) if self.told else 0
        return len(request.head) + len(request.tail) + len(response.head) + len(response.tail) + told


class Meter:
    """Reads and prices calls by one configuration."""

    def __init__(self, config: Config, counting: Counting | None = None, aside: Aside = NEVER) -> None:
        """`counting`: counts tokens that nobody reported, for the models it knows. `aside`: lets others go first."""
        self._counting = counting
        self._aside = aside
        self._charging = Charging(Tariff.of(config))
        self._redaction = Redaction(config)
        self._keep_bodies = config.capture.bodies == "full"
        self._largest_kept = config.capture.max_bytes
        self._largest_decoded = max(config.capture.max_bytes, _LARGEST_DECODED)

    def price_edition(self, today: date) -> tuple[str, date | None]:
        """Which published prices are used, and how new they are."""
        return self._charging.published(today)

    def has_price(self, upstream: str, model: str) -> bool:
        """Whether there is a price for this model at this upstream, today."""
        return self._charging.has_price(upstream, model)

    def adopt(self, charging: Charging) -> None:
        """Charge the calls that come by this tariff."""
        self._charging = charging

    def meter(self, noted: Noted) -> Entry:
        """The record of this call, and what is kept of its bodies."""
        opened = self._open(noted)
        return self._record(opened, self._read(opened))

    def meter_all(self, calls: Iterable[Noted]) -> list[Entry]:
        """The same for several calls: one step for all of them, then the next.

        A processor runs the same code faster again: all of this takes a third less. What was decoded waits meanwhile,
        so a step is not put off for more than a few megabytes of it.

        Raises:
            Exception: one of them cannot be metered; `meter` tells which.
        """
        entries: list[Entry] = []
        waiting: list[_Opened] = []
        size = 0
        each = self._aside.each
        for noted in each(calls):
            opened = self._open(noted)
            waiting.append(opened)
            size += opened.size
            if size >= _READ_TOGETHER:
                entries += map(self._record, each(waiting), list(map(self._read, each(waiting))))
                waiting, size = [], 0
        entries += map(self._record, each(waiting), list(map(self._read, each(waiting))))
        return entries

    def _open(self, noted: Noted) -> _Opened:
        started = noted.started
        ended = noted.ended or _cut_by_our_death(noted)
        asked_body = noted.asked.body if noted.asked is not None else _NOTHING
        named = dict(reversed(started.headers))  # the first of each name
        request = decode(asked_body, named.get("content-encoding"), self._largest_decoded)
        response = decode(ended.body, _header(ended.headers, "content-encoding"), self._largest_decoded)
        refused = (ended.failure.message, ended.failure.model or "") if ended.failure is not None else ()
        text = "\n".join((started.target, *map(_value, started.headers), *map(_value, ended.headers), *refused))
        session = named.get("upgrade", "").strip().lower() == "websocket"
        if session or not self._redaction.nothing_in(started, text, request.document, response.document):
            strainer = self._redaction.of(started)
            noted = _heads_cleaned(noted, text, strainer)
            started, ended = noted.started, noted.ended or ended
            request = _cleaned(request, strainer.request)
            response = _cleaned(response, strainer.answer)
            if session:
                told = tuple(
                    dialects.Line(one.by_client, strainer.answer(_as_document(one.body))) for one in noted.told
                )
                ended = msgspec.structs.replace(ended, close=_close_cleaned(ended.close, strainer))
                return _Opened(noted, ended, request, response, True, told)
        return _Opened(noted, ended, request, response)

    def _read(self, opened: _Opened) -> Reading:
        noted, ended = opened.noted, opened.ended
        if opened.session:
            return _session(noted, ended, opened.told, opened.response.document)
        started = noted.started
        return dialects.read(
            started.dialect,
            started.method,
            started.target,
            started.headers,
            opened.request.document,
            ended.status,
            ended.headers,
            opened.response.document,
            self._counting,
        )

    def _record(self, opened: _Opened, reading: Reading) -> Entry:
        noted, ended = opened.noted, opened.ended
        started, request, response = noted.started, opened.request, opened.response
        if ended.outcome == "rejected" or started.upstream is None:
            kind = "other" if started.upstream is None else reading.type
            requested = reading.requested_model or (ended.failure.model if ended.failure is not None else None)
            reading = msgspec.structs.replace(reading, type=kind, error=None, requested_model=requested)
        outcome = _outcome(ended, reading)
        error = _error(ended.failure) or reading.error
        cost = self._cost(noted, reading, ended.status, outcome)
        usage, by_fallback = self._charging.usage(started.group, cost, reading)
        call = _call(
            noted,
            ended,
            reading,
            outcome=outcome,
            error=error,
            cost=cost,
            usage=usage,
            request_id=dialects.upstream_request_id(ended.headers, reading),
            anomalies=_told_once(
                outcome, reading.anomalies, request.anomalies, response.anomalies, cost.anomalies, by_fallback
            ),
        )
        return Entry(
            call,
            started.headers,
            self._kept(noted.asked.body if noted.asked is not None else _NOTHING, request),
            ended.headers,
            self._kept(ended.body, response),
        )

    def _cost(self, noted: Noted, reading: Reading, status: int | None, outcome: Outcome) -> Cost:
        started = noted.started
        return self._charging.cost(
            reading,
            started.upstream,
            started.received_at_us,
            status=status,
            outcome=outcome,
            method=started.method,
            target=started.target,
        )

    def _kept(self, body: Body, decoded: Decoded) -> KeptBody | None:
        if not self._keep_bodies or not body.size:
            return None
        document = decoded.document
        cut = len(document.head) if document.cut else None
        whole = document.head + document.tail
        if len(whole) > self._largest_kept:
            cut = min(self._largest_kept // 2, len(whole) if cut is None else cut)
            whole = whole[:cut] + whole[len(whole) - (self._largest_kept - cut) :]
        return KeptBody(whole, cut)


def _told_once(outcome: Outcome, *several: Anomalies) -> Anomalies:
    """All of these, each once; without those that are no oddity because somebody broke off."""
    if not any(several):
        return ()
    names = dict.fromkeys(name for anomalies in several for name in anomalies)
    return tuple(name for name in names if outcome == "completed" or name not in SPARED_BY_OUTCOME)


def _as_document(body: Body) -> Document:
    return Document(body.head, body.tail, cut=body.truncated)


def _session(noted: Noted, ended: Ended, told: Sequence[dialects.Line], response: Document) -> Reading:
    """A session by what was told on its way; one that was refused before it began, by the answer."""
    started = noted.started
    if ended.status in (None, HTTPStatus.SWITCHING_PROTOCOLS):
        return dialects.read_session(
            started.target,
            started.headers,
            told,
            close=ended.close,
            broken=ended.outcome in ("upstream_broke_off", "upstream_timed_out"),
            missing=len(told) < ended.told,
        )
    nothing = Document(b"")
    reading = dialects.read(
        started.dialect, started.method, started.target, started.headers, nothing,
        ended.status, ended.headers, response,
    )  # fmt: skip
    return msgspec.structs.replace(reading, type=dialects.session_type(started.target.partition("?")[0]))


def _close_cleaned(close: Close | None, strainer: Strainer) -> Close | None:
    return None if close is None else msgspec.structs.replace(close, reason=strainer.text(close.reason))


def _heads_cleaned(noted: Noted, text: str, strainer: Strainer) -> Noted:
    """The notes without the secrets that only the store knows to be some: the worker took out the others."""
    started, ended = noted.started, noted.ended
    if strainer.text(text) is text:
        return noted
    started = msgspec.structs.replace(
        started, target=strainer.text(started.target), headers=strainer.headers(started.headers)
    )
    if ended is not None:
        failure = _failure_cleaned(ended.failure, strainer)
        ended = msgspec.structs.replace(ended, headers=strainer.headers(ended.headers), failure=failure)
    return msgspec.structs.replace(noted, started=started, ended=ended)


def _failure_cleaned(failure: Failure | None, strainer: Strainer) -> Failure | None:
    if failure is None:
        return None
    model = None if failure.model is None else strainer.text(failure.model)
    return msgspec.structs.replace(failure, message=strainer.text(failure.message), model=model)


def _cleaned(decoded: Decoded, clean: Callable[[Document], Document]) -> Decoded:
    document = clean(decoded.document)
    return decoded if document is decoded.document else msgspec.structs.replace(decoded, document=document)


def bare(noted: Noted) -> Entry:
    """The record of a call that cannot be metered: what the notes themselves say, and that it was unreadable."""
    ended = noted.ended or _cut_by_our_death(noted)
    reading = Reading(type="other", anomalies=("unreadable",))
    call = _call(
        noted,
        ended,
        reading,
        outcome=ended.outcome,
        error=_error(ended.failure),
        cost=Cost("unknown"),
        usage=None,
        request_id=None,
        anomalies=reading.anomalies,
    )
    return Entry(call)


def _call(
    noted: Noted,
    ended: Ended,
    reading: Reading,
    *,
    outcome: Outcome,
    error: CallError | None,
    cost: Cost,
    usage: int | None,
    request_id: str | None,
    anomalies: Anomalies,
) -> Call:
    started = noted.started
    return Call(
        call_id=started.call_id,
        boot_id=noted.boot_id,
        seq=started.seq,
        started_at_us=started.received_at_us,
        upstream=started.upstream,
        dialect=started.dialect,
        method=started.method,
        target=started.target,
        key=started.key,
        group=started.group,
        client=started.client,
        user_agent=_header(started.headers, "user-agent"),
        status=ended.status,
        outcome=outcome,
        fault=_fault(outcome, ended, error),
        duration_us=ended.duration_us if noted.ended is not None else None,
        asked_us=ended.asked_us,
        answered_us=ended.answered_us,
        first_token_us=ended.first_chunk_us if reading.stream and not _is_refused(ended.status) else None,
        overhead_us=ended.overhead_us,
        reading=reading,
        error=error,
        upstream_request_id=request_id,
        cost=cost,
        usage_micro=usage,
        request_bytes=noted.asked.body.size if noted.asked is not None else 0,
        response_bytes=ended.body.size,
        sent_bytes=ended.sent,
        anomalies=anomalies,
        pause_us=ended.pause_us,
        held_us=ended.held_us,
        uploaded_us=ended.uploaded_us,
    )


def _cut_by_our_death(noted: Noted) -> Ended:
    status = HTTPStatus.SWITCHING_PROTOCOLS if noted.told else None  # of other calls nobody knows what went out
    return Ended(noted.started.call_id, "interrupted", status, 0, told=len(noted.told), failure=_OUR_DEATH)


def _is_refused(status: int | None) -> bool:
    """Whether an error is all that came: its first bytes are no token, however soon they are there."""
    return status is not None and status >= HTTPStatus.BAD_REQUEST


def _header(headers: Headers, name: str) -> str | None:
    for found, value in headers:
        if found == name:
            return value
    return None


def _error(failure: Failure | None) -> CallError | None:
    return None if failure is None else CallError(failure.code, failure.code, failure.message)


def _outcome(ended: Ended, reading: Reading) -> Outcome:
    # Some streams have no terminal event (Gemini's): a client that leaves after the finish reason has everything,
    # provided all we had was handed to its connection.
    if ended.outcome == "client_left" and reading.finished and ended.body.size and ended.sent >= ended.body.size:
        return "completed"
    return ended.outcome


def _fault(outcome: Outcome, ended: Ended, error: CallError | None) -> Fault | None:
    match outcome:
        case "client_left":
            return "client"
        case "interrupted":
            return "proxy"
        case "rejected":
            return "policy" if ended.failure is not None and ended.failure.code in _POLICY else "client"
        case "completed":
            if ended.status is not None and 400 <= ended.status < 500:
                return "client"
            return "upstream" if error is not None or (ended.status or 0) >= 500 else None
        case _:
            return "upstream"
