"""One body as a person can read it."""

from typing import Any

from proxy.journal.notes import Headers
from store.dialects import Document, multipart
from store.dialects.shape import NOT_JSON
from store.presentation.value import value_of

_GAP = "\n\N{HORIZONTAL ELLIPSIS} (not kept) \N{HORIZONTAL ELLIPSIS}\n"


def shown(document: Document, headers: Headers) -> Any:
    """The JSON value, the text, the fields of a form, or a description such as `image/png, 12345 bytes`."""
    if not document.head and not document.tail:
        return None
    if not document.cut and document.form == "json":
        try:
            return value_of(document.head)
        except NOT_JSON:
            pass
    if (boundary := multipart.boundary_in(headers)) is not None:
        return _form(document, boundary)
    content_type = next((value for name, value in headers if name == "content-type"), None)
    return _text(document) or described(content_type, len(document.head) + len(document.tail), document.cut)


def described(content_type: str | None, size: int, cut: bool = False) -> str:
    """What stands in for bytes that nobody can read."""
    kind = (content_type or "application/octet-stream").partition(";")[0].strip()
    return f"{kind}, {'more than ' if cut else ''}{size} bytes"


def _form(document: Document, boundary: bytes) -> dict[str, Any]:
    """The fields of a form; a field that was sent more than once is a list."""
    fields: dict[str, Any] = {}
    for name, header, content in multipart.parts(document, boundary):
        is_text = b"filename" not in header
        value = (is_text and _decoded(content)) or described(_part_type(header), len(content))
        if name not in fields:
            fields[name] = value
        elif isinstance(fields[name], list):
            fields[name].append(value)
        else:
            fields[name] = [fields[name], value]
    return fields


def _part_type(header: bytes) -> str | None:
    for line in header.splitlines():
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-type":
            return value.strip().decode("ascii", "replace")
    return None


def _text(document: Document) -> str | None:
    if not document.cut:
        return _decoded(document.head)
    if b"\0" in document.head or b"\0" in document.tail:
        return None
    head, tail = document.head.decode("utf-8", "replace"), document.tail.decode("utf-8", "replace")
    few_replaced = head.count("\N{REPLACEMENT CHARACTER}") + tail.count("\N{REPLACEMENT CHARACTER}") <= 6
    return head + _GAP + tail if few_replaced else None  # at most the characters that the cut went through


def _decoded(data: bytes) -> str | None:
    if b"\0" in data:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None
