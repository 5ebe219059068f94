"""What the clients of the sample traffic send: one builder for each kind of small job, a few calls long.

A job is played by one client in one go: a question, a conversation, an agent at work, a nightly index. Builders draw
everything from the `Random` they are given, so the same seed makes the same calls.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Literal

import orjson

from proxy.sandbox import prompts
from proxy.sandbox.answer import Headers, Json

# How a call goes, beyond what the sandbox itself answers. "answered": as it answers, whatever that is.
Fate = Literal["answered", "client_left", "upstream_unreachable", "upstream_timed_out", "interrupted"]

_OPENAI: Headers = (
    ("accept", "application/json"),
    ("user-agent", "OpenAI/Python 2.10.0"),
    ("x-stainless-lang", "python"),
    ("x-stainless-package-version", "2.10.0"),
    ("x-stainless-retry-count", "0"),
)
_ANTHROPIC: Headers = (
    ("accept", "application/json"),
    ("user-agent", "Anthropic/Python 0.80.0"),
    ("anthropic-version", "2023-06-01"),
    ("x-stainless-lang", "python"),
    ("x-stainless-retry-count", "0"),
)
_GEMINI: Headers = (
    ("user-agent", "google-genai-sdk/1.60.0 gl-python/3.12.4"),
    ("x-goog-api-client", "google-genai-sdk/1.60.0 gl-python/3.12.4"),
)
_BOUNDARY = "sandbox-form-boundary"


@dataclass(frozen=True, slots=True)
class SampleCall:
    """One call of the sample traffic. The credential is kept apart from the headers it travels in."""

    at: datetime
    method: str
    path: str  # with the query, as the upstream gets it
    upstream: str  # the first segment of the path at the proxy
    headers: Headers
    body: bytes
    key: str = field(repr=False)  # the credential
    fate: Fate = "answered"

    @property
    def streamed(self) -> bool:
        """Whether a stream was asked for."""
        return b'"stream":true' in self.body or ":streamGenerateContent" in self.path

    def sent_headers(self) -> Headers:
        """All headers, the credential where this upstream's clients put it."""
        match self.upstream:
            case "anthropic":
                return (*self.headers, ("x-api-key", self.key))
            case "gemini":
                return (*self.headers, ("x-goog-api-key", self.key))
            case _:
                return (*self.headers, ("authorization", f"Bearer {self.key}"))


@dataclass(slots=True)
class Visit:
    """A client at work: who, when, and the dice. The clock moves on with every call."""

    dice: Random
    at: datetime
    key: str
    labels: Headers = ()  # headers that name user, session and tags

    def call(self, upstream: str, path: str, body: Json | bytes | None, sdk: Headers = ()) -> SampleCall:
        """The next call, sent when the answer of the one before has been read."""
        sent = b"" if body is None else body if isinstance(body, bytes) else orjson.dumps(body)
        kind = f"multipart/form-data; boundary={_BOUNDARY}" if isinstance(body, bytes) else "application/json"
        headers = sdk or {"openai": _OPENAI, "anthropic": _ANTHROPIC, "gemini": _GEMINI}.get(upstream, _OPENAI)
        typed: Headers = (("content-type", kind),) if sent else ()
        method = "POST" if sent else "GET"
        made = SampleCall(self.at, method, path, upstream, (*headers, *typed, *self.labels), sent, self.key)
        self.at += timedelta(seconds=self.dice.uniform(6, 50))
        return made


def question(visit: Visit) -> Iterator[SampleCall]:
    """One question from a script, sometimes with its user named in the body."""
    model = visit.dice.choice(("gpt-4o-mini", "gpt-5.4-mini", "gpt-5.4-nano"))
    messages = [{"role": "user", "content": visit.dice.choice(prompts.QUESTIONS)}]
    body: Json = {"model": model, "messages": messages, "seed": visit.dice.randrange(10_000)}
    if visit.dice.random() < 0.5:
        body |= {"stream": True}
        if visit.dice.random() < 0.7:
            body |= {"stream_options": {"include_usage": True}}
    if visit.dice.random() < 0.3:
        body |= {"user": visit.dice.choice(("kitchen", "garage", "balcony"))}
    yield visit.call("openai", "/v1/chat/completions", body)


