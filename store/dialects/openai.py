"""OpenAI and everything compatible with it: chat completions, completions, responses, embeddings, images, audio,
moderations, reranking, runs of assistants, Mistral's OCR.

A run of an assistant is told by objects of several kinds; only the run itself counts, because its steps tell parts of
the same tokens. It goes on by itself: unless it is streamed, only who asks how it stands is told what it took. Audio
that was answered with bare text or subtitles has an unknown length: the last subtitle says when somebody stopped
speaking, not how long the recording was.
"""

from typing import Any

import msgspec

from store.call import CallType, Portion
from store.dialects.answer import Answer
from store.dialects.beside import timings_in
from store.dialects.counts import Counts, name
from store.dialects.dialect import Asked, Dialect
from store.dialects.errors import error_of
from store.dialects.labels import Labels
from store.dialects.openai_tools import (
    EXECUTED,
    Item,
    ToolUsage,
    drawn_by,
    take_executed,
    take_items,
    take_tool_usage,
)
from store.dialects.openai_usage import count_usage, seconds_of
from store.dialects.shape import NOT_JSON, Shape

_WAITING = frozenset(("queued", "in_progress", "requires_action", "cancelling", "CREATED", "IN_PROGRESS"))
_FINAL_STATUS = frozenset(("completed", "incomplete", "failed", "cancelled", "expired", "idle"))
_LAST_EVENTS = frozenset((
    "response.completed", "response.incomplete", "response.failed", "transcript.text.done",
    "speech.audio.done", "transcription.done", "image_generation.completed", "image_edit.completed",
    "conversation.response.done", "agent.session.idle", "agent.session.failed",
))  # fmt: skip
_ERRORS = ("error", "conversation.response.error")  # the second is of Mistral
_GROQ, _NEAR_AN_END = b'"x_groq"', 4096  # bytes
_METRICS = ("prompt_tokens", "completion_tokens", "total_tokens")  # Meta's, behind `num_`
_BESIDE_THE_RUN = ("thread.message", "thread.run.step", "thread.created")


class Choice(msgspec.Struct):
    index: Any = None
    finish_reason: Any = None
    stop_reason: Any = None  # instead of it, by open models behind Bedrock
    error: Any = None
    usage: msgspec.Raw = msgspec.Raw()
    message: msgspec.Raw = msgspec.Raw()
    delta: msgspec.Raw = msgspec.Raw()


class Breakdown(msgspec.Struct):
    """Groq's: what each model behind an agent took of the whole usage."""

    models: list[dict[str, Any]] | None = None


class GroqPart(msgspec.Struct):
    usage: msgspec.Raw = msgspec.Raw()
    usage_breakdown: Breakdown | None = None
    error: Any = None


class Pages(msgspec.Struct):
    pages_processed: Any = None
    annotated: Any = msgspec.field(name="pages_processed_annotation", default=None)  # beside the others


class Agent(msgspec.Struct):
    """Who answered; or what it did, which names who it was."""

    model: Any = None


class Response(msgspec.Struct):
    """The object that the events of a streamed response carry, and a whole response is; or the session of an agent."""

    id: Any = None
    model: Any = None
    agent: Agent | None = None
    status: Any = None
    service_tier: Any = None
    usage: msgspec.Raw = msgspec.Raw()
    error: Any = None
    incomplete_details: Any = None
    background: Any = None
    output: list[Item] | None = None
    tool_usage: ToolUsage | None = None
    tools: msgspec.Raw = msgspec.Raw()


class Piece(Response):
    type: Any = None
    object: Any = None
    choices: list[Choice] | None = None
    response: Response | None = None
    session: Response | None = None  # of an agent, which tells what all of its turns took
    x_groq: GroqPart | None = None
    usage_breakdown: Breakdown | None = None
    usage_info: Pages | None = None
    document_annotation: Any = None
    svg_usage: dict[str, Any] | None = None
    last_error: Any = None
    message: Any = None
    code: Any = None
    base_resp: Any = None  # MiniMax: how it went, whatever the status
    error_code: Any = None  # Baidu: likewise, when it went wrong
    error_msg: Any = None
    outputs: msgspec.Raw = msgspec.Raw()  # of a conversation of Mistral's, which name its model; or a video
    data: msgspec.Raw = msgspec.Raw()
    images: msgspec.Raw = msgspec.Raw()  # instead of it, by those who make nothing else
    duration: Any = None
    cost: Any = None
    timings: Any = None  # llama.cpp's, as the two below are of its own completions
    stop: Any = None
    stop_type: Any = None
    completion_message: Any = None  # of Meta's own API, with the metrics beside it
    metrics: Any = None
    event: Any = None  # likewise of its streams, with the metrics in it


