"""The strings in a body that somebody said: values, not names, and nothing that is encoded bytes or plain structure.

Works on bodies whose middle is missing or whose syntax is broken, too: there the string literals are picked out.
"""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from store.dialects import Document
from store.dialects.shape import NOT_JSON
from store.dialects.stream import stream_of

# Values of these names say how a message is built, in every call the same words, or name something by a random id.
_STRUCTURE = frozenset((
    "role", "type", "object", "model", "modelVersion", "media_type", "mime_type", "mimeType", "encoding_format",
    "finish_reason", "finishReason", "stop_reason", "detail", "effort", "reasoning_effort", "service_tier",
    "cache_control", "tool_choice", "response_format", "tool_call_id", "tool_use_id", "call_id", "system_fingerprint",
    "signature", "thoughtSignature", "thought_signature", "encrypted_content", "embedding", "b64_json",
))  # fmt: skip
_MEDIA = frozenset(("media_type", "mime_type", "mimeType", "format"))  # beside `data`: it is encoded bytes
_ENCODED_HERE = ("data", "format")
_LITERAL = re.compile(rb'"((?:[^"\\]++|\\.)*+)(?:"(\s*:)?|$)', re.DOTALL)
_DATA_URL = re.compile(r"data:[^,\s]{0,120};base64,[A-Za-z0-9+/=_-]*")
_ENCODED = re.compile(
    r"[A-Za-z0-9+/=_-]{120,}"  # no word is that long
    r"|(?:^[A-Za-z0-9+/]{60,76}\r?\n){2,}[A-Za-z0-9+/=]*",  # wrapped in lines
    re.MULTILINE,
)
_LONG = 60  # characters without a space: encoded bytes have that many


def strings(document: Document) -> list[str]:
    """Every string that was said, in the order in which they stand."""
    if (stream := stream_of(document)) is not None:
        return [text for data in stream.all() for text in _of_json(Document(data))]
    if document.form == "json":
        return _of_json(document)
    return [plain] if (plain := _plain(document)) else []


def readable(text: str) -> str:
    """The text without encoded bytes in it."""
    if ";base64," in text:
        text = _DATA_URL.sub(" ", text)
    if len(text) < _LONG or max(map(len, text.split()), default=0) < _LONG:  # five times quicker than the pattern
        return text
    return _ENCODED.sub(" ", text)


def _of_json(document: Document) -> list[str]:
    if not document.cut:
        try:
            return _said(msgspec.json.decode(document.head))
        except NOT_JSON:
            pass
    found = list(_literals(document.head))
    if document.cut:
        found += _literals(_from_a_literal(document.tail))
    return found


def _said(value: Any) -> list[str]:
    # With a stack of its own: how deep a body is nested is up to whoever sent it.
    found: list[str] = []
    left = [value]
    while left:
        item = left.pop()
        if isinstance(item, str):
            found.append(item)
        elif isinstance(item, list):
            left += [member for member in reversed(item) if isinstance(member, (str, dict, list))]
        elif isinstance(item, dict):
            beside = _ENCODED_HERE if "data" in item and not _MEDIA.isdisjoint(item) else ()
            left += [
                member
                for name, member in reversed(item.items())
                if isinstance(member, (str, dict, list)) and name not in _STRUCTURE and name not in beside
            ]
    return found


def _literals(data: bytes) -> Iterator[str]:
    name = ""
    for match in _LITERAL.finditer(data):
        text = _unescaped(match[1])
        if match[2]:
            name = text
        elif name not in _STRUCTURE:
            yield text


def _unescaped(literal: bytes) -> str:
    try:
        return msgspec.json.decode(b'"' + literal + b'"', type=str)
    except NOT_JSON:  # cut within an escape or a character, or not JSON after all
        return literal.decode("utf-8", "replace")


def _from_a_literal(tail: bytes) -> bytes:
    """A tail that may begin inside a string: then with the quote that opens it. The body ends outside of a string."""
    certain = tail.lstrip(b"\\")[1:] if tail[:1] == b"\\" else tail
    quotes = certain.replace(b"\\\\", b"").replace(b'\\"', b"").count(b'"')
    return b'"' + certain if quotes % 2 else certain


def _plain(document: Document) -> str | None:
    data = document.head + b"\n" + document.tail if document.cut else document.head
    if b"\0" in data:
        return None
    text = data.decode("utf-8", "replace")
    # What was cut through a character has a few of these; what has more is no text.
    return text if text.count("\N{REPLACEMENT CHARACTER}") <= 6 else None
