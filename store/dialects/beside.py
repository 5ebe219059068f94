"""Counts told beside the usage object, for answers whose body has none or leaves one out; and the tier that was served.

Bedrock tells every count in its headers, also for models whose own format has no usage, and in the last chunk of a
stream; Hugging Face's servers, some backends of its router and Fireworks have such headers, too, and llama.cpp tells
them with the time that each part took. What the body's own usage tells counts more: it says what the parts are.
"""

from typing import Any

import msgspec

from proxy.journal.notes import Headers
from store.call import CallType, Tokens
from store.dialects.answer import Answer, Counted
from store.dialects.counts import LARGEST, LONGEST_NAME

_HEADERS = {
    "x-amzn-bedrock-input-token-count": "input",
    "x-amzn-bedrock-output-token-count": "output",
    "x-amzn-bedrock-cache-read-input-token-count": "cache_read",
    "x-amzn-bedrock-cache-write-input-token-count": "cache_write",
    "x-prompt-tokens": "input",
    "x-generated-tokens": "output",
    "fireworks-prompt-tokens": "input",
    "x-compute-tokens": "input",
}
_METRICS = {
    "inputTokenCount": "input",
    "outputTokenCount": "output",
    "cacheReadInputTokenCount": "cache_read",
    "cacheWriteInputTokenCount": "cache_write",
}
_TIMINGS = {"prompt_n": "input", "cache_n": "cache_read", "predicted_n": "output"}
_LONGEST = 15  # digits: less than LARGEST
_TIERS = frozenset(("x-amzn-bedrock-service-tier", "x-gemini-service-tier"))
_LATENCY = "x-amzn-bedrock-performanceconfig-latency"
OPTIMIZED = "optimized"
"""A latency of Bedrock's that has prices of its own."""


def tier_in(headers: Headers) -> str | None:
    """The tier that was served, where a header tells it."""
    tier = None
    for name, value in headers:
        if name == _LATENCY and value == OPTIMIZED:
            return OPTIMIZED
        if name in _TIERS and value:
            tier = value[:LONGEST_NAME]
    return tier


def metrics_in(told: Any) -> dict[str, int] | None:
    """The counts in Bedrock's `amazon-bedrock-invocationMetrics`."""
    return _counts(told, _METRICS)


def timings_in(told: Any) -> dict[str, int] | None:
    """The counts in llama.cpp's `timings`; None where they do not tell what was cached, which the prompt leaves out."""
    found = _counts(told, _TIMINGS)
    return found if found is not None and len(found) == len(_TIMINGS) else None


def _counts(told: Any, names: dict[str, str]) -> dict[str, int] | None:
    if not isinstance(told, dict):
        return None
    found = {name: told.get(key) for key, name in names.items()}
    return {name: count for name, count in found.items() if type(count) is int and 0 <= count <= LARGEST}


def completed(answer: Answer, counted: Counted, headers: Headers, type_: CallType) -> Counted:
    """What was counted, with what the body left out as far as it was told beside it."""
    tokens = counted.tokens
    if tokens is not None and tokens.input_uncached is not None and tokens.output_text is not None:
        return counted  # as nearly all are
    lacks_input = tokens is None or tokens.input is None
    lacks_output = type_ != "embedding" and (tokens is None or tokens.output is None)
    if not lacks_input and not lacks_output:
        return counted
    told = _in_headers(headers) | (answer.beside or {})
    if not told:
        return counted
    if answer.usage is None:
        answer.take_counts(**told)
    if tokens is None:
        tokens = Tokens("reported")
    if lacks_input and "input" in told:
        tokens = msgspec.structs.replace(tokens, input_uncached=told["input"], **_of_the_cache(told))
    elif tokens.cache_read is None and tokens.cache_write is None:
        tokens = msgspec.structs.replace(tokens, **_of_the_cache(told))
    if lacks_output and "output" in told:
        tokens = msgspec.structs.replace(tokens, output_text=told["output"])
    return counted if tokens.total is None else msgspec.structs.replace(counted, tokens=tokens)


def _of_the_cache(told: dict[str, int]) -> dict[str, int]:
    """How long something is kept is not told: for five minutes, unless somebody says so."""
    found = {"cache_read": told["cache_read"]} if "cache_read" in told else {}
    if "cache_write" in told:
        found |= {"cache_write_5m": told["cache_write"], "cache_write_1h": 0}
    return found


def _in_headers(headers: Headers) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, value in headers:
        if name in _HEADERS and value.isascii() and value.isdecimal() and len(value) <= _LONGEST:
            found.setdefault(_HEADERS[name], int(value))
    return found
