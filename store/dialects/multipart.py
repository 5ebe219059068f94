"""The short text fields of a multipart form. Audio and image requests name their model in one; files are skipped."""

import re

from proxy.journal.notes import Headers
from store.dialects.document import Document

_BOUNDARY = re.compile(r'multipart/form-data\s*;.*?boundary="?([^";,\s]{1,70})', re.IGNORECASE)
_NAME = re.compile(rb'\bname="?([^";\r\n]{1,64})"?', re.IGNORECASE)
_LONGEST = 4096


def boundary_in(headers: Headers) -> bytes | None:
    """The boundary when the body is a form, else None."""
    for name, value in headers:
        if name == "content-type":
            match = _BOUNDARY.match(value)
            return match[1].encode("utf-8", "replace") if match else None
    return None


def fields(document: Document, boundary: bytes) -> dict[str, str]:
    """The fields that are text and whole, by name."""
    found: dict[str, str] = {}
    for name, header, content in parts(document, boundary):
        if b"filename" not in header and len(content) <= _LONGEST:
            found[name] = content.decode("utf-8", "replace")
    return found


def parts(document: Document, boundary: bytes) -> list[tuple[str, bytes, bytes]]:
    """Name, header and content of each whole part that is kept."""
    delimiter = b"--" + boundary
    found = []
    for text in (document.head, document.tail):
        pieces = text.split(delimiter)
        for piece in pieces[1:-1]:
            header, blank, content = _split(piece)
            match = _NAME.search(header)
            if match and blank:
                found.append((match[1].decode("utf-8", "replace"), header, content))
    return found


def _split(piece: bytes) -> tuple[bytes, bytes, bytes]:
    header, blank, content = piece.partition(b"\r\n\r\n")
    if not blank:
        header, blank, content = piece.partition(b"\n\n")
    return header.strip(), blank, content.removesuffix(b"\n").removesuffix(b"\r")
