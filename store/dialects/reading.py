"""From the bytes of one exchange to a `Reading`: the steps every dialect shares.

Streams are read at their ends first: the model stands in the first event and usage in one of the last. Only when
they do not say everything, or do not add up, every event is read.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from proxy.journal.notes import Headers
from store.anomalies import Anomalies
from store.call import NO_UNITS, CallType, Reading, Tokens
from store.dialects import checks, cut_json, estimate, multipart
from store.dialects.answer import Answer, Counted
from store.dialects.beside import completed, tier_in
from store.dialects.billed import portions_of, units_of
from store.dialects.call_types import (
    call_type,
    deferred_in_path,
    deployment_in_path,
    is_work,
    model_in_path,
    streams_by_path,
    without_arn,
)
from store.dialects.counts import name
from store.dialects.dialect import Asked, AskedForLater, AskedForVideo, Dialect
from store.dialects.document import Document, Form
from store.dialects.errors import error_in
from store.dialects.labels import labels_in
from store.dialects.reported_cost import reported_cost_usd
from store.dialects.shape import NOT_JSON, Shape
from store.dialects.stream import Stream, stream_of

_METERED = frozenset((
    "chat", "completion", "embedding", "image", "speech", "transcription", "translation", "moderation", "rerank",
))  # fmt: skip
_ESTIMATED = frozenset(("chat", "completion", "embedding"))
_WINDOWS = (1024, 8192)  # how much of the end of a stream to read before reading all of it
_NOT_COUNTED = Counted(None)
_asked = Shape(Asked)
_FOR_LATER: tuple[tuple[str, Shape[Any]], ...] = (
    ("/async-invoke", Shape(AskedForLater)),
    ("/video_generation", Shape(AskedForVideo)),
)


class _Session(msgspec.Struct):
    model: Any = None


_session = msgspec.json.Decoder(_Session).decode


def read_exchange(
    dialect: Dialect,
    method: str,
    path: str,
    query_model: str | None,
    request_headers: Headers,
    request: Document,
    status: int | None,
    response_headers: Headers,
    response: Document,
    counting: estimate.Counting | None = None,
    type_: CallType | None = None,
) -> Reading:
    """Everything the exchange tells. What nobody told of its tokens is estimated, by `counting` where it can.

    `type_`: where something else than method and path tells it.
    """
    if type_ is None:
        type_ = call_type(method, path)
    labels = labels_in(request_headers)
    asked = _request(request, request_headers)
    if type_ == "other" and (shape := next((one for end, one in _FOR_LATER if path.endswith(end)), None)) is not None:
        asked = shape.read(request)[0]
    if asked is not None:
        dialect.label(labels, asked)
    form: Form = response.form
    answer, counted, finished = Answer(), _NOT_COUNTED, False
    refused = status is not None and status >= 400
    if refused:
        answer.error = error_in(response, response_headers)
        finished = form in ("json", "events", "lines")
    elif form == "json":
        answer, counted, finished = _whole(dialect, response, type_)
    elif (stream := stream_of(response)) is not None:
        midway = dialect.adds_up or (dialect.tells_midway is not None and dialect.tells_midway(response.head))
        answer, counted, finished = _streamed(dialect, stream, type_, all_of_it=midway)
        if dialect.adds_up and (response.cut or not answer.ended):
            answer.usage, answer.raw_usage, counted = None, None, _NOT_COUNTED

    if method == "GET" and (deferred := deferred_in_path(path)) is not None:
        answer.background = True
        answer.id = deferred  # an answer of a task may have an id of its own each time
    metered = type_ in _METERED or (type_ == "other" and _is_charged(method, path, answer))
    if metered and not refused and not answer.pending:
        counted = completed(answer, counted, response_headers, type_)
    streamed = form == "events" or (form == "lines" and metered) or _asks_for_a_stream(dialect, path, asked)
    requested_model = _requested(path, asked) or query_model or _in_headers(path, request_headers)
    tokens = checks.without_negatives(counted.tokens) if metered and counted.tokens is not None else None
    anomalies: Anomalies = ()
    if metered:
        odd = checks.oddities(answer, requested_model, negative=tokens is not counted.tokens)
        anomalies = (*answer.anomalies, *counted.anomalies, *odd)
        if dialect.metered and status is not None and status < 400:
            anomalies += checks.unended(answer, form, response, finished=finished)
    reported = reported_cost_usd(answer.usage, answer.cost_usd, response_headers) if metered else None
    if metered and answer.billed_beside and reported is None:
        anomalies = (*anomalies, "billed_beside")
    answered = status is not None and status < 400 and form not in ("other", "empty") and not answer.pending
    # As the images of a model that is talked to; or nothing was told, because the model was not asked.
    told_otherwise = tokens is None and (bool(counted.units) or answer.instead)
    if answered and dialect.metered and type_ in _ESTIMATED and not told_otherwise:
        if tokens is None:
            count = counting(answer.model or requested_model) if counting is not None else None
            tokens = _estimated(type_, request, response, answer, count)
            if form in ("events", "lines") and answer.error is None:
                anomalies = (*anomalies, "no_usage")
        elif answer.output_open or (tokens.output is None and not (finished and form == "json")):
            count = counting(answer.model or requested_model) if counting is not None else None
            tokens = _output_estimated(tokens, response, count)
    return Reading(
        type=type_,
        requested_model=requested_model,
        model=answer.model,
        stream=streamed,
        tokens=tokens,
        units=units_of(type_, asked, answer, counted, response, response_headers)
        if metered and not refused
        else NO_UNITS,
        portions=portions_of(answer, counted, asked) if metered else (),
        raw_usage=answer.raw_usage if metered else None,
        reported_cost_usd=reported,
        service_tier=counted.service_tier or answer.service_tier or (tier_in(response_headers) if metered else None),
        error=answer.error if refused or (metered and method == "POST") else None,
        finish_reason=answer.finish_reason,
        finished=finished,
        response_id=answer.id if type_ != "model" else None,  # there it is the model's name
        background=answer.background,
        user=labels.user,
        session=labels.session,
        tags=labels.tags,
        anomalies=anomalies,
    )


def _is_charged(method: str, path: str, answer: Answer) -> bool:
    """Whether a call of type "other" is work of a model, or the only one to tell of it.

    Asking again for an earlier call (a poll, a list, a batch, its results) repeats what that call was charged, as
    often as somebody asks; so it is charged nothing, with one exception: what was made in the background, or deferred.
    Its POST was answered before there was any usage. (`store/retold.py` sees to it that it counts once.)
    """
    if method == "POST":
        return is_work(path)
    return method == "GET" and answer.background and not answer.pending


def _requested(path: str, asked: Asked | None) -> str | None:
    """The model that was asked for. What a path asks of a model, no body changes."""
    told = None
    if asked is not None:
        told = name(asked.model) or name(asked.model_id) or name(asked.foundation_model) or _reranker(asked.reranking)
    return model_in_path(path) or told or deployment_in_path(path)


def _reranker(configuration: Any) -> str | None:
    """The model in the configuration of Bedrock's reranking, by its ARN."""
    for member in ("bedrockRerankingConfiguration", "modelConfiguration", "modelArn"):
        configuration = configuration.get(member) if isinstance(configuration, dict) else None
    return name(without_arn(name(configuration) or ""))


