"""Recorded traffic of real APIs is read as the providers meant it.

The expectation is computed here by a full parse that shares nothing with the code under test.
"""

import base64
import json
import lzma
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from store.call import Reading
from store.dialects import Document, read

CORPUS = Path(os.environ.get("TOLLBOOK_CORPUS", Path(__file__).parents[2] / "../shared/corpus")) / "open.jsonl.xz"
IN_SCOPE = ("/chat/completions", "/completions", "/responses", "/responses/compact", "/embeddings", "/moderations",
            "/images/generations", "/images/edits", "/messages", ":generateContent", ":streamGenerateContent",
            ":embedContent", ":batchEmbedContents")  # fmt: skip

pytestmark = pytest.mark.skipif(not CORPUS.exists(), reason=f"no recordings at {CORPUS} (TOLLBOOK_CORPUS)")


def exchanges() -> Iterator[dict[str, Any]]:
    with lzma.open(CORPUS, "rt") as lines:
        for line in lines:
            exchange = json.loads(line)
            path = exchange["path"].partition("?")[0]
            if exchange["provider"] not in ("openai", "anthropic", "gemini") or exchange["method"] != "POST":
                continue
            if path.endswith(IN_SCOPE) and "/threads/" not in path:
                yield exchange


def body(exchange: dict[str, Any], side: str) -> bytes:
    text = exchange[f"{side}_body"] or ""
    return base64.b64decode(text) if exchange[f"{side}_encoding"] == "base64" else text.encode()


def reading_of(exchange: dict[str, Any], response: Document | None = None) -> Reading:
    return read(
        exchange["provider"],
        exchange["method"],
        exchange["path"],
        tuple(exchange["request_headers"].items()),
        Document(body(exchange, "request")),
        exchange["status"],
        tuple(exchange["response_headers"].items()),
        response or Document(body(exchange, "response")),
    )


def pieces(exchange: dict[str, Any]) -> list[Any]:
    """Every JSON value of the answer, as a plain client would parse them."""
    text = body(exchange, "response").decode("utf-8", "replace").strip()
    if text[:1] in ("{", "["):
        value = json.loads(text)
        return value if isinstance(value, list) else [value]
    data = [line[5:].strip() for line in text.splitlines() if line.startswith("data:")]
    return [json.loads(event) for event in data if event not in ("", "[DONE]")]


def told(exchange: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
    """The usage, each field as it was told last, and the first model named."""
    usage: dict[str, Any] = {}
    model = None
    for piece in pieces(exchange):
        for holder in (piece, piece.get("response"), piece.get("message")):
            if isinstance(holder, dict):
                model = model or holder.get("model") or holder.get("modelVersion")
                latest = holder.get("usage") or holder.get("usageMetadata") or {}
                usage |= {key: value for key, value in latest.items() if value is not None}
    return usage, model


def expected(usage: dict[str, Any], provider: str) -> tuple[int, int, int, int | None] | None:
    """Input, output, cache reads and reasoning."""
    if not usage:
        return None
    if provider == "anthropic":
        read_, written = usage.get("cache_read_input_tokens", 0), usage.get("cache_creation_input_tokens", 0)
        thinking = usage.get("output_tokens_details", {}).get("thinking_tokens")
        return usage["input_tokens"] + read_ + written, usage["output_tokens"], read_, thinking
    if "promptTokenCount" in usage:
        prompt = usage["promptTokenCount"] + usage.get("toolUsePromptTokenCount", 0)
        thoughts = usage.get("thoughtsTokenCount", 0)
        outgoing = usage.get("candidatesTokenCount", 0) + thoughts
        return prompt, outgoing, usage.get("cachedContentTokenCount", 0), thoughts
    incoming: int = usage["prompt_tokens"] if "prompt_tokens" in usage else usage["input_tokens"]
    outgoing = usage["total_tokens"] - incoming
    into = usage.get("prompt_tokens_details", usage.get("input_tokens_details", {}))
    out = usage.get("completion_tokens_details", usage.get("output_tokens_details"))
    return incoming, outgoing, into.get("cached_tokens", 0), None if out is None else out.get("reasoning_tokens", 0)


def counted(reading: Reading) -> tuple[int | None, int | None, int, int | None] | None:
    tokens = reading.tokens
    if tokens is None or tokens.source != "reported":
        return None
    return tokens.input, tokens.output, tokens.all_cache_read or 0, tokens.reasoning


def test_corpus() -> None:
    """Tokens, model and error equal what the provider reported in at least 999 of 1,000 recorded exchanges."""
    tally: Counter[str] = Counter()
    wrong: list[str] = []
    for exchange in exchanges():
        reading = reading_of(exchange)
        usage, model = told(exchange)
        tally["all"] += 1
        name = f"{exchange['source_path']}#{exchange['index']} {exchange['path']}"
        if exchange["status"] >= 400:
            tally["errors"] += 1
            error = pieces(exchange)[0].get("error", {})
            kind = error.get("type") or error.get("status")
            got = (reading.error.type, reading.error.message) if reading.error else None
            if got != (kind, error.get("message")) or reading.tokens is not None:
                wrong.append(f"{name}: error {got}")
            continue
        want = expected(usage, exchange["provider"])
        tally["with usage" if want else "without usage"] += 1
        if counted(reading) != want:
            wrong.append(f"{name}: tokens {counted(reading)}, not {want}")
        if reading.model != model:
            wrong.append(f"{name}: model {reading.model}, not {model}")
        if not reading.finished:
            wrong.append(f"{name}: not finished")
    assert tally["all"] > 1000, tally
    assert len(wrong) <= tally["all"] / 1000, "\n".join([str(tally), *wrong])


def test_corpus_cut() -> None:
    """With only two kilobytes of each end kept, counts are those of the whole answer or are not reported as such."""
    wrong = []
    same = larger = 0
    for exchange in exchanges():
        response = body(exchange, "response")
        if exchange["status"] >= 400 or len(response) <= 4096:
            continue
        whole, cut = reading_of(exchange), reading_of(exchange, Document(response[:2048], response[-2048:], cut=True))
        if "total_mismatch" in whole.anomalies:
            continue  # counts that contradict each other cannot be told from fewer of them
        larger += 1
        same += counted(cut) == counted(whole)
        if counted(cut) not in (None, counted(whole)):
            wrong.append(f"{exchange['source_path']}#{exchange['index']} {counted(cut)}, not {counted(whole)}")
    assert larger > 100
    assert wrong == []
    assert same / larger > 0.95
