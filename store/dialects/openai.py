"""OpenAI and everything compatible with it: chat completions, completions, responses, embeddings, images, audio,
moderations.

Input includes cached and written tokens, output includes reasoning. Where the total says otherwise, it is right: xAI's
chat and Gemini's compatible endpoint keep reasoning outside of the output, Voxtral keeps audio outside of the input.
"""

from decimal import Decimal
from typing import Any

import msgspec

from store.anomalies import Anomaly
from store.call import CallType, Tokens
from store.dialects.answer import Answer, Counted, Told
from store.dialects.counts import Counts, all_sound, name
from store.dialects.dialect import Asked, Dialect
from store.dialects.errors import error_of
from store.dialects.labels import Labels
from store.dialects.shape import NOT_JSON, Shape

_FINAL_STATUS = frozenset(("completed", "incomplete", "failed", "cancelled"))
_LAST_EVENTS = frozenset((
    "response.completed", "response.incomplete", "response.failed", "error", "transcript.text.done",
    "speech.audio.done", "image_generation.completed", "image_edit.completed",
))  # fmt: skip


class Choice(msgspec.Struct):
    finish_reason: Any = None


class GroqPart(msgspec.Struct):
    usage: msgspec.Raw = msgspec.Raw()
    error: Any = None


class Response(msgspec.Struct):
    """The object that the events of a streamed response carry, and a whole response is."""

    id: Any = None
    model: Any = None
    status: Any = None
    service_tier: Any = None
    usage: msgspec.Raw = msgspec.Raw()
    error: Any = None
    incomplete_details: Any = None


class Piece(Response):
    type: Any = None
    choices: list[Choice] | None = None
    response: Response | None = None
    x_groq: GroqPart | None = None
    message: Any = None
    code: Any = None
    data: msgspec.Raw = msgspec.Raw()
    duration: Any = None
    cost: Any = None


class _Item(msgspec.Struct):
    """One of a list, of which only the number is of interest."""


_items = msgspec.json.Decoder(list[_Item])


def _take(answer: Answer, piece: Piece, type_: CallType) -> None:
    _take_response(answer, piece)
    if piece.response is not None:
        _take_response(answer, piece.response)
    if piece.choices:
        reason = name(piece.choices[0].finish_reason)
        if reason:
            answer.finish_reason = reason
            answer.ended = True
    if piece.type is not None:
        if piece.type == "error" and answer.error is None:
            answer.error = error_of({"type": piece.type, "message": piece.message, "code": piece.code})
        if type(piece.type) is str and piece.type in _LAST_EVENTS:
            answer.ended = True
            if type_ == "image":
                answer.tell("images", (answer.units or {}).get("images", 0) + 1)
    if piece.x_groq is not None:
        answer.take_usage(piece.x_groq.usage)
    if piece.cost is not None:
        answer.cost_usd = piece.cost
    if type_ == "image":
        _count_images(answer, piece)
    elif type_ in ("transcription", "translation") and isinstance(piece.duration, (int, float, str)):
        answer.tell("seconds", _seconds(piece.duration))


def _take_response(answer: Answer, piece: Response) -> None:
    answer.id = answer.id or name(piece.id)
    answer.model = answer.model or name(piece.model)
    if piece.service_tier is not None:
        answer.service_tier = name(piece.service_tier) or answer.service_tier
    answer.take_usage(piece.usage)
    if piece.error:
        answer.error = answer.error or error_of({"error": piece.error, "code": getattr(piece, "code", None)})
        answer.ended = True
    if piece.status is not None:
        status = name(piece.status)
        answer.pending = status in ("queued", "in_progress")
        if status in _FINAL_STATUS:
            answer.ended = True
            details = piece.incomplete_details
            answer.finish_reason = (name(details.get("reason")) if isinstance(details, dict) else None) or status


def _count_images(answer: Answer, piece: Piece) -> None:
    try:
        answer.tell("images", len(_items.decode(piece.data)))
    except NOT_JSON:
        pass  # an event, or an answer without images


def _seconds(value: Any) -> Decimal | None:
    try:
        seconds = Decimal(str(value))
    except ArithmeticError:
        return None
    return seconds if seconds.is_finite() and 0 <= seconds < 10**9 else None


def _label(labels: Labels, asked: Asked) -> None:
    labels.set_user(asked.user)
    labels.set_user(asked.safety_identifier)
    labels.tag_all(asked.metadata)


_NO_DETAILS: dict[str, Any] = {}


