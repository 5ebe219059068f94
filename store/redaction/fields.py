"""What the wire formats themselves call a credential: fields of tools, signatures in addresses, keys handed out.

By their names, in the bytes: so that bodies that are cut, or streams, are cleaned as whole ones are, and what was valid
JSON stays so. Only values that are strings are replaced; a schema that describes such a field is left alone.
"""

import re
from functools import lru_cache

MARK = b"[redacted credential]"

_VALUE = rb'"((?:[^"\\]|\\.)++)("|\Z)'
# OpenAI's and Anthropic's MCP servers, Gemini's authConfig and oauthConfig, Azure's data sources.
_NAMED = re.compile(
    rb'("(?:authorization(?:_token)?|api_?key_?string|access_?token|encoded_?api_?key|connection_?string)"\s*:\s*)'
    + _VALUE,
    re.IGNORECASE | re.DOTALL,
)
_AUTHENTICATION = re.compile(rb'"authentication"\s*:\s*\{[^{}]*+')
_KEY = re.compile(rb'("(?:key|token)"\s*:\s*)' + _VALUE, re.DOTALL)
_STRING = rb'"(?:[^"\\]|\\.)*+'
_PAIR = re.compile(rb"(" + _STRING + rb'"\s*:\s*)' + _VALUE, re.DOTALL)
_HEADERS = re.compile(rb'"headers"\s*:\s*\{((?:[^{}"]|' + _STRING + rb'(?:"|\Z))*+)(?=\}|\Z)', re.DOTALL)
_SCHEMA = re.compile(rb'"type"\s*:\s*"(?:object|string|array|number|integer|boolean|null)"|"\$ref"\s*:')
_SECRETIVE = re.compile(rb"key|token|secret|auth|cookie|passw|connection", re.IGNORECASE)
_SCHEME = re.compile(rb"\A(?:bearer|basic|token) +", re.IGNORECASE)
_BEGINNINGS = (b'"auth', b'"headers"')  # of the names above: each is called so, or stands in what is
# Amazon's, Google's, Azure's, and what CloudFront, Alibaba and Tencent call theirs.
_SIGNATURE = re.compile(
    rb"((?:[?&;]|\\u0026|%26|%3F)(?:X-(?:Amz|Goog)-(?:Signature|Security-Token|Credential)|(?:q-)?signature|sig)=)"
    rb"([^&\"'\\\s#<>)]+)",
    re.IGNORECASE,
)
_HANDED_OUT = re.compile(
    rb'("(?:value|client_secret|api_key)"\s*:\s*)' + _VALUE + rb'|("name"\s*:\s*)"(auth_tokens/[^"]+)(")'
)
_HANDS_OUT = re.compile(r"/(?:realtime/|chatkit/|auth_tokens|organization/)")


def possible(data: bytes, end: int) -> bool:
    """Whether any of them can stand in the first `end` bytes: where not, `replaced` changes nothing."""
    for beginning in _BEGINNINGS:
        if data.rfind(beginning, 0, end) >= 0:
            return True
    return _may_be_signed(data, end)


def replaced(data: bytes, found: list[bytes]) -> bytes:
    """The bytes with these values made unreadable; the credentials among them are added to `found`."""

    def marked(match: re.Match[bytes]) -> bytes:
        if _SECRETIVE.search(match[1]):
            found.append(_SCHEME.sub(b"", match[2]))
        return match[1] + b'"' + MARK + match[3]

    def headers(match: re.Match[bytes]) -> bytes:
        return match[0] if _SCHEMA.search(match[1]) else _PAIR.sub(marked, match[0])

    def signature(match: re.Match[bytes]) -> bytes:
        found.append(match[2])
        return match[1] + MARK

    if data.rfind(b'"auth') >= 0:  # each of them is called so, or stands in something that is
        data = _NAMED.sub(marked, data)
        data = _AUTHENTICATION.sub(lambda match: _KEY.sub(marked, match[0]), data)
    if data.rfind(b'"headers"') >= 0:
        data = _HEADERS.sub(headers, data)
    if _may_be_signed(data, len(data)):
        data = _SIGNATURE.sub(signature, data)
    return data


def _may_be_signed(data: bytes, end: int) -> bool:
    return data.find(b"=", 0, end) >= 0 and (data.rfind(b"ignature=", 0, end) >= 0 or data.rfind(b"sig=", 0, end) >= 0)


@lru_cache(maxsize=4096)
def hands_out_keys(target: str) -> bool:
    """Whether what is asked for there is a key of the upstream, for a browser or for another program."""
    return _HANDS_OUT.search(target) is not None


def without_handed_out(data: bytes) -> bytes:
    """An answer from there without the key."""
    return _HANDED_OUT.sub(_handed, data)


def _handed(match: re.Match[bytes]) -> bytes:
    return (match[1] or match[4]) + b'"' + MARK + (match[3] if match[1] else match[6])