def _in_headers(path: str, headers: Headers) -> str | None:
    """The model that the AI SDK's clients name in a header."""
    if not path.endswith("-model"):
        return None
    return next((value for header, value in headers if header in ("ai-language-model-id", "ai-model-id")), None)


def _request(request: Document, headers: Headers) -> Asked | None:
    """The members of a JSON body or of a form that say something about the call."""
    form = request.form
    if form == "json":
        asked = _asked.read(request)[0]
        if asked is not None and asked.model is None and (described := asked.session or asked.agent):
            asked.model = _model_of_session(described)
        return asked
    if form == "other" and (boundary := multipart.boundary_in(headers)) is not None:
        fields = multipart.fields(request, boundary)
        model = fields.get("model") or fields.get("model_id") or _model_of_session(fields.get("session", "").encode())
        return Asked(model=model, stream=fields.get("stream"), user=fields.get("user"), n=fields.get("n"))
    return None


def _model_of_session(described: msgspec.Raw | bytes) -> str | None:
    """The model of a realtime session that is prepared, or of an agent: by an object within the body, or in a form."""
    try:
        return name(_session(described).model)
    except NOT_JSON:
        return None


def _whole(dialect: Dialect, response: Document, type_: CallType) -> tuple[Answer, Counted, bool]:
    """One JSON document: an object, or an array of pieces sent one by one."""
    answer = Answer()
    if response.head.lstrip()[:1] == b"[" and dialect.in_arrays:
        _take_all(dialect, answer, cut_json.elements(Document(response.head)), type_)
        if response.cut:
            _take_torn(dialect, answer, response.tail, type_)
            _take_all(dialect, answer, cut_json.elements(Document(b"", response.tail, cut=True)), type_)
        return answer, _counted(dialect, answer, type_), answer.ended or cut_json.closed(response)
    piece, finished = dialect.piece.read(response)
    if piece is not None:
        dialect.take(answer, piece, type_)
    answer.output_open = False
    return answer, _counted(dialect, answer, type_), finished and not answer.open


