"""What was said in a session over a websocket, put together from the messages of both directions.

Both are kept as lines, each with when it came, so the two can be read as one. Deltas make up a turn; what ends one
corrects them. A session of which the middle is not kept is told up to the gap, and from there on.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from store.dialects import Document
from store.dialects.shape import NOT_JSON
from store.presentation.conversation import GAP, conversation_of, tools_of
from store.presentation.parameters import parameters_of
from store.presentation.parts import parts_of, result
from store.presentation.said import Message, Part, PartKind, Tool, arguments_of
from store.presentation.value import value_of

_MOST = 2000  # turns
_NOT_KEPT = {"not_kept": "the messages between these two"}
_SPOKEN: dict[str, tuple[PartKind, str]] = {  # by the event without its `.delta` or `.done`: what it is, and where
    "response.output_text": ("text", "text"),
    "response.text": ("text", "text"),
    "response.output_audio_transcript": ("text", "transcript"),
    "response.audio_transcript": ("text", "transcript"),
    "response.refusal": ("refusal", "refusal"),
    "response.reasoning_text": ("thinking", "text"),
    "response.reasoning_summary_text": ("thinking", "text"),
}
_DONE = frozenset({"response.done", "response.completed", "response.incomplete", "response.failed"})


def lines_shown(document: Document) -> list[Any] | None:
    """The lines as JSON values; None when nothing is kept."""
    if not document.head and not document.tail:
        return None
    return [_NOT_KEPT if line is None else _shown(line) for line in _lines(document)]


def dialogue(request: Document, response: Document) -> list[Message]:
    """Who said what, in the order in which it was said."""
    talk = _Talk()
    told = [*_timed(request, by_client=True), *_timed(response, by_client=False)]
    for _, by_client, message in sorted(told, key=lambda one: one[0]):
        if message is None:
            talk.gap()
        elif by_client:
            talk.asked(message)
        else:
            talk.answered(message)
        if len(talk.messages) >= _MOST:
            break
    talk.end_turn()
    return talk.messages[:_MOST]


def dialogue_text(messages: list[Message]) -> str | None:
    """The same as text: what the model said stands as it is, the others' words are labelled."""
    texts = []
    for message in messages:
        said = "\n".join(map(_words, message.parts))
        labelled = message.role in ("assistant", "tool")  # by what it is: `[tool result]`
        texts.append(said if labelled else f"[{message.role}]\n{said}".rstrip())
    return "\n\n".join(texts) or None


def session_tools(request: Document) -> list[Tool]:
    """The tools that the client offered last."""
    return tools_of(_asked_for(request))


def session_parameters(request: Document) -> dict[str, Any]:
    """What the client set, as far as it is short."""
    asked = _asked_for(request)
    return parameters_of(Document(msgspec.json.encode(asked)), ()) if asked else {}


def _asked_for(request: Document) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _, _, message in _timed(request, by_client=True):
        if message is not None:
            for name in ("setup", "session", "response"):
                found |= _object(message.get(name))
            if message.get("type") == "response.create":
                found |= {name: value for name, value in message.items() if name not in ("type", "response")}
    return found


def _lines(document: Document) -> Iterator[bytes | None]:
    """Those that are whole; None for what is not kept."""
    head = document.head.split(b"\n")
    yield from filter(None, head[:-1] if document.cut else head)
    if document.cut:
        yield None
        yield from filter(None, document.tail.split(b"\n")[1:])


def _shown(line: bytes) -> Any:
    try:
        return value_of(line)
    except NOT_JSON:
        return line.decode("utf-8", "replace")


def _timed(document: Document, *, by_client: bool) -> Iterator[tuple[float, bool, dict[str, Any] | None]]:
    """The messages that are JSON objects, each with its time; None for a gap."""
    last = 0.0
    for line in _lines(document):
        if line is None:
            yield last, by_client, None
            continue
        try:
            read = msgspec.json.decode(line)
        except NOT_JSON:
            continue
        if isinstance(read, dict) and isinstance(message := read.get("message"), dict):
            ms = read.get("ms")
            last = ms if isinstance(ms, (int, float)) else last
            yield last, by_client, message


