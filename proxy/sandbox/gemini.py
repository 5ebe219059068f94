"""The Gemini dialect: contents generated whole or streamed, embedded and counted.

With `alt=sse` a stream is events whose lines end in CRLF; without, one JSON array that arrives element by element.
Every chunk carries the usage so far. Thoughts are counted beside the candidates, not among them.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

import orjson

from proxy.sandbox import counting
from proxy.sandbox.answer import Answer, BadRequestError, Headers, Json, Request, stream, whole
from proxy.sandbox.behaviour import Behaviour, plain_model
from proxy.sandbox.openai_media import vector
from proxy.sandbox.reply import Prompt, Reply, Tool, reply_to, texts_of

_IMAGE = 258
_KIND = "application/json; charset=UTF-8"
_MODELS = (
    "gemini-2.0-flash", "gemini-2.5-flash", "gemini-2.5-flash-lite", "gemini-2.5-pro", "gemini-3.5-flash",
    "gemini-embedding-001", "gemini-embedding-2",
)  # fmt: skip
_ALIASES = {
    "gemini-flash-latest": "gemini-2.5-flash",
    "gemini-flash-lite-latest": "gemini-2.5-flash-lite",
    "gemini-pro-latest": "gemini-2.5-pro",
}
_ERRORS = {
    400: ("INVALID_ARGUMENT", "The sandbox was asked for a bad request."),
    401: ("UNAUTHENTICATED", "Request had invalid authentication credentials. (sandbox)"),
    403: ("PERMISSION_DENIED", "The caller does not have permission. (sandbox)"),
    404: ("NOT_FOUND", "The model is not found for API version v1beta. (sandbox)"),
    429: ("RESOURCE_EXHAUSTED", "You exceeded your current quota. (sandbox)"),
    499: ("CANCELLED", "The operation was cancelled. (sandbox)"),
    503: ("UNAVAILABLE", "The model is overloaded. Please try again later. (sandbox)"),
    504: ("DEADLINE_EXCEEDED", "The deadline expired. (sandbox)"),
}


def answer(request: Request, behaviour: Behaviour) -> Answer:
    """The answer to a request in this dialect; an unknown path is its 404."""
    found = re.fullmatch(r"/v1(?:beta)?/models(?:/([^/:]+)(?::(\w+))?)?", request.path)
    name, method = (found[1], found[2]) if found else (None, None)
    model = plain_model(name or "")
    if request.method in ("GET", "HEAD") and found and method is None:
        return _with_headers(request, _models(name))
    if request.method != "POST" or name is None:
        return error(request, 404, f"Not found: {request.path}")
    match method:
        case "generateContent" | "streamGenerateContent":
            answered = _generate(request, model, method == "streamGenerateContent", behaviour)
        case "embedContent":
            answered = _embed(request.json(), model, behaviour)
        case "batchEmbedContents":
            answered = _embed_batch(request.json(), behaviour)
        case "countTokens":
            answered = _count(request.json())
        case _:
            return error(request, 404, f"Method {method} is not found for API version v1beta.")
    return _with_headers(request, answered)


def error(request: Request, status: int, message: str | None = None) -> Answer:
    """The error of this status in this dialect's shape; in an array where the answer would have been one."""
    kind, standard = _ERRORS.get(status, ("INVALID_ARGUMENT" if status < 500 else "INTERNAL", "Internal. (sandbox)"))
    fault: Json = {"code": status, "message": message or standard, "status": kind}
    if status == 429:
        fault["details"] = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1s"}]
    body: Json | list[Json] = {"error": fault}
    if "streamGenerateContent" in request.path and request.query("alt") != "sse":
        body = [{"error": fault}]
    return _with_headers(request, whole(orjson.dumps(body, option=orjson.OPT_INDENT_2), status=status, kind=_KIND))


