"""An estimate of tokens where nobody reported any: four bytes of text to a token, rounded up.

Only text counts: images, audio and files in a body are left out. Never shown as anything but an estimate.
"""

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from store.dialects.document import Document
from store.dialects.shape import NOT_JSON

_BYTES_PER_TOKEN = 4
_TEXT = frozenset((
    "text", "content", "delta", "thinking", "reasoning", "reasoning_content", "refusal", "partial_json", "arguments",
    "prompt", "input", "output", "instructions", "system", "suffix", "title", "response", "generation", "completion",
    "inputText", "outputText", "generated_text", "inputs",
))  # fmt: skip
_STRUCTURED = frozenset(("tools", "functions", "args", "arguments", "input", "parameters", "response_schema"))
_TEXT_MEMBER = re.compile(
    rb'"(?:text|content|delta|thinking|reasoning_content|arguments|prompt|input|instructions|system|response|generation|'
    rb'completion|inputText|outputText|generated_text|inputs)"\s*:\s*'
    rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)',
    re.DOTALL,
)


def tokens_of(text_bytes: int) -> int:
    """How many tokens so much text is about."""
    return -(-text_bytes // _BYTES_PER_TOKEN)


def text_bytes(document: Document) -> int:
    """The bytes of text in a request or in a whole answer."""
    if not document.cut:
        try:
            return _bytes_in(msgspec.json.decode(document.head))
        except NOT_JSON:
            pass
    return sum(
        len(match[1])
        for part in (document.head, document.tail)
        for match in _TEXT_MEMBER.finditer(part)
        if not match[1].startswith(b"data:")
    )


def streamed_bytes(payloads: Iterable[bytes]) -> int:
    """The bytes of text in the events of a stream. Events with a type tell text twice; only their deltas count."""
    total = 0
    for payload in payloads:
        try:
            event = msgspec.json.decode(payload)
        except NOT_JSON:
            continue
        kind = event.get("type") if isinstance(event, dict) else None
        if not isinstance(kind, str) or kind.endswith(("delta", "completion")):
            total += _bytes_in(event)
    return total


def _bytes_in(value: Any) -> int:
    """Text anywhere within, without recursion: depth is the sender's choice."""
    total = 0
    waiting: list[tuple[Any, bool]] = [(value, False)]
    while waiting:
        value, counts = waiting.pop()
        if isinstance(value, dict):
            for key, member in value.items():
                if isinstance(member, str):
                    if key in _TEXT:
                        total += _length(member)
                elif isinstance(member, (dict, list)):
                    if _read_as_json(key, member):
                        total += _size(member)
                    else:
                        waiting.append((member, key in _TEXT))
        elif isinstance(value, list):
            waiting += [(item, counts) for item in value]
        elif counts and isinstance(value, str):
            total += _length(value)
        elif counts and type(value) is int:
            total += _BYTES_PER_TOKEN  # a prompt may be given as a list of tokens
    return total


def _length(text: str) -> int:
    return 0 if text.startswith("data:") else len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def _read_as_json(key: str, member: Any) -> bool:
    """Whether the model reads or writes the JSON itself. A list of inputs is a conversation, no such thing."""
    return key in _STRUCTURED and (key != "input" or isinstance(member, dict))


def _size(value: Any) -> int:
    try:
        return len(msgspec.json.encode(value))
    except (ArithmeticError, RecursionError):  # numbers or nesting that it does not write
        return 0
