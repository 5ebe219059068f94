"""Reads who is calling and where to, from the head of a request alone, and says no where that must be said.

Nothing is decoded, looked up or awaited here: a request is admitted or refused in microseconds, before its body.
"""

import re
from collections.abc import Mapping

import msgspec
from aiohttp import web

from proxy import credential
from proxy.config.model import Upstream
from proxy.headers import CREDENTIALS, Head
from proxy.refusal import Refusal
from proxy.target import Target, is_name, read_target, redacted, shown

_HOST = re.compile(r"[\w.\-]+(?::\d{1,5})?|\[[0-9a-fA-F:.]+\](?::\d{1,5})?")


_LOCAL = re.compile(r"(?:localhost|[\d.]+|\[[0-9a-f:.]+\])(?::\d+)?", re.IGNORECASE)


class Admitted(msgspec.Struct, frozen=True):
    """A call that may go on."""

    upstream: Upstream
    target: Target
    credential: str | None
    key: str | None


class Turned(msgspec.Struct, frozen=True):
    """A call that may not; as much of it as is known."""

    refusal: Refusal
    upstream: Upstream | None
    shown_target: str
    key: str | None


def admit(
    request: web.BaseRequest, head: Head, upstreams: Mapping[str, Upstream], *, loopback: bool
) -> Admitted | Turned:
    """Decide by the request line and the headers; `loopback`: nobody but this machine should be calling."""
    raw = request.raw_path
    target = read_target(raw)
    if isinstance(target, str):
        refusal = Refusal(405 if request.method == "CONNECT" else 400, "bad_target", target, retry=False)
        return Turned(refusal, None, shown(_printable(raw)), None)
    upstream = upstreams.get(target.upstream)
    wrong = _wrong_head(request, head)
    presented = None if wrong else credential.presented(head, target.rest)
    key = credential.fingerprint(presented) if presented else None
    if wrong:
        return Turned(wrong, upstream, redacted(target.rest) if upstream else shown(raw), None)
    if upstream is None:
        names = ", ".join(sorted(upstreams))
        asked = f"upstream {target.upstream!r}" if is_name(target.upstream) else "such upstream"
        message = f"There is no {asked}; the first part of the path must be one of: {names}."
        return Turned(Refusal(404, "unknown_upstream", message, retry=False), None, shown(raw), key)
    if upstream.api_key is not None and presented is None and (stranger := _stranger(head, loopback=loopback)):
        return Turned(stranger, upstream, redacted(target.rest), None)
    return Admitted(upstream, target, presented, key)


def _wrong_head(request: web.BaseRequest, head: Head) -> Refusal | None:
    """What two parsers may understand differently is refused (RFC 9112, and what smuggling is made of)."""
    if request.version not in ((1, 0), (1, 1)):
        return Refusal(400, "bad_request", "Only HTTP/1.0 and HTTP/1.1 are spoken here.", retry=False)
    coding = head.first("transfer-encoding")
    if coding is not None and request.version == (1, 0):
        return Refusal(400, "bad_request", "HTTP/1.0 has no Transfer-Encoding.", retry=False)
    if coding is not None and coding.strip().lower() != "chunked":
        return Refusal(400, "bad_request", "The only Transfer-Encoding understood is chunked.", retry=False)
    host = head.first("host")
    if host is not None and not _HOST.fullmatch(host):
        return Refusal(400, "bad_request", "The Host header is not a host.", retry=False)
    twice = credential.duplicated(head)
    if twice:
        return Refusal(400, "duplicate_credential", f"The header {twice} came more than once.", retry=False)
    if any(name in CREDENTIALS or name == "host" for name in head.hop):
        return Refusal(400, "bad_request", "Connection must not name a header that is not its own.", retry=False)
    expect = head.first("expect")
    if expect is not None and expect.strip().lower() != "100-continue":
        return Refusal(417, "bad_request", "The only expectation understood is 100-continue.", retry=False)
    if (head.first("upgrade") or "").lower() == "websocket":
        return Refusal(501, "websocket", "Websockets are not relayed by this version.", retry=False)
    return None


def _stranger(head: Head, *, loopback: bool) -> Refusal | None:
    """A web page must not spend the key that is kept here: neither by a request of its own, nor under a name of its
    own that it lets point at this machine (DNS rebinding)."""
    foreign = loopback and not _LOCAL.fullmatch(head.first("host") or "localhost")
    if foreign or head.first("origin") is not None or head.first("sec-fetch-site") in ("cross-site", "same-site"):
        return Refusal(403, "cross_site", "A web page may not use the key of this upstream.", retry=False)
    return None


def _printable(raw: str) -> str:
    return raw.encode("utf-8", "backslashreplace").decode()[:2048]
