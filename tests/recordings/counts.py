"""What each vendor's usage says, in the terms of a row of the book.

One function for each way of telling it, all from `wire-formats.md` and none from the product: input with what was
cached and written, output with reasoning; None where nobody told.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Json = Any


@dataclass(frozen=True, slots=True)
class Counts:
    """The tokens of one row."""

    input: int | None
    output: int | None
    cache_read: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None
    cache_write_1h: int | None = None
    at_odds: bool = False  # the provider contradicts itself: a row must say so

    @property
    def total(self) -> int | None:
        """Both directions together."""
        told = [count for count in (self.input, self.output) if count is not None]
        return sum(told) if told else None


def openai(usage: Json) -> Counts | None:
    """Both generations of names; the total is right where it is larger than its parts (xAI's reasoning, Voxtral's
    audio); reasoning and audio are told within other counts or beside them."""
    incoming = _first(usage, "prompt_tokens", "input_tokens")
    outgoing = _first(usage, "completion_tokens", "output_tokens")
    total = usage.get("total_tokens")
    into = _first(usage, *(f"{side}_{word}_details" for side in ("prompt", "input") for word in ("tokens", "token")))
    out = _first(
        usage, *(f"{side}_{word}_details" for side in ("completion", "output") for word in ("tokens", "token"))
    )
    if incoming is None and outgoing is None and total is None:
        return None
    if incoming is None and outgoing is None:
        incoming = total  # of embeddings and reranking: there is no other direction
        total = None
    audio = (into or {}).get("audio_tokens")
    if total is not None:
        incoming = total - (outgoing or 0) if incoming is None else incoming
        outgoing = total - incoming if outgoing is None else outgoing
        if (missing := total - incoming - outgoing) > 0:
            incoming, outgoing = (incoming + missing, outgoing) if missing == audio else (incoming, outgoing + missing)
    cached = _first(into or {}, "cached_tokens")
    if cached is None:
        cached = _first(
            usage, "prompt_cache_hit_tokens", "cached_tokens", "num_cached_tokens", "cache_read_input_tokens"
        )
    written = _first(into or {}, "cache_write_tokens")
    written = usage.get("cache_creation_input_tokens") if written is None else written
    reasoning = _first(out or {}, "reasoning_tokens")
    reasoning = usage.get("reasoning_tokens") if reasoning is None else reasoning
    if into is not None:
        cached, written = cached or 0, written or 0
    if out is not None:
        reasoning = reasoning or 0
    return _clamped(
        incoming,
        outgoing,
        cached,
        written,
        reasoning,
        at_odds=total is not None and total < incoming + outgoing,
    )


def anthropic(usage: Json) -> Counts:
    """Reads and writes stand beside the input; entries of other models (`iterations`) in none of these counts."""
    read, written = usage.get("cache_read_input_tokens") or 0, usage.get("cache_creation_input_tokens") or 0
    return Counts(
        usage["input_tokens"] + read + written,
        usage["output_tokens"],
        read,
        written,
        (usage.get("output_tokens_details") or {}).get("thinking_tokens"),
        (usage.get("cache_creation") or {}).get("ephemeral_1h_input_tokens") or 0,
    )


def gemini(usage: Json) -> Counts:
    """Thoughts stand beside the candidates, what tools put in beside the prompt. What is absent is 0, as in proto3."""
    prompt, thoughts = usage.get("promptTokenCount") or 0, usage.get("thoughtsTokenCount") or 0
    incoming = prompt + (usage.get("toolUsePromptTokenCount") or 0)
    outgoing = (usage.get("candidatesTokenCount") or 0) + thoughts
    total = usage.get("totalTokenCount")
    cached = usage.get("cachedContentTokenCount") or 0
    at_odds = (total is not None and total != incoming + outgoing) or cached > prompt
    return Counts(incoming, outgoing, min(cached, prompt), None, thoughts, at_odds=at_odds)


def predictions(values: Iterable[Json]) -> Counts | None:
    """Vertex's older embeddings: a count for each text."""
    told = [(one.get("embeddings") or {}).get("statistics") for one in values]
    counts = [one["token_count"] for one in told if one]
    return Counts(int(sum(counts)), None) if counts else None