def error_event(request: Request) -> bytes:
    """What breaks a running stream: one more chunk that is an error."""
    kind, message = _ERRORS[503]
    fault = {"error": {"code": 503, "message": message, "status": kind}}
    return _sse(fault) if request.query("alt") == "sse" else b",\r\n" + orjson.dumps(fault) + b"\n]"


def _with_headers(request: Request, answered: Answer) -> Answer:
    added: Headers = (
        ("vary", "Origin, X-Origin, Referer"),
        ("server", "scaffolding on HTTPServer2"),
        ("server-timing", f"gfet4t7; dur={60 + request.hash() % 900}"),
        ("x-gemini-service-tier", "standard"),
    )
    return replace(answered, headers=(*answered.headers, *added))


def _generate(request: Request, model: str, streamed: bool, behaviour: Behaviour) -> Answer:
    prompt = _prompt(request.json(), model)
    reply = reply_to(prompt)
    about = {"modelVersion": _ALIASES.get(model, model), "responseId": request.token("response", 23)}
    chunks = list(_chunks(prompt, reply, about, behaviour, streamed))
    if not streamed:
        return whole(orjson.dumps(chunks[0], option=orjson.OPT_INDENT_2), kind=_KIND)
    if request.query("alt") == "sse":
        return stream(map(_sse, chunks), headers=(("content-disposition", "attachment"),), kind="text/event-stream")
    elements = [(b"," if at else b"[") + b"\r\n"[: 2 * bool(at)] + orjson.dumps(each) for at, each in enumerate(chunks)]
    return stream([*(element + b"\n" for element in elements), b"]"], kind=_KIND)


def _sse(chunk: Json) -> bytes:
    return b"data: " + orjson.dumps(chunk) + b"\r\n\r\n"


def _prompt(body: Json, model: str = "") -> Prompt:
    if not body.get("contents"):
        raise BadRequestError("* GenerateContentRequest.contents: contents is not specified")
    contents: list[Json] = body["contents"]
    parts = [part for content in contents for part in content.get("parts") or ()]
    system = (body.get("systemInstruction") or {}).get("parts") or ()
    asked = [part for content in contents if content.get("role") != "model" for part in content.get("parts") or ()]
    questions = [part["text"] for part in asked if "text" in part]
    declared = [each for tool in body.get("tools") or () for each in tool.get("functionDeclarations") or ()]
    answered = any("functionResponse" in part for part in contents[-1].get("parts") or ())
    config = body.get("generationConfig") or {}
    wants_json = config.get("responseMimeType") == "application/json"
    schema = config.get("responseSchema") or config.get("responseJsonSchema") or {"type": "object", "properties": {}}
    mode = ((body.get("toolConfig") or {}).get("functionCallingConfig") or {}).get("mode")
    return Prompt(
        texts=texts_of(*(_said(part) for part in (*system, *parts)), body.get("tools")),
        question=questions[-1] if questions else "",
        messages=len(contents),
        media=_IMAGE * sum("inlineData" in part or "fileData" in part for part in parts),
        answered_before=any(content.get("role") == "model" for content in contents),
        tool=_tool(declared[0]) if declared and not answered and mode != "NONE" else None,
        schema=schema if wants_json else None,
        limit=config.get("maxOutputTokens"),
        reasoning=_thoughts(model, config.get("thinkingConfig") or {}),
    )


def _said(part: Json) -> object:
    return part.get("text") or part.get("functionCall") or part.get("functionResponse")


def _tool(declared: Json) -> Tool:
    return Tool(str(declared["name"]), declared.get("parameters") or declared.get("parametersJsonSchema") or {})


def _thoughts(model: str, config: Json) -> int:
    thinks = model.startswith(("gemini-2.5", "gemini-3", "gemini-pro", "gemini-flash")) and "lite" not in model
    budget = config.get("thinkingBudget")
    return 0 if not thinks or budget == 0 else 112


