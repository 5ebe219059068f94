"""Answers that Tollbook itself makes, in the error shape of the format that is spoken on the path (see
`proxy/config/spoken.py`), so that each SDK raises its own exception.
"""

from dataclasses import dataclass

import orjson

_OPENAI_TYPES = {400: "invalid_request_error", 401: "invalid_request_error", 403: "invalid_request_error",
                 404: "invalid_request_error", 429: "rate_limit_error"}  # fmt: skip
_ANTHROPIC_TYPES = {400: "invalid_request_error", 401: "authentication_error", 403: "permission_error",
                    404: "not_found_error", 413: "request_too_large", 429: "rate_limit_error",
                    503: "overloaded_error"}  # fmt: skip
_GEMINI_STATUSES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
                    429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED"}  # fmt: skip
_AWS_TYPES = {401: "UnrecognizedClientException", 403: "AccessDeniedException", 404: "ResourceNotFoundException",
              429: "ThrottlingException", 503: "ServiceUnavailableException", 504: "ModelTimeoutException"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Refusal:
    """What to answer instead of what the upstream would have said.

    `retry` is the value of `x-should-retry`, which the openai and anthropic SDKs obey; None leaves it to them.
    """

    status: int
    code: str
    message: str
    retry: bool | None = None
    retry_after_s: int | None = None
    told: str | None = None  # the code that the client gets, where the row's `code` says more than it should learn
    model: str | None = None  # what was asked for, where that is why

    @property
    def shown_code(self) -> str:
        """What is wrong, as far as the client may know."""
        return self.told or self.code


def body(refusal: Refusal, spoken: str | None) -> bytes:
    """The body in the shape that clients of this format understand."""
    status, message = refusal.status, refusal.message
    shape: object
    match spoken:
        case "anthropic" | "anthropic_session":
            shape = {"type": "error", "error": {"type": _ANTHROPIC_TYPES.get(status, "api_error"), "message": message}}
        case "gemini" | "vertex":
            name = _GEMINI_STATUSES.get(status, "INTERNAL" if status >= 500 else "INVALID_ARGUMENT")
            shape = {"error": {"code": status, "message": message, "status": name}}
        case "bedrock" | "bedrock_agent" | "cohere":
            shape = {"message": message}
        case "ollama":
            shape = {"error": message}
        case _:
            kind = _OPENAI_TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
            code = refusal.shown_code
            if code == "insufficient_quota":
                kind = code  # OpenAI's own type for it; what looks at types to tell it from haste finds it there
            shape = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    return orjson.dumps(shape)


def headers(refusal: Refusal, spoken: str | None = None) -> list[tuple[bytes, bytes]]:
    """The headers that go with it."""
    found = [(b"Content-Type", b"application/json"), (b"x-tollbook-error", refusal.shown_code.encode())]
    if spoken in ("bedrock", "bedrock_agent"):  # whose clients find the type there
        found.append((b"x-amzn-ErrorType", _aws_type(refusal).encode()))
    if refusal.retry is not None:
        found.append((b"x-should-retry", b"true" if refusal.retry else b"false"))
    if refusal.retry_after_s is not None:
        found.append((b"Retry-After", str(refusal.retry_after_s).encode()))
    return found


def _aws_type(refusal: Refusal) -> str:
    if refusal.shown_code == "insufficient_quota":
        return "ServiceQuotaExceededException"  # throttling is tried again by itself, for nothing
    otherwise = "InternalServerException" if refusal.status >= 500 else "ValidationException"
    return _AWS_TYPES.get(refusal.status, otherwise)
