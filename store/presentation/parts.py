"""The pieces of one message, as the dialects write them: text, thinking, tools, and what is no text.

Which dialect it is need not be known: their names for the pieces do not collide.
"""

import re
from collections.abc import Iterator
from typing import Any

from store.presentation.bodies import described
from store.presentation.said import Part, arguments_of, readable

_DEEPEST = 8  # contents within contents
_MOST_OF_A_LINK = 500
_TOLD_BY_LENGTH = re.compile(r"\((\d{1,12}) characters\)")  # of base64 in a session, which is not kept


def parts_of(content: Any, depth: int = 0) -> Iterator[Part]:
    """The pieces of a content: a text, one piece, or a list of them."""
    if content is None or depth > _DEEPEST:
        return
    if isinstance(content, str):
        if content:
            yield Part("text", content)
    elif isinstance(content, list):
        for piece in content:
            yield from parts_of(piece, depth + 1)
    elif isinstance(content, dict):
        yield from _piece(content, depth)
    else:
        yield Part("other", readable(content))


def _piece(piece: dict[str, Any], depth: int) -> Iterator[Part]:
    kind = piece.get("type")
    if kind is None:
        yield from _untyped(piece)
    elif kind in ("text", "input_text", "output_text", "summary_text", "reasoning_text"):
        yield Part("text", _text(piece.get("text")))
    elif kind in ("thinking", "redacted_thinking", "reasoning"):
        yield from _thinking(piece)
    elif kind == "refusal":
        yield Part("refusal", _text(piece.get("refusal")))
    elif kind in ("image_url", "input_image", "video_url", "input_video"):
        yield _linked(piece.get(kind, piece.get("image_url", piece.get("file_id"))), "image")
    elif kind == "document_url":
        yield _linked(piece.get(kind), "document")
    elif kind == "input_audio":
        yield _audio(piece.get("input_audio"))
    elif kind in ("file", "input_file"):
        inside = piece.get("file")
        yield _file(inside if isinstance(inside, dict) else piece)
    elif kind in ("image", "document", "audio", "video") and isinstance(piece.get("source"), dict):
        yield from _source(kind, piece["source"], depth)
    elif isinstance(kind, str) and kind.endswith("tool_use"):
        yield Part("tool call", arguments_of(piece.get("input")), _name(piece.get("name")), _name(piece.get("id")))
    elif isinstance(kind, str) and kind.endswith("tool_result"):
        yield result(piece.get("content"), None, piece.get("tool_use_id"), depth)
    else:
        yield Part("other", readable({name: value for name, value in piece.items() if name != "type"}), _text(kind))


def _untyped(piece: dict[str, Any]) -> Iterator[Part]:
    """Gemini's and Bedrock's pieces say what they are by the names of their members."""
    if isinstance(text := piece.get("text"), str):
        yield Part("thinking" if piece.get("thought") is True else "text", text)
    elif isinstance(data := piece.get("inlineData", piece.get("inline_data")), dict):
        yield data_part(data.get("mimeType", data.get("mime_type")), data.get("data"))
    elif isinstance(file := piece.get("fileData", piece.get("file_data")), dict):
        kind = _name(file.get("mimeType", file.get("mime_type"))) or "file"
        yield Part("data", _short(file.get("fileUri", file.get("file_uri"))), kind)
    elif isinstance(call := piece.get("functionCall", piece.get("function_call")), dict):
        yield Part("tool call", arguments_of(call.get("args")), _name(call.get("name")), _name(call.get("id")))
    elif isinstance(told := piece.get("functionResponse", piece.get("function_response")), dict):
        yield result(told.get("response"), told.get("name"), told.get("id"))
    elif isinstance(code := piece.get("executableCode"), dict):
        yield Part("other", _text(code.get("code")), "code")
    elif isinstance(output := piece.get("codeExecutionResult"), dict):
        yield Part("other", _text(output.get("output")), "code output")
    elif isinstance(parts := piece.get("parts"), list):
        yield from parts_of(parts, 1)
    else:
        yield from _of_bedrock(piece)


