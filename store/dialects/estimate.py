"""An estimate of tokens where nobody reported any. Never shown as anything but an estimate.

Four bytes of text to a token, rounded up; five of the JSON of tools and schemas, which vendors write shorter for the
model. A conversation takes four tokens more for each message, ten for each call of a tool, and three for the beginning
of the answer. Only text counts: images, audio and files in a body are left out. Where a tokenizer is installed, it
counts the text of the models it knows (store/dialects/tokenizer.py). docs/estimates.md says how close both come.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

import msgspec

from store.dialects.document import Document
from store.dialects.shape import NOT_JSON

Count = Callable[[list[str]], int | None]
"""Counts the tokens of some texts, each by itself; None when it cannot."""
Counting = Callable[[str | None], Count | None]
"""What counts for a model; None when nothing does."""

_BYTES_PER_TOKEN: Final = 4
_BYTES_PER_TOKEN_OF_TOOLS: Final = 5
_SHARE_OF_TOOLS: Final = 0.75  # of the tokens of their JSON
_OF_A_MESSAGE: Final = 4
_OF_A_CONVERSATION: Final = 3
_OF_A_CALL: Final = 10
_TEXT = frozenset((
    "text", "content", "delta", "thinking", "reasoning", "reasoning_content", "refusal", "partial_json", "arguments",
    "prompt", "input", "output", "instructions", "system", "suffix", "title", "response", "generation", "completion",
    "inputText", "outputText", "generated_text", "inputs",
))  # fmt: skip
_WRITTEN_AS_JSON = frozenset(("args", "arguments", "input", "parameters"))
_TOOLS = frozenset(("tools", "functions", "schema", "response_schema", "responseSchema"))
_MESSAGES = ("messages", "input")
_INSTRUCTIONS = ("instructions", "system")
_ANSWERS = (
    "choices", "output", "outputs", "candidates", "content", "message", "completion", "text", "response", "results",
    "generation", "generations",
)  # fmt: skip
_TEXT_MEMBER = re.compile(
    rb'"(?:text|content|delta|thinking|reasoning_content|arguments|prompt|input|instructions|system|response|generation|'
    rb'completion|inputText|outputText|generated_text|inputs)"\s*:\s*'
    rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)',
    re.DOTALL,
)


@dataclass(slots=True)
class Said:
    """What a model reads or writes of a body, as far as it is text."""

    texts: list[str] = field(default_factory=list)
    tools: list[str] = field(default_factory=list)  # JSON
    messages: int = 0
    calls: int = 0  # of tools
    numbers: int = 0  # tokens given as such

    @property
    def nothing(self) -> bool:
        return not (any(self.texts) or self.tools or self.numbers)

    def tokens(self, count: Count | None = None) -> int:
        """How many tokens that is about: as `count` says, if it can."""
        around = self.numbers + _OF_A_CALL * self.calls + _OF_A_MESSAGE * self.messages
        if self.messages:
            around += _OF_A_CONVERSATION
        if count is not None:
            texts, tools = count(self.texts), count(self.tools)
            if texts is not None and tools is not None:
                return texts + round(tools * _SHARE_OF_TOOLS) + around
        return (
            -(-sum(map(_length, self.texts)) // _BYTES_PER_TOKEN)
            + -(-sum(map(_length, self.tools)) // _BYTES_PER_TOKEN_OF_TOOLS)
            + around
        )


def asked(document: Document, *, conversation: bool) -> Said:
    """What a request says to a model. The messages of a conversation are counted."""
    said = Said()
    request = _whole(document)
    if request is None:
        _gather_members(said, document)
        return said
    _gather(said, request, tools_apart=True)
    if conversation and isinstance(request, dict):
        said.messages = _messages(request)
    return said


def answered(document: Document) -> Said:
    """What a whole answer says. Some repeat the request beside it, which counts once."""
    said = Said()
    answer = _whole(document)
    if answer is None:
        _gather_members(said, document)
    elif isinstance(answer, dict) and (parts := {key: answer[key] for key in _ANSWERS if key in answer}):
        if isinstance(parts.get("text"), dict):  # how a response was asked to be written
            del parts["text"]
        _gather(said, parts)
    else:
        _gather(said, answer)
    return said


def streamed(payloads: Iterable[bytes]) -> Said:
    """What the events of a stream say. Events with a type tell text twice; only their deltas count."""
    payloads = list(payloads)
    plain = _plain(payloads)
    if plain is not None:
        return Said([plain])
    said = Said()
    for payload in payloads:
        try:
            event = msgspec.json.decode(payload)
        except NOT_JSON:
            continue
        kind = event.get("type") if isinstance(event, dict) else None
        if not isinstance(kind, str) or kind.endswith(("delta", "completion")):
            _gather(said, event)
    said.texts = ["".join(said.texts)]
    return said


class _Delta(msgspec.Struct, forbid_unknown_fields=True):
    role: str | None = None
    content: str | None = None
    refusal: None = None


class _Choice(msgspec.Struct, forbid_unknown_fields=True):
    delta: _Delta
    index: int = 0
    logprobs: None = None
    finish_reason: str | None = None


class _Chunk(msgspec.Struct, forbid_unknown_fields=True):
    """An event of chat completions that has no other text than one delta's, whatever else is looked for."""

    choices: Annotated[list[_Choice], msgspec.Meta(max_length=1)]
    id: str | None = None
    object: str | None = None
    created: float | None = None
    model: str | None = None
    service_tier: str | None = None
    system_fingerprint: str | None = None
    obfuscation: str | None = None
    usage: dict[str, float | dict[str, float | None] | None] | None = None


