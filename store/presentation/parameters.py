"""The parameters of a request: what was set, without what was said."""

from typing import Any

from proxy.journal.notes import Headers
from store.dialects import Document, cut_json, multipart
from store.dialects.shape import NOT_JSON
from store.presentation.value import value_of

_SAID = frozenset((
    "messages", "input", "prompt", "contents", "content", "system", "systemInstruction", "system_instruction",
    "instructions", "tools", "functions", "requests", "documents", "texts", "image", "images", "mask", "file", "suffix",
    "inputs", "document", "additional_messages", "thread",
))  # fmt: skip
_LARGEST = 4096  # bytes of JSON; what is larger is no setting


def parameters_of(request: Document, headers: Headers) -> dict[str, Any]:
    """By name, in the order sent; empty when the body has none that can be read."""
    if (boundary := multipart.boundary_in(headers)) is not None:
        return {name: value for name, value in multipart.fields(request, boundary).items() if name not in _SAID}
    if request.form != "json":
        return {}
    found: dict[str, Any] = {}
    for name, value in cut_json.members(request).items():
        if name not in _SAID and len(value) <= _LARGEST:
            try:
                found[name] = value_of(value)
            except NOT_JSON:
                continue
    return found
