"""A conversation as much of it as fits on a page: long texts folded, very long ones cut, many turns left out amid.

What is left out is counted and said; all of it is a link away (`store/pages/raw.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from store.presentation import GAP, Message, Part, Tool

_FOLDED: Final = 1_200  # characters, or lines, from which on a text is shown folded
_FOLDED_LINES: Final = 20
_PREVIEW: Final = 400
_LONGEST: Final = 30_000
_FIRST, _LAST = 8, 40  # turns shown of a long conversation
_MOST_PARTS: Final = 60  # of one turn


class Allowance:
    """How much text one page still takes."""

    def __init__(self, characters: int) -> None:
        self._left = characters

    def take(self, text: str, longest: int = _LONGEST) -> str:
        """As much of the text as fits."""
        taken = text[: max(0, min(self._left, longest))]
        self._left -= len(taken) + 200  # what stands around it takes room too
        return taken


@dataclass(frozen=True, slots=True)
class Shown:
    """A text as a page shows it."""

    text: str
    missing: int = 0  # characters cut off its end
    preview: str | None = None  # the beginning, when the whole is folded away

    @property
    def length(self) -> int:
        return len(self.text) + self.missing


@dataclass(frozen=True, slots=True)
class ShownPart:
    """A piece of a turn."""

    kind: str
    label: str
    id: str | None
    shown: Shown


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn; `left_out` turns went before it, or bytes that were not kept when it is a gap."""

    role: str
    parts: list[ShownPart]
    left_out: int = 0
    more_parts: int = 0

    @property
    def gap(self) -> bool:
        return self.role == GAP


@dataclass(frozen=True, slots=True)
class ShownTool:
    """A tool that was offered."""

    name: str
    description: Shown
    schema: Shown


_LABELS: Final = {"thinking": "Thinking", "refusal": "Refusal", "tool call": "Tool call", "tool result": "Tool result"}


def shown(text: str, allowance: Allowance, longest: int = _LONGEST) -> Shown:
    """The text, folded and cut where it is long."""
    taken = allowance.take(text, longest)
    folded = len(taken) > _FOLDED or taken.count("\n") > _FOLDED_LINES
    preview = "\n".join(taken[:_PREVIEW].split("\n")[:6]) if folded else None
    return Shown(taken, len(text) - len(taken), preview)


def turns(messages: Sequence[Message], allowance: Allowance) -> list[Turn]:
    """The turns of a conversation: all of a short one, both ends of a long one."""
    left_out = max(0, len(messages) - _FIRST - _LAST)
    last = messages[_FIRST + left_out :]
    # The end of a conversation is what the answer is about: it gets its room first.
    shown_last = [_turn(message, allowance) for message in reversed(last)][::-1]
    shown_first = [_turn(message, allowance) for message in messages[:_FIRST]]
    if left_out and shown_last:
        shown_last.insert(0, Turn("left out", [], left_out))
    return shown_first + shown_last


def tools(offered: Sequence[Tool], allowance: Allowance) -> list[ShownTool]:
    """The tools, each with its description and schema."""
    return [
        ShownTool(tool.name, shown(tool.description, allowance, 4_000), shown(tool.schema, allowance, 8_000))
        for tool in offered[:200]
    ]


def _turn(message: Message, allowance: Allowance) -> Turn:
    parts = [_part(part, allowance) for part in message.parts[:_MOST_PARTS]]
    return Turn(message.role[:80], parts, more_parts=max(0, len(message.parts) - _MOST_PARTS))


def _part(part: Part, allowance: Allowance) -> ShownPart:
    label = _LABELS.get(part.kind, "")
    name = (part.name or "")[:200]
    return ShownPart(part.kind, f"{label} {name}".strip() if label else name, part.id, shown(part.text, allowance))
