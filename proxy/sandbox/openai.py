"""The OpenAI dialect: which path is answered by what, its headers, its errors, its list of models."""

import re
from dataclasses import replace

from proxy.sandbox import openai_chat, openai_media, openai_responses
from proxy.sandbox.answer import Answer, BadRequestError, Headers, Json, Request, event, whole
from proxy.sandbox.behaviour import Behaviour

_DATED = {
    "gpt-4o": "gpt-4o-2024-08-06",
    "gpt-4o-mini": "gpt-4o-mini-2024-07-18",
    "gpt-4.1": "gpt-4.1-2025-04-14",
    "gpt-4.1-mini": "gpt-4.1-mini-2025-04-14",
    "gpt-4.1-nano": "gpt-4.1-nano-2025-04-14",
    "gpt-5": "gpt-5-2025-08-07",
    "gpt-5-mini": "gpt-5-mini-2025-08-07",
    "gpt-5-nano": "gpt-5-nano-2025-08-07",
    "gpt-5.2": "gpt-5.2-2025-12-11",
    "gpt-5.4-mini": "gpt-5.4-mini-2026-03-17",
    "gpt-5.4-nano": "gpt-5.4-nano-2026-03-17",
    "gpt-5.5": "gpt-5.5-2026-04-23",
    "o3-mini": "o3-mini-2025-01-31",
    "o4-mini": "o4-mini-2025-04-16",
    "gpt-3.5-turbo": "gpt-3.5-turbo-0125",
    "gpt-3.5-turbo-instruct": "gpt-3.5-turbo-instruct:20230824-v2",
}
_UNDATED = (
    "text-embedding-3-small", "text-embedding-3-large", "gpt-image-1", "dall-e-3", "gpt-4o-mini-tts", "tts-1",
    "whisper-1", "gpt-4o-mini-transcribe", "omni-moderation-latest",
)  # fmt: skip
_ERRORS = {
    400: ("invalid_request_error", None, "The sandbox was asked for a bad request."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided: sk-*****. (sandbox)"),
    403: ("invalid_request_error", "unsupported_country_region_territory", "Not available here. (sandbox)"),
    404: ("invalid_request_error", "model_not_found", "The model does not exist or you do not have access to it."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached in organization org-sandbox on requests per min."),
    503: ("server_error", None, "The server is currently overloaded. Please try again later. (sandbox)"),
}
_SERVER_ERROR = ("server_error", None, "The server had an error while processing your request. (sandbox)")


def dated(model: str) -> str:
    """The id that answers for an alias."""
    return _DATED.get(model, model)


def answer(request: Request, behaviour: Behaviour) -> Answer:
    """The answer to a request in this dialect; an unknown path is its 404."""
    match request.method, request.path.rstrip("/"):
        case "POST", "/v1/chat/completions":
            answered = openai_chat.chat(request, behaviour, dated)
        case "POST", "/v1/completions":
            answered = openai_chat.completion(request, behaviour, dated)
        case "POST", "/v1/responses":
            answered = openai_responses.respond(request, behaviour, dated)
        case "POST", "/v1/embeddings":
            answered = openai_media.embed(request, behaviour)
        case "POST", "/v1/images/generations":
            answered = openai_media.draw(request, behaviour)
        case "POST", "/v1/moderations":
            answered = openai_media.moderate(request)
        case "POST", "/v1/audio/speech":
            answered = openai_media.speak(request)
        case "POST", ("/v1/audio/transcriptions" | "/v1/audio/translations"):
            answered = openai_media.transcribe(request, behaviour)
        case (("GET" | "HEAD"), path) if found := re.fullmatch(r"/v1/models(?:/([^/]+))?", path):
            answered = _models(request, found[1])
        case method, path:
            return error(request, 404, f"Invalid URL ({method} {path})")
    return with_headers(request, answered)


def with_headers(request: Request, answered: Answer) -> Answer:
    """The answer with what this service adds to every one."""
    added: Headers = (
        ("x-request-id", "req_" + request.token("request", 32)),
        ("openai-organization", "org-sandbox"),
        ("openai-processing-ms", str(80 + request.hash() % 900)),
        ("openai-version", "2020-10-01"),
        ("x-ratelimit-limit-requests", "5000"),
        ("x-ratelimit-remaining-requests", str(4999 - request.number % 50)),
        ("x-ratelimit-reset-requests", "12ms"),
    )
    return replace(answered, headers=(*answered.headers, *added))


def error(request: Request, status: int, message: str | None = None) -> Answer:
    """The error of this status in this dialect's shape."""
    kind, code, standard = _ERRORS.get(status, _ERRORS[400] if status < 500 else _SERVER_ERROR)
    if message is not None and status == 404:
        code = None
    body = {"error": {"message": message or standard, "type": kind, "param": None, "code": code}}
    again: Headers = (("retry-after", "1"), ("retry-after-ms", "1000")) if status == 429 else ()
    return with_headers(request, whole(body, status=status, headers=again))


def error_event(request: Request) -> bytes:
    """What breaks a running stream; responses name their events, chat streams end without [DONE]."""
    message = "The server had an error while processing your request. (sandbox)"
    if request.path.startswith("/v1/responses"):
        fault = {"type": "error", "code": "server_error", "message": message, "param": None, "sequence_number": 99}
        return event(fault, "error")
    return event({"error": {"message": message, "type": "server_error", "param": None, "code": None}})


def _models(request: Request, name: str | None) -> Answer:
    known = (*_DATED, *_DATED.values(), *_UNDATED)
    if name is None:
        return whole({"object": "list", "data": [_model(each) for each in known]})
    if name not in known:
        raise BadRequestError(f"The model '{name}' does not exist")
    return whole(_model(name))


def _model(name: str) -> Json:
    return {"id": name, "object": "model", "created": 1_721_172_741, "owned_by": "sandbox"}
