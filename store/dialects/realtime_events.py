"""A message of a session, as an object; of one that was too large to be noted whole, what its two ends tell."""

import re
from decimal import Decimal
from typing import Any

import msgspec

from store.dialects import cut_json
from store.dialects.document import Document
from store.dialects.shape import NOT_JSON

_MODEL = re.compile(rb'"model"\s*:\s*("[^"\\]{1,256}")')
_SETUP_WITHIN = 200  # bytes from the beginning

_decode = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal).decode
_decode_any = msgspec.json.Decoder(float_hook=Decimal).decode


def event_in(document: Document) -> dict[str, Any] | None:
    """The message; None when it is no object."""
    if not document.cut:
        try:
            return _decode(document.head)
        except NOT_JSON:
            return None
    return _torn_event(document)


def _torn_event(document: Document) -> dict[str, Any]:
    """Of a message whose middle is missing: what it is stands at its beginning, what was used at its end."""
    event = {key: _value(value) for key, value in cut_json.members(Document(document.head)).items()}
    inner: dict[str, Any] = {}
    for depth, members in enumerate(cut_json.levels(document.tail)):
        found = {key: _value(value) for key, value in members.items()}
        event |= {key: value for key, value in found.items() if depth == 0 or key == "usageMetadata"}
        inner = found | inner
    model = _MODEL.search(document.head)
    if model is not None:
        inner.setdefault("model", _value(model[1]))
    outer = "setup" if b'"setup"' in document.head[:_SETUP_WITHIN] else "response"
    return {outer: inner} | event


def _value(data: bytes) -> Any:
    try:
        return _decode_any(data)
    except NOT_JSON:
        return None


def object_in(value: Any) -> dict[str, Any]:
    """A member that is an object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}