def _chunks(prompt: Prompt, reply: Reply, about: Json, behaviour: Behaviour, streamed: bool) -> Iterator[Json]:
    if reply.tool is not None:
        parts: list[Json] = [{"functionCall": {"name": reply.tool.name, "args": orjson.loads(reply.arguments)}}]
    elif streamed:
        parts = [{"text": text} for text in reply.fragments()] or [{"text": ""}]
    else:
        parts = [{"text": reply.text}]
    said = 0
    for at, part in enumerate(parts, 1):
        last = at == len(parts)
        said = reply.counts.text if last else min(reply.counts.text, said + counting.tokens(part.get("text", "")))
        candidate: Json = {"content": {"parts": [part], "role": "model"}, "index": 0}
        if last:
            candidate["finishReason"] = "MAX_TOKENS" if reply.cut else "STOP"
        usage = {} if behaviour.no_usage else {"usageMetadata": _usage(prompt, reply, said)}
        yield {"candidates": [candidate], **usage, **about}


def _usage(prompt: Prompt, reply: Reply, said: int) -> Json:
    details = [{"modality": "TEXT", "tokenCount": prompt.tokens - prompt.media}]
    if prompt.media:
        details.append({"modality": "IMAGE", "tokenCount": prompt.media})
    usage: Json = {
        "promptTokenCount": prompt.tokens,
        "candidatesTokenCount": said,
        "totalTokenCount": prompt.tokens + said + reply.counts.reasoning,
        "promptTokensDetails": details,
        "serviceTier": "standard",
    }
    if reply.counts.reasoning:
        usage["thoughtsTokenCount"] = reply.counts.reasoning
    if reply.counts.cached:
        usage["cachedContentTokenCount"] = reply.counts.cached
        usage["cacheTokensDetails"] = [{"modality": "TEXT", "tokenCount": reply.counts.cached}]
    return usage


def _embed(body: Json, model: str, behaviour: Behaviour) -> Answer:
    text = _content_text(body)
    used = counting.tokens(text)
    details = [{"modality": "TEXT", "tokenCount": used}]
    counted = {"usageMetadata": {"promptTokenCount": used, "promptTokenDetails": details}}
    values = {"embedding": {"values": vector(text, int(body.get("outputDimensionality") or 768))}}
    return whole({**values, **({} if behaviour.no_usage or model.endswith("001") else counted)}, kind=_KIND)


def _embed_batch(body: Json, behaviour: Behaviour) -> Answer:
    requests: list[Json] = body.get("requests") or []
    if not requests:
        raise BadRequestError("* BatchEmbedContentsRequest.requests: at least one is required")
    vectors = [
        {"values": vector(_content_text(each), int(each.get("outputDimensionality") or 768))} for each in requests
    ]
    used = sum(counting.tokens(_content_text(each)) for each in requests)
    details = [{"modality": "TEXT", "tokenCount": used}]
    counted = {"usageMetadata": {"promptTokenCount": used, "promptTokenDetails": details}}
    return whole({"embeddings": vectors, **({} if behaviour.no_usage else counted)}, kind=_KIND)


def _content_text(body: Json) -> str:
    parts = (body.get("content") or {}).get("parts") or ()
    return "\n".join(str(part.get("text", "")) for part in parts)


def _count(body: Json) -> Answer:
    prompt = _prompt(body.get("generateContentRequest") or body)
    details = [{"modality": "TEXT", "tokenCount": prompt.tokens}]
    return whole({"totalTokens": prompt.tokens, "promptTokensDetails": details}, kind=_KIND)


def _models(name: str | None) -> Answer:
    if name is None:
        return whole({"models": [_model(each) for each in _MODELS]}, kind=_KIND)
    return whole(_model(name), kind=_KIND)


def _model(name: str) -> Json:
    methods = ["embedContent"] if "embedding" in name else ["generateContent", "countTokens"]
    return {
        "name": f"models/{name}",
        "version": "001",
        "displayName": name.replace("-", " ").title(),
        "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 65_536,
        "supportedGenerationMethods": methods,
    }
