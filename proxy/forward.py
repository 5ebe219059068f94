"""The story of a call, from its first byte to its last: admit, note, ask the upstream, relay, note again.

The client comes first: a chunk is on its way before anything is kept of it, and only the piece that completes the
answer waits (briefly) for the last note, so that an answer fully received is an answer in the book.
"""

import asyncio
import logging
import time
import traceback
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from proxy import credential, refusal
from proxy.admission import Admission, Admitted, Turned, ends_surely
from proxy.call_id import CallIds, to_text
from proxy.capture import Capture
from proxy.client import Client, ClientGone
from proxy.config.model import Config
from proxy.config.spoken import dialect_of
from proxy.exchange import Exchange
from proxy.floods import Floods
from proxy.headers import Head
from proxy.journal.ladder import ENDS_BYTES
from proxy.journal.notes import Failure, Headers, Outcome, Started
from proxy.journal.tally import Tally
from proxy.journal.writer import Journal
from proxy.keys import asked_model
from proxy.model_rule import ModelRule
from proxy.pump import Pump
from proxy.refusal import Refusal
from proxy.refused_model import with_model
from proxy.request_body import SMALL, BrokenBody, RequestBody
from proxy.stream_usage import LARGEST, UsageHider, may_ask, with_question
from proxy.terminal import watch_for
from proxy.upstream import Answer, Asker, Asking, UpstreamFault
from proxy.websocket import handshake
from proxy.websocket.opening import Opening

log = logging.getLogger("tollbook.proxy")

