"""Google's Gemini, at its own address and on Vertex: generateContent, its streams (events, or one array sent
piecemeal), embeddings and interactions.

Prompt tokens include cached ones; thoughts stand outside of the candidates' tokens and tool use outside of the
prompt's. Counts that are absent are 0, as everywhere in proto3; breakdowns that are absent are unknown. Interactions
count the same things under names of their own.

Searching the web is charged by the query from Gemini 3 on, and once for an answer before; the answer lists its queries,
and an interaction those of each of its steps, which some count in their usage as well.
"""

import re
from typing import Any

import msgspec

from store.anomalies import Anomaly
from store.call import CallType, Tokens
from store.dialects.answer import Answer, Counted, Told
from store.dialects.counts import Counts, name
from store.dialects.dialect import Asked, Dialect
from store.dialects.errors import error_of
from store.dialects.labels import Labels
from store.dialects.shape import Shape

_MODALITY_NUMBERS = {1: "TEXT", 2: "IMAGE", 3: "VIDEO", 4: "AUDIO", 5: "DOCUMENT"}


_BY_ANSWER = re.compile(r"(?:.*/)?gemini-[12]\b.*")
_INTERACTIONS = {
    "total_input_tokens": "promptTokenCount",
    "total_output_tokens": "candidatesTokenCount",
    "total_thought_tokens": "thoughtsTokenCount",
    "total_tool_use_tokens": "toolUsePromptTokenCount",
    "total_cached_tokens": "cachedContentTokenCount",
    "total_tokens": "totalTokenCount",
    "input_tokens_by_modality": "promptTokensDetails",
    "output_tokens_by_modality": "candidatesTokensDetails",
    "cached_tokens_by_modality": "cacheTokensDetails",
}
_PENDING = frozenset(("in_progress", "queued"))
_SEARCH = "google_search_call"


class Grounding(msgspec.Struct, rename="camel"):
    web_search_queries: list[Any] | None = None
    grounding_chunks: Any = None


class Candidate(msgspec.Struct, rename="camel"):
    finish_reason: Any = None
    grounding_metadata: Grounding | None = None


class Interaction(msgspec.Struct):
    """The object of an interaction: a whole answer, or what the events of a stream carry."""

    id: Any = None
    model: Any = None
    agent: Any = None  # instead of it; agents work in the background
    status: Any = None
    service_tier: Any = msgspec.field(name="service_tier", default=None)
    errors: Any = None
    usage: msgspec.Raw = msgspec.Raw()


class SoFar(msgspec.Struct):
    """What a piece of an interaction tells of all that was used so far, under either of its names."""

    total_usage: msgspec.Raw = msgspec.Raw()
    usage: msgspec.Raw = msgspec.Raw()


class Searched(msgspec.Struct):
    queries: list[Any] | None = None


class Step(msgspec.Struct):
    """What an interaction did next, or a part of it."""

    type: Any = None
    arguments: msgspec.Raw = msgspec.Raw()


_searched = Shape(Searched)


class Piece(Interaction, rename="camel"):
    interaction: Interaction | None = None
    steps: list[Step] | None = None
    step: Step | None = None
    delta: Step | None = None
    event_type: Any = msgspec.field(name="event_type", default=None)
    metadata: SoFar | None = None
    candidates: list[Candidate] | None = None
    prompt_feedback: Any = None
    usage_metadata: msgspec.Raw = msgspec.Raw()
    model_version: Any = None
    response_id: Any = None
    error: Any = None


def _take(answer: Answer, piece: Piece, _: CallType) -> None:
    answer.id = answer.id or name(piece.response_id)
    answer.model = answer.model or name(piece.model_version)
    told = answer.take_usage(piece.usage_metadata)
    so_far = piece.metadata or SoFar()
    if answer.take_usage(so_far.total_usage) or answer.take_usage(so_far.usage):
        answer.output_open = True
    if piece.status is not None:
        _take_interaction(answer, piece, streamed=piece.event_type is not None)
    else:
        answer.take_usage(piece.usage)  # a decision's
    if piece.interaction is not None:
        _take_interaction(answer, piece.interaction, streamed=True)
    if piece.steps or piece.step is not None or piece.delta is not None:
        _take_steps(answer, [step for step in (*(piece.steps or ()), piece.step, piece.delta) if step is not None])
    if piece.candidates:
        queries = sum(map(_queries, piece.candidates))
        if queries:
            answer.tell("web_searches", 1 if _charged_once(answer) else queries)
        answer.billed_beside = answer.billed_beside or any(map(_asked_maps, piece.candidates))
        reason = piece.candidates[0].finish_reason
        if reason:
            answer.finish_reason = name(str(reason))
            answer.ended = True
        if told:  # with every piece, as it grows: final is the one with or after the finish reason
            answer.output_open = not answer.ended
    elif isinstance(piece.prompt_feedback, dict) and piece.prompt_feedback.get("blockReason"):
        answer.finish_reason = name(str(piece.prompt_feedback["blockReason"]))
        answer.ended = True
    if piece.error:
        answer.error = answer.error or error_of({"error": piece.error})
        answer.ended = True


