"""What went wrong, in the upstream's own words: the shapes in which error bodies come.

Message: `error.message`, `error` as a string, `message`, `detail`, else the beginning of the text.
Type: `error.type`, `error.status` where it is a word, `type`, AWS's `__type` and its header. Code: `error.code`,
`code`, the `error_code` in the details of Anthropic's; where that is only the number of the status, the code of the
error that Azure puts within. Baidu, MiniMax, Deepgram and ElevenLabs have names of their own for both. A `title` is the
message where nothing else is (RFC 9457).
"""

from typing import Any

import msgspec

from proxy.journal.notes import Headers
from store.call import CallError
from store.dialects import cut_json
from store.dialects.document import Document
from store.dialects.shape import NOT_JSON
from store.dialects.stream import stream_of

LONGEST_MESSAGE = 2000
_TYPE_HEADER = "x-amzn-errortype"
_STATUS_LONG = 3  # digits
_TEXT_SHOWN = 200  # characters of a body that is no JSON


def error_in(document: Document, headers: Headers = ()) -> CallError | None:
    """The error a failed call was answered with; None when nothing tells any."""
    error = _error_in(document)
    if error is not None and error.type is not None:
        return error
    for name, value in headers:
        if name == _TYPE_HEADER and (kind := value.partition(":")[0].strip()):
            return CallError(kind, error.code, error.message) if error is not None else CallError(kind, None, None)
    return error


def _error_in(document: Document) -> CallError | None:
    form = document.form
    if form == "empty":
        return None
    if form == "json":
        found = error_of(_loaded(document))
    elif (stream := stream_of(document)) is not None:
        found = next(filter(None, (error_of(_loaded(Document(data))) for data in stream.all())), None)
    else:
        found = None
    if found is None or found.message is None:
        kind, code = (None, None) if found is None else (found.type, found.code)
        return CallError(kind, code, _beginning(document))
    return found


def error_of(value: Any) -> CallError | None:
    """The error a decoded body or event tells of; None when it tells of none."""
    if isinstance(value, list):  # Gemini's array endpoints wrap it
        value = value[0] if value else None
    if not isinstance(value, dict):
        return None
    inner = value.get("error")
    if inner is None and isinstance(value.get("errors"), list):  # watsonx
        inner = value["errors"]
    if isinstance(inner, list):  # Cloudflare
        inner = next(filter(None, inner), None)
    details = inner if isinstance(inner, dict) else {}
    said, detail = value.get("message"), value.get("detail")
    if isinstance(said, dict):  # Mistral
        detail = said.get("detail", said)
    message = _text(details.get("message")) or _text(inner) or _text(details.get("description"))  # Writer
    message = message or _text(said) or _text(value.get("Message")) or _detail(detail)
    base = value.get("base_resp")
    base = base if isinstance(base, dict) else {}
    message = message or _text(value.get("error_msg")) or _text(value.get("err_msg")) or _text(base.get("status_msg"))
    message = (
        message or _text(value.get("description")) or _text(value.get("title"))
    )  # Deepgram, in sessions; Replicate
    kind = _text(details.get("type")) or _word(details.get("status")) or _text(value.get("type"))
    kind = kind or _text(value.get("error_type")) or (_text(value.get("__type")) or "").rpartition("#")[2] or None
    if kind is None and isinstance(detail, dict):
        kind = _text(detail.get("type")) or _word(detail.get("status"))
    code = _text(details.get("code")) or _text(value.get("code")) or _text(value.get("error_code"))  # Databricks
    if code is None and isinstance(detail, dict):
        code = _text(detail.get("code"))
    if code is None and isinstance(causes := details.get("details"), dict):  # Anthropic
        code = _text(causes.get("error_code"))
    code = code or (_text(details.get("key")) if "description" in details else None)  # Writer
    code = code or _text(value.get("err_code")) or _text(base.get("status_code")) or _text(value.get("statusCode"))
    code = code or _text(value.get("category"))  # Deepgram's newer ones
    if code is not None and len(code) == _STATUS_LONG and code.isdecimal():
        code = _within(details) or code
    if message is None and not details and code is None:
        return None
    return CallError(kind, code, message)


def _word(value: Any) -> str | None:
    """What is no number: Azure tells the status of the answer where Google tells a name."""
    return _text(value) if isinstance(value, str) and not value.isdecimal() else None


def _within(details: dict[str, Any]) -> str | None:
    """The code of Azure's inner error, also where LiteLLM has wrapped it."""
    for holder in (details, details.get("provider_specific_fields")):
        if isinstance(holder, dict):
            inner = holder.get("innererror") or holder.get("inner_error")
            if isinstance(inner, dict) and (code := _text(inner.get("code"))) is not None:
                return code
    return None


def _loaded(document: Document) -> Any:
    try:
        return msgspec.json.decode(document.head)
    except NOT_JSON:
        found = {}
        for name, value in cut_json.members(document).items():
            try:
                found[name] = msgspec.json.decode(value)
            except NOT_JSON:
                continue
        return found


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value[:LONGEST_MESSAGE] or None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)[:LONGEST_MESSAGE]
    return None


def _detail(value: Any) -> str | None:
    """FastAPI's `detail`: a string, or a list of what was wrong where."""
    if isinstance(value, list):
        told = [_text(item.get("msg")) if isinstance(item, dict) else _text(item) for item in value[:20]]
        return "; ".join(filter(None, told))[:LONGEST_MESSAGE] or None
    if isinstance(value, dict):
        return _text(value.get("message")) or _text(value.get("msg")) or _text(value.get("error"))  # LiteLLM
    return _text(value)


def _beginning(document: Document) -> str | None:
    text = document.head[: 4 * _TEXT_SHOWN].decode("utf-8", "replace").strip()
    return text[:_TEXT_SHOWN] or None