def summary(visit: Visit) -> Iterator[SampleCall]:
    """A long text shortened by the responses API, the second time as JSON."""
    text = visit.dice.choice(prompts.DOCUMENTS) * visit.dice.randint(3, 9)
    model = visit.dice.choice(("gpt-5.4-mini", "gpt-5.5", "gpt-4.1-mini"))
    body: Json = {
        "model": model,
        "instructions": "Summarise for someone in a hurry.",
        "input": [{"role": "user", "content": [{"type": "input_text", "text": text}]}],
        "reasoning": {"effort": visit.dice.choice(("low", "medium"))},
        "metadata": {"project": "digest"},
    }
    yield visit.call("openai", "/v1/responses", body | {"stream": visit.dice.random() < 0.6})
    if visit.dice.random() < 0.4:
        schema = {
            "type": "object",
            "properties": {"title": {"type": "string"}, "points": {"type": "array", "items": {"type": "string"}}},
        }
        form = {"type": "json_schema", "name": "digest", "schema": schema}
        yield visit.call("openai", "/v1/responses", body | {"text": {"format": form}})


def support(visit: Visit) -> Iterator[SampleCall]:
    """A customer's conversation: moderated, then answered in a stream, turn after turn."""
    messages: list[Json] = [{"role": "system", "content": prompts.SUPPORT_RULES * 8}]
    for asked in visit.dice.sample(prompts.SUPPORT_QUESTIONS, visit.dice.randint(1, 3)):
        ticket = f"Ticket {visit.dice.randint(10_000, 99_999)}: {asked}"
        yield visit.call("openai", "/v1/moderations", {"model": "omni-moderation-latest", "input": ticket})
        messages.append({"role": "user", "content": ticket})
        chat: Json = {"model": "gpt-5.4-mini", "messages": messages, "stream": True, "user": "shop-visitor"}
        yield visit.call("openai", "/v1/chat/completions", chat | {"stream_options": {"include_usage": True}})
        messages = [*messages, {"role": "assistant", "content": "Thank you for asking. I have looked it up for you."}]


def agent(visit: Visit) -> Iterator[SampleCall]:
    """A programming agent: one task, tools, a growing conversation whose beginning is cached."""
    model = visit.dice.choice(("claude-sonnet-4-6", "claude-sonnet-4-6", "claude-opus-4-8"))
    schema = {"type": "object", "properties": {"path": {"type": "string", "enum": ["src/views/week.py"]}}}
    tool = {"name": "read_file", "description": "Reads a file of the repository.", "input_schema": schema}
    rules = {"type": "text", "text": prompts.CODE_RULES * 14, "cache_control": {"type": "ephemeral"}}
    messages: list[Json] = [{"role": "user", "content": visit.dice.choice(prompts.CODE_TASKS)}]
    body: Json = {"model": model, "max_tokens": 4096, "system": [rules], "tools": [tool], "stream": True}
    if visit.dice.random() < 0.5:
        yield visit.call("anthropic", "/v1/messages/count_tokens", {"model": model, "messages": messages})
    for turn, result in enumerate(prompts.TOOL_RESULTS[: visit.dice.randint(1, 4)]):
        yield visit.call("anthropic", "/v1/messages", body | {"messages": messages})
        used = {"type": "tool_use", "id": f"toolu_{turn}", "name": "read_file", "input": {"path": "src/views/week.py"}}
        told = {"type": "tool_result", "tool_use_id": f"toolu_{turn}", "content": result}
        messages = [*messages, {"role": "assistant", "content": [used]}, {"role": "user", "content": [told]}]
    yield visit.call("anthropic", "/v1/messages", body | {"messages": messages})


def thinking(visit: Visit) -> Iterator[SampleCall]:
    """A question worth thinking about, to Anthropic, sometimes with a picture."""
    asked: list[Json] = [{"type": "text", "text": visit.dice.choice(prompts.QUESTIONS)}]
    if visit.dice.random() < 0.3:
        source = {"type": "base64", "media_type": "image/png", "data": prompts.PIXEL}
        asked.insert(0, {"type": "image", "source": source})
    body: Json = {
        "model": visit.dice.choice(("claude-haiku-4-5", "claude-sonnet-4-6")),
        "max_tokens": 2048,
        "messages": [{"role": "user", "content": asked}],
        "metadata": {"user_id": visit.dice.choice(("reader-a", "reader-b"))},
    }
    if visit.dice.random() < 0.4:
        body |= {"thinking": {"type": "enabled", "budget_tokens": 1024}}
    yield visit.call("anthropic", "/v1/messages", body)


