"""Decides, from the head of a request alone, whether a call may go on: who calls, where to, and within what bounds.

Nothing is decoded or awaited here, and what is looked up is in memory: a request is admitted or refused in
microseconds, before its body. The one rule that may need the body is handed on (`proxy/model_rule.py`).
"""

import asyncio
import re
from collections.abc import Callable
from functools import lru_cache

import msgspec
from aiohttp import web

from proxy import credential
from proxy.busy import Busy
from proxy.caller import Caller, recognise
from proxy.config.model import Config, Upstream
from proxy.headers import CREDENTIALS, Head
from proxy.keys.asked_model import in_path, of_session
from proxy.keys.keyring import Keyring
from proxy.keys.limits import Limits
from proxy.keys.used_up import UsedUp
from proxy.model_rule import ModelRule
from proxy.refusal import Refusal
from proxy.target import SHORTEST_SECRET, Target, is_name, read_target, redacted, shown, struck
from proxy.websocket import handshake

_HOST = re.compile(r"[\w.\-]+(?::\d{1,5})?|\[[0-9a-fA-F:.]+\](?::\d{1,5})?")
_LOCAL = re.compile(r"(?:localhost|[\d.]+|\[[0-9a-f:.]+\])(?::\d+)?", re.IGNORECASE)

_NOT_OF_A_HOP = CREDENTIALS | {"host"}


class Admitted(msgspec.Struct, frozen=True):
    """A call that may go on. Whoever has it tells `Admission.over` when it has ended."""

    upstream: Upstream
    target: Target  # as the upstream gets it
    shown_target: str
    caller: Caller
    rule: ModelRule | None  # to be asked once the body is read
    secrets: list[str]  # what of this call must not be kept


class Turned(msgspec.Struct, frozen=True):
    """A call that may not; as much of it as is known."""

    refusal: Refusal
    upstream: Upstream | None
    shown_target: str
    caller: Caller
    secrets: list[str]


class Admission:
    """The door of one worker."""

    def __init__(self, config: Config, keyring: Keyring) -> None:
        self._upstreams = config.upstreams
        self._access = config.proxy.access
        self._loopback = config.proxy.listen.loopback  # nobody but this machine should be calling
        self._refusing_unpriced = {group.name for group in config.groups.values() if group.unpriced == "refuse"}
        self._keyring = keyring
        self._limits = Limits(config.proxy.workers)
        self._busy = Busy(config.proxy.workers)

    def admit(self, request: web.BaseRequest, head: Head) -> Admitted | Turned:
        """Decide by the request line and the headers."""
        raw = request.raw_path
        target = read_target(raw)
        secrets = credential.every(head, raw)
        if isinstance(target, str):
            refusal = Refusal(405 if request.method == "CONNECT" else 400, "bad_target", target, retry=False)
            return Turned(refusal, None, _without(secrets, shown(_printable(raw))), Caller(), secrets)
        upstream = self._upstreams.get(target.upstream)
        shown_target = _without(secrets, redacted(target.rest) if upstream else shown(raw))
        wrong = _wrong_head(request, head)
        if wrong:
            return Turned(wrong, upstream, shown_target, Caller(), secrets)
        caller = recognise(head, target.rest, upstream.access if upstream else self._access, self._keyring)
        if upstream is None:
            refusal = caller.refusal or self._unknown_upstream(target.upstream)
            return Turned(refusal, None, shown_target, caller, secrets)
        turned = caller.refusal or self._refusal(head, upstream, caller)
        session = handshake.asks_for_it(head)
        rule = None if turned else self._model_rule(request, upstream, caller, session=session)
        if rule is not None:
            named = (
                of_session(target.path, target.rest.partition("?")[2])
                if session
                else in_path(upstream.dialect, target.path)
            )
            if named is not None:
                turned, rule = rule.judge(named), None
        turned = turned or self._busy.refusal(upstream)
        if turned is None and caller.key is not None:
            turned = self._limits.begin(caller.key)  # the last to be asked: it counts the call
        if turned is not None:
            return Turned(turned, upstream, shown_target, caller, secrets)
        self._busy.begin(upstream)
        if caller.issued is not None:
            target = Target(target.upstream, caller.issued.rest)
        return Admitted(upstream, target, shown_target, caller, rule, secrets)

    def over(self, admitted: Admitted, filed: Callable[[], asyncio.Future[bool]]) -> None:
        """The call has ended, however it did; `filed` begins to wait until its notes are in a file."""
        caller = admitted.caller
        self._busy.end(admitted.upstream)
        self._keyring.standing.ended(caller.key, caller.group, filed)
        if caller.key is not None:
            self._limits.end(caller.key)

    def undecided(self, admitted: Admitted) -> bool:
        """Whether `decided` has the last word on this call."""
        return self._keyring.standing.undecided(admitted.caller.key, admitted.caller.group)

    async def decided(self, admitted: Admitted) -> Refusal | None:
        """Why the call is refused after all: what its caller's last calls used is counted now."""
        standing = self._keyring.standing
        await standing.counted()
        used_up = standing.used_up(admitted.caller.key, admitted.caller.group)
        return None if used_up is None else _insufficient(used_up)

    def _refusal(self, head: Head, upstream: Upstream, caller: Caller) -> Refusal | None:
        key = caller.key
        if key is not None and key.upstreams and upstream.name not in key.upstreams:
            message = f"The key {key.name} may not use the upstream {upstream.name}."
            return Refusal(403, "upstream_not_allowed", message, retry=False)
        if caller.issued is not None and upstream.api_key is None and upstream.base_url.startswith("https:"):
            message = f"Tollbook has no credential for {upstream.name}: api_key_env of [upstreams.{upstream.name}]."
            return Refusal(503, "no_upstream_key", message, retry=False)
        if upstream.api_key is not None and caller.credential is None:
            stranger = _stranger(head, loopback=self._loopback)
            if stranger is not None:
                return stranger
        used_up = self._keyring.standing.used_up(key, caller.group)
        return None if used_up is None else _insufficient(used_up)

    def _model_rule(
        self, request: web.BaseRequest, upstream: Upstream, caller: Caller, *, session: bool
    ) -> ModelRule | None:
        """The rule that applies; no model is run by what only looks. A session over a websocket begins with a GET."""
        refuses_unpriced = caller.group in self._refusing_unpriced
        if not refuses_unpriced and (caller.key is None or not caller.key.models):
            return None
        if request.method in ("GET", "HEAD", "OPTIONS") and not request.body_exists and not session:
            return None
        return ModelRule(caller.key, caller.group, refuses_unpriced, upstream.name, self._keyring.standing)

    def _unknown_upstream(self, name: str) -> Refusal:
        names = ", ".join(sorted(self._upstreams))
        asked = f"upstream {name!r}" if is_name(name) else "such upstream"
        message = f"There is no {asked}; the first part of the path must be one of: {names}."
        return Refusal(404, "unknown_upstream", message, retry=False)


