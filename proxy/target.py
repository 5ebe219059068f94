"""Reads the request target: which upstream, and which bytes of path and query it gets.

The target is taken as it was sent and never decoded, normalised or joined: what a policy reads must be what the
upstream receives. What could be read in two ways is refused.
"""

import re
from urllib.parse import unquote

import msgspec

_CONTROL = re.compile(r"[\x00-\x20\x7f]")
_DOTS = re.compile(r"/(?:\.|%2e){1,2}(?=/|$|\?)", re.IGNORECASE)
_SECRET_PARAMETER = re.compile(
    r"key|token|secret|auth|password|credential|^sig(?:nature)?$|^code$|^x-amz-", re.IGNORECASE
)
REDACTED = "REDACTED"


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
    """The target without the secrets that some APIs take in the query."""
    path, mark, query = rest.partition("?")
    if not mark:
        return rest
    pairs = query.split("&")
    for place, pair in enumerate(pairs):
        name, equals, value = pair.partition("=")
        if equals and value and _SECRET_PARAMETER.search(unquote(name)):
            pairs[place] = f"{name}={REDACTED}"
    return path + "?" + "&".join(pairs)


def query_value(rest: str, name: str) -> str | None:
    """The first value of a query parameter."""
    for pair in rest.partition("?")[2].split("&"):
        key, equals, value = pair.partition("=")
        if equals and unquote(key) == name:
            return unquote(value)
    return None