def mobile(visit: Visit) -> Iterator[SampleCall]:
    """An app on a phone: short streamed answers from Gemini, sometimes about a photograph."""
    model = visit.dice.choice(("gemini-2.5-flash", "gemini-2.5-flash", "gemini-2.5-flash-lite", "gemini-2.5-pro"))
    parts: list[Json] = [{"text": visit.dice.choice(prompts.QUESTIONS)}]
    if visit.dice.random() < 0.25:
        parts.append({"inlineData": {"mimeType": "image/png", "data": prompts.PIXEL}})
    config = {"seed": visit.dice.randrange(10_000)}
    body: Json = {"contents": [{"role": "user", "parts": parts}], "generationConfig": config}
    if visit.dice.random() < 0.2:
        yield visit.call("gemini", f"/v1beta/models/{model}:countTokens", body)
    method = visit.dice.choice(("streamGenerateContent?alt=sse", "streamGenerateContent?alt=sse", "generateContent"))
    yield visit.call("gemini", f"/v1beta/models/{model}:{method}", body)


def index(visit: Visit) -> Iterator[SampleCall]:
    """The nightly index of a help site: a list of models, then passages embedded in batches."""
    yield visit.call("openai", "/v1/models", None)
    for _ in range(visit.dice.randint(2, 5)):
        passages = visit.dice.sample(prompts.PASSAGES, 4)
        body: Json = {"model": "text-embedding-3-small", "input": passages, "encoding_format": "base64"}
        yield visit.call("openai", "/v1/embeddings", body | {"dimensions": 256})
    if visit.dice.random() < 0.5:
        content = {"parts": [{"text": visit.dice.choice(prompts.PASSAGES)}]}
        single: Json = {"content": content, "outputDimensionality": 128}
        yield visit.call("gemini", "/v1beta/models/gemini-embedding-001:embedContent", single)


def studio(visit: Visit) -> Iterator[SampleCall]:
    """Pictures and sound: a drawing, an announcement read aloud, a recording written down."""
    if visit.dice.random() < 0.6:
        quality = visit.dice.choice(("low", "medium"))
        drawn: Json = {"model": "gpt-image-1", "prompt": visit.dice.choice(prompts.PICTURES), "quality": quality}
        yield visit.call("openai", "/v1/images/generations", drawn)
    if visit.dice.random() < 0.6:
        spoken: Json = {"model": "gpt-4o-mini-tts", "voice": "alloy", "input": visit.dice.choice(prompts.LINES)}
        yield visit.call("openai", "/v1/audio/speech", spoken)
    if visit.dice.random() < 0.6:
        model = visit.dice.choice(("whisper-1", "gpt-4o-mini-transcribe"))
        yield visit.call("openai", "/v1/audio/transcriptions", _recording(model, visit.dice.randint(4_000, 24_000)))


def completion(visit: Visit) -> Iterator[SampleCall]:
    """An old editor plug-in that still completes text."""
    body: Json = {
        "model": "gpt-3.5-turbo-instruct",
        "prompt": visit.dice.choice(prompts.BEGINNINGS),
        "max_tokens": visit.dice.choice((16, 64, 128)),
        "stream": visit.dice.random() < 0.3,
    }
    yield visit.call("openai", "/v1/completions", body)


def misspelt(visit: Visit) -> Iterator[SampleCall]:
    """A base URL with a typing error: no upstream has this name."""
    body: Json = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "ping"}]}
    yield visit.call("opnai", "/v1/chat/completions", body)


def _recording(model: str, size: int) -> bytes:
    parts = (
        b'Content-Disposition: form-data; name="model"\r\n\r\n' + model.encode(),
        b'Content-Disposition: form-data; name="file"; filename="note.wav"\r\nContent-Type: audio/wav\r\n\r\n'
        + b"RIFF\x00\x00\x00\x00WAVEfmt "
        + bytes(size),
    )
    marks = b"--" + _BOUNDARY.encode()
    return b"".join(marks + b"\r\n" + part + b"\r\n" for part in parts) + marks + b"--\r\n"
