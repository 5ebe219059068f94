"""The format of a body that neither the path nor the configuration tells: Bedrock's `invoke`, which answers in the
format of whoever made the model, and upstreams of the generic dialect.

Told by members that one format has and no other; where there is none, nothing is guessed.
"""

from typing import Any

import msgspec

from store.dialects import cut_json
from store.dialects.document import Document
from store.dialects.shape import Shape
from store.dialects.stream import stream_of

LEFT_TO_THE_BODY = frozenset(("bedrock", "generic"))
"""The formats that only say who answers, not how."""

_SIGNS = (
    b'"generated_token_count"', b'"tokenCount"', b'"generated_tokens"', b'"output_token_count"', b'"completion_tokens"',
    b'"total_output_tokens"', b'"predict_time"',
)  # fmt: skip
_FIRST = 4  # pieces of a stream that are looked at
_RAW = msgspec.Raw()


class _Names(msgspec.Struct):
    """Of an answer, or of a piece of a stream: which of these members are there."""

    type: Any = None
    event_type: Any = None
    usage: msgspec.Raw = _RAW
    usage_metadata: msgspec.Raw = msgspec.field(name="usageMetadata", default=_RAW)
    candidates: msgspec.Raw = _RAW
    predictions: msgspec.Raw = _RAW
    output: msgspec.Raw = _RAW
    success: msgspec.Raw = _RAW
    result: msgspec.Raw = _RAW
    request_id: msgspec.Raw = _RAW
    final_result: msgspec.Raw = _RAW
    orchestration_result: msgspec.Raw = _RAW
    choices: msgspec.Raw = _RAW
    completion: msgspec.Raw = _RAW
    stop_reason: msgspec.Raw = _RAW
    converse_stop_reason: msgspec.Raw = msgspec.field(name="stopReason", default=_RAW)
    message_start: msgspec.Raw = msgspec.field(name="messageStart", default=_RAW)
    content_block_delta: msgspec.Raw = msgspec.field(name="contentBlockDelta", default=_RAW)
    message_stop: msgspec.Raw = msgspec.field(name="messageStop", default=_RAW)
    metadata: msgspec.Raw = _RAW
    meta: msgspec.Raw = _RAW
    generations: msgspec.Raw = _RAW
    response_type: msgspec.Raw = _RAW
    generation: msgspec.Raw = _RAW
    results: msgspec.Raw = _RAW
    details: msgspec.Raw = _RAW
    metrics: msgspec.Raw = _RAW
    meta_info: msgspec.Raw = _RAW
    stats: msgspec.Raw = _RAW
    output_text: msgspec.Raw = msgspec.field(name="outputText", default=_RAW)
    titan_input: msgspec.Raw = msgspec.field(name="inputTextTokenCount", default=_RAW)
    aleph_alpha_output: msgspec.Raw = msgspec.field(name="num_tokens_generated", default=_RAW)
    done: msgspec.Raw = _RAW
    created_at: msgspec.Raw = _RAW
    eval_count: msgspec.Raw = _RAW
    prompt_eval_count: msgspec.Raw = _RAW


class _Usage(msgspec.Struct):
    prompt_tokens: Any = None
    total_tokens: Any = None
    rerank_units: Any = None  # Pinecone's
    cache_read_input_tokens: Any = None
    cache_creation_input_tokens: Any = None
    converse_input: Any = msgspec.field(name="inputTokens", default=None)
    billed_units: Any = None
    tokens: Any = None


_names = Shape(_Names)
_usage = Shape(_Usage)
_ANTHROPIC = frozenset((
    "message", "completion", "message_start", "message_delta", "message_stop", "content_block_start",
    "content_block_delta", "content_block_stop",
))  # fmt: skip
_COHERE = frozenset((
    "message-start", "content-start", "content-delta", "content-end", "message-end", "tool-plan-delta",
    "tool-call-start", "tool-call-delta", "tool-call-end", "citation-start", "citation-end",
))  # fmt: skip


def format_in(response: Document) -> str | None:
    """The format of this answer, by the name of its dialect; None when nothing tells it."""
    stream = stream_of(response)
    if stream is None:
        return _of(_first_of(response)) if response.form == "json" else None
    for number, payload in enumerate(stream.all()):
        if number == _FIRST:
            break
        if (found := _of(_names.parse(payload))) is not None:
            return found
    return None


def _first_of(response: Document) -> _Names | None:
    """The members of the object, or of the first one in an array."""
    if response.head.lstrip()[:1] != b"[":
        return _names.read(response)[0]
    first = cut_json.elements(Document(response.head))[:1]
    return _names.parse(first[0]) if first else None


def _of(found: _Names | None) -> str | None:
    if found is None:
        return None
    there = _there(found)
    kind = found.type if isinstance(found.type, str) else ""
    event = found.event_type if isinstance(found.event_type, str) else ""
    if there & {"usage_metadata", "candidates"} or event.startswith("interaction."):
        return "gemini"
    if kind in _ANTHROPIC or {"completion", "stop_reason"} <= there:
        return "anthropic"
    if there & {"message_start", "content_block_delta", "message_stop", "converse_stop_reason"}:
        return "bedrock"
    if kind in _COHERE or event == "stream-start" or there & {"generations", "response_type"}:
        return "cohere"
    if "choices" in there or kind.startswith("response."):
        return "openai"
    if there & {"prompt_eval_count", "eval_count"} or {"done", "created_at"} <= there:
        return "ollama"
    if kind == "chat.start" or there & {"titan_input", "output_text", "generation", "aleph_alpha_output"}:
        return "flat"
    if _tells_counts(found):
        return "flat"
    if bytes(found.output)[:1] == b"{" or {"success", "result"} <= there:
        return "enveloped"
    if "request_id" in there and there & {"final_result", "orchestration_result"}:
        return "enveloped"
    if "usage" in there and (told := _by_usage(found.usage)) is not None:
        return told
    if "meta" in there and (told := _by_usage(found.meta)) is not None:
        return told
    return "vertex" if "predictions" in there else None


def _there(found: _Names) -> set[str]:
    return {
        field
        for field in found.__struct_fields__
        if isinstance(value := getattr(found, field), msgspec.Raw) and bytes(value) not in (b"", b"null")
    }


def _tells_counts(found: _Names) -> bool:
    """Whether the texts that were made come with how many tokens each has."""
    return any(
        sign in bytes(told)
        for told in (found.results, found.details, found.metrics, found.meta_info, found.stats)
        for sign in _SIGNS
    )


def _by_usage(raw: msgspec.Raw) -> str | None:
    """Usage objects tell the format, too: their names of the counts are not the same."""
    usage = _usage.parse(bytes(raw))
    if usage is None:
        return None
    if isinstance(usage.billed_units, dict) or isinstance(usage.tokens, dict):
        return "cohere"
    if usage.converse_input is not None:
        return "bedrock"
    if usage.prompt_tokens is not None or usage.total_tokens is not None or usage.rerank_units is not None:
        return "openai"
    if usage.cache_read_input_tokens is not None or usage.cache_creation_input_tokens is not None:
        return "anthropic"
    return None
