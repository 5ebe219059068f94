"""Reads the request target: which upstream, and which bytes of path and query it gets.

The target is taken as it was sent and never decoded, normalised or joined: what a policy reads must be what the
upstream receives. What could be read in two ways is refused.
"""

import re
from collections.abc import Container
from functools import lru_cache
from urllib.parse import unquote

import msgspec

from proxy.keys.secret import ANYWHERE, PREFIX

_CONTROL = re.compile(r"[\x00-\x20\x7f]")
_DOTS = re.compile(r"/(?:\.|%2e){1,2}(?=/|$|\?)", re.IGNORECASE)
_SECRET_PARAMETER = re.compile(
    r"key|token|secret|auth|password|credential|^sig(?:nature)?$|^code$|^x-amz-", re.IGNORECASE
)
_BETWEEN_PARAMETERS = re.compile(r"([&;])")
_USER_INFO = re.compile(r"(?:(?<=//)|^(?!/|\w+://)).*@")  # `^`: CONNECT names no scheme; a password may hold slashes
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,15}")
REDACTED = "REDACTED"
_LONGEST_REMEMBERED = 200  # characters
SHORTEST_SECRET = 12
"""What is shorter is a word (`ollama`), and striking it out would hide nothing."""


class Target(msgspec.Struct, frozen=True):
    """`/openai/v1/models?limit=1` is upstream `openai`, rest `/v1/models?limit=1`."""

    upstream: str
    rest: str

    @property
    def path(self) -> str:
        """The rest without its query."""
        return self.rest.partition("?")[0]


def read_target(raw: str) -> Target | str:
    """The target, or one sentence that says what is wrong with it."""
    # Paths are few and come again and again; a query may hold a secret, which is not to be remembered.
    return _read(raw) if "?" in raw or len(raw) > _LONGEST_REMEMBERED else _remembered(raw)


@lru_cache(maxsize=1024)
def _remembered(raw: str) -> Target | str:
    return _read(raw)


def _read(raw: str) -> Target | str:
    if not raw.startswith("/"):
        return "the request target must be a path"
    path = raw.partition("?")[0]
    if "#" in raw:
        return "the request target must not hold a fragment"
    if "\\" in path or _CONTROL.search(raw):
        return "the request target holds a backslash or a control character"
    if _DOTS.search(path):
        return "the request target holds dot segments"
    name, slash, _ = path[1:].partition("/")
    return Target(name, raw[1 + len(name) :] if slash else "/" + raw[1 + len(name) :])


def redacted(rest: str) -> str:
    """The target without the secrets that some APIs take in the query, and without keys that were issued here."""
    if holds_issued_key(rest):
        rest = ANYWHERE.sub(REDACTED, rest)
        if holds_issued_key(rest):  # written in a way that is not worth following
            return f"/{REDACTED}"
    path, mark, query = rest.partition("?")
    if not mark:
        return rest
    parts = _BETWEEN_PARAMETERS.split(query)
    for place, part in enumerate(parts):
        name, equals, value = part.partition("=")
        if equals and value and _SECRET_PARAMETER.search(unquote(name)):
            parts[place] = f"{name}={REDACTED}"
    return path + "?" + "".join(parts)


def struck(text: str, secret: str) -> str:
    """The text without this secret; nothing of the text where the secret stands in it escaped."""
    if secret in text:
        text = text.replace(secret, REDACTED)
    return REDACTED if "%" in text and secret in unquote(text) else text


def holds_issued_key(rest: str) -> bool:
    """Whether a key that was issued here stands anywhere in it, escaped or not."""
    plain = unquote(rest) if "%" in rest else rest
    return PREFIX in plain and ANYWHERE.search(plain) is not None


def without_parameters(rest: str, names: Container[str]) -> str:
    """The target without these query parameters; every other byte stays."""
    path, _, query = rest.partition("?")
    kept = [pair for pair in query.split("&") if unquote(pair.partition("=")[0]) not in names]
    return f"{path}?{'&'.join(kept)}" if kept else path


def is_name(segment: str) -> bool:
    """Whether the first part of a path may be repeated: a name somebody mistyped, not a key in the wrong place."""
    return _NAME.fullmatch(segment) is not None


def shown(raw: str) -> str:
    """A target that goes nowhere, without what may be secret: user and password, fragment, a key in a name's place."""
    whole = _USER_INFO.sub("", raw.partition("#")[0])
    first, slash, rest = whole[1:].partition("/")
    if whole.startswith("/") and not is_name(first.partition("?")[0]):
        whole = f"/{REDACTED}{slash}{rest}"
    return redacted(whole)


def query_value(rest: str, name: str) -> str | None:
    """The first value of a query parameter."""
    for pair in rest.partition("?")[2].split("&"):
        key, equals, value = pair.partition("=")
        if equals and unquote(key) == name:
            return unquote(value)
    return None