class _Counted(msgspec.Struct):
    """One of a list, of which only the number is of interest."""


_counted = msgspec.json.Decoder(list[_Counted])
_outputs = msgspec.json.Decoder(list[Agent])


def _take(answer: Answer, piece: Piece, type_: CallType) -> None:
    if type(piece.object) is str and piece.object.startswith("thread"):
        if _is_beside_the_run(piece.object):
            return
        answer.background = True  # a run goes on by itself, and tells its usage when it is done
    if type(piece.type) is str and piece.type.startswith("agent.session."):
        _take_session(answer, piece)
        return
    told = _take_response(answer, piece, streamed=piece.type is not None)
    if piece.response is not None:
        _take_response(answer, piece.response, streamed=True)
    if piece.choices:
        choice = piece.choices[0]
        reason = name(choice.finish_reason) or name(choice.stop_reason)
        if reason:
            if not choice.index or answer.finish_reason is None:  # of several, the first
                answer.finish_reason = reason
            answer.ended = True
        told = answer.take_usage(choice.usage) or told  # Moonshot's streams tell it here
        if piece.x_groq is not None:
            take_executed(answer, choice.message, whole=True)
        if EXECUTED in bytes(choice.delta):
            take_executed(answer, choice.delta, whole=False)
        if told:  # by some with every chunk, as it grows: final is the one with or after the finish reason
            answer.output_open = not answer.ended
        if choice.error:
            answer.error = answer.error or error_of({"error": choice.error})
    elif told:
        answer.output_open = False
    if piece.type is not None:
        if _is_an_error(piece):
            answer.error = answer.error or error_of({"type": piece.type, "message": piece.message, "code": piece.code})
            answer.ended = True
        elif type(piece.type) is str and piece.type in _LAST_EVENTS:
            answer.ended = True
            if type_ == "image":
                answer.tell("images", (answer.units or {}).get("images", 0) + 1)
    if piece.x_groq is not None:
        answer.take_usage(piece.x_groq.usage)
        _take_breakdown(answer, piece.x_groq.usage_breakdown)
        if piece.x_groq.error:
            answer.error = answer.error or error_of({"error": piece.x_groq.error})
    if piece.usage_breakdown is not None:
        _take_breakdown(answer, piece.usage_breakdown)
    if piece.last_error:
        answer.error = answer.error or error_of({"error": piece.last_error})
    if piece.base_resp is not None or piece.error_code is not None:
        _take_refusal(answer, piece)
    if piece.cost is not None:
        answer.cost_usd = piece.cost
    if piece.stop is True:
        answer.finish_reason = name(piece.stop_type) or answer.finish_reason
        answer.ended = True
    if piece.timings is not None and answer.ended:
        answer.beside = timings_in(piece.timings)
    if isinstance(event := piece.completion_message or piece.event, dict):
        _take_event(answer, event, piece.metrics or event.get("metrics"))
    if answer.model is None and bytes(piece.outputs)[:1] == b"[":
        _take_model(answer, piece.outputs)
    if type_ == "image":
        _take_images(answer, piece)
    elif type_ in ("transcription", "translation"):
        answer.tell("seconds", seconds_of(piece.duration))
    elif piece.usage_info is not None:
        _take_pages(answer, piece.usage_info, annotated=bool(piece.document_annotation))


def _take_session(answer: Answer, piece: Piece) -> None:
    """An event of an agent's session. What its turns tell is a part of what it tells."""
    if piece.session is not None:
        _take_response(answer, piece.session, streamed=True)
    answer.ended = answer.ended or piece.type in _LAST_EVENTS


def _is_an_error(piece: Piece) -> bool:
    """By its type, by the kind of error that is its type, or as older servers of open models say it."""
    kind = piece.type
    return kind in _ERRORS or piece.object == "error" or (type(kind) is str and kind.endswith("_error"))


def _is_beside_the_run(kind: str) -> bool:
    return kind == "thread" or kind.startswith(_BESIDE_THE_RUN)