def _asks_for_a_stream(dialect: Dialect, path: str, asked: Asked | None) -> bool:
    """Whether the request asks for one: by its path, its body, or by saying nothing where streams are usual."""
    if streams_by_path(path):
        return True
    told = asked.stream if asked is not None else None
    if told is None and dialect.streams_unless_told is not None:
        return path.endswith(dialect.streams_unless_told)
    return told in (True, "true")


def _streamed(
    dialect: Dialect, stream: Stream, type_: CallType, *, all_of_it: bool = False
) -> tuple[Answer, Counted, bool]:
    """The pieces of a stream: its ends if they suffice, else all."""
    for window in () if all_of_it else _WINDOWS:
        payloads = stream.ends(window)
        if payloads is None:
            break
        answer = Answer()
        _take_all(dialect, answer, payloads, type_)
        counted = _counted(dialect, answer, type_)
        whole = counted.tokens is not None and answer.ended and not answer.output_open and not counted.anomalies
        if whole and (answer.finish_reason is not None or type_ not in _ESTIMATED):
            return answer, counted, True
    answer = Answer()
    _take_all(dialect, answer, stream.before(), type_)
    if stream.torn and _take_torn(dialect, answer, stream.torn, type_) and stream.ends_torn:
        answer.ended, answer.output_open = True, False  # by the last event of all, which told the usage
    _take_all(dialect, answer, stream.after(), type_)
    return answer, _counted(dialect, answer, type_), answer.ended


def _take_all(dialect: Dialect, answer: Answer, payloads: Iterable[bytes], type_: CallType) -> None:
    parse, take = dialect.piece.parse, dialect.take
    for payload in payloads:
        if payload.strip() == b"[DONE]":
            answer.ended, answer.output_open = True, False
        elif (piece := parse(payload)) is not None:
            take(answer, piece, type_)


def _take_torn(dialect: Dialect, answer: Answer, torn: bytes, type_: CallType) -> bool:
    """The end of an event whose beginning was not kept: a streamed response repeats all its output before its usage.

    Read no deeper than where the usage stands; True when there is one.
    """
    known = answer.raw_usage
    for members in cut_json.levels(torn):
        piece = dialect.piece.gather(members)
        if piece is not None:
            dialect.take(answer, piece, type_)
        if answer.raw_usage is not known:
            return True
    return False


def _counted(dialect: Dialect, answer: Answer, type_: CallType) -> Counted:
    return _NOT_COUNTED if answer.usage is None else dialect.count(answer.usage, type_)


def _estimated(
    type_: CallType, request: Document, response: Document, answer: Answer, count: estimate.Count | None
) -> Tokens | None:
    """An estimate of both directions; None when no model has answered: nothing but an error, or nothing at all.

    No request is empty: one without text, or that was not kept, has a number of tokens that nobody can tell.
    """
    said = estimate.Said() if type_ == "embedding" else _said(response)
    if said.nothing and (answer.error is not None or not _by_a_model(type_, answer)):
        return None
    incoming = estimate.asked(request, conversation=type_ == "chat").tokens(count) or None
    if incoming is None and said.nothing:
        return None
    return Tokens("estimated", input_uncached=incoming, output_text=said.tokens(count))


def _by_a_model(type_: CallType, answer: Answer) -> bool:
    """Whether an answer without text is a model's all the same."""
    return type_ == "embedding" or answer.model is not None or answer.finish_reason is not None


def _output_estimated(tokens: Tokens, response: Document, count: estimate.Count | None) -> Tokens:
    """The reported input, with an output at least as large as the text that was seen."""
    seen = _said(response).tokens(count)
    return msgspec.structs.replace(tokens, source="estimated", output_text=max(seen, tokens.output_text or 0))


def _said(response: Document) -> estimate.Said:
    stream = stream_of(response)
    return estimate.answered(response) if stream is None else estimate.streamed(stream.all())
