"""A session over a websocket: from what was told on its way to one `Reading` for all of it.

Every finished response (OpenAI, Azure, xAI, the responses API) and every turn (Gemini) tells its own usage, and they
are added up: each is charged with all of the conversation that went before. The transcription of what was spoken is
another model's work, and so are responses by another model than the first: portions. Services that only transcribe tell
at the end how much they heard (Deepgram), how long the session was (AssemblyAI), or a usage (Mistral). OpenAI's Live is
billed by its length, which it tells as it grows, and whom it delegates to by their tokens. Deepgram's speech is billed
by characters.

An `error` event ends no session. It is the session's error when it was its last word: the upstream then ended it, or
the client gave up without ever having got an answer.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec

from proxy.journal.notes import Close, Headers
from store.anomalies import Anomalies, Anomaly
from store.call import CallError, CallType, Portion, Reading, Tokens, Units
from store.dialects import checks, families
from store.dialects.answer import Counted
from store.dialects.counts import Counts, name
from store.dialects.document import Document
from store.dialects.errors import error_of
from store.dialects.labels import labels_in
from store.dialects.openai_tools import image_model
from store.dialects.openai_usage import count_usage
from store.dialects.realtime_counts import added, of_response, of_turn, seconds_of
from store.dialects.realtime_events import event_in, object_in

_REALTIME = re.compile(
    r".*(/realtime(/[^/]+)?|/live/sessions(/[^/]+/(attach|fork))?|/interactions/live"
    r"|/listen|/speak|/agent/converse|/v3/ws|/(multi-)?stream-input|/convai/conversation"
    r"|[./]BidiGenerate(Content|Music)\w*)/?"
)
_RESPONSES = re.compile(r".*/responses/?")
_DONE = frozenset({"response.done", "response.completed", "response.incomplete", "response.failed"})
_ENDED = frozenset({"close_requested", "expired", "remote_hangup"})  # a Live session, because somebody wanted it to
_IN_ORDER = frozenset({1000, 1001, 1005, 1012})  # an end, a page left, a server restarted: no errors
_MOST_TOLD = 100  # usage objects kept as they came

_encode = msgspec.json.Encoder(decimal_format="number").encode


class Line(msgspec.Struct, frozen=True):
    """One message that told something."""

    by_client: bool
    document: Document


def session_type(path: str) -> CallType:
    """The type of a session, by its path."""
    if _RESPONSES.fullmatch(path):
        return "chat"
    return "realtime" if _REALTIME.fullmatch(path) else "other"


def read_told(
    path: str,
    query_model: str | None,
    request_headers: Headers,
    told: Iterable[Line],
    *,
    close: Close | None,
    broken: bool,
    missing: bool,
) -> Reading:
    """What a session tells. `broken`: the upstream ended it without closing; `missing`: not all it told is here."""
    session = _Session(requested=query_model)
    for line in told:
        if (event := event_in(line.document)) is not None:
            session.take(event, by_client=line.by_client)
    session.settle()
    labels = labels_in(request_headers)
    by_upstream = broken or (close is not None and close.by == "upstream")
    anomalies: tuple[Anomaly, ...] = session.anomalies
    if families.differ(session.requested or query_model, session.model):
        anomalies = (*anomalies, "model_family_mismatch")
    if missing:
        anomalies = (*anomalies, "told_in_part")
    if session.answers and session.tokens is None and session.units == Units():
        anomalies = (*anomalies, "no_usage")
    return Reading(
        type=session_type(path),
        requested_model=session.requested or query_model,
        model=session.model,
        stream=True,
        tokens=session.tokens,
        units=session.units,
        portions=session.portions(),
        raw_usage=_encode(session.raw) if session.raw else None,
        service_tier=session.service_tier,
        error=_error(session, close, by_upstream=by_upstream),
        finish_reason=session.finish_reason,
        finished=close is not None and close.by != "tollbook",
        response_id=session.id,
        user=labels.user,
        session=labels.session,
        tags=labels.tags,
        anomalies=anomalies,
    )


def _error(session: "_Session", close: Close | None, *, by_upstream: bool) -> CallError | None:
    if session.error is not None and (by_upstream or not session.answers):
        return session.error
    if close is not None and close.by == "upstream" and close.code not in _IN_ORDER:
        return CallError("websocket_close", str(close.code), close.reason or None)
    return None


@dataclass(slots=True)
class _Share:
    """What one model did."""

    tokens: Tokens | None = None
    seconds: Decimal | None = None
    messages: int | None = None  # typed

    def add(self, counted: Counted, seconds: Decimal | None, messages: int | None = None) -> None:
        self.tokens = added(self.tokens, counted.tokens)
        if messages is not None:
            self.messages = (self.messages or 0) + messages
        if seconds is not None:
            self.seconds = (self.seconds or Decimal(0)) + seconds


@dataclass(slots=True)
class _Session:
    """Filled message by message."""

    requested: str | None
    model: str | None = None
    transcriber: str | None = None
    id: str | None = None
    service_tier: str | None = None
    finish_reason: str | None = None
    error: CallError | None = None  # the last, when nothing was answered after it
    answers: int = 0
    raw: list[Any] = field(default_factory=list)
    _shares: dict[str | None, _Share] = field(default_factory=dict)  # by model; None: that of the session
    _heard: dict[str | None, _Share] = field(default_factory=dict)  # by transcribing model
    _searches: dict[str, int] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)
    _length: Decimal | None = None  # of all of the session: told at the end, or as it grows
    _characters: int | None = None  # spoken
    _turn: dict[str, Any] | None = None
    _turn_over: bool = False
    _anomalies: list[Anomaly] = field(default_factory=list)

    @property
    def tokens(self) -> Tokens | None:
        share = self._shares.get(None)
        return share.tokens if share is not None else None

    @property
    def units(self) -> Units:
        share = self._shares.get(None)
        heard = share.seconds if share is not None else None
        return Units(
            seconds=self._length if heard is None else heard,
            characters=self._characters,
            text_messages=share.messages if share is not None else None,
            web_searches=self._searches.get("web_search_call"),
            file_searches=self._searches.get("file_search_call"),
        )

    @property
    def anomalies(self) -> Anomalies:
        return tuple(dict.fromkeys(self._anomalies))

    def portions(self) -> tuple[Portion, ...]:
        shares = [(model, one) for model, one in self._shares.items() if model is not None]
        shares += [(model or "unknown", one) for model, one in self._heard.items()]
        return tuple(Portion(model, one.tokens, Units(seconds=one.seconds)) for model, one in shares)

    def take(self, event: dict[str, Any], *, by_client: bool) -> None:
        kind = event.get("type", event.get("event_type"))  # the second: of Gemini's interactions
        if by_client:
            self._take_asked(event)
        elif "usageMetadata" in event or "serverContent" in event:
            self._take_live(event)
        elif isinstance(kind, str):
            self._take_event(kind, event)

    def _take_asked(self, event: dict[str, Any]) -> None:
        for asked in (event.get("setup"), event.get("session"), event.get("response"), event):
            if isinstance(asked, dict) and (model := name(asked.get("model"))) is not None:
                # Gemini knows no other place for it; elsewhere the address has the first word.
                known = None if "setup" in event else self.requested
                self.requested = known or model.rpartition("models/")[2]

    def _take_event(self, kind: str, event: dict[str, Any]) -> None:
        if "session." in kind:
            self._take_session(object_in(event.get("session")))
            self._take_length(kind, event)
        elif kind in _DONE:
            self._take_response(object_in(event.get("response")), event)
        elif kind in ("transcription.done", "speech.audio.done"):
            self._take_response(event, event)
        elif kind in ("response.event", "decision.event"):
            self._take_delegated(object_in(event.get("event")))
        elif kind == "interaction.completed":
            self._take_interaction(object_in(event.get("usage")))
        elif kind == "Metadata":
            self.id = self.id or name(event.get("request_id"))
            self.model = self.model or name(event.get("model_name"))
            self._end(seconds_of(event, "duration"))
        elif kind == "Termination":
            self._end(seconds_of(event, "session_duration_seconds", "audio_duration_seconds"))
        elif kind == "SpeechMetadata":
            self._characters = (self._characters or 0) + (Counts().of(event.get("billable_character_count")) or 0)
        elif kind == "SessionMetadata":
            told = Counts().of(event.get("total_billable_character_count"))
            self._characters = self._characters if told is None else told
            self.answers += 1
        elif kind.startswith("conversation.item.") and kind.endswith(".completed"):
            self._take_heard(event)
        elif kind in ("error", "Error"):
            self.error = error_of(event) or CallError(None, None, None)

    def _take_length(self, kind: str, event: dict[str, Any]) -> None:
        """How long a Live session is until now, and whether it ended as somebody wanted it to."""
        length = seconds_of(object_in(event.get("usage")), "seconds")
        if length is not None:
            self._end(length)
        if kind == "session.closed":
            self.finish_reason = name(event.get("reason"))
            if self.finish_reason in _ENDED:
                self.error = None

    def _take_delegated(self, event: dict[str, Any]) -> None:
        """What a Live session had another model do: a response, or a decision."""
        kind = name(event.get("type"))
        if kind in _DONE:
            self._take_response(object_in(event.get("response")), event)
        elif kind == "decision.completed":
            decision = object_in(event.get("decision"))
            if usage := object_in(decision.get("usage")):
                counted = of_response(usage)
                self._keep(usage, counted)
                self._share(name(decision.get("model"))).add(counted, None)

    def _take_interaction(self, usage: dict[str, Any]) -> None:
        self.answers += 1
        self.error = None
        if usage:
            counted = of_turn(usage)
            self._keep(usage, counted)
            self._share(None).add(counted, None)

    def _end(self, length: Decimal | None) -> None:
        self._length = length or self._length
        self.answers += 1

    def _take_session(self, session: dict[str, Any]) -> None:
        self.id = self.id or name(session.get("id"))
        self.model = self.model or name(session.get("model"))
        heard = object_in(object_in(session.get("audio")).get("input")).get("transcription")
        heard = heard or session.get("input_audio_transcription")
        self.transcriber = name(object_in(heard).get("model")) or self.transcriber

    def _take_response(self, response: dict[str, Any], event: dict[str, Any]) -> None:
        if self._again(response.get("id")):
            return
        status = name(response.get("status"))
        details = object_in(response.get("status_details")) or object_in(response.get("incomplete_details"))
        self.finish_reason = name(details.get("reason")) or status
        error = details.get("error") or response.get("error")
        if status == "failed" or error:
            self.error = error_of({"error": error}) or CallError(None, status, None)
        else:
            self.error = None
            self.answers += 1
        self.service_tier = name(response.get("service_tier")) or self.service_tier
        usage = object_in(response.get("usage")) or object_in(event.get("usage"))
        if not usage:
            return
        model = name(response.get("model"))
        self.model = self.model or model
        counted = of_response(usage)
        self._keep(usage, counted)
        seconds = seconds_of(usage, "billable_audio_seconds", "prompt_audio_seconds")
        messages = Counts().of(usage.get("input_text_messages"))
        self._share(None if model == self.model else model).add(counted, seconds, messages)
        self._take_tools(response)

    def _take_tools(self, response: dict[str, Any]) -> None:
        """What its tools did: as the response says itself what is billed, else by the items of its output."""
        items = response.get("output")
        used = object_in(response.get("tool_usage"))
        billed = Counts().of(object_in(used.get("web_search")).get("num_requests"))
        for kind in ("web_search_call", "file_search_call"):
            done = sum(1 for item in items if object_in(item).get("type") == kind) if isinstance(items, list) else 0
            done = done if billed is None or kind != "web_search_call" else billed
            if done:
                self._searches[kind] = self._searches.get(kind, 0) + done
        made = object_in(used.get("image_gen"))
        if made.get("total_tokens") or made.get("output_tokens"):
            self._share(image_model(response.get("tools"))).add(count_usage(made, "image"), None)

    def _take_heard(self, event: dict[str, Any]) -> None:
        usage = object_in(event.get("usage"))
        if not usage or self._again(f"{event.get('item_id')} {event.get('content_index')}"):
            return
        counted = of_response(usage)
        self._keep(usage, counted)
        share = self._heard.setdefault(self.transcriber, _Share())
        share.add(counted, seconds_of(usage, "seconds"))

    def _take_live(self, event: dict[str, Any]) -> None:
        usage, content = object_in(event.get("usageMetadata")), event.get("serverContent")
        over = bool(object_in(content).get("turnComplete"))
        if usage:  # within a turn it grows, as in a stream: of each count the last one holds
            self._turn = (self._turn or {}) | {key: value for key, value in usage.items() if value is not None}
        late = self._turn_over and content is None  # told after the turn that it is of
        if self._turn is not None and (over or late):
            self._end_turn()
            over = False
        if over:
            self.answers += 1
        self._turn_over = over

    def _end_turn(self) -> None:
        turn, self._turn = self._turn, None
        if turn is not None:
            counted = of_turn(turn)
            self._keep(turn, counted)
            self._share(None).add(counted, None)
            self.service_tier = counted.service_tier or self.service_tier
            self.answers += 1
            self.error = None

    def settle(self) -> None:
        """Nothing more comes. A session that only transcribes has no model but the one that does."""
        self._end_turn()
        if self.model is None and not self._shares and len(self._heard) == 1:
            ((model, share),) = self._heard.items()
            self.model, self._shares, self._heard = model, {None: share}, {}

    def _share(self, model: str | None) -> _Share:
        return self._shares.setdefault(model, _Share())

    def _keep(self, usage: dict[str, Any], counted: Counted) -> None:
        self._anomalies += counted.anomalies
        if checks.tells_a_negative(usage):
            self._anomalies.append("negative_count")
        if len(self.raw) < _MOST_TOLD:
            self.raw.append(usage)

    def _again(self, id_: Any) -> bool:
        """Whether this was told before: what is resumed may be repeated."""
        if not isinstance(id_, str):
            return False
        if id_ in self._seen:
            return True
        self._seen.add(id_)
        return False
