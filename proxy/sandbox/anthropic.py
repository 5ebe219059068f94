"""The Anthropic dialect: messages whole and streamed, with tools, images, thinking and the prompt cache.

A prompt with a `cache_control` mark counts everything before its last mark as cached: read when the conversation
already has an answer in it, else written, for five minutes or, where the mark says so, an hour. `input_tokens` is
what remains, as the real service counts.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

import orjson

from proxy.sandbox import counting
from proxy.sandbox.answer import Answer, BadRequestError, Headers, Json, Request, event, stream, whole
from proxy.sandbox.behaviour import Behaviour, plain_model
from proxy.sandbox.reply import Prompt, Reply, Tool, reply_to, texts_of

_IMAGE = 1334  # tokens of a picture of a megapixel
_DATED = {
    "claude-3-5-haiku-latest": "claude-3-5-haiku-20241022",
    "claude-haiku-4-5": "claude-haiku-4-5-20251001",
    "claude-opus-4-1": "claude-opus-4-1-20250805",
    "claude-opus-4-5": "claude-opus-4-5-20251101",
    "claude-sonnet-4-0": "claude-sonnet-4-20250514",
    "claude-sonnet-4-5": "claude-sonnet-4-5-20250929",
}
_UNDATED = ("claude-sonnet-4-6", "claude-opus-4-6", "claude-opus-4-8")
_ERRORS = {
    400: ("invalid_request_error", "The sandbox was asked for a bad request."),
    401: ("authentication_error", "invalid x-api-key"),
    403: ("permission_error", "Your API key may not use this resource. (sandbox)"),
    404: ("not_found_error", "model: not found (sandbox)"),
    413: ("request_too_large", "Request exceeds the maximum size. (sandbox)"),
    429: ("rate_limit_error", "This request would exceed the rate limit of your organization. (sandbox)"),
    504: ("timeout_error", "The request took too long. (sandbox)"),
    529: ("overloaded_error", "Overloaded"),
}


def answer(request: Request, behaviour: Behaviour) -> Answer:
    """The answer to a request in this dialect; an unknown path is its 404."""
    match request.method, request.path.rstrip("/"):
        case "POST", "/v1/messages":
            answered = _message(request, behaviour)
        case "POST", "/v1/messages/count_tokens":
            answered = whole({"input_tokens": _prompt(request.json()).tokens})
        case (("GET" | "HEAD"), path) if found := re.fullmatch(r"/v1/models(?:/([^/]+))?", path):
            answered = _models(found[1])
        case _:
            return error(request, 404, "Not found")
    return _with_headers(request, answered)


def error(request: Request, status: int, message: str | None = None) -> Answer:
    """The error of this status in this dialect's shape."""
    fallback = _ERRORS[400] if status < 500 else ("api_error", "Internal server error (sandbox)")
    kind, standard = _ERRORS.get(status, fallback)
    body = {
        "type": "error",
        "error": {"type": kind, "message": message or standard},
        "request_id": _request_id(request),
    }
    again: Headers = (("retry-after", "1"),) if status == 429 else ()
    should: Headers = (("x-should-retry", "true" if status in (429, 529) or status >= 500 else "false"),)
    return _with_headers(request, whole(body, status=status, headers=again + should))


def error_event(request: Request) -> bytes:
    """What breaks a running stream."""
    fault = {"type": "overloaded_error", "message": "Overloaded"}
    return event({"type": "error", "error": fault, "request_id": _request_id(request)}, "error")


def _request_id(request: Request) -> str:
    return "req_011C" + request.token("request", 20)


def _with_headers(request: Request, answered: Answer) -> Answer:
    added: Headers = (
        ("request-id", _request_id(request)),
        ("anthropic-organization-id", "00000000-0000-4000-8000-000000000000"),
        ("anthropic-ratelimit-requests-limit", "4000"),
        ("anthropic-ratelimit-requests-remaining", str(3999 - request.number % 50)),
        ("anthropic-ratelimit-requests-reset", request.at.strftime("%Y-%m-%dT%H:%M:%SZ")),
    )
    return replace(answered, headers=(*answered.headers, *added))


def _message(request: Request, behaviour: Behaviour) -> Answer:
    body = request.json()
    if not body.get("max_tokens"):
        raise BadRequestError("max_tokens: Field required")
    prompt = _prompt(body)
    reply = reply_to(prompt)
    model = plain_model(str(body["model"]))
    message: Json = {
        "model": _DATED.get(model, model),
        "id": "msg_01" + request.token("message", 22),
        "type": "message",
        "role": "assistant",
        "content": _content(request, reply),
        "stop_reason": "tool_use" if reply.tool is not None else "max_tokens" if reply.cut else "end_turn",
        "stop_sequence": None,
    }
    usage = _usage(body, prompt, reply)
    if body.get("stream"):
        return stream(event(each, str(each["type"])) for each in _events(message, reply, usage, behaviour))
    return whole({**message, **({} if behaviour.no_usage else {"usage": usage})})


