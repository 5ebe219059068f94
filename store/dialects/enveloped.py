"""Answers within an envelope: Qwen's own API at DashScope, models that Cloudflare runs, and SAP's orchestration.

DashScope puts what was said into `output`, with the usage beside it and with every event of a stream, as it grows;
Cloudflare puts all of it into `result`, but streams without one. SAP's last result is an answer of OpenAI's, which the
results of its steps tell before. The counts in all have OpenAI's names. No answer of DashScope names its model, but
those of an application do. Its tasks make images, videos and transcripts while nobody waits, and tell how much of them
to whoever asks.
"""

from typing import Any

import msgspec

from store.call import CallType, Portion
from store.dialects.answer import Answer, Counted, Told
from store.dialects.counts import Counts, name
from store.dialects.dialect import Asked, Dialect
from store.dialects.errors import error_of
from store.dialects.labels import Labels
from store.dialects.openai_usage import count_usage, seconds_of
from store.dialects.shape import Shape

_PENDING = ("PENDING", "RUNNING", "SUSPENDED")
_LENGTHS = ("duration", "video_duration")  # the first is of all that is billed, also of what went in
_IMAGES = ("image_count", "output_image_count")  # the second is of newer models, beside those that went in
_NOT_YET = "null"  # how DashScope writes that there is no reason to finish


class Choice(msgspec.Struct):
    finish_reason: Any = None


class Transcribed(msgspec.Struct):
    duration: Any = None


class Content(msgspec.Struct):
    """What is within the envelope; and the envelope itself, where there is none."""

    id: Any = None
    model: Any = None
    finish_reason: Any = None
    choices: list[Choice] | None = None
    task_status: Any = None
    transcription_info: Transcribed | None = None  # Cloudflare's, as is the image
    image: msgspec.Raw = msgspec.Raw()
    usage: msgspec.Raw = msgspec.Raw()


class Piece(Content):
    request_id: Any = None
    output: Content | None = None
    result: Content | None = None
    final_result: Content | None = None  # SAP's, which was an `orchestration_result` before
    orchestration_result: Content | None = None
    code: Any = None
    message: Any = None
    error: Any = None
    errors: Any = None


def _take(answer: Answer, piece: Piece, type_: CallType) -> None:
    told = False
    for content in (piece, piece.output, piece.result, piece.final_result, piece.orchestration_result):
        if content is not None:
            told = _take_content(answer, content) or told
            if content.transcription_info is not None:
                answer.tell("seconds", seconds_of(content.transcription_info.duration))
            if type_ == "image" and bytes(content.image):
                answer.tell("images", 1)
    answer.id = answer.id or name(piece.request_id)
    if told:
        answer.output_open = not answer.ended
    if piece.error or piece.errors or (piece.code and piece.output is None):
        found = {"error": piece.error, "errors": piece.errors, "code": piece.code, "message": piece.message}
        answer.error = answer.error or error_of(found)
        answer.ended = True


def _take_content(answer: Answer, content: Content) -> bool:
    """Whether there is a usage in it."""
    answer.id = answer.id or name(content.id)
    answer.model = answer.model or name(content.model)
    reason = name(content.choices[0].finish_reason) if content.choices else name(content.finish_reason)
    if content.task_status is not None:
        answer.pending = content.task_status in _PENDING
        reason = reason if answer.pending else name(content.task_status)
    if reason is not None and reason != _NOT_YET:
        answer.finish_reason = reason
        answer.ended = True
    told = answer.take_usage(content.usage)
    if told and answer.usage is not None and len(models := _models(answer.usage)) == 1:
        answer.model = answer.model or name(models[0].get("model_id"))
    return told


def _models(usage: dict[str, Any]) -> list[dict[str, Any]]:
    """What each model behind an application took; nothing where the usage is not told so."""
    told = usage.get("models")
    return [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []


def count_models(models: list[dict[str, Any]], type_: CallType) -> Counted:
    """What several models took together, and each; a single one is the one that answered."""
    if len(models) == 1:
        return count_usage(models[0], type_)
    each = [count_usage(one, type_) for one in models]
    whole = {key: _sum(models, key) for key in ("input_tokens", "output_tokens")}
    portions = tuple(
        Portion(name(one.get("model_id")) or "", counted.tokens, beside=False)
        for one, counted in zip(models, each, strict=True)
    )
    return msgspec.structs.replace(count_usage(whole, type_), portions=portions)


def _sum(models: list[dict[str, Any]], key: str) -> int | None:
    """Of all of them; unknown where one does not tell its own."""
    counts = [Counts().of(one.get(key)) for one in models]
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _count(usage: dict[str, Any], type_: CallType) -> Counted:
    models = _models(usage)
    if models:
        return count_models(models, type_)
    counted = count_usage(usage, type_)
    told: Told = {}
    length, images = (
        next((usage[key] for key in keys if usage.get(key) is not None), None) for keys in (_LENGTHS, _IMAGES)
    )
    for unit, count in (
        ("seconds", seconds_of(length)),
        ("images", Counts().of(images)),
        ("characters", Counts().of(usage.get("characters"))),
    ):
        if count is not None:
            told[unit] = count
    return msgspec.structs.replace(counted, units=told | (counted.units or {})) if told else counted


def _label(labels: Labels, asked: Asked) -> None:
    labels.set_user(asked.user)


ENVELOPED = Dialect(Shape(Piece), _take, _count, _label)
