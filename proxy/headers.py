"""Which headers travel on, which stay here, and which are kept as facts of the call.

Names are classified once and remembered: a call costs one dictionary look-up per header.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from proxy.journal.notes import Headers

RawHeaders = Iterable[tuple[bytes, bytes]]
"""Names and values as they were on the wire."""

# RFC 9110 7.6.1, and what Caddy's reverse proxy removes besides.
_HOP_BY_HOP = frozenset({
    "connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "te", "trailer",
    "transfer-encoding", "upgrade", "alt-svc",
})  # fmt: skip
# Made anew towards the upstream, or about a hop that is not the upstream's business.
_NOT_UPSTREAM = frozenset({"host", "expect", "content-length", "x-real-ip", "forwarded"})
_NOT_UPSTREAM_PREFIXES = ("x-tollbook-", "x-forwarded-")
_NOT_DOWNSTREAM = frozenset({"content-length", "x-tollbook-call-id"})

CREDENTIALS = frozenset({
    "authorization", "x-api-key", "api-key", "x-goog-api-key", "ocp-apim-subscription-key",
})  # fmt: skip

# Facts by allow-list: what is not named here is not kept, so no secret can slip through under a new name.
_KEPT = frozenset({
    "accept", "accept-encoding", "content-type", "content-encoding", "content-length", "transfer-encoding", "date",
    "user-agent", "server", "via", "age", "x-title", "http-referer", "traceparent", "baggage", "idempotency-key",
    "request-id", "x-request-id", "x-client-request-id", "apim-request-id", "x-generation-id", "traceresponse",
    "mistral-correlation-id", "x-debug-trace-id", "x-ds-trace-id", "cf-ray", "server-timing", "retry-after",
    "retry-after-ms", "x-should-retry", "x-goog-api-client", "x-goog-user-project", "x-app", "x-ms-region",
    "x-ms-client-request-id", "x-ms-served-model", "azureml-model-session", "helicone-user-id",
    "helicone-session-id", "x-portkey-metadata", "cf-aig-metadata", "num_tokens", "num-tokens", "x-endpoint",
    "x-prompt-tokens", "x-generated-tokens", "x-gemini-service-tier", "x-groq-region", "x-sandbox",
})  # fmt: skip
_KEPT_PREFIXES = (
    "x-stainless-", "x-tollbook-", "helicone-property-", "openai-", "anthropic-", "x-ratelimit-", "x-amzn-bedrock-",
    "x-amzn-requestid", "x-amzn-errortype", "x-metrics-", "x-litellm-response-cost", "x-litellm-model-id",
    "fireworks-", "x-kong-", "x-envoy-upstream-",
)  # fmt: skip
_NEVER_KEPT = ("key", "token", "secret", "auth", "cookie")


@dataclass(frozen=True, slots=True)
class _Kind:
    name: str  # lower case
    to_upstream: bool
    to_client: bool
    kept: bool


@lru_cache(maxsize=4096)
def _kind(raw: bytes) -> _Kind:
    name = raw.decode("latin-1").lower()
    hop = name in _HOP_BY_HOP
    return _Kind(
        name,
        to_upstream=not hop and name not in _NOT_UPSTREAM and not name.startswith(_NOT_UPSTREAM_PREFIXES),
        to_client=not hop and name not in _NOT_DOWNSTREAM,
        kept=_is_kept(name),
    )


def _is_kept(name: str) -> bool:
    if name in _KEPT:
        return True
    if not name.startswith(_KEPT_PREFIXES) or name in CREDENTIALS:
        return False
    counts_tokens = "ratelimit" in name or name.endswith(("-tokens", "-token-count"))
    return counts_tokens or not any(word in name for word in _NEVER_KEPT)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


def named_by_connection(headers: RawHeaders) -> frozenset[str]:
    """The headers that Connection declares to be of this hop only."""
    names: set[str] = set()
    for raw, value in headers:
        if len(raw) == 10 and _kind(raw).name == "connection":
            names.update(name.strip().lower() for name in value.decode("latin-1").split(","))
    return frozenset(names)


def to_upstream(headers: RawHeaders, *, without: frozenset[str] = frozenset()) -> list[tuple[str, str]]:
    """The request headers the upstream gets, in the client's order, duplicates kept."""
    return [
        (_text(raw), _text(value))
        for raw, value in headers
        if (kind := _kind(raw)).to_upstream and kind.name not in without
    ]


def to_client(headers: RawHeaders) -> list[tuple[bytes, bytes]]:
    """The response headers the client gets, byte for byte; framing is the client side's own affair."""
    hop = named_by_connection(headers)
    return [(raw, value) for raw, value in headers if (kind := _kind(raw)).to_client and kind.name not in hop]


def facts(headers: RawHeaders) -> Headers:
    """The headers worth keeping with the call."""
    return tuple((kind.name, _printable(value)) for raw, value in headers if (kind := _kind(raw)).kept)


def _printable(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def first(headers: RawHeaders, name: str) -> str | None:
    """The first value of this header, whatever its case."""
    for raw, value in headers:
        if _kind(raw).name == name:
            return _text(value)
    return None


def values(headers: RawHeaders, name: str) -> list[str]:
    """All values of this header."""
    return [_text(value) for raw, value in headers if _kind(raw).name == name]
