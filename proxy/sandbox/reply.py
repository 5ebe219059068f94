"""What the sandbox says: words, JSON that fits a schema, or a call of a tool. The same prompt gets the same reply.

It understands nothing. Every text says that it comes from a sandbox, so that nobody mistakes it for a model's.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import orjson

from proxy.sandbox import counting
from proxy.sandbox.answer import Json

_SENTENCES = (
    "Start with the smallest case that shows the whole problem.",
    "The second option costs a little more and saves a step later.",
    "Check the units first; most surprises in such numbers come from there.",
    "In short: yes, with one condition that is easy to meet.",
    "Three points matter here: the order, the deadline and who decides.",
    "A table would show this better than a paragraph.",
    "Write the expected result down before you measure it.",
    "If the input is empty, return early and say so.",
    "The difference is small on a quiet day and large on a busy one.",
    "Keep the old name for one release and mention the new one in the notes.",
    "Two sources agree, the third one is from an earlier version.",
    "That would take about an hour, most of it waiting.",
    "Move the check to the border, so that the middle can trust its values.",
    "The tone is friendly; shorten the second sentence and it is ready.",
)

_LENGTHS = (2, 3, 4, 5, 7, 10, 14)  # sentences of an answer
_DEEPEST = 12  # a schema may name itself


@dataclass(frozen=True, slots=True)
class Tool:
    """A function the client offers."""

    name: str
    schema: Json


@dataclass(frozen=True, slots=True)
class Prompt:
    """What any dialect's request comes down to."""

    texts: tuple[str, ...]
    question: str  # the newest text of the user
    messages: int = 1
    media: int = 0  # tokens of images, audio and documents
    answered_before: bool = False  # an answer is already part of the conversation
    tool: Tool | None = None  # to be called in this answer
    schema: Json | None = None  # the reply must be JSON like this
    limit: int | None = None  # most tokens of text
    reasoning: int = 0

    @property
    def tokens(self) -> int:
        """All of the input."""
        return sum(map(counting.tokens, self.texts)) + counting.MESSAGE * self.messages + self.media


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer before it takes a dialect's shape: a text, or the call of a tool."""

    text: str
    tool: Tool | None
    arguments: str  # JSON, empty without a tool
    cut: bool  # the limit ended it
    counts: counting.Counts

    def fragments(self) -> list[str]:
        """The text as a stream brings it, a word or two at a time."""
        return re.findall(r"\s*\S+(?:\s+\S+)?\s*$|\s*\S+(?:\s+\S+)?", self.text)

    def argument_fragments(self) -> list[str]:
        """The arguments as a stream brings them."""
        return [self.arguments[at : at + 12] for at in range(0, len(self.arguments), 12)]


def reply_to(prompt: Prompt) -> Reply:
    """The one reply this prompt gets."""
    arguments = "" if prompt.tool is None else orjson.dumps(example(prompt.tool.schema)).decode()
    if prompt.tool is not None:
        text = full = ""
    elif prompt.schema is not None:
        text = full = orjson.dumps(example(prompt.schema)).decode()
    else:
        full = _words(prompt.question)
        text = counting.fitting(full, prompt.limit)
    counts = counting.Counts(
        input=prompt.tokens,
        cached=counting.cached(prompt.tokens, prompt.answered_before),
        text=counting.tokens(text) + counting.tokens(arguments),
        reasoning=prompt.reasoning,
    )
    return Reply(text, prompt.tool, arguments, cut=len(text) < len(full), counts=counts)


def _words(question: str) -> str:
    digest = sha256(question.encode()).digest()
    count = _LENGTHS[digest[0] % len(_LENGTHS)]
    first, step = digest[1], 1 + 2 * (digest[2] % 3)  # 1, 3 and 5 each meet all fourteen sentences
    chosen = [_SENTENCES[(first + step * at) % len(_SENTENCES)] for at in range(count)]
    about = " ".join(question.split())[:60].rstrip()
    return f"Sandbox answer to “{about}”. " + " ".join(chosen)


def example(schema: Json, definitions: Json | None = None, depth: int = 0) -> object:
    """A value that fits a JSON schema, as far as schemas of tools and formats go (Gemini's upper-case types too)."""
    definitions = schema.get("$defs", {}) if definitions is None else definitions
    if depth > _DEEPEST:
        return None
    if "$ref" in schema:
        return example(definitions.get(str(schema["$ref"]).rpartition("/")[2], {}), definitions, depth + 1)
    for alternatives in ("anyOf", "oneOf", "allOf"):
        if schema.get(alternatives):
            return example(schema[alternatives][0], definitions, depth + 1)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = kind[0] if isinstance(kind, list) else kind
    match str(kind).lower():
        case "object":
            return {
                name: example(part, definitions, depth + 1) for name, part in (schema.get("properties") or {}).items()
            }
        case "array":
            return [example(schema.get("items") or {}, definitions, depth + 1)] * max(
                1, int(schema.get("minItems") or 1)
            )
        case "integer":
            return int(schema.get("minimum", 7))
        case "number":
            return float(schema.get("minimum", 2.5))
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return str(schema.get("default") or "sandbox")


def texts_of(*parts: object) -> tuple[str, ...]:
    """The non-empty texts among these; anything else that is not None as its JSON."""
    found: Sequence[str] = [
        part if isinstance(part, str) else orjson.dumps(part).decode() for part in parts if part not in (None, "", [])
    ]
    return tuple(found)
