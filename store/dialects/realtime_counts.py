"""The usage objects of realtime sessions, as counts in disjoint buckets.

They differ from those of single calls in few ways: OpenAI tells how the cached tokens divide into text, audio and
images; xAI adds billed seconds; Gemini's Live API calls candidates responses and leaves thoughts out of the total.
"""

from decimal import Decimal
from typing import Any

import msgspec

from store.call import Tokens
from store.dialects.answer import Counted
from store.dialects.counts import Counts
from store.dialects.gemini import GEMINI
from store.dialects.openai import OPENAI

_BUCKETS = tuple(field for field in Tokens.__struct_fields__ if field != "source")


def added(one: Tokens | None, other: Tokens | None) -> Tokens | None:
    """Both together. A bucket that one of them does not tell apart is the other's: it is in no sum twice."""
    if one is None or other is None:
        return one or other
    sums = {}
    for bucket in _BUCKETS:
        told = [count for count in (getattr(one, bucket), getattr(other, bucket)) if count is not None]
        sums[bucket] = sum(told) if told else None
    return Tokens("reported", **sums)


def of_response(usage: dict[str, Any]) -> Counted:
    """OpenAI's, Azure's and xAI's usage of one response or one transcription."""
    details = usage.get("input_token_details")
    split = details.get("cached_tokens_details") if isinstance(details, dict) else None
    if not isinstance(details, dict) or not isinstance(split, dict):
        return OPENAI.count(usage, "realtime")
    of = Counts().of
    incoming, cached = of(usage.get("input_tokens")), of(details.get("cached_tokens"))
    audio, image = of(details.get("audio_tokens")) or 0, of(details.get("image_tokens")) or 0
    cached_audio, cached_image = of(split.get("audio_tokens")) or 0, of(split.get("image_tokens")) or 0
    whole = cached_audio <= audio and cached_image <= image and cached_audio + cached_image <= (cached or 0)
    if incoming is None or not whole or cached_audio + cached_image > incoming:
        counted = OPENAI.count(usage, "realtime")
        odd = () if whole else ("parts_over_total",)
        return msgspec.structs.replace(counted, anomalies=tuple(dict.fromkeys((*counted.anomalies, *odd))))
    apart = cached_audio + cached_image
    rest = usage | {
        "input_tokens": incoming - apart,
        "input_token_details": details
        | {
            "cached_tokens": (cached or 0) - apart,
            "audio_tokens": audio - cached_audio,
            "image_tokens": image - cached_image,
            "cached_tokens_details": None,
        },
    }
    if (total := of(usage.get("total_tokens"))) is not None:
        rest["total_tokens"] = total - apart
    counted = OPENAI.count(rest, "realtime")
    if counted.tokens is None:
        return counted
    tokens = msgspec.structs.replace(counted.tokens, cache_read_audio=cached_audio, cache_read_image=cached_image)
    return msgspec.structs.replace(counted, tokens=tokens)


def of_turn(usage: dict[str, Any]) -> Counted:
    """Gemini's usage of one turn."""
    renamed = dict(usage)
    for theirs, ours in (
        ("responseTokenCount", "candidatesTokenCount"),
        ("responseTokensDetails", "candidatesTokensDetails"),
    ):
        if renamed.get(ours) is None and theirs in renamed:
            renamed[ours] = renamed[theirs]
    counts = Counts()
    parts = ("promptTokenCount", "candidatesTokenCount", "toolUsePromptTokenCount")
    without_thoughts = sum(counts.of(renamed.get(part)) or 0 for part in parts)
    thoughts = counts.of(renamed.get("thoughtsTokenCount")) or 0
    if not thoughts or counts.of(renamed.get("totalTokenCount")) != without_thoughts:
        return GEMINI.count(renamed, "realtime")
    # The total, which is what is charged, leaves them out: they are told of what was answered, not beside it.
    counted = GEMINI.count(renamed | {"thoughtsTokenCount": None}, "realtime")
    if counted.tokens is None:
        return counted
    most = counted.tokens.output or 0
    return msgspec.structs.replace(
        counted, tokens=msgspec.structs.replace(counted.tokens, reasoning=min(thoughts, most))
    )


def seconds_of(usage: dict[str, Any], *names: str) -> Decimal | None:
    """A number of seconds under the first of these names that has one."""
    for name in names:
        value = usage.get(name)
        if isinstance(value, (int, Decimal)) and not isinstance(value, bool) and 0 <= value < 10**9:
            return Decimal(value)
    return None
