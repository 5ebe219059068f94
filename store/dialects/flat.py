"""Answers that tell their counts one by one beside the text, with no usage object around them.

Titan and Llama (behind Bedrock and SageMaker), watsonx, Aleph Alpha, Replicate, DeepInfra's own API, Hugging Face's
text generation servers, SGLang, KoboldCpp and LM Studio. Each has names of its own that nobody else has, so one reader
serves all. A stream tells them cumulatively, and watsonx tells the input once and 0 afterwards: the largest that was
told counts.
"""

from typing import Any

import msgspec

from store.call import CallType, Tokens
from store.dialects.answer import Answer, Counted
from store.dialects.counts import Counts, name
from store.dialects.dialect import Dialect
from store.dialects.errors import error_of
from store.dialects.openai_usage import seconds_of
from store.dialects.shape import Shape


class Result(msgspec.Struct):
    """One text of several: Titan's, watsonx's, Aleph Alpha's, KoboldCpp's."""

    token_count: Any = msgspec.field(name="tokenCount", default=None)
    completion_reason: Any = msgspec.field(name="completionReason", default=None)
    input_token_count: Any = None
    generated_token_count: Any = None
    prompt_tokens: Any = None
    completion_tokens: Any = None
    stop_reason: Any = None
    finish_reason: Any = None


class Details(msgspec.Struct):
    """Of Hugging Face's text generation."""

    finish_reason: Any = None
    generated_tokens: Any = None
    input_length: Any = None
    prefill: list[Any] | None = None


class Metrics(msgspec.Struct):
    """Of Replicate."""

    input_token_count: Any = None
    output_token_count: Any = None
    image_count: Any = None
    newer_input: Any = msgspec.field(name="token_input_count", default=None)
    newer_output: Any = msgspec.field(name="token_output_count", default=None)
    newer_images: Any = msgspec.field(name="image_output_count", default=None)
    video_seconds: Any = msgspec.field(name="video_output_duration_seconds", default=None)
    audio_seconds: Any = msgspec.field(name="audio_output_duration_seconds", default=None)


class Inference(msgspec.Struct):
    """Of DeepInfra, with what it charged."""

    tokens_input: Any = None
    tokens_generated: Any = None
    cost: Any = None


class Reason(msgspec.Struct):
    type: Any = None


class MetaInfo(msgspec.Struct):
    """Of SGLang."""

    id: Any = None
    finish_reason: Reason | None = None
    prompt_tokens: Any = None
    completion_tokens: Any = None
    cached_tokens: Any = None


class Stats(msgspec.Struct):
    """Of LM Studio."""

    input_tokens: Any = None
    total_output_tokens: Any = None
    reasoning_output_tokens: Any = None


class Chat(msgspec.Struct):
    """LM Studio's answer, whole or in the last event of a stream."""

    model_instance_id: Any = None
    response_id: Any = None
    stats: Stats | None = None


class Piece(Chat):
    id: Any = None
    type: Any = None
    result: Chat | None = None
    meta_info: MetaInfo | None = None
    inference_status: Inference | None = None
    input_length_ms: Any = None
    model: Any = None
    model_id: Any = None
    error: Any = None
    errors: Any = None
    stop_reason: Any = None
    results: list[Result] | None = None
    completions: list[Result] | None = None
    details: Details | None = None
    metrics: Metrics | None = None
    status: Any = None
    input_token_count: Any = None
    titan_input: Any = msgspec.field(name="inputTextTokenCount", default=None)
    titan_output: Any = msgspec.field(name="totalOutputTextTokenCount", default=None)
    titan_reason: Any = msgspec.field(name="completionReason", default=None)
    llama_input: Any = msgspec.field(name="prompt_token_count", default=None)
    llama_output: Any = msgspec.field(name="generation_token_count", default=None)
    aleph_alpha_input: Any = msgspec.field(name="num_tokens_prompt_total", default=None)
    aleph_alpha_output: Any = msgspec.field(name="num_tokens_generated", default=None)


_INTO = (
    "inputTextTokenCount", "prompt_token_count", "num_tokens_prompt_total", "input_token_count", "input_length",
    "prompt_tokens", "input_tokens", "tokens_input",
)  # fmt: skip
_OUT = (
    "tokenCount", "totalOutputTextTokenCount", "generation_token_count", "num_tokens_generated",
    "generated_token_count", "generated_tokens", "output_token_count", "completion_tokens", "total_output_tokens",
    "tokens_generated",
)  # fmt: skip
_PENDING = ("starting", "processing")
_UNFINISHED = frozenset(("not_finished", "NOT_FINISHED"))