def _prompt(body: Json) -> Prompt:
    for name in ("model", "messages"):
        if not body.get(name):
            raise BadRequestError(f"{name}: Field required")
    messages: list[Json] = body["messages"]
    blocks = [block for message in messages for block in _blocks(message.get("content"))]
    questions = [
        block["text"]
        for message in messages
        if message.get("role") == "user"
        for block in _blocks(message.get("content"))
        if block.get("type") == "text"
    ]
    last = _blocks(messages[-1].get("content"))
    answered = any(block.get("type") == "tool_result" for block in last)
    system = [block.get("text") for block in _blocks(body.get("system"))]
    tools = [tool for tool in body.get("tools") or () if "input_schema" in tool]
    form = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
    return Prompt(
        texts=texts_of(*system, *(_said(block) for block in blocks), body.get("tools")),
        question=questions[-1] if questions else "",
        messages=len(messages),
        media=_IMAGE * sum(block.get("type") in ("image", "document") for block in blocks),
        answered_before=any(message.get("role") == "assistant" for message in messages),
        tool=None if answered else _chosen(tools, body.get("tool_choice") or {}),
        schema=form.get("schema"),
        limit=body.get("max_tokens"),
        reasoning=_thinking(body.get("thinking") or {}),
    )


def _blocks(content: object) -> list[Json]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []


def _said(block: Json) -> object:
    return block.get("text") or block.get("input") or (block.get("content") if "tool_use_id" in block else None)


def _chosen(tools: list[Json], choice: Json) -> Tool | None:
    if not tools or choice.get("type") == "none":
        return None
    tool = next((each for each in tools if each.get("name") == choice.get("name")), tools[0])
    return Tool(str(tool["name"]), tool["input_schema"])


def _thinking(thinking: Json) -> int:
    if thinking.get("type") not in ("enabled", "adaptive"):
        return 0
    return min(96, int(thinking.get("budget_tokens") or 96))


def _content(request: Request, reply: Reply) -> list[Json]:
    content: list[Json] = []
    if reply.counts.reasoning:
        signature = request.token("signature", 64)
        content.append({"type": "thinking", "thinking": "A sandbox thinks briefly.", "signature": signature})
    if reply.tool is not None:
        arguments = orjson.loads(reply.arguments)
        call = "toolu_01" + request.token("call", 22)
        content.append({"type": "tool_use", "id": call, "name": reply.tool.name, "input": arguments})
    else:
        content.append({"type": "text", "text": reply.text})
    return content


def _usage(body: Json, prompt: Prompt, reply: Reply) -> Json:
    marked, hour = _marked(body)
    marked = min(marked, prompt.tokens)
    read = marked if prompt.answered_before else 0
    written = marked - read
    usage: Json = {
        "input_tokens": prompt.tokens - marked,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": 0 if hour else written,
            "ephemeral_1h_input_tokens": written if hour else 0,
        },
        "output_tokens": reply.counts.output,
        "service_tier": "standard",
        "inference_geo": "not_available",
    }
    if reply.counts.reasoning:
        usage["output_tokens_details"] = {"thinking_tokens": reply.counts.reasoning}
    return usage


def _marked(body: Json) -> tuple[int, bool]:
    # The service reads tools, then system, then messages; a mark caches everything before it.
    messages = [block for message in body["messages"] for block in _blocks(message.get("content"))]
    passed, marked, hour = 0, 0, False
    for block in (*(body.get("tools") or ()), *_blocks(body.get("system")), *messages):
        said = texts_of(_said(block) if "input_schema" not in block else block)
        passed += sum(map(counting.tokens, said)) + (_IMAGE if block.get("type") == "image" else 0)
        if control := block.get("cache_control"):
            marked, hour = passed, control.get("ttl") == "1h"
    return marked, hour


def _events(message: Json, reply: Reply, usage: Json, behaviour: Behaviour) -> Iterator[Json]:
    first = {key: value for key, value in usage.items() if key != "output_tokens_details"} | {"output_tokens": 1}
    unsaid: Json = {"content": [], "stop_reason": None, **({} if behaviour.no_usage else {"usage": first})}
    yield {"type": "message_start", "message": {**message, **unsaid}}
    for index, block in enumerate(message["content"]):
        empty: Json = {"text": {"text": ""}, "tool_use": {"input": {}}, "thinking": {"thinking": "", "signature": ""}}
        yield {"type": "content_block_start", "index": index, "content_block": {**block, **empty[block["type"]]}}
        if index == 0:
            yield {"type": "ping"}
        for delta in _deltas(block, reply):
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    told = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")
    last = {key: usage[key] for key in (*told, "output_tokens_details") if key in usage}
    delta = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield {"type": "message_delta", "delta": delta, "usage": {} if behaviour.no_usage else last}
    yield {"type": "message_stop"}


def _deltas(block: Json, reply: Reply) -> Iterator[Json]:
    if block["type"] == "thinking":
        yield {"type": "thinking_delta", "thinking": block["thinking"]}
        yield {"type": "signature_delta", "signature": block["signature"]}
    elif block["type"] == "tool_use":
        for part in ("", *reply.argument_fragments()):
            yield {"type": "input_json_delta", "partial_json": part}
    else:
        for text in reply.fragments():
            yield {"type": "text_delta", "text": text}


def _models(name: str | None) -> Answer:
    known = [*_DATED.values(), *_UNDATED]
    if name is None:
        data = [_model(each) for each in known]
        return whole({"data": data, "has_more": False, "first_id": known[0], "last_id": known[-1]})
    return whole(_model(_DATED.get(name, name)))


def _model(name: str) -> Json:
    shown = name.rpartition("-")[0].replace("-", " ").title()
    return {"type": "model", "id": name, "display_name": shown, "created_at": "2025-01-01T00:00:00Z"}