_chunks = msgspec.json.Decoder(list[_Chunk])


def _plain(payloads: Sequence[bytes]) -> str | None:
    """The text of a stream of nothing but plain chunks, all read at once, in a third of the time; None: it is another.

    These are the streams that most often come without a usage, because OpenAI's clients have to ask for it.
    """
    if not payloads or b'"choices"' not in payloads[0]:
        return None
    told = [payload for payload in payloads if payload.strip() != b"[DONE]"]
    try:
        chunks = _chunks.decode(b"[%b]" % b",".join(told))
    except NOT_JSON:
        return None
    if len(chunks) != len(told):
        return None
    texts = [content for chunk in chunks for one in chunk.choices if (content := one.delta.content) is not None]
    return "".join([text for text in texts if not text.startswith("data:")])


def _whole(document: Document) -> Any:
    if document.cut:
        return None
    try:
        return msgspec.json.decode(document.head)
    except NOT_JSON:
        return None


def _messages(request: dict[str, Any]) -> int:
    """How many messages the model is given."""
    count = sum(1 for name in _INSTRUCTIONS if request.get(name))
    for name in _MESSAGES:
        given = request.get(name)
        if isinstance(given, list):
            count += sum(1 for message in given if isinstance(message, dict))
        elif isinstance(given, str):
            count += 1
    return count


def _gather_members(said: Said, document: Document) -> None:
    """From a body that is not whole: members that hold text, wherever they stand."""
    for part in (document.head, document.tail):
        said.texts += [match[1].decode("utf-8", "replace") for match in _TEXT_MEMBER.finditer(part)]
    said.texts = [text for text in said.texts if not text.startswith("data:")]


def _gather(said: Said, value: Any, *, tools_apart: bool = False) -> None:
    """Text anywhere within, without recursion: depth is the sender's choice."""
    waiting: list[tuple[Any, bool]] = [(value, False)]
    while waiting:
        value, counts = waiting.pop()
        if isinstance(value, dict):
            if isinstance(value.get("name"), str) and not _WRITTEN_AS_JSON.isdisjoint(value):
                said.texts.append(value["name"])
                said.calls += 1
            for key, member in value.items():
                if isinstance(member, str):
                    if key in _TEXT:
                        _add(said, member)
                elif isinstance(member, (dict, list)):
                    if key in _TOOLS:
                        (said.tools if tools_apart else said.texts).append(_json(member))
                    elif _read_as_json(key, member):
                        said.texts.append(_json(member))
                    else:
                        waiting.append((member, key in _TEXT))
        elif isinstance(value, list):
            waiting += [(item, counts) for item in value]
        elif counts and isinstance(value, str):
            _add(said, value)
        elif counts and type(value) is int:
            said.numbers += 1  # a prompt may be given as a list of tokens


def _add(said: Said, text: str) -> None:
    if not text.startswith("data:"):
        said.texts.append(text)


def _length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def _read_as_json(key: str, member: Any) -> bool:
    """Whether the model reads or writes the JSON itself. A list of inputs is a conversation, no such thing."""
    return key in _WRITTEN_AS_JSON and (key != "input" or isinstance(member, dict))


def _json(value: Any) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except (ArithmeticError, RecursionError, UnicodeError):  # numbers, nesting or text that it does not write
        return ""