def count_usage(usage: dict[str, Any], type_: CallType) -> Counted:
    """Both generations of names (`prompt_tokens` and `input_tokens`), whichever is there."""
    get = usage.get
    anomalies: list[Anomaly] = []
    details_in = _first(usage, "prompt_tokens_details", "input_tokens_details", "input_token_details")
    details_out = _first(usage, "completion_tokens_details", "output_tokens_details", "output_token_details")
    told_in, told_out = isinstance(details_in, dict), isinstance(details_out, dict)
    into = (details_in if told_in else _NO_DETAILS).get
    out = (details_out if told_out else _NO_DETAILS).get
    values: tuple[Any, ...] = (
        get("prompt_tokens") if "prompt_tokens" in usage else get("input_tokens"),
        get("completion_tokens") if "completion_tokens" in usage else get("output_tokens"),
        get("total_tokens"),
        into("cached_tokens", get("cached_tokens", get("prompt_cache_hit_tokens"))),
        into("cache_write_tokens"),
        into("audio_tokens"),
        into("image_tokens"),
        out("audio_tokens"),
        out("image_tokens"),
        out("reasoning_tokens", get("reasoning_tokens")),
    )
    if not all_sound(values):
        values = tuple(map(Counts().of, values))
        anomalies.append("odd_count")
    incoming, outgoing, total, cached, written, audio_in, image_in, audio_out, image_out, reasoning = values
    if told_in:
        cached, written, audio_in, image_in = cached or 0, written or 0, audio_in or 0, image_in or 0
    if told_out:
        audio_out, image_out, reasoning = audio_out or 0, image_out or 0, reasoning or 0

    incoming, outgoing = _settled(incoming, outgoing, total, reasoning, audio_in, anomalies)
    if incoming is None and outgoing is None:
        return Counted(None, tuple(anomalies), units=_billed_seconds(usage))

    plain_in, plain_out = incoming, outgoing
    if plain_in is not None:
        if cached is not None and cached > plain_in:
            anomalies.append("cached_over_input")
            cached = plain_in
        if cached or written or audio_in or image_in:
            plain_in -= cached or 0
            plain_in, written = _apart(plain_in, written, anomalies)
            plain_in, audio_in = _apart(plain_in, audio_in, anomalies)
            plain_in, image_in = _apart(plain_in, image_in, anomalies)
    if plain_out is not None:
        if reasoning is not None and reasoning > plain_out:
            anomalies.append("parts_over_total")
            reasoning = plain_out
        if audio_out or image_out:
            plain_out, audio_out = _apart(plain_out, audio_out, anomalies)
            plain_out, image_out = _apart(plain_out, image_out, anomalies)
    tokens = Tokens(
        "reported",
        plain_in,
        cached,
        written,
        None,
        audio_in,
        image_in,
        None,
        plain_out,
        audio_out,
        image_out,
        reasoning,
    )
    return Counted(tokens, tuple(dict.fromkeys(anomalies)) if anomalies else (), name(get("service_tier")))


def _first(usage: dict[str, Any], *keys: str) -> Any:
    for key in keys:
        if (value := usage.get(key)) is not None:
            return value
    return None


def _settled(
    incoming: int | None,
    outgoing: int | None,
    total: int | None,
    reasoning: int | None,
    audio_in: int | None,
    anomalies: list[Anomaly],
) -> tuple[int | None, int | None]:
    """Input and output such that they make up the total, which is what is charged."""
    if total is None:
        return incoming, outgoing
    if incoming is None or outgoing is None:
        if incoming is not None and total >= incoming:
            return incoming, total - incoming
        if outgoing is not None and total >= outgoing:
            return total - outgoing, outgoing
        anomalies.append("total_mismatch")
        return incoming, outgoing
    beyond = total - incoming - outgoing
    if beyond == 0:
        return incoming, outgoing
    if beyond < 0:
        anomalies.append("total_mismatch")
        return incoming, outgoing
    if reasoning != beyond and audio_in == beyond:
        return incoming + beyond, outgoing
    return incoming, outgoing + beyond


def _apart(whole: int, part: int | None, anomalies: list[Anomaly]) -> tuple[int, int | None]:
    """The part taken out of the whole; a part larger than the whole is cut down and named."""
    if part is None:
        return whole, None
    if part > whole:
        anomalies.append("parts_over_total")
        part = whole
    return whole - part, part


def _billed_seconds(usage: dict[str, Any]) -> Told | None:
    """Whisper's usage is a duration."""
    seconds = _seconds(usage["seconds"]) if "seconds" in usage else None
    return {"seconds": seconds} if seconds is not None else None


OPENAI = Dialect(Shape(Piece), _take, count_usage, _label)