def _take(answer: Answer, piece: Piece, type_: CallType) -> None:
    answer.id = answer.id or name(piece.id)
    answer.model = answer.model or name(piece.model) or name(piece.model_id)
    found = {
        "input_token_count": piece.input_token_count,
        "inputTextTokenCount": piece.titan_input,
        "totalOutputTextTokenCount": piece.titan_output,
        "prompt_token_count": piece.llama_input,
        "generation_token_count": piece.llama_output,
        "num_tokens_prompt_total": piece.aleph_alpha_input,
        "num_tokens_generated": piece.aleph_alpha_output,
    }
    reason = piece.titan_reason or piece.stop_reason
    for result in (*(piece.results or ()), *(piece.completions or ())):
        _add(found, "tokenCount", result.token_count)
        _add(found, "input_token_count", result.input_token_count)
        _add(found, "generated_token_count", result.generated_token_count)
        _add(found, "prompt_tokens", result.prompt_tokens)
        _add(found, "completion_tokens", result.completion_tokens)
        reason = reason or result.completion_reason or result.stop_reason or result.finish_reason
    if piece.details is not None:
        details = piece.details
        found["generated_tokens"] = details.generated_tokens
        found["input_length"] = len(details.prefill) if details.prefill else details.input_length
        reason = reason or details.finish_reason
    if (metrics := piece.metrics) is not None:
        found["input_token_count"] = _first(metrics.input_token_count, metrics.newer_input)
        found["output_token_count"] = _first(metrics.output_token_count, metrics.newer_output)
        images = _first(metrics.image_count, metrics.newer_images)
        if type(images) is int and images >= 0:
            answer.tell("images", images)
        answer.tell("seconds", seconds_of(metrics.audio_seconds))
        answer.tell("seconds", seconds_of(metrics.video_seconds))
    if (status := piece.inference_status) is not None:
        found |= {"tokens_input": status.tokens_input, "tokens_generated": status.tokens_generated}
        answer.cost_usd = {"usd": status.cost}
        if (thousandths := seconds_of(piece.input_length_ms)) is not None:
            answer.tell("seconds", thousandths.scaleb(-3))
    if (meta := piece.meta_info) is not None:
        answer.id = answer.id or name(meta.id)
        found |= {name: getattr(meta, name) for name in ("prompt_tokens", "completion_tokens", "cached_tokens")}
        reason = reason or (meta.finish_reason.type if meta.finish_reason is not None else None)
    for chat in (piece, piece.result):
        if chat is not None and chat.stats is not None:
            answer.id = answer.id or name(chat.response_id)
            answer.model = answer.model or name(chat.model_instance_id)
            found |= {name: getattr(chat.stats, name) for name in Stats.__struct_fields__}
            answer.ended = True
    answer.pending = piece.status in _PENDING
    if piece.status is not None and piece.id is not None:
        answer.background = True  # Replicate's, which may be fetched again
    answer.take_counts(**{key: _larger(answer, key, value) for key, value in found.items() if value is not None})
    if piece.titan_output is not None:
        answer.ended = True
    if (reason := name(reason)) is not None and reason not in _UNFINISHED:
        answer.finish_reason = reason
        answer.ended = True
    answer.output_open = not answer.ended
    if piece.error or piece.errors:
        first = piece.errors[0] if isinstance(piece.errors, list) and piece.errors else piece.errors
        answer.error = answer.error or error_of({"error": piece.error or first})
        answer.ended = True


def _first(older: Any, newer: Any) -> Any:
    return newer if older is None else older


def _add(found: dict[str, Any], key: str, count: Any) -> None:
    """Several texts of one answer, each with its own count."""
    if count is not None:
        before = found.get(key)
        found[key] = count if before is None or not _is_number(before) or not _is_number(count) else before + count


def _larger(answer: Answer, key: str, count: Any) -> Any:
    before = answer.usage.get(key) if answer.usage is not None else None
    return max(before, count) if _is_number(before) and _is_number(count) else count


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _count(usage: dict[str, Any], type_: CallType) -> Counted:
    counts = Counts(whole_floats=True)
    incoming = next((counts.of(usage[key]) for key in _INTO if key in usage), None)
    outgoing = next((counts.of(usage[key]) for key in _OUT if key in usage), None)
    if incoming is None and outgoing is None:
        return Counted(None, counts.anomalies)
    anomalies = counts.anomalies
    cached, reasoning = counts.of(usage.get("cached_tokens")), counts.of(usage.get("reasoning_output_tokens"))
    if cached is not None and incoming is not None:
        if cached > incoming:
            anomalies = (*anomalies, "cached_over_input")
        cached = min(cached, incoming)
        incoming -= cached
    if reasoning is not None and outgoing is not None:
        reasoning = min(reasoning, outgoing)
    tokens = Tokens("reported", input_uncached=incoming, cache_read=cached, output_text=outgoing, reasoning=reasoning)
    return Counted(tokens, anomalies)


FLAT = Dialect(Shape(Piece), _take, _count, in_arrays=True)