def converse(usage: Json) -> Counts | None:
    """Bedrock's own format, also Nova's: the input is what was in no cache. A guardrail's answer has no output."""
    if usage.get("inputTokens") is None or usage.get("outputTokens") is None:
        return None
    read = _first(usage, "cacheReadInputTokens", "cacheReadInputTokenCount")
    written = _first(usage, "cacheWriteInputTokens", "cacheWriteInputTokenCount")
    incoming = usage["inputTokens"] + (read or 0) + (written or 0)
    long = sum(part["inputTokens"] for part in usage.get("cacheDetails") or () if part.get("ttl") == "1h")
    at_odds = usage.get("totalTokens") not in (None, incoming + usage["outputTokens"])
    return Counts(incoming, usage["outputTokens"], read, written, None, long, at_odds=at_odds)


def metrics(usage: Json) -> Counts | None:
    """What Bedrock adds to the last piece of any stream."""
    if "inputTokenCount" not in usage:
        return None
    read, written = usage.get("cacheReadInputTokenCount"), usage.get("cacheWriteInputTokenCount")
    return Counts(usage["inputTokenCount"] + (read or 0) + (written or 0), usage["outputTokenCount"], read, written)


def count_headers(headers: dict[str, str]) -> Counts | None:
    """What Bedrock and Hugging Face tell beside any body."""
    if "x-generated-tokens" in headers:
        return Counts(int(headers["x-prompt-tokens"]), int(headers["x-generated-tokens"]), None, None)
    told = {
        part: int(headers[name])
        for part in ("input", "output", "cache-read-input", "cache-write-input")
        if (name := f"x-amzn-bedrock-{part}-token-count") in headers
    }
    if not told:
        return None
    read, written = told.get("cache-read-input"), told.get("cache-write-input")
    return Counts(told["input"] + (read or 0) + (written or 0), told.get("output"), read, written)


def titan(values: Iterable[Json]) -> Counts | None:
    """Amazon's older models: text, whole (`results`) or streamed, and embeddings. Counts are floats at times."""
    incoming = outgoing = None
    for value in values:
        incoming = value.get("inputTextTokenCount", incoming)
        outgoing = value.get("totalOutputTextTokenCount", outgoing)
        if incoming is not None and value.get("results"):
            outgoing = sum(result["tokenCount"] for result in value["results"])
    if incoming is None:
        return None
    return Counts(int(incoming), None if outgoing is None else int(outgoing))


def llama(last: Json) -> Counts | None:
    """Meta's models on Bedrock."""
    if "generation_token_count" not in last:
        return None
    return Counts(last.get("prompt_token_count"), last["generation_token_count"])


def cohere(usage: Json) -> Counts | None:
    """What is billed, where that is told: the template's tokens are free. Which of the billed ones came from a cache
    or were reasoning is not told: those counts are of all tokens."""
    billed, seen = usage.get("billed_units") or {}, usage.get("tokens") or {}
    for told in (billed, seen):
        incoming, outgoing = told.get("input_tokens"), told.get("output_tokens")
        if incoming is not None or outgoing is not None:
            incoming = None if incoming is None else incoming + (told.get("image_tokens") or 0)
            return Counts(incoming, outgoing)
    return None


def ollama(last: Json) -> Counts | None:
    """The prompt's count is missing where all of it was cached."""
    if last.get("prompt_eval_count") is None and last.get("eval_count") is None:
        return None
    return Counts(last.get("prompt_eval_count"), last.get("eval_count"))


def aleph_alpha(last: Json) -> Counts | None:
    """Flat, beside the completions."""
    if "num_tokens_generated" not in last:
        return None
    return Counts(last.get("num_tokens_prompt_total"), last["num_tokens_generated"])


def watsonx(values: Iterable[Json]) -> Counts | None:
    """Cumulative in a stream, but for the input: it is told once, and as 0 afterwards."""
    results = [result for value in values for result in value.get("results") or () if "generated_token_count" in result]
    if not results:
        return None
    return Counts(
        max(result.get("input_token_count") or 0 for result in results),
        max(result["generated_token_count"] for result in results),
    )


def _clamped(
    incoming: int | None,
    outgoing: int | None,
    cached: int | None,
    written: int | None,
    reasoning: int | None,
    *,
    at_odds: bool,
) -> Counts:
    """A part larger than its whole is the whole, and something is wrong."""
    if cached is not None and incoming is not None and cached > incoming:
        cached, at_odds = incoming, True
    if written is not None and incoming is not None and written > incoming - (cached or 0):
        written, at_odds = incoming - (cached or 0), True
    if reasoning is not None and outgoing is not None and reasoning > outgoing:
        reasoning, at_odds = outgoing, True
    return Counts(incoming, outgoing, cached, written, reasoning, at_odds=at_odds)


def _first(told: Json, *names: str) -> Any:
    return next((told[name] for name in names if told.get(name) is not None), None)
