"""What the provider said in a recorded answer, read a second time: every byte parsed, nothing shared with the product.

Slow and plain on purpose. Where this and the product differ, one of the two is wrong.
"""

import re
from dataclasses import dataclass
from typing import Any

import orjson

Json = Any

_NO_COUNTS = ("messages/count_tokens", "countTokens", "moderations")


@dataclass(frozen=True, slots=True)
class Reported:
    """The facts of one answer."""

    model: str | None
    tokens: dict[str, int | None] | None  # as in a row of the book; None: nobody told
    parts: dict[str, int | None] | None  # the lifetimes of what was written to a cache
    error: dict[str, str | None] | None
    stream: bool


def reported(endpoint: str, status: int, body: bytes) -> Reported:
    """Everything the answer tells."""
    documents, stream = _documents(body)
    error = _error(documents, body) if status >= 400 else None
    model = usage = None
    if error is None:
        for document in documents:
            model, usage = _taken(document, model, usage)
    if not usage or endpoint in _NO_COUNTS:
        return Reported(model, None, None, error, stream)
    if endpoint == "messages":
        tokens, parts = _anthropic(usage)
    elif endpoint.endswith(("Content", "Contents")):
        tokens, parts = _gemini(usage), None
    else:
        tokens, parts = _openai(usage), None
    return Reported(model, tokens, parts, error, stream)


def _documents(body: bytes) -> tuple[list[Json], bool]:
    """The JSON values of a body: one, those of an array, or those of a stream's events."""
    text = body.decode()
    if text.lstrip()[:1] in ("{", "["):
        value = orjson.loads(text)
        return (value if isinstance(value, list) else [value]), False
    events = []
    for block in re.split(r"(?:\r\n|\n|\r){2}", text):
        data = [line[5:].strip() for line in re.split(r"\r\n|\n|\r", block) if line.startswith("data:")]
        if data and data != ["[DONE]"]:
            events.append(orjson.loads("\n".join(data)))
    return events, bool(events)


def _taken(document: Json, model: str | None, usage: Json) -> tuple[str | None, Json]:
    for holder in (document, document.get("response"), document.get("message")):
        if isinstance(holder, dict):
            model = model or holder.get("model") or holder.get("modelVersion")
            told = holder.get("usage") or holder.get("usageMetadata")
            if told:
                usage = _merged(usage or {}, told)
    return model, usage


def _merged(below: Json, above: Json) -> Json:
    """The last non-null value of each field."""
    if not isinstance(below, dict) or not isinstance(above, dict):
        return below if above is None else above
    return {key: _merged(below.get(key), above.get(key)) for key in below | above}


def _openai(usage: Json) -> dict[str, int | None]:
    incoming = usage.get("prompt_tokens", usage.get("input_tokens"))
    outgoing = usage.get("completion_tokens", usage.get("output_tokens"))
    total = usage["total_tokens"]
    into = usage.get("prompt_tokens_details", usage.get("input_tokens_details"))
    out = usage.get("completion_tokens_details", usage.get("output_tokens_details"))
    return {
        "total": total,
        "input": incoming,
        "output": total - incoming if outgoing is None or total > incoming + outgoing else outgoing,
        "cache_read": None if into is None else into.get("cached_tokens") or 0,
        "cache_write": None if into is None else into.get("cache_write_tokens") or 0,
        "reasoning": None if out is None else out.get("reasoning_tokens") or 0,
    }


def _anthropic(usage: Json) -> tuple[dict[str, int | None], dict[str, int | None]]:
    read, written = usage.get("cache_read_input_tokens") or 0, usage.get("cache_creation_input_tokens") or 0
    long = (usage.get("cache_creation") or {}).get("ephemeral_1h_input_tokens") or 0
    incoming = usage["input_tokens"] + read + written
    tokens = {
        "total": incoming + usage["output_tokens"],
        "input": incoming,
        "output": usage["output_tokens"],
        "cache_read": read,
        "cache_write": written,
        "reasoning": (usage.get("output_tokens_details") or {}).get("thinking_tokens"),
    }
    return tokens, {"cache_write_5m": written - long, "cache_write_1h": long}


def _gemini(usage: Json) -> dict[str, int | None]:
    incoming = (usage.get("promptTokenCount") or 0) + (usage.get("toolUsePromptTokenCount") or 0)
    thoughts = usage.get("thoughtsTokenCount") or 0
    outgoing = (usage.get("candidatesTokenCount") or 0) + thoughts
    return {
        "total": usage.get("totalTokenCount", incoming + outgoing),
        "input": incoming,
        "output": outgoing,
        "cache_read": usage.get("cachedContentTokenCount") or 0,
        "cache_write": None,
        "reasoning": thoughts,
    }


def _error(documents: list[Json], body: bytes) -> dict[str, str | None]:
    told = documents[0]
    inner = told["error"] if isinstance(told.get("error"), dict) else told
    code = inner.get("code")
    return {
        "type": inner.get("type") or inner.get("status"),
        "code": None if code is None else str(code),
        "message": inner.get("message"),
    }
