"""What was said in a request or an answer, in parts a person can tell apart, whichever dialect it was said in.

Images, audio and files are told by type and size; their bytes are never carried along.
"""

import json
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from store.dialects.shape import NOT_JSON

PartKind = Literal["text", "thinking", "refusal", "tool call", "tool result", "data", "other"]


@dataclass(frozen=True, slots=True)
class Part:
    """One piece: `name` is the tool, the media type or the foreign kind; `id` joins a tool's call and its result."""

    kind: PartKind
    text: str
    name: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """What one side said at one turn."""

    role: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that the model was offered; `schema` is JSON for people."""

    name: str
    description: str
    schema: str


def readable(value: Any, most: int = 100_000) -> str:
    """JSON over several lines; text stands as it is. Stops soon after so many characters, however deep it goes."""
    if isinstance(value, str):
        return value
    pieces: list[str] = []
    length = 0
    try:
        for piece in json.JSONEncoder(indent=2, ensure_ascii=False).iterencode(value):
            pieces.append(piece)
            length += len(piece)
            if length > most:
                break
    except (RecursionError, ValueError):
        pieces.append(" ...")
    return "".join(pieces)


def arguments_of(value: Any) -> str:
    """The arguments of a tool: objects, or text that holds one, over several lines; other text as it is."""
    if isinstance(value, str):
        try:
            parsed = msgspec.json.decode(value)
        except NOT_JSON:
            return value
        return readable(parsed) if isinstance(parsed, (dict, list)) else value
    return "" if value is None else readable(value)
