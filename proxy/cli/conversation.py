"""The messages of a request as lines a person can read, whichever of the dialects it speaks.

It only rearranges what the body says: a body it does not recognise is left to be shown as it is.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

Message = tuple[str, str]  # who, what

_SPOKEN = (
    "messages",
    "contents",
    "input",
    "prompt",
    "system",
    "systemInstruction",
    "system_instruction",
    "instructions",
)


def messages_of(body: Any) -> tuple[list[Message], bool]:
    """Who said what, and whether that is everything the body says (its parameters are shown apart)."""
    if not isinstance(body, Mapping):
        return [], False
    messages = [message for name in _SPOKEN if name in body for message in _said(name, body[name])]
    return messages, bool(messages)


def _said(name: str, value: Any) -> Iterator[Message]:
    if name in ("system", "systemInstruction", "system_instruction", "instructions"):
        yield "system", _words(value)
    elif isinstance(value, str):
        yield "user", value
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, Mapping):
                yield _who(item), _words(_content(item))
            else:
                yield name, _words(item)
    else:
        yield name, _words(value)


def _who(item: Mapping[str, Any]) -> str:
    return str(item.get("role") or item.get("type") or "user")


def _content(item: Mapping[str, Any]) -> Any:
    parts = item.get("content", item.get("parts"))
    calls = item.get("tool_calls") or item.get("function_call")
    if parts is None and not calls:
        return {name: value for name, value in item.items() if name != "role"}
    if not calls:
        return parts
    spoken = parts if isinstance(parts, list) else [] if parts is None else [parts]
    return [*spoken, *(calls if isinstance(calls, list) else [calls])]


def _words(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(_words(part) for part in value)
    if isinstance(value, Mapping):
        for name in ("text", "parts"):
            if name in value:
                return _words(value[name])
        if value.get("type") == "tool_result":
            return f"[result of {value.get('tool_use_id')}] {_words(value.get('content'))}"
    return json.dumps(value, ensure_ascii=False)