class _Talk:
    """Filled message by message."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._parts: dict[Any, Part] = {}  # of the model's turn that is under way
        self._heard = ""  # what Gemini understood of the client's speech in this turn

    def gap(self) -> None:
        self.end_turn()
        if not self.messages or self.messages[-1].role != GAP:
            self.messages.append(Message(GAP, ()))

    def end_turn(self) -> None:
        if self._heard:
            self._say("user", Part("text", self._heard.strip()))
        if self._parts:
            self._say("assistant", *self._parts.values())
        self._heard, self._parts = "", {}

    def _say(self, role: str, *parts: Part) -> None:
        if parts:
            self.messages.append(Message(role, parts))

    # ---------------------------------------------------------------------------------------- the client

    def asked(self, message: dict[str, Any]) -> None:
        kind = message.get("type")
        if kind == "conversation.item.create":
            self.messages += conversation_of({"input": [message.get("item")]})
        elif kind == "response.create":
            self.messages += conversation_of(_object(message.get("response")) or message)
        elif kind == "session.update":
            self._system(_object(message.get("session")))
        elif setup := _object(message.get("setup")):
            self._system(setup)
        elif content := _object(message.get("clientContent", message.get("client_content"))):
            self.messages += conversation_of({"contents": content.get("turns")})
        elif given := _object(message.get("realtimeInput", message.get("realtime_input"))):
            if isinstance(given.get("text"), str):
                self._say("user", Part("text", given["text"]))
        elif told := _object(message.get("toolResponse", message.get("tool_response"))):
            responses = told.get("functionResponses", told.get("function_responses"))
            for one in responses if isinstance(responses, list) else []:
                if isinstance(one, dict):
                    self._say("tool", result(one.get("response"), one.get("name"), one.get("id")))

    def _system(self, session: dict[str, Any]) -> None:
        system = [one for one in conversation_of(session) if one.role == "system"]
        self.messages += [one for one in system if one not in self.messages]

    # -------------------------------------------------------------------------------------- the upstream

    def answered(self, message: dict[str, Any]) -> None:
        kind = message.get("type")
        if "serverContent" in message or "toolCall" in message:
            self._turn(_object(message.get("serverContent")), _object(message.get("toolCall")))
        elif not isinstance(kind, str):
            return
        elif kind in _DONE:
            if not self._parts:
                self._whole(_object(message.get("response")).get("output"))
            self.end_turn()
        elif kind == "response.output_item.done":
            self._call(_object(message.get("item")))
        elif kind == "error":
            error = _object(message.get("error")) or message
            self._say("error", Part("text", str(error.get("message") or error.get("code") or "")))
        elif kind.startswith("conversation.item.") and kind.endswith("transcription.completed"):
            if isinstance(message.get("transcript"), str) and message["transcript"].strip():
                self._say("user", Part("text", message["transcript"].strip()))
        else:
            self._spoken(kind, message)

    def _spoken(self, kind: str, message: dict[str, Any]) -> None:
        event, _, ending = kind.rpartition(".")
        if event not in _SPOKEN:
            return
        part, member = _SPOKEN[event]
        key = (event, str(message.get("item_id")), str(message.get("content_index", message.get("summary_index"))))
        told = message.get("delta" if ending == "delta" else member)
        if isinstance(told, str):
            before = self._parts[key].text if ending == "delta" and key in self._parts else ""
            self._parts[key] = Part(part, before + told)

    def _call(self, item: dict[str, Any]) -> None:
        if str(item.get("type")).endswith("_call"):
            given = item.get("arguments", item.get("input", item.get("action")))
            name = str(item.get("name") or item["type"])
            self._parts["call", len(self._parts)] = Part(
                "tool call", arguments_of(given), name, _text(item.get("call_id"))
            )

    def _whole(self, output: Any) -> None:
        for item in output if isinstance(output, list) else []:
            content = _object(item).get("content")
            for piece in content if isinstance(content, list) else []:
                said = _object(piece).get("text") or _object(piece).get("transcript")
                if isinstance(said, str):
                    self._parts[len(self._parts)] = Part("text", said)
            self._call(_object(item))

    def _turn(self, content: dict[str, Any], call: dict[str, Any]) -> None:
        self._heard += _text(_object(content.get("inputTranscription")).get("text")) or ""
        self._add("spoken", "text", _text(_object(content.get("outputTranscription")).get("text")))
        pieces = _object(content.get("modelTurn")).get("parts")
        for piece in pieces if isinstance(pieces, list) else []:
            if isinstance(piece, dict) and "inlineData" not in piece:
                for part in parts_of(piece):
                    self._add(part.kind, part.kind, part.text)
        calls = call.get("functionCalls")
        for one in calls if isinstance(calls, list) else []:
            for part in parts_of({"functionCall": one}):
                self._parts["call", len(self._parts)] = part
        if calls or content.get("turnComplete") or content.get("interrupted"):
            self.end_turn()

    def _add(self, key: str, kind: PartKind, text: str | None) -> None:
        if text:
            before = self._parts[key].text if key in self._parts else ""
            self._parts[key] = Part(kind, before + text)


def _words(part: Part) -> str:
    match part.kind:
        case "text":
            return part.text
        case "tool call":
            return f"[tool call] {part.name}({part.text})"
        case _:
            return f"[{part.kind}]\n{part.text}"


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