def _take_interaction(answer: Answer, told: Interaction, *, streamed: bool) -> None:
    answer.id = answer.id or name(told.id)
    answer.model = answer.model or (name(told.model) or "").removeprefix("models/") or None
    if (agent := name(told.agent)) is not None:
        answer.model = answer.model or agent
        answer.background = True
    answer.take_usage(told.usage)
    answer.service_tier = name(told.service_tier) or answer.service_tier
    status = name(told.status)
    waiting = status in _PENDING
    # A stream that breaks off has answered something, unless the work goes on without it.
    answer.pending = waiting and (not streamed or answer.background)
    if status is not None and not waiting:
        answer.finish_reason = status
        answer.ended, answer.output_open = True, False
    if status == "failed" and told.errors:
        answer.error = answer.error or error_of({"errors": told.errors})


def _take_steps(answer: Answer, steps: list[Step]) -> None:
    """Count what was searched for. In a stream a step begins without its queries, and they follow in a part of it."""
    searched = [_searched.parse(bytes(step.arguments)) for step in steps if step.type == _SEARCH]
    if queries := sum(_number(arguments.queries) for arguments in searched if arguments is not None):
        before = (answer.units or {}).get("web_searches", 0)
        answer.tell("web_searches", 1 if _charged_once(answer) else before + queries)


def _charged_once(answer: Answer) -> bool:
    return _BY_ANSWER.fullmatch(answer.model or "") is not None


def _queries(candidate: Candidate) -> int:
    grounding = candidate.grounding_metadata
    return _number(grounding.web_search_queries) if grounding is not None else 0


def _asked_maps(candidate: Candidate) -> bool:
    """Places cost a fee for each prompt; they are told by what is quoted alone."""
    grounding = candidate.grounding_metadata
    chunks = grounding.grounding_chunks if grounding is not None else None
    return isinstance(chunks, list) and any(isinstance(chunk, dict) and "maps" in chunk for chunk in chunks)


def _number(queries: list[Any] | None) -> int:
    return sum(1 for query in queries if query) if queries else 0


def _label(labels: Labels, asked: Asked) -> None:
    labels.tag_all(asked.labels)


def _count(usage: dict[str, Any], type_: CallType) -> Counted:
    units: Told = {}
    if "total_input_tokens" in usage or "total_output_tokens" in usage:
        units = _searches(usage.get("grounding_tool_count")) or {}
        usage = {_INTERACTIONS[key]: told for key, told in usage.items() if key in _INTERACTIONS}
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
    audio_in = image_in = cached_audio = cached_image = None
    plain_in, read = prompt - cached + tool_use, cached
    if by_modality is not None:
        cached_audio = min(cached_by_modality.get("AUDIO", 0), cached)
        cached_image = min(cached_by_modality.get("IMAGE", 0), cached - cached_audio)
        read -= cached_audio + cached_image
        audio_in = max(0, by_modality.get("AUDIO", 0) - cached_audio)
        image_in = max(0, by_modality.get("IMAGE", 0) - cached_image)
        if audio_in + image_in > prompt - cached:
            anomalies.append("parts_over_total")
            audio_in = min(audio_in, prompt - cached)
            image_in = min(image_in, prompt - cached - audio_in)
        plain_in -= audio_in + image_in
        if video := by_modality.get("VIDEO", 0) - cached_by_modality.get("VIDEO", 0):
            units["video_in"] = min(max(video, 0), plain_in)

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
        if video := out_by_modality.get("VIDEO", 0):
            units["video_out"] = min(video, plain_out)
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
        cache_read_image=cached_image,
    )
    tier = name(get("serviceTier") or get("trafficType"))
    return Counted(tokens, tuple(dict.fromkeys(anomalies)), tier, units or None)


def _searches(told: Any) -> Told | None:
    """The searches of an interaction, told by the tool that made them."""
    counts = Counts()
    found = [
        counts.of(tool.get("count"))
        for tool in (told if isinstance(told, list) else ())
        if isinstance(tool, dict) and tool.get("type") == "google_search"
    ]
    return {"web_searches": sum(filter(None, found))} if any(found) else None


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
                found[key.upper()] = found.get(key.upper(), 0) + (
                    of(detail.get("tokenCount", detail.get("tokens"))) or 0
                )
    return found


def _tells_searches_midway(head: bytes) -> bool:
    return b'"webSearchQueries"' in head or b'"google_search_call"' in head


GEMINI = Dialect(Shape(Piece), _take, _count, _label, in_arrays=True, tells_midway=_tells_searches_midway)
