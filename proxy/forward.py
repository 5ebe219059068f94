"""The story of a call, from its first byte to its last: admit, note, ask the upstream, relay, note again.

The client comes first: a chunk is on its way before anything is kept of it, and only the piece that completes the
answer waits (briefly) for the last note, so that an answer fully received is an answer in the book.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from http import HTTPStatus

from aiohttp import web

from proxy import credential, refusal
from proxy.admission import Admitted, Turned, admit
from proxy.call_id import CallIds, to_text
from proxy.capture import Capture
from proxy.client import Client, ClientGone
from proxy.config.model import Config
from proxy.exchange import Exchange
from proxy.headers import Head
from proxy.journal.notes import Failure, Outcome, Started
from proxy.journal.tally import Tally
from proxy.journal.writer import Journal
from proxy.refusal import Refusal
from proxy.request_body import SMALL, MalformedBody, RequestBody
from proxy.stream_usage import LARGEST, UsageHider, may_ask, with_question
from proxy.target import redacted
from proxy.terminal import TerminalWatch
from proxy.upstream import Answer, Asker, Asking, UpstreamFault

_FAULT_STATUS: dict[Outcome, int] = {
    "upstream_unreachable": 502,
    "upstream_timed_out": 504,
    "upstream_broke_off": 502,
}


class Forwarder:
    """Forwards the calls of one worker."""

    def __init__(self, config: Config, journal: Journal, tally: Tally, asker: Asker, decoding: Executor) -> None:
        self._config = config
        self._journal = journal
        self._tally = tally
        self._asker = asker
        self._decoding = decoding  # the one thread for compressed bodies too large to keep
        self._ids = CallIds()
        self._running: dict[Exchange, Client] = {}
        self._empty: asyncio.Event | None = None
        self._detached: set[asyncio.Task[web.StreamResponse]] = set()
        self.stopping = False

    async def drain(self, patience_s: float) -> None:
        """Let the running calls end; after `patience_s`, note the rest as cut by our own end."""
        self.stopping = True
        if self._running:
            self._empty = asyncio.Event()
            try:
                await asyncio.wait_for(self._empty.wait(), patience_s)
            except TimeoutError:
                for exchange, client in self._running.items():
                    exchange.note_ended("interrupted", sent=client.sent)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """One request, to its end."""
        if request.raw_path == "/healthz":
            return web.Response(text="ok\n", status=503 if self.stopping else 200)
        if self._config.proxy.on_client_gone == "cancel":
            return await self._call(request)
        # The call outlives its client: it runs in a task of its own, which the client's leaving does not cancel.
        task = asyncio.get_running_loop().create_task(self._call(request))
        self._detached.add(task)
        task.add_done_callback(self._forget)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            asyncio.get_running_loop().call_later(self._config.proxy.finish_timeout_s, task.cancel)
            raise

    def _forget(self, task: asyncio.Task[web.StreamResponse]) -> None:
        self._detached.discard(task)
        if not task.cancelled():
            task.exception()  # noted where it happened; the client is gone, so nobody else asks for it

    async def _call(self, request: web.BaseRequest) -> web.StreamResponse:
        began = time.perf_counter_ns()
        received_at_us = time.time_ns() // 1000
        head = Head(request.raw_headers)
        admitted = admit(request, head, self._config.upstreams)
        exchange = Exchange(self._journal, self._tally, self._ids.new(received_at_us), began)
        client = Client(request, self._config.proxy.write_timeout_s, keep_alive=not self.stopping)
        upstream = admitted.upstream
        ticket = exchange.note_started(
            Started(
                call_id=exchange.call_id,
                seq=self._tally.count("received"),
                received_at_us=received_at_us,
                upstream=upstream.name if upstream else None,
                dialect=upstream.dialect if upstream else "generic",
                method=request.method,
                target=admitted.shown_target if isinstance(admitted, Turned) else redacted(admitted.target.rest),
                key=admitted.key,
                group="default",
                client=request.remote or "",
                headers=head.facts,
            )
        )
        self._running[exchange] = client
        try:
            if isinstance(admitted, Turned):
                if head.first("expect") is not None:
                    client.close_after()
                return await self._refuse(exchange, client, admitted.refusal, upstream.dialect if upstream else None)
            if len(self._running) > self._config.proxy.max_concurrent:
                client.close_after()
                full = Refusal(503, "overloaded", "Too many calls are under way; try again.", True, 1)
                return await self._refuse(exchange, client, full, admitted.upstream.dialect)
            return await self._forward(request, head, admitted, exchange, client, ticket)
        except ClientGone:
            exchange.status = client.status if client.head_sent else None
            exchange.note_ended("client_left", sent=client.sent)
            return client.break_off()
        except asyncio.CancelledError:
            exchange.status = client.status if client.head_sent else None
            exchange.note_ended("client_left" if client.gone else "interrupted", sent=client.sent)
            raise
        except Exception as error:
            # A mistake of ours; still a row, and still an end for the client.
            exchange.note_ended(
                "interrupted", sent=client.sent, failure=Failure("internal", f"{type(error).__name__} in Tollbook")
            )
            client.break_off()
            raise
        finally:
            del self._running[exchange]
            if self._empty is not None and not self._running:
                self._empty.set()

    async def _forward(
        self, request: web.BaseRequest, head: Head, admitted: Admitted, exchange: Exchange, client: Client, ticket: int
    ) -> web.StreamResponse:
        upstream = admitted.upstream
        capture = exchange.request = self._capture(head.first("content-encoding"))
        body = RequestBody(request, capture)
        try:
            asking, hider = await self._prepare(request, head, admitted, exchange, client, body)
            await self._journal.written(ticket)
            exchange.mark_asked()
            answer = await self._asker.ask(upstream, asking)
        except (MalformedBody, UpstreamFault) as fault:
            if client.gone:
                raise ClientGone from None  # its half-sent body is what broke the request upstream
            if isinstance(fault, MalformedBody) or body.malformed:
                broken = Refusal(400, "bad_request", "The request body is not framed as HTTP demands.", False)
                return await self._refuse(exchange, client, broken, upstream.dialect)
            why = Refusal(_FAULT_STATUS[fault.outcome], fault.outcome, fault.message, True)
            return await self._refuse(exchange, client, why, upstream.dialect, fault.outcome)
        exchange.mark_answered()
        try:
            return await self._relay(request, exchange, client, answer, hider)
        except UpstreamFault as fault:
            exchange.note_ended(fault.outcome, sent=client.sent, failure=Failure(fault.outcome, fault.message))
            return client.break_off()
        finally:
            answer.close()

    async def _prepare(
        self,
        request: web.BaseRequest,
        head: Head,
        admitted: Admitted,
        exchange: Exchange,
        client: Client,
        body: RequestBody,
    ) -> tuple[Asking, UsageHider | None]:
        """What to ask the upstream, and whether the answer must be looked into."""
        upstream = admitted.upstream
        encoding = head.first("content-encoding")
        ask = upstream.stream_usage == "ask" and may_ask(request.method, admitted.target.path, encoding)
        if head.first("expect") is not None and body.exists and request.version >= (1, 1):
            await client.go_on()
        whole: bytes | None = None
        if body.exists and (ask or body.length is not None):
            waiting = time.perf_counter_ns()
            whole = await body.whole(LARGEST if ask else SMALL)
            exchange.client_took(time.perf_counter_ns() - waiting)
        asked = with_question(whole) if ask and whole is not None else None
        sent_headers = head.to_upstream()
        if asked is not None:
            sent_headers = [(name, value) for name, value in sent_headers if name.lower() != "accept-encoding"]
            sent_headers.append(("Accept-Encoding", "identity"))
        if upstream.api_key is not None and admitted.credential is None:
            sent_headers.append(credential.own_header(upstream.dialect, upstream.api_key.reveal()))
        if body.complete:
            exchange.note_asked()
            asking = Asking(request.method, admitted.target.rest, sent_headers, asked or whole or None)
        else:
            streamed = self._streamed(body, exchange)
            asking = Asking(request.method, admitted.target.rest, sent_headers, streamed, body.length)
        return asking, UsageHider() if asked is not None else None

    async def _streamed(self, body: RequestBody, exchange: Exchange) -> AsyncIterator[bytes]:
        async for chunk in body.stream():
            yield chunk
        if exchange.request is not None:
            exchange.request.when_complete(exchange.note_asked)

    async def _relay(
        self,
        request: web.BaseRequest,
        exchange: Exchange,
        client: Client,
        answer: Answer,
        hider: UsageHider | None,
    ) -> web.StreamResponse:
        answered = Head(answer.headers)
        encoding = answered.first("content-encoding")
        length = _length(answered)
        if hider is not None and not _may_hold_extra(answer.status, answered):
            hider = None
        exchange.status = answer.status
        exchange.response_headers = answered.facts
        capture = exchange.response = self._capture(encoding)
        watch = TerminalWatch() if length is None and encoding is None else None
        passed = answered.to_client()
        passed.append((b"x-tollbook-call-id", to_text(exchange.call_id).encode()))
        bodiless = request.method == "HEAD" or answer.status in (204, 304) or length == 0
        head = client.head(
            answer.status, answer.reason, passed, None if hider else length, has_length=length is not None
        )
        if bodiless:
            await self._settle(exchange, client, sent=0)
            await client.send(head)
            return client.finished()

        chunk = answer.ready()
        try:
            if not chunk:
                await client.send(head)
                head = b""
            while chunk := chunk or await answer.chunk():
                exchange.mark_chunk()
                last = answer.at_end()
                passed_on = chunk
                if hider is not None:
                    passed_on = hider.pass_on(chunk) + (hider.rest() if last else b"")
                if not exchange.ended and (last or (watch is not None and watch.completes(passed_on))):
                    capture.add(chunk)
                    chunk = b""
                    await self._settle(exchange, client, sent=client.sent + len(passed_on))
                await client.send(head + client.frame(passed_on, last=last), len(passed_on))
                if last:
                    return client.finished()
                capture.add(chunk)
                head = chunk = b""
            rest = hider.rest() if hider is not None else b""
            await self._settle(exchange, client, sent=client.sent + len(rest))
            await client.send(head + client.frame(rest, last=True), len(rest))
            return client.finished()
        except ClientGone:
            if self._config.proxy.on_client_gone == "finish" and not exchange.ended:
                capture.add(chunk)
                await self._read_on(answer, capture)
            raise

    async def _read_on(self, answer: Answer, capture: Capture) -> None:
        """Learn the rest of an answer whose client has left."""
        try:
            while chunk := await answer.chunk():
                capture.add(chunk)
        except UpstreamFault:
            pass  # the client left first; that is how the call ended

    async def _settle(self, exchange: Exchange, client: Client, *, sent: int) -> None:
        """Note that the answer is complete, and wait (not long) until the note is written.

        Raises:
            ClientGone: nobody is there to receive the end of it.
        """
        if exchange.ended:
            return
        if client.gone:
            raise ClientGone
        patience = self._config.proxy.journal_wait_ms / 1000
        if exchange.request is not None:
            await exchange.request.complete(patience)
        body = await exchange.response.complete(patience) if exchange.response is not None else None
        ticket = exchange.note_ended("completed", sent=sent, body=body)
        if ticket is not None:
            await self._journal.written(ticket)

    async def _refuse(
        self,
        exchange: Exchange,
        client: Client,
        why: Refusal,
        dialect: str | None,
        outcome: Outcome = "rejected",
    ) -> web.StreamResponse:
        content = refusal.body(why, dialect)
        sent_headers = refusal.headers(why)
        sent_headers.append((b"x-tollbook-call-id", to_text(exchange.call_id).encode()))
        phrase = HTTPStatus(why.status).phrase.encode()
        head = client.head(why.status, phrase, sent_headers, len(content), has_length=True)
        exchange.status = why.status
        ticket = exchange.note_ended(outcome, sent=len(content), failure=Failure(why.code, why.message))
        if ticket is not None:
            await self._journal.written(ticket)
        await client.send(head + client.frame(content), len(content))
        return client.finished()

    def _capture(self, encoding: str | None) -> Capture:
        return Capture(self._config.capture.max_bytes, encoding, self._decoding)


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
