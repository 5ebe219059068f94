"""Google's Gemini: generateContent, its streams (events, or one array sent piecemeal) and embeddings.

Prompt tokens include cached ones; thoughts stand outside of the candidates' tokens and tool use outside of the
prompt's. Counts that are absent are 0, as everywhere in proto3; breakdowns that are absent are unknown.
"""

from typing import Any

import msgspec

from store.anomalies import Anomaly
from store.call import CallType, Tokens
from store.dialects.answer import Answer, Counted
from store.dialects.counts import Counts, name
from store.dialects.dialect import Dialect
from store.dialects.errors import error_of
from store.dialects.shape import Shape

_MODALITY_NUMBERS = {1: "TEXT", 2: "IMAGE", 3: "VIDEO", 4: "AUDIO", 5: "DOCUMENT"}


class Candidate(msgspec.Struct, rename="camel"):
    finish_reason: Any = None


class Piece(msgspec.Struct, rename="camel"):
    candidates: list[Candidate] | None = None
    prompt_feedback: Any = None
    usage_metadata: msgspec.Raw = msgspec.Raw()
    model_version: Any = None
    response_id: Any = None
    error: Any = None


def _take(answer: Answer, piece: Piece, _: CallType) -> None:
    answer.id = answer.id or name(piece.response_id)
    answer.model = answer.model or name(piece.model_version)
    answer.take_usage(piece.usage_metadata)
    if piece.candidates:
        reason = piece.candidates[0].finish_reason
        if reason:
            answer.finish_reason = name(str(reason))
            answer.ended = True
    elif isinstance(piece.prompt_feedback, dict) and piece.prompt_feedback.get("blockReason"):
        answer.finish_reason = name(str(piece.prompt_feedback["blockReason"]))
        answer.ended = True
    if piece.error:
        answer.error = answer.error or error_of({"error": piece.error})
        answer.ended = True


def _count(usage: dict[str, Any], type_: CallType) -> Counted:
    get, counts = usage.get, Counts()
    of = counts.of
    anomalies: list[Anomaly] = []
    prompt, candidates = of(get("promptTokenCount")) or 0, of(get("candidatesTokenCount")) or 0
    thoughts, tool_use = of(get("thoughtsTokenCount")) or 0, of(get("toolUsePromptTokenCount")) or 0
    cached, total = of(get("cachedContentTokenCount")) or 0, of(get("totalTokenCount"))
    if cached > prompt:
        anomalies.append("cached_over_input")
        cached = prompt
    if total is not None and total != prompt + candidates + thoughts + tool_use and type_ != "embedding":
        anomalies.append("total_mismatch")

    by_modality = _by_modality(get("promptTokensDetails") or get("promptTokenDetails"), of)
    cached_by_modality = _by_modality(get("cacheTokensDetails"), of) or {}
    audio_in = image_in = cached_audio = None
    plain_in, read = prompt - cached + tool_use, cached
    if by_modality is not None:
        cached_audio = min(cached_by_modality.get("AUDIO", 0), cached)
        read -= cached_audio
        audio_in = max(0, by_modality.get("AUDIO", 0) - cached_audio)
        image_in = max(0, by_modality.get("IMAGE", 0) - min(cached_by_modality.get("IMAGE", 0), read))
        if audio_in + image_in > prompt - cached:
            anomalies.append("parts_over_total")
            audio_in = min(audio_in, prompt - cached)
            image_in = min(image_in, prompt - cached - audio_in)
        plain_in -= audio_in + image_in

    audio_out = image_out = None
    plain_out = candidates + thoughts
    out_by_modality = _by_modality(get("candidatesTokensDetails"), of)
    if out_by_modality is not None:
        audio_out, image_out = out_by_modality.get("AUDIO", 0), out_by_modality.get("IMAGE", 0)
        if audio_out + image_out > candidates:
            anomalies.append("parts_over_total")
            audio_out = min(audio_out, candidates)
            image_out = min(image_out, candidates - audio_out)
        plain_out -= audio_out + image_out
    if counts.odd:
        anomalies.append("odd_count")
    tokens = Tokens(
        "reported",
        input_uncached=plain_in,
        cache_read=read,
        input_audio=audio_in,
        input_image=image_in,
        cache_read_audio=cached_audio,
        output_text=plain_out,
        output_audio=audio_out,
        output_image=image_out,
        reasoning=thoughts,
    )
    return Counted(tokens, tuple(dict.fromkeys(anomalies)), name(get("serviceTier") or get("trafficType")))


def _by_modality(details: Any, of: Any) -> dict[str, int] | None:
    """Counts by modality, which may be told by number; None when there is no breakdown."""
    if not isinstance(details, list) or not details:
        return None
    found: dict[str, int] = {}
    for detail in details:
        if isinstance(detail, dict):
            modality = detail.get("modality")
            key = (
                modality
                if isinstance(modality, str)
                else _MODALITY_NUMBERS.get(modality)
                if type(modality) is int
                else None
            )
            if key:
                found[key] = found.get(key, 0) + (of(detail.get("tokenCount")) or 0)
    return found


GEMINI = Dialect(Shape(Piece), _take, _count, streams_by_path=":streamGenerateContent")