_FAULT_STATUS: dict[Outcome, int] = {
    "upstream_unreachable": 502,
    "upstream_timed_out": 504,
    "upstream_broke_off": 502,
}
_NOT_RECORDED = Refusal(
    503, "not_recorded", "Calls cannot be recorded just now, and none is to go unrecorded; try again.", True, 5
)
_FULL = Refusal(503, "overloaded", "Too many calls are under way; try again.", True, 1)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the calls of one worker share."""

    config: Config
    journal: Journal
    tally: Tally
    asker: Asker
    decoding: Executor  # the one thread for what would hold the loop: large bodies that must be looked into
    ids: CallIds
    admission: Admission
    floods: Floods

    @property
    def refusing(self) -> bool:
        """Whether no new call is let in, because it could not be recorded."""
        return self.journal.in_memory and self.config.proxy.on_store_failure == "refuse"


class Forwarding:
    """One call, from its request to its end."""

    __slots__ = (
        "_admitted", "_head", "_opening", "_parts", "_request", "_restarting", "client", "exchange",
    )  # fmt: skip

    def __init__(self, parts: Parts, request: web.BaseRequest, *, keep_alive: bool, restarting: bool) -> None:
        began = time.perf_counter_ns()
        received_at_us = time.time_ns() // 1000
        self._parts = parts
        self._request = request
        self._head = head = Head(request.raw_headers)
        self._admitted = admitted = parts.admission.admit(request, head)
        self.client = Client(request, parts.config.proxy.write_timeout_s, keep_alive=keep_alive)
        self.exchange = Exchange(parts.journal, parts.tally, self.client, parts.ids.new(received_at_us), began)
        self._opening: Opening | None = None
        self._restarting = restarting
        upstream = admitted.upstream
        self.exchange.hold(
            Started(
                call_id=self.exchange.call_id,
                seq=parts.tally.count("received"),
                received_at_us=received_at_us,
                upstream=upstream.name if upstream else None,
                dialect=upstream.dialect if upstream else "generic",
                method=request.method,
                target=admitted.shown_target,
                key=admitted.caller.name,
                group=admitted.caller.group,
                client=request.remote or "",
                headers=head.facts_without(*admitted.secrets),
            )
        )

    async def run(self, *, full: bool) -> web.StreamResponse:
        """To the end; `full`: too many others are under way."""
        admitted, exchange, client = self._admitted, self.exchange, self.client
        try:
            if isinstance(admitted, Turned):
                if self._head.first("expect") is not None or not ends_surely(self._request, self._head):
                    client.close_after()
                return await self._refuse(await self._with_model(admitted.refusal))
            if full:
                client.close_after()
                return await self._refuse(_FULL)
            if self._parts.refusing:
                client.close_after()
                return await self._refuse(_NOT_RECORDED)
            if self._parts.admission.undecided(admitted) and (turned := await self._decided(admitted)) is not None:
                if self._head.first("expect") is not None:
                    client.close_after()
                return await self._refuse(await self._with_model(turned))
            if handshake.asks_for_it(self._head):
                return await self._open(admitted)
            return await self._forward(admitted)
        except ClientGone:
            self._cut("client_left")
            return client.break_off()
        except asyncio.CancelledError:
            self._cut("client_left" if client.gone else "interrupted")
            raise
        except Exception as error:
            # A mistake of ours; still a row, and still an end for the client. What the error says may quote the
            # request, and a credential with it, so only where it happened is logged.
            where = "".join(traceback.format_tb(error.__traceback__))
            log.error("call %s broke: %s at\n%s", to_text(exchange.call_id), type(error).__name__, where)
            self._cut("interrupted", Failure("internal", f"{type(error).__name__} in Tollbook"))
            return client.break_off()
        finally:
            if isinstance(admitted, Admitted):
                self._parts.admission.over(admitted, self._filed)

    def restart(self) -> None:
        """Tollbook is about to end: a session, which would not end by itself, is closed. Other calls go on."""
        self._restarting = True
        if self._opening is not None:
            self._opening.stop()

    def interrupt(self) -> None:
        """Our own end cuts it: noted, and so for the client, who would else have all of what is said to be cut. It is
        cancelled soon after; a session is closed by that."""
        if not self.exchange.ended:
            self._cut("interrupted")
            if self._opening is None:
                self.client.break_off()

    def _filed(self) -> asyncio.Future[bool]:
        return self._parts.journal.filed(self.exchange.ticket)

    def _cut(self, outcome: Outcome, failure: Failure | None = None) -> None:
        self.exchange.status = self.client.status if self.client.head_sent else None
        sent = self._opening.sent_bytes if self._opening is not None else None
        self.exchange.note_ended(outcome, sent=self.client.sent if sent is None else sent, failure=failure)

    async def _decided(self, admitted: Admitted) -> Refusal | None:
        """Why it is refused after all, once the calls that ended before it are counted."""
        await self._parts.journal.filed(self.exchange.begun(), at_once=True)  # and so are their notes
        return await self._parts.admission.decided(admitted)

    async def _with_model(self, why: Refusal) -> Refusal:
        """The refusal of somebody we know, with the model that was asked for. Of a stranger nothing more is read."""
        if self._admitted.caller.key is None:
            return why
        encoding = self._head.first("content-encoding")
        body = RequestBody(self._request, self._capture(encoding), self._parts.config.proxy)
        return await with_model(why, self._head, body)

    async def _forward(self, admitted: Admitted) -> web.StreamResponse:
        exchange, client = self.exchange, self.client
        capture = exchange.request = self._capture(self._head.first("content-encoding"))
        body = RequestBody(self._request, capture, self._parts.config.proxy)
        if not body.arrived or admitted.rule is not None:
            exchange.begun()
        try:
            body.must_fit()
            prepared = await self._prepare(admitted, body)
            if isinstance(prepared, Refusal):
                exchange.request = None  # of a call that went nowhere no body is kept
                if not body.complete:
                    client.close_after()
                return await self._refuse(prepared)
            asking, hider = prepared
            await self._parts.journal.written(exchange.begun())
            exchange.mark_asked()
            answer = await self._parts.asker.ask(admitted.upstream, asking)
        except BrokenBody as broken:
            client.close_after()
            return await self._refuse(broken.why)
        except UpstreamFault as fault:
            if client.gone:
                raise ClientGone from None  # its half-sent body is what broke the request upstream
            if body.failure is not None:  # what the upstream made of it is not its fault
                client.close_after()
                return await self._refuse(body.failure.why)
            why = Refusal(_FAULT_STATUS[fault.outcome], fault.outcome, fault.message, True)
            return await self._refuse(why, fault.outcome)
        exchange.mark_answered()
        try:
            return await self._relay(answer, hider)
        except BrokenBody as broken:  # the answer began before the request was whole
            failure = Failure(broken.why.code, broken.why.message)
            exchange.note_ended("rejected", sent=client.sent, failure=failure)
            return client.break_off()
        except UpstreamFault as fault:
            exchange.note_ended(fault.outcome, sent=client.sent, failure=Failure(fault.outcome, fault.message))
            return client.break_off()
        finally:
            answer.close()

    async def _open(self, admitted: Admitted) -> web.StreamResponse:
        """A session over a websocket; the upstream first, so that the client hears its refusal in HTTP."""
        exchange, client, upstream, parts = self.exchange, self.client, admitted.upstream, self._parts
        issued = admitted.caller.issued is not None
        self._opening = opening = Opening(self._head, issued=issued, restarting=self._restarting)
        asking = opening.asking(admitted.target.rest, self._headers(admitted))
        await parts.journal.written(exchange.begun())
        exchange.mark_asked()
        try:
            answer = await parts.asker.ask(upstream, asking)
        except UpstreamFault as fault:
            why = Refusal(_FAULT_STATUS[fault.outcome], fault.outcome, fault.message, True)
            return await self._refuse(why, fault.outcome)
        exchange.mark_answered()
        try:
            if answer.status != HTTPStatus.SWITCHING_PROTOCOLS:
                return await self._relay(answer, None)
            answered = Head(answer.headers)
            if not opening.agrees(answered):
                message = f"{upstream.name} switched protocols in a way that does not agree with what was asked"
                return await self._refuse(Refusal(502, "upstream_broke_off", message, True), "upstream_broke_off")
            exchange.response_headers = self._facts(answered)
            await opening.run(answer, answered, exchange, client, parts.journal, parts.config)
            return client.finished()
        except UpstreamFault as fault:
            if not client.head_sent:
                why = Refusal(_FAULT_STATUS[fault.outcome], fault.outcome, fault.message, True)
                return await self._refuse(why, fault.outcome)
            exchange.note_ended(fault.outcome, sent=client.sent, failure=Failure(fault.outcome, fault.message))
            return client.break_off()
        finally:
            answer.close()

    async def _prepare(self, admitted: Admitted, body: RequestBody) -> tuple[Asking, UsageHider | None] | Refusal:
        """What to ask the upstream, and whether the answer must be looked into; or why it must not be asked."""
        upstream, request, head, exchange = admitted.upstream, self._request, self._head, self.exchange
        encoding = head.first("content-encoding")
        ask = upstream.stream_usage == "ask" and may_ask(request.method, admitted.target.path, encoding)
        if head.first("expect") is not None and body.exists and request.version >= (1, 1):
            await self.client.go_on()
        whole: bytes | None = None
        if body.exists and (ask or body.length is not None or admitted.rule is not None):
            waiting = time.perf_counter_ns()
            whole = await body.whole(asked_model.LARGEST if admitted.rule is not None else LARGEST if ask else SMALL)
            exchange.client_took(time.perf_counter_ns() - waiting)
        if admitted.rule is not None and (turned := await self._judged(admitted.rule, whole)) is not None:
            return turned
        asked = with_question(whole) if ask and whole is not None else None
        sent_headers = self._headers(admitted)
        if asked is not None:
            sent_headers = [(name, value) for name, value in sent_headers if name.lower() != b"accept-encoding"]
            sent_headers.append((b"Accept-Encoding", b"identity"))
        if not body.exists or (whole is not None and len(whole) <= LARGEST):  # more, written at once, holds the loop
            exchange.note_asked()
            asking = Asking(request.method, admitted.target.rest, sent_headers, asked or whole or None)
        else:
            streamed = self._streamed(body)
            asking = Asking(request.method, admitted.target.rest, sent_headers, streamed, body.length)
        return asking, UsageHider() if asked is not None else None

    def _headers(self, admitted: Admitted) -> list[tuple[bytes, bytes]]:
        """The request headers for the upstream, with its own credential where the client's is not for it."""
        upstream, issued = admitted.upstream, admitted.caller.issued
        sent = self._head.passed_on(without=credential.NEVER_WITH_ISSUED if issued else frozenset())
        if upstream.api_key is not None and (issued is not None or admitted.caller.credential is None):
            place = (issued.header, issued.scheme) if issued else ()
            secret = upstream.api_key.reveal()
            name, value = credential.own_header(upstream.dialect, secret, admitted.target.path, *place)
            sent.append((name.encode(), value.encode()))
        return sent

    def _facts(self, answered: Head) -> Headers:
        """What is kept of the answer's headers."""
        ours = self._admitted.upstream.api_key if self._admitted.upstream else None
        return answered.facts_without(*self._admitted.secrets, ours.reveal() if ours else None)

    async def _judged(self, rule: ModelRule, whole: bytes | None) -> Refusal | None:
        """Why a request with this body (None: too large to hold) may not go on."""
        models: tuple[str, ...] = ()
        if whole is not None and self._head.first("content-encoding") in (None, "identity"):
            kind = self._head.first("content-type")
            if len(whole) <= SMALL:
                models = asked_model.in_body(kind, whole)
            else:
                loop = asyncio.get_running_loop()
                models = await loop.run_in_executor(self._parts.decoding, asked_model.in_body, kind, whole)
        return rule.judge(models)

    async def _streamed(self, body: RequestBody) -> AsyncIterator[bytes]:
        async for chunk in body.stream():
            yield chunk
        self.exchange.mark_uploaded()
        if self.exchange.request is not None:
            self.exchange.request.when_complete(self.exchange.note_asked)

    async def _relay(self, answer: Answer, hider: UsageHider | None) -> web.StreamResponse:
        exchange, client = self.exchange, self.client
        answered = Head(answer.headers)
        encoding = answered.first("content-encoding")
        length = _length(answered)
        if hider is not None and not _may_hold_extra(answer.status, answered):
            hider = None
        exchange.status = answer.status
        exchange.response_headers = self._facts(answered)
        capture = exchange.response = self._capture(encoding)
        watch = watch_for(answered.first("content-type")) if length is None and encoding is None else None
        passed = answered.to_client()
        passed.append((b"x-tollbook-call-id", to_text(exchange.call_id).encode()))
        bodiless = self._request.method == "HEAD" or answer.status in (204, 304) or length == 0
        head = client.head(
            answer.status, answer.reason, passed, None if hider else length, has_length=length is not None
        )
        if bodiless:
            await self._settle(0)
            await client.send(head)
            return client.finished()

        pump = Pump(answer, client, exchange, capture, self._settle, watch, hider)
        await pump.run(head, finish=self._parts.config.proxy.on_client_gone == "finish")
        return client.finished()

    async def _settle(self, sent: int) -> None:
        """Note that the answer is complete, and wait (not long) until the note is written.

        Raises:
            ClientGone: nobody is there to receive the end of it.
        """
        exchange = self.exchange
        if exchange.ended:
            return
        if self.client.gone:
            raise ClientGone
        patience = self._parts.config.proxy.journal_wait_ms / 1000
        if exchange.request is not None:
            await exchange.request.complete(patience)
        body = await exchange.response.complete(patience) if exchange.response is not None else None
        ticket = exchange.note_ended("completed", sent=sent, body=body)
        if ticket is not None:
            await self._parts.journal.written(ticket)

    async def _refuse(self, why: Refusal, outcome: Outcome = "rejected") -> web.StreamResponse:
        exchange, client, upstream = self.exchange, self.client, self._admitted.upstream
        path = self._admitted.shown_target.partition("?")[0]
        spoken = dialect_of(upstream.dialect, path) if upstream else None
        content = refusal.body(why, spoken)
        sent_headers = refusal.headers(why, spoken)
        row = exchange.call_id
        if outcome == "rejected":
            caller = self._admitted.caller
            source = (self._request.remote or "", why.code, caller.key.name if caller.key else None, why.model)
            row = self._parts.floods.row_of(source, exchange.call_id)
        repeats = None if row == exchange.call_id else row
        if repeats is not None:
            exchange.request = None
        sent_headers.append((b"x-tollbook-call-id", to_text(row).encode()))
        phrase = HTTPStatus(why.status).phrase.encode()
        head = client.head(why.status, phrase, sent_headers, len(content), has_length=True)
        exchange.status = why.status
        ticket = exchange.note_ended(
            outcome, sent=len(content), failure=Failure(why.code, why.message, why.model), repeats=repeats
        )
        if ticket is not None:
            await self._parts.journal.written(ticket)
        await client.send(head + client.frame(content), len(content))
        return client.finished()

    def _capture(self, encoding: str | None) -> Capture:
        limit = self._parts.config.capture.max_bytes
        if self._parts.journal.saving and limit > ENDS_BYTES:
            return Capture(ENDS_BYTES, encoding, self._parts.decoding, spared=True)
        return Capture(limit, encoding, self._parts.decoding)


def _may_hold_extra(status: int, head: Head) -> bool:
    """Whether an answer to a stream that was asked for its usage may hold the extra chunk."""
    whole = (head.first("content-type") or "").startswith("application/json")
    return status < 400 and not whole and head.first("content-encoding") in (None, "identity")


def _length(head: Head) -> int | None:
    """The declared length of the answer's body; None when it is chunked or ends with the connection."""
    if head.first("transfer-encoding") is not None:
        return None
    declared = head.first("content-length")
    return int(declared) if declared is not None and declared.isdigit() else None
