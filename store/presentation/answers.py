"""From an answer, whole or streamed, to what was said in it."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from store.dialects import Document, cut_json
from store.dialects.frames import unframed
from store.dialects.recognised import LEFT_TO_THE_BODY, format_in
from store.dialects.shape import NOT_JSON
from store.dialects.stream import stream_of
from store.presentation.agents import tell_agent
from store.presentation.parts import data_part
from store.presentation.said import Message
from store.presentation.transcript import Transcript
from store.presentation.vendors import (
    tell_ai_sdk,
    tell_cohere,
    tell_converse,
    tell_flat,
    tell_interaction,
    tell_ollama,
)

Tell = Callable[[Transcript, dict[str, Any]], None]


def answer_text(dialect: str, response: Document) -> str | None:
    """What was said; None when the answer is no text, or nothing of it can be read."""
    said = _said(dialect, response)
    return None if said is None else said.text()


def answer_messages(dialect: str, response: Document) -> list[Message]:
    """What was said, in parts; empty when the answer is no text, or nothing of it can be read."""
    said = _said(dialect, response)
    return [] if said is None else said.messages()


def _said(dialect: str, response: Document) -> Transcript | None:
    response, _ = unframed(response)  # of a row that was written before frames were undone
    spoken = (format_in(response) or dialect) if dialect in LEFT_TO_THE_BODY else dialect
    tell = _TELL.get(spoken)
    if tell is None:
        return None
    transcript = Transcript()
    for piece in _pieces(response):
        if isinstance(piece, dict):
            tell(transcript, piece)
    return transcript


def _pieces(response: Document) -> Iterator[Any]:
    if (stream := stream_of(response)) is not None:
        yield from map(_loaded, stream.all())
    elif response.form == "json":
        whole = _loaded(response.head) if not response.cut else None
        if isinstance(whole, list):
            yield from whole
        elif whole is not None:
            yield whole
        elif response.head.lstrip()[:1] == b"[":
            yield from map(_loaded, cut_json.elements(response))
        else:
            yield {name: _loaded(value) for name, value in cut_json.members(response).items()}


def _loaded(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except NOT_JSON:
        return None


def _objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list, whatever else is in it, whatever it is."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


# ------------------------------------------------------------------------------------------------ openai


def _tell_openai(transcript: Transcript, piece: dict[str, Any]) -> None:
    kind = piece.get("type")
    if tell_agent(transcript, piece):
        return
    if isinstance(kind, str) and "." in kind:
        _tell_event(transcript, kind, piece)
    elif "choices" in piece:
        for choice in _objects(piece["choices"]):
            _tell_choice(transcript, choice, whole=piece.get("object") == "chat.completion")
    elif "output" in piece:
        for index, item in enumerate(_objects(piece["output"])):
            _tell_item(transcript, index, item)
    else:
        transcript.say(piece.get("text", piece.get("value")))  # a transcription; Writer's streams of completions


def _tell_choice(transcript: Transcript, choice: dict[str, Any], whole: bool) -> None:
    """One choice: in a stream its delta, though some repeat the whole message beside each, and the other way round."""
    index = choice.get("index", 0)
    delta, message = _object(choice.get("delta")), _object(choice.get("message"))
    message = message or delta if whole else delta or message
    thinking = message.get("reasoning_content") or message.get("reasoning")
    transcript.say(thinking, choice=index, label="thinking")
    _tell_content(transcript, index, message.get("content"))
    transcript.say(message.get("refusal"), choice=index, label="refusal")
    transcript.say(_object(message.get("audio")).get("transcript"), choice=index, label="audio")
    for position, call in enumerate(_objects(message.get("tool_calls"))):
        function = _object(call.get("function")) or _object(call.get("custom"))
        arguments = function.get("arguments", function.get("input"))
        transcript.call(function.get("name"), arguments, choice=index, part=call.get("index", position))
    if legacy := _object(message.get("function_call")):
        transcript.call(legacy.get("name"), legacy.get("arguments"), choice=index, part="function")
    transcript.say(choice.get("text"), choice=index)


def _tell_content(transcript: Transcript, index: Any, content: Any) -> None:
    transcript.say(content, choice=index)
    for part in _objects(content):
        transcript.say(part.get("text"), choice=index)
        for thought in _objects(part.get("thinking")):
            transcript.say(thought.get("text"), choice=index, label="thinking")


def _tell_item(transcript: Transcript, index: int, item: dict[str, Any]) -> None:
    """One item of a response's output."""
    kind = item.get("type")
    thinking = "thinking" if kind == "reasoning" else None
    for number, part in enumerate(_objects(item.get("summary")) + _objects(item.get("content"))):
        transcript.say(part.get("text"), part=(index, number), label=thinking)
        transcript.say(part.get("refusal"), part=(index, number), label="refusal")
    if kind == "image_generation_call" and isinstance(item.get("result"), str):
        made = data_part(f"image/{item.get('output_format') or '*'}", item["result"])
        transcript.say(f"({made.name}, {made.text})", part=(index, "image"), label="data")
    elif isinstance(kind, str) and kind.endswith("_call"):
        arguments = item.get("arguments", item.get("input", item.get("action", item.get("queries"))))
        transcript.call(item.get("name") or kind, arguments, part=(index, "call"))