def _of_bedrock(piece: dict[str, Any]) -> Iterator[Part]:
    if isinstance(use := piece.get("toolUse"), dict):
        yield Part("tool call", arguments_of(use.get("input")), _name(use.get("name")), _name(use.get("toolUseId")))
    elif isinstance(told := piece.get("toolResult"), dict):
        yield result(told.get("content"), None, told.get("toolUseId"))
    elif isinstance(thought := piece.get("reasoningContent"), dict):
        reasoning = thought.get("reasoningText")
        said = reasoning.get("text") if isinstance(reasoning, dict) else None
        yield Part("thinking", said) if isinstance(said, str) else Part("other", "(encrypted)", "thinking")
    elif (kind := next((name for name in ("image", "document", "video", "audio") if name in piece), None)) is not None:
        yield _media(kind, piece[kind])
    else:
        yield Part("other", readable(piece.get("json", piece)))


def _media(kind: str, media: Any) -> Part:
    source = media.get("source") if isinstance(media, dict) else None
    if not isinstance(source, dict):
        return Part("data", "of unknown size", kind)
    named = f"{kind}/{_text(media.get('format')) or '*'}"
    return data_part(named, source["bytes"]) if "bytes" in source else Part("data", _short(source), named)


def result(content: Any, name: Any, id_: Any, depth: int = 0) -> Part:
    """What a tool gave back: its text, or JSON for people; what is no text within it by type and size."""
    if isinstance(content, list):
        pieces = list(parts_of(content, depth + 1))
        text = "\n".join(f"({piece.name}, {piece.text})" if piece.kind == "data" else piece.text for piece in pieces)
    else:
        text = arguments_of(content)
    return Part("tool result", text, _name(name), _name(id_))


def data_part(media_type: Any, data: Any) -> Part:
    """Base64 told by its type and how many bytes it stands for."""
    kind = _name(media_type) or "application/octet-stream"
    if not isinstance(data, str):
        return Part("data", "of unknown size", kind)
    if told := _TOLD_BY_LENGTH.fullmatch(data):
        return Part("data", described(kind, int(told[1]) * 3 // 4).rpartition(", ")[2], kind)
    size = len(data) * 3 // 4 - data[-2:].count("=")
    return Part("data", described(kind, max(0, size)).rpartition(", ")[2], kind)


def _linked(link: Any, kind: str) -> Part:
    """A picture by its address; the bytes of a `data:` address by type and size. Never fetched by anybody here."""
    url = link.get("url", link.get("file_id")) if isinstance(link, dict) else link
    if isinstance(url, str) and url.startswith("data:"):
        head, _, data = url[5:].partition(",")
        return data_part(head.partition(";")[0], data)
    return Part("data", _short(url), kind)


def _audio(audio: Any) -> Part:
    if not isinstance(audio, dict):
        return Part("data", "of unknown size", "audio")
    return data_part(f"audio/{_text(audio.get('format')) or '*'}", audio.get("data"))


def _file(file: dict[str, Any]) -> Part:
    named = _text(file.get("filename"))
    data = file.get("file_data")
    if isinstance(data, str):
        told = _linked(data, "file") if data.startswith("data:") else data_part(None, data)
        return Part("data", f"{named}, {told.text}" if named else told.text, told.name)
    return Part("data", _short(named or file.get("file_id") or file.get("file_url")), "file")


def _source(kind: str, source: dict[str, Any], depth: int) -> Iterator[Part]:
    how = source.get("type")
    if how == "base64":
        yield data_part(source.get("media_type"), source.get("data"))
    elif how == "text":
        yield Part("text", _text(source.get("data")))
    elif how == "content":
        yield from parts_of(source.get("content"), depth + 1)
    else:
        yield Part("data", _short(source.get("url", source.get("file_id"))), kind)


def _thinking(piece: dict[str, Any]) -> Iterator[Part]:
    said = piece.get("thinking")
    if isinstance(said, str):
        yield Part("thinking", said)
        return
    told = [*parts_of(piece.get("summary"), 1), *parts_of(piece.get("content"), 1)]
    if told:
        yield Part("thinking", "\n\n".join(part.text for part in told))
    else:
        yield Part("other", "(encrypted by the provider)", "thinking")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else readable(value)


def _name(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _short(value: Any) -> str:
    text = _text(value)
    return text if len(text) <= _MOST_OF_A_LINK else f"{text[:_MOST_OF_A_LINK]}..."
