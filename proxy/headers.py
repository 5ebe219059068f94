"""Which headers travel on, which stay here, and which are kept as facts of the call.

Names are classified once and remembered, and the headers of a call are gone through once.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from proxy.journal.notes import Headers
from proxy.keys.secret import ANYWHERE, PREFIX
from proxy.target import REDACTED, SHORTEST_SECRET, struck

RawHeaders = Sequence[tuple[bytes, bytes]]
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

SUBPROTOCOL = "sec-websocket-protocol"
"""Where browsers put the key of a realtime call: they cannot set other headers of a websocket."""

CREDENTIALS = frozenset({
    "authorization", "x-api-key", "api-key", "x-goog-api-key", "ocp-apim-subscription-key", "xi-api-key",
})  # fmt: skip

# Facts by allow-list: what is not named here is not kept, so no secret can slip through under a new name.
_KEPT = frozenset({
    "accept", "accept-encoding", "content-type", "content-encoding", "content-length", "transfer-encoding", "date",
    "user-agent", "server", "via", "age", "x-title", "traceparent", "baggage", "idempotency-key",
    "request-id", "x-request-id", "x-client-request-id", "apim-request-id", "x-generation-id", "traceresponse",
    "mistral-correlation-id", "x-debug-trace-id", "x-ds-trace-id", "cf-ray", "server-timing", "retry-after",
    "retry-after-ms", "x-should-retry", "x-goog-api-client", "x-goog-user-project", "x-app", "x-ms-region",
    "x-ms-client-request-id", "x-ms-served-model", "azureml-model-session", "helicone-user-id",
    "helicone-session-id", "x-portkey-metadata", "cf-aig-metadata", "num_tokens", "num-tokens", "x-endpoint",
    "x-prompt-tokens", "x-generated-tokens", "x-gemini-service-tier", "x-groq-region", "x-sandbox", "upgrade",
    "ai-language-model-id", "ai-model-id", "character-cost", "x-character-count", "dg-char-count", "dg-model-name",
    "dg-request-id",
})  # fmt: skip
_KEPT_PREFIXES = (
    "x-stainless-", "x-tollbook-", "helicone-property-", "openai-", "anthropic-", "x-ratelimit-", "x-amzn-bedrock-",
    "x-amzn-requestid", "x-amzn-errortype", "x-metrics-", "x-litellm-response-cost", "x-litellm-model-id",
    "fireworks-", "x-kong-", "x-envoy-upstream-",
)  # fmt: skip
_MARK = PREFIX.encode()
_NEVER_KEPT = ("key", "token", "secret", "auth", "cookie")


# What the relay itself looks at.
_READ = CREDENTIALS | {
    "host", "connection", "transfer-encoding", "content-length", "content-encoding", "content-type", "expect",
    "upgrade", "origin", "sec-fetch-site", SUBPROTOCOL, "sec-websocket-key", "sec-websocket-version",
    "sec-websocket-accept", "sec-websocket-extensions",
}  # fmt: skip


_NOT_REMEMBERED = CREDENTIALS | {"cookie", "set-cookie", SUBPROTOCOL}
_NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Kind:
    name: str  # lower case
    to_upstream: bool
    to_client: bool
    kept: bool
    read: bool


@lru_cache(maxsize=4096)
def _kind(raw: bytes) -> _Kind:
    name = raw.decode("latin-1").lower()
    hop = name in _HOP_BY_HOP
    return _Kind(
        name,
        to_upstream=not hop and name not in _NOT_UPSTREAM and not name.startswith(_NOT_UPSTREAM_PREFIXES),
        to_client=not hop and name not in _NOT_DOWNSTREAM,
        kept=_is_kept(name),
        read=name in _READ,
    )


def _is_kept(name: str) -> bool:
    if name in _KEPT:
        return True
    if not name.startswith(_KEPT_PREFIXES) or name in CREDENTIALS:
        return False
    counts_tokens = "ratelimit" in name or name.endswith(("-tokens", "-token-count"))
    return counts_tokens or not any(word in name for word in _NEVER_KEPT)


class _Line(msgspec.Struct, frozen=True, gc=False):
    """One header, looked at."""

    kind: _Kind
    pair: tuple[bytes, bytes]
    marked: bool  # a key that was issued here may be in it
    fact: tuple[str, str] | None
    text: str | None  # of what the relay looks at


_MOST_LINES = 4096
_LONGEST_LINE = 256
_lines: dict[tuple[bytes, bytes], _Line] = {}
"""Those looked at before: clients send the same ones with every call. None of them is a credential, or long."""


def _looked_at(pair: tuple[bytes, bytes]) -> _Line:
    raw, value = pair
    kind = _kind(raw)
    line = _Line(
        kind,
        pair,
        _MARK in value,
        (kind.name, value.decode("utf-8", "replace")) if kind.kept else None,
        _text(value) if kind.read else None,
    )
    if len(value) <= _LONGEST_LINE and not line.marked and kind.name not in _NOT_REMEMBERED:
        if len(_lines) >= _MOST_LINES:
            _lines.clear()
        _lines[pair] = line
    return line


@lru_cache(maxsize=64)
def _declared(connection: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name.strip().lower() for value in connection for name in value.split(","))


class Head:
    """The headers of one request or answer, read once.

    `facts` are those worth keeping with the call. Names given to the methods are in lower case.
    """

    __slots__ = ("_lines", "_read", "facts", "hop", "marked")

    def __init__(self, raw: RawHeaders) -> None:
        known = _lines.get
        self._lines = lines = [known(pair) or _looked_at(pair) for pair in raw]
        read: dict[str, list[str]] = {}
        self.marked: list[tuple[_Kind, bytes]] = []  # those that a key issued here may be in
        for line in lines:
            if line.text is not None:
                read.setdefault(line.kind.name, []).append(line.text)
            if line.marked:
                self.marked.append((line.kind, line.pair[1]))
        self._read = read
        self.facts: Headers = tuple([line.fact for line in lines if line.fact is not None])
        connection = read.get("connection")  # declares which headers are of this hop only
        self.hop = _declared(tuple(connection)) if connection else _NOTHING

    def first(self, name: str) -> str | None:
        """The first value of a header that the relay looks at; None when it did not come."""
        values = self._read.get(name)
        return values[0] if values else None

    def every(self, name: str) -> Sequence[str]:
        """All values of such a header."""
        return self._read.get(name, ())

    def times(self, name: str) -> int:
        """How often such a header came."""
        return len(self._read.get(name, ()))

    def with_issued_key(self) -> list[str]:
        """The names of the headers in whose values a key that was issued here stands."""
        return [kind.name for kind, value in self.marked if ANYWHERE.search(_text(value))]

    def facts_without(self, *secrets: str | None) -> Headers:
        """The facts, with these secrets, and every key that was issued here, made unreadable."""
        facts = self.facts
        for secret in secrets:
            if not secret or len(secret) < SHORTEST_SECRET:
                continue
            for _, value in facts:
                if secret in value or "%" in value:
                    facts = tuple((name, struck(value, secret)) for name, value in facts)
                    break
        if any(kind.kept for kind, _ in self.marked):
            facts = tuple((name, ANYWHERE.sub(REDACTED, value)) for name, value in facts)
        return facts

    def passed_on(self, without: AbstractSet[str] = frozenset()) -> list[tuple[bytes, bytes]]:
        """The request headers the upstream gets, byte for byte, in the client's order; and none of `without`."""
        hop = self.hop | without if without else self.hop
        return [line.pair for line in self._lines if line.kind.to_upstream and line.kind.name not in hop]

    def to_client(self) -> list[tuple[bytes, bytes]]:
        """The answer's headers the client gets, byte for byte; framing is the client side's own affair."""
        hop = self.hop
        return [line.pair for line in self._lines if line.kind.to_client and line.kind.name not in hop]


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")