_DELTAS = {
    "response.output_text.delta": None,
    "transcript.text.delta": None,
    "response.refusal.delta": "refusal",
    "response.reasoning_summary_text.delta": "thinking",
    "response.reasoning_text.delta": "thinking",
    "response.audio_transcript.delta": "audio",
}


def _tell_event(transcript: Transcript, kind: str, event: dict[str, Any]) -> None:
    """One event of a streamed response. Only the deltas tell; the events after them repeat what they told."""
    index = event.get("output_index", 0)
    index = index if isinstance(index, int) else 0
    if kind == "transcript.text.segment":  # of who speaks
        speaker = event.get("speaker")
        text = str(event.get("text") or "").strip()
        transcript.say(f"{speaker}: {text}\n" if isinstance(speaker, str) else f"{text}\n")
    elif kind in _DELTAS:
        number = event.get("summary_index", event.get("content_index"))
        transcript.say(event.get("delta"), part=(index, number if isinstance(number, int) else 0), label=_DELTAS[kind])
    elif kind in ("response.function_call_arguments.delta", "response.custom_tool_call_input.delta"):
        transcript.call(None, event.get("delta"), part=(index, "call"))
    elif kind == "response.output_item.added":
        item = _object(event.get("item"))
        if isinstance(item.get("type"), str) and item["type"].endswith("_call"):
            transcript.call(item.get("name") or item["type"], None, part=(index, "call"))


# --------------------------------------------------------------------------------------------- anthropic


def _tell_anthropic(transcript: Transcript, piece: dict[str, Any]) -> None:
    kind, index = piece.get("type"), piece.get("index", 0)
    if kind == "content_block_start":
        _tell_block(transcript, index, _object(piece.get("content_block")))
    elif kind == "content_block_delta":
        delta = _object(piece.get("delta"))
        transcript.say(delta.get("text"), part=index)
        transcript.say(delta.get("thinking"), part=index, label="thinking")
        if "partial_json" in delta:
            transcript.call(None, delta["partial_json"], part=index)
    elif kind == "message":
        for number, block in enumerate(_objects(piece.get("content"))):
            _tell_block(transcript, number, block)
    else:
        transcript.say(piece.get("completion"))


def _tell_block(transcript: Transcript, index: Any, block: dict[str, Any]) -> None:
    kind = block.get("type")
    if kind == "text":
        transcript.say(block.get("text"), part=index)
    elif kind == "thinking":
        transcript.say(block.get("thinking"), part=index, label="thinking")
    elif isinstance(kind, str) and kind.endswith("tool_use"):
        transcript.call(block.get("name"), block.get("input"), part=index)
    elif isinstance(kind, str):
        transcript.say("(not shown here)", part=index, label=kind)


# ------------------------------------------------------------------------------------------------ gemini


def _tell_gemini(transcript: Transcript, piece: dict[str, Any]) -> None:
    tell_interaction(transcript, piece)
    for candidate in _objects(piece.get("candidates")):
        choice = candidate.get("index", 0)
        for part in _objects(_object(candidate.get("content")).get("parts")):
            _tell_part(transcript, choice, part)


def _tell_part(transcript: Transcript, choice: Any, part: dict[str, Any]) -> None:
    """Text continues what was said before; every other part comes whole."""
    transcript.say(part.get("text"), choice=choice, label="thinking" if part.get("thought") is True else None)
    if call := _object(part.get("functionCall")):
        transcript.call(call.get("name"), call.get("args"), choice=choice, part=transcript.fresh())
    if code := _object(part.get("executableCode")):
        transcript.say(code.get("code"), choice=choice, part=transcript.fresh(), label="code")
    if result := _object(part.get("codeExecutionResult")):
        transcript.say(result.get("output"), choice=choice, part=transcript.fresh(), label="code output")
    if data := _object(part.get("inlineData")):
        transcript.say(f"({data.get('mimeType')})", choice=choice, part=transcript.fresh(), label="data")


_TELL: dict[str, Tell] = {
    "openai": _tell_openai,
    "anthropic": _tell_anthropic,
    "gemini": _tell_gemini,
    "vertex": _tell_gemini,
    "bedrock": tell_converse,
    "cohere": tell_cohere,
    "ollama": tell_ollama,
    "flat": tell_flat,
    "ai_sdk": tell_ai_sdk,
    "reka": _tell_openai,
    "sound": _tell_openai,
}
