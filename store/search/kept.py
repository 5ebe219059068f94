"""From a row of `unread.sql`, with what is kept of the call's bodies, to its text."""

from typing import Any

import orjson
import zstandard

from store.dialects import Document
from store.search.texts import Text, text_of


def text_of_row(row: tuple[Any, ...]) -> Text:
    """The text of one call; a body that cannot be read has none."""
    (
        dialect, method, target, status, error_type, error_code, error_message,
        headers, request_size, request_cut, response_size, response_cut, content,
    ) = row  # fmt: skip
    request = response = None
    if content is not None:
        try:
            data = zstandard.ZstdDecompressor().decompress(content)
        except zstandard.ZstdError:
            data = b""
        begin = request_size or 0
        request = None if request_size is None else _document(data[:begin], request_cut)
        response = None if response_size is None else _document(data[begin:], response_cut)
    kept = tuple((name, value) for name, value in orjson.loads(headers)) if headers else ()
    error = (error_type, error_code, error_message)
    return text_of(dialect, method, target, kept, request, status, response, error)


def _document(data: bytes, cut: int | None) -> Document:
    return Document(data) if cut is None else Document(data[:cut], data[cut:], cut=True)