def _take_response(answer: Answer, piece: Response, streamed: bool) -> bool:
    """Whether there is a usage in it."""
    answer.id = answer.id or name(piece.id)
    answer.model = answer.model or name(piece.model)
    if piece.agent is not None:
        answer.model = answer.model or name(piece.agent.model)
    if piece.service_tier is not None:
        answer.service_tier = name(piece.service_tier) or answer.service_tier
    told = answer.take_usage(piece.usage)
    if piece.error:
        answer.error = answer.error or error_of({"error": piece.error, "code": getattr(piece, "code", None)})
        answer.ended = True
    if piece.output or piece.tool_usage is not None:
        take_items(answer, piece.output or [])
    if piece.tool_usage is not None:
        take_tool_usage(answer, piece.tool_usage, piece.tools)
    if piece.background is True:
        answer.background = True
    if piece.status is not None:
        status = name(piece.status)
        # A stream that breaks off has answered something, unless the work goes on without it.
        answer.pending = status in _WAITING and (not streamed or answer.background)
        if status in _FINAL_STATUS:
            answer.ended = True
            details = piece.incomplete_details
            answer.finish_reason = (name(details.get("reason")) if isinstance(details, dict) else None) or status
    return told


def _take_breakdown(answer: Answer, breakdown: Breakdown | None) -> None:
    """The models behind an agent: what they took is the usage, else nobody can tell whose it was.

    (In some of Groq's streams each of them is told to have taken all of it.)
    """
    if breakdown is None or not breakdown.models or answer.usage is None:
        return
    portions = []
    for part in breakdown.models:
        model, usage = name(part.get("model")), part.get("usage")
        if model is not None and isinstance(usage, dict):
            portions.append(Portion(model, count_usage(usage, "chat").tokens, beside=False))
    whole = count_usage(answer.usage, "chat").tokens
    parts = sum(portion.tokens.total or 0 for portion in portions if portion.tokens is not None)
    if whole is None or whole.total != parts:
        answer.note("parts_over_total" if whole is not None and parts > (whole.total or 0) else "total_mismatch")
        portions = []
    answer.portions = tuple(portions)


def _take_refusal(answer: Answer, piece: Piece) -> None:
    """What is refused with a status of 200; a code of 0 says that nothing is."""
    told = piece.base_resp if isinstance(piece.base_resp, dict) else {}
    if piece.error_code or told.get("status_code"):
        refused = {"error_code": piece.error_code, "error_msg": piece.error_msg, "base_resp": told}
        answer.error = answer.error or error_of(refused)
        answer.ended = True


def _take_event(answer: Answer, event: dict[str, Any], metrics: Any) -> None:
    """What Meta's own API says, and how much of it."""
    if (reason := name(event.get("stop_reason"))) is not None:
        answer.finish_reason = reason
        answer.ended = True
    told = [one for one in metrics if isinstance(one, dict)] if isinstance(metrics, list) else []
    values = {name(one.get("metric")): one.get("value") for one in told}
    answer.take_counts(**{count: values.get(f"num_{count}") for count in _METRICS})


def _take_model(answer: Answer, outputs: msgspec.Raw) -> None:
    try:
        answer.model = next(filter(None, (name(one.model) for one in _outputs.decode(outputs))), None)
    except NOT_JSON:
        pass  # outputs of another kind


def _take_images(answer: Answer, piece: Piece) -> None:
    try:
        answer.tell("images", len(_counted.decode(piece.data or piece.images)))
    except NOT_JSON:
        pass  # an event, or an answer without images
    if piece.svg_usage is not None:
        answer.portions = (drawn_by(piece.svg_usage),)


def _take_pages(answer: Answer, told: Pages, annotated: bool) -> None:
    pages = Counts().of(told.pages_processed)
    apart = Counts().of(told.annotated)
    if apart is not None:
        answer.tell("annotated_pages", apart)
        answer.tell("pages", apart + (pages or 0))
        return
    answer.tell("pages", pages)
    if annotated:
        answer.tell("annotated_pages", pages)


def _label(labels: Labels, asked: Asked) -> None:
    if asked.user is not None:
        labels.set_user(asked.user)
    if asked.safety_identifier is not None:
        labels.set_user(asked.safety_identifier)
    if asked.metadata is not None:
        labels.tag_all(asked.metadata)


def _tells_tools_midway(head: bytes) -> bool:
    """Groq's streams do, which say at one end that they are Groq's: looking through all others would take as long as
    reading their ends."""
    return (_GROQ in head[:_NEAR_AN_END] or _GROQ in head[-_NEAR_AN_END:]) and EXECUTED in head


OPENAI = Dialect(Shape(Piece), _take, count_usage, _label, tells_midway=_tells_tools_midway)
