"""The messages of a request as lines a person can read: what the page of a call shows, in words alone."""

from typing import Any

from store.presentation.conversation import conversation_of
from store.presentation.said import Part

Message = tuple[str, str]  # who, what


def messages_of(body: Any) -> list[Message]:
    """Who said what, in order; empty when the body is not recognised, and is left to be shown as it is."""
    return [(message.role, "\n".join(map(_words, message.parts))) for message in conversation_of(body)]


def _words(part: Part) -> str:
    """Labelled as the text of an answer is, but for what was simply said."""
    match part.kind:
        case "text":
            return part.text
        case "tool call":
            return f"[tool call] {part.name}({part.text})"
        case "tool result":
            return f"[tool result{f' {part.id}' if part.id else ''}] {part.text}"
        case "data":
            return f"({part.name}, {part.text})" if part.text else f"({part.name})"
        case "other":
            return f"[{part.name}] {part.text}" if part.name else part.text
        case kind:
            return f"[{kind}] {part.text}"
