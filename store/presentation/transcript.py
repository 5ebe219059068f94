"""An answer as text, put together from pieces that arrive in any order of parts.

What the model said stands as it is; everything else is labelled: `[thinking]`, `[refusal]`,
`[tool call] name(arguments)`, `[choice 2]` where several answers were asked for, and `[answer]` where something
labelled goes before it.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from store.presentation.said import Message, Part, PartKind, arguments_of

_KINDS: dict[str | None, PartKind] = {
    None: "text", "thinking": "thinking", "refusal": "refusal", "tool call": "tool call", "data": "data",
}  # fmt: skip


@dataclass(slots=True)
class _Section:
    label: str | None
    name: str
    pieces: list[str] = field(default_factory=list)

    def text(self) -> str:
        said = "".join(self.pieces)
        if self.label == "tool call":
            return f"[tool call] {self.name}({said})"
        return said if self.label is None else f"[{self.label}]\n{said}"

    def part(self) -> Part:
        said = "".join(self.pieces)
        if self.label == "tool call":
            return Part("tool call", arguments_of(said), self.name or None)
        kind = _KINDS.get(self.label, "other")
        return Part(kind, said, self.label if kind in ("other", "data") else None)


class Transcript:
    """Pieces of the same choice and part are joined; parts stand in the order in which they first appeared."""

    def __init__(self) -> None:
        self._choices: dict[int, dict[Any, _Section]] = {}
        self._fresh = 0

    def say(self, text: Any, *, choice: Any = 0, part: Any = "text", label: str | None = None) -> None:
        """More of what the model said in this part."""
        if isinstance(text, str) and text:
            self._section(choice, part, label).pieces.append(text)

    def call(self, name: Any, arguments: Any, *, choice: Any = 0, part: Any) -> None:
        """A call of a tool, or more of its arguments: text as it streams, or the whole as an object."""
        section = self._section(choice, part, "tool call")
        if isinstance(name, str):
            section.name = section.name or name
        if isinstance(arguments, str):
            section.pieces.append(arguments)
        elif arguments not in (None, {}):
            section.pieces.append(_compact(arguments))

    @property
    def said(self) -> bool:
        """Whether anything was said so far."""
        return bool(self._choices)

    def fresh(self) -> tuple[str, int]:
        """A part that nothing was said in yet."""
        self._fresh += 1
        return ("fresh", self._fresh)

    def text(self) -> str | None:
        """All of it; None when nothing was said."""
        choices = [_joined(list(sections.values())) for _, sections in sorted(self._choices.items())]
        if len(choices) > 1:
            choices = [f"[choice {number}]\n{said}" for number, said in enumerate(choices, 1)]
        return "\n\n".join(choices) or None

    def messages(self) -> list[Message]:
        """The same in parts: one message of the assistant, or one for each choice where there are several."""
        several = len(self._choices) > 1
        return [
            Message(f"choice {number}" if several else "assistant", tuple(one.part() for one in sections.values()))
            for number, (_, sections) in enumerate(sorted(self._choices.items()), 1)
        ]

    def _section(self, choice: Any, part: Any, label: str | None) -> _Section:
        number = choice if isinstance(choice, int) else 0
        key = (label, part if isinstance(part, (int, str, tuple)) else None)
        return self._choices.setdefault(number, {}).setdefault(key, _Section(label, ""))


def _compact(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        return "..."


def _joined(sections: list[_Section]) -> str:
    """One after another; what was said after something labelled is labelled too, to show where that ended."""
    texts = []
    labelled = False
    for section in sections:
        text = section.text()
        if section.label is None and labelled:
            text = f"[answer]\n{text}"
        labelled = section.label not in (None, "tool call")
        texts.append(text)
    return "\n\n".join(texts)
