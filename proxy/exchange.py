"""A call while it runs: when its phases began, what went by, and which of its notes are written.

A finished call is another type (`store.call.Call`); this one is all half-filled fields.
"""

import time

from proxy.capture import Capture
from proxy.client import Client
from proxy.journal.notes import Asked, Body, Close, Ended, Failure, Headers, Outcome, Started, Told
from proxy.journal.tally import Tally
from proxy.journal.writer import Journal


class Exchange:
    """One call. Its notes are put at most once each, in order, whatever happens when."""

    __slots__ = (
        "_answered",
        "_asked",
        "_asked_noted",
        "_began",
        "_begun",
        "_client",
        "_client_took",
        "_ended",
        "_first_chunk",
        "_held",
        "_journal",
        "_last_chunk",
        "_pause",
        "_tally",
        "_told",
        "_uploaded",
        "_waited",
        "call_id",
        "request",
        "response",
        "response_headers",
        "status",
        "ticket",
    )  # fmt: skip

    def __init__(self, journal: Journal, tally: Tally, client: Client, call_id: bytes, began_ns: int) -> None:
        self._journal = journal
        self._client = client
        self._tally = tally
        self._began = began_ns
        self._asked: int | None = None
        self._answered: int | None = None
        self._first_chunk: int | None = None
        self._last_chunk = 0
        self._pause = 0  # the longest between two pieces
        self._waited = 0  # for the client, until the last piece
        self._uploaded: int | None = None
        self._client_took = 0
        self._asked_noted = False
        self._ended = False
        self._told = 0
        self._held: Started | None = None
        self._begun = 0
        self.call_id = call_id
        self.request: Capture | None = None
        self.response: Capture | None = None
        self.response_headers: Headers = ()
        self.status: int | None = None
        self.ticket = 0  # of its last note

    @property
    def began_ns(self) -> int:
        """When it began, on the monotonic clock."""
        return self._began

    @property
    def ended(self) -> bool:
        """Whether the last note is written."""
        return self._ended

    def client_took(self, nanoseconds: int) -> None:
        """Time spent waiting for the client's body: not ours."""
        self._client_took += nanoseconds

    def hold(self, started: Started) -> None:
        """Before anything else. Noted with what is noted next, or with `begun`, whatever comes first."""
        self._held = started

    def begun(self) -> int:
        """See to it that the beginning is noted: before waiting for anything. Returns the journal's ticket."""
        if self._held is not None:
            self._begun = self._put()
        return self._begun

    def mark_asked(self) -> None:
        """The request to the upstream begins now."""
        self._asked = time.perf_counter_ns()

    def mark_uploaded(self) -> None:
        """The request, which is passed on as it comes, is passed on whole."""
        self._uploaded = time.perf_counter_ns()

    def mark_answered(self) -> None:
        """The head of the upstream's answer is here."""
        self._answered = time.perf_counter_ns()

    def mark_chunk(self) -> None:
        """A piece of the upstream's body is here."""
        now, waited = time.perf_counter_ns(), self._client.held_ns
        if self._first_chunk is None:
            self._first_chunk = now
        elif (pause := now - self._last_chunk - waited + self._waited) > self._pause:
            self._pause = pause
        self._last_chunk, self._waited = now, waited

    def note_asked(self) -> None:
        """The request body is as complete as it will get."""
        if not self._asked_noted and self.request is not None:
            self._asked_noted = True
            self._put(Asked(self.call_id, self.request.body()))
            self.request = None  # the journal has it; free the memory of a long call

    def note_told(self, body: Body, *, by_client: bool) -> int | None:
        """A message of a session tells this. Returns the journal's ticket, or None when the call is over."""
        if self._ended:
            return None
        self._told += 1
        return self._put(Told(self.call_id, by_client, body))

    def note_ended(
        self,
        outcome: Outcome,
        *,
        sent: int,
        failure: Failure | None = None,
        body: Body | None = None,
        repeats: bytes | None = None,
        close: Close | None = None,
    ) -> int | None:
        """The call is over. Returns the journal's ticket, or None when that was noted before."""
        if self._ended:
            return None
        self.note_asked()
        self._ended = True
        now, waited = time.perf_counter_ns(), self._client.held_so_far_ns
        began = self._first_chunk is not None
        pause = max(self._pause, now - self._last_chunk - waited + self._waited)  # it may be silent yet
        if body is None:
            body = self.response.body() if self.response is not None else Body(0)
        ticket = self._put(
            Ended(
                call_id=self.call_id,
                outcome=outcome,
                status=self.status,
                duration_us=(now - self._began) // 1000,
                asked_us=self._since(self._asked),
                answered_us=self._since(self._answered),
                first_chunk_us=self._since(self._first_chunk),
                overhead_us=None if self._asked is None else self._since(self._asked - self._client_took),
                headers=self.response_headers,
                body=body,
                sent=sent,
                failure=failure,
                repeats=repeats,
                told=self._told,
                close=close,
                pause_us=pause // 1000 if began else None,
                held_us=waited // 1000 if began else None,
                uploaded_us=self._since(self._uploaded),
            )
        )
        self.response = None
        self._tally.count("ended")
        return ticket

    def _put(self, *notes: Asked | Told | Ended) -> int:
        """Hand notes over, together with the one that is held: that wakes the journal's thread once."""
        held = self._held
        if held is None:
            self.ticket = self._journal.put(*notes)
        else:
            self._held = None
            self.ticket = self._begun = self._journal.put(held, *notes)
        return self.ticket

    def _since(self, moment: int | None) -> int | None:
        return None if moment is None else max(0, moment - self._began) // 1000