def ends_surely(request: web.BaseRequest, head: Head) -> bool:
    """Whether every reader agrees where this request ends. If not, nothing behind it is taken for the next one."""
    coding = head.first("transfer-encoding")
    return coding is None or (request.version != (1, 0) and coding.strip().lower() == "chunked")


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
    if host is not None and not _is_host(host):
        return Refusal(400, "bad_request", "The Host header is not a host.", retry=False)
    twice = credential.duplicated(head)
    if twice:
        return Refusal(400, "duplicate_credential", f"The header {twice} came more than once.", retry=False)
    if not _NOT_OF_A_HOP.isdisjoint(head.hop):
        return Refusal(400, "bad_request", "Connection must not name a header that is not its own.", retry=False)
    expect = head.first("expect")
    if expect is not None and expect.strip().lower() != "100-continue":
        return Refusal(417, "bad_request", "The only expectation understood is 100-continue.", retry=False)
    if handshake.asks_for_it(head):
        return handshake.wrong(request.method, request.version, head, has_body=request.body_exists)
    return None


@lru_cache(maxsize=256)
def _is_host(host: str) -> bool:
    return _HOST.fullmatch(host) is not None


def _stranger(head: Head, *, loopback: bool) -> Refusal | None:
    """A web page must not spend the key that is kept here: neither by a request of its own, nor under a name of its
    own that it lets point at this machine (DNS rebinding)."""
    foreign = loopback and not _LOCAL.fullmatch(head.first("host") or "localhost")
    if foreign or head.first("origin") is not None or head.first("sec-fetch-site") in ("cross-site", "same-site"):
        return Refusal(403, "cross_site", "A web page may not use the key of this upstream.", retry=False)
    return None


def _insufficient(used_up: UsedUp) -> Refusal:
    period = "in all" if used_up.period == "total" else f"a {used_up.period}"
    anew = "" if used_up.until is None else f" It begins anew at {used_up.until.isoformat(timespec='minutes')}."
    message = f"The budget of {used_up.credits:f} credits {period} of the {used_up.of} {used_up.name} is used up.{anew}"
    return Refusal(429, "insufficient_quota", message, retry=False)


def _without(secrets: list[str], text: str) -> str:
    for secret in secrets:
        if len(secret) >= SHORTEST_SECRET:
            text = struck(text, secret)
    return text


def _printable(raw: str) -> str:
    return raw.encode("utf-8", "backslashreplace").decode()[:2048]
