"""AWS event streams (`application/vnd.amazon.eventstream`): binary frames around the JSON of Bedrock's streams.

The framing is undone like a content encoding, once and before anything else looks at the body, so that whoever reads,
cleans, shows or searches a body meets text: one line of JSON for each frame, named after its event as in the SDKs,
`{"metadata": {...}}`. What `chunk` frames carry in base64 is the line itself, and an exception becomes
`{"error": {"type": ..., "message": ...}}`, which every dialect knows.

A frame says its length and guards it by a checksum, so its neighbours are found again wherever a body was cut or
damaged: https://smithy.io/2.0/aws/amazon-eventstream.html
"""

import struct
import zlib
from collections.abc import Iterator

import msgspec

from store.anomalies import Anomalies
from store.dialects.document import Document
from store.dialects.shape import NOT_JSON

_PRELUDE = struct.Struct(">III")  # of the frame, of its headers, and the checksum of these two
_CHECKSUM = 4
_SMALLEST = _PRELUDE.size + _CHECKSUM
_LARGEST = 16 * 1024 * 1024  # so that a frame begins with a zero byte
_MOST_TRIES = 100_000  # places of one body at which a frame is looked for after one that is damaged
_SIGNS = (b":event-type", b":message-type")
_SIGNS_WITHIN = 256
_STRING = 7
_FIXED_VALUES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}  # bytes of the values of these types
_COUNTED_VALUES = (6, _STRING)  # a length of two bytes before them
_encode = msgspec.json.encode


class _Chunk(msgspec.Struct):
    native: bytes | None = msgspec.field(name="bytes", default=None)  # in base64


class _Told(msgspec.Struct):
    message: str | None = msgspec.field(name="message", default=None)


_chunk = msgspec.json.Decoder(_Chunk).decode
_told = msgspec.json.Decoder(_Told).decode


def unframed(document: Document) -> tuple[Document, Anomalies]:
    """The lines in the frames of this body, and what is odd about them; a body without frames as it is."""
    if document.head[:1] != b"\0" or not _framed(document.head):
        return document, ()
    reader = _Reader()
    head = b"".join(reader.lines(document.head))
    tail = b"".join(reader.lines(document.tail, torn=True)) if document.cut else b""
    anomalies: Anomalies = ("broken_frames",) if reader.broken else ()
    # Both ends are whole lines; a tail is taken to begin inside of a line, so it gets an empty one to begin with.
    return Document(head, b"\n" + tail if document.cut else b"", document.cut, lines=True), anomalies


def _framed(head: bytes) -> bool:
    """Whether a body that begins with a NUL is made of frames; even if the very first of them is damaged."""
    return _prelude(head, 0) is not None or any(sign in head[:_SIGNS_WITHIN] for sign in _SIGNS)


class _Reader:
    """Goes through the frames of one body."""

    __slots__ = ("_tries", "broken")

    def __init__(self) -> None:
        self._tries = _MOST_TRIES
        self.broken = False

    def lines(self, data: bytes, *, torn: bool = False) -> Iterator[bytes]:
        """The line of each whole frame; `torn`: the data may begin inside of one."""
        at, view = 0, memoryview(data)
        while at < len(data):
            prelude = _prelude(data, at)
            if prelude is None:
                if not torn and len(data) - at >= _PRELUDE.size:
                    self.broken = True
                torn = False
                found = self._next(data, at + 1)
                if found is None:
                    return
                at = found
                continue
            torn = False
            length, headers = prelude
            end = at + length
            if end > len(data):  # the frame in which the body was cut, or broke off
                return
            if zlib.crc32(view[at : end - _CHECKSUM]) == int.from_bytes(view[end - _CHECKSUM : end]):
                begin = at + _PRELUDE.size
                line = _line(data[begin : begin + headers], data[begin + headers : end - _CHECKSUM])
                if line is not None:
                    yield line + b"\n"
            else:
                self.broken = True
            at = end

    def _next(self, data: bytes, at: int) -> int | None:
        """Where the next frame begins, as its checksum proves."""
        while self._tries and (at := data.find(b"\0", at)) >= 0:
            self._tries -= 1
            if _prelude(data, at) is not None:
                return at
            at += 1
        return None


def _prelude(data: bytes, at: int) -> tuple[int, int] | None:
    """The lengths of the frame that begins here and of its headers; None when none begins here."""
    if len(data) - at < _PRELUDE.size:
        return None
    length, headers, checksum = _PRELUDE.unpack_from(data, at)
    if not _SMALLEST <= length < _LARGEST or headers > length - _SMALLEST:
        return None
    return (length, headers) if zlib.crc32(data[at : at + 8]) == checksum else None


def _line(headers: bytes, payload: bytes) -> bytes | None:
    """What one frame says; None when that is nothing."""
    told = _strings(headers)
    kind = told.get(":message-type")
    if kind == "exception":
        return _error(told.get(":exception-type"), _message(payload))
    if kind == "error":
        return _error(told.get(":error-code"), told.get(":error-message"))
    event = told.get(":event-type", "")
    payload = payload.strip()
    if event == "chunk":
        try:
            native = _chunk(payload).native
        except NOT_JSON:
            return None
        return None if native is None else native.replace(b"\n", b" ")
    if not event.isalnum() or not event.isascii() or payload[:1] != b"{":
        return None
    return b'{"%b":%b}' % (event.encode(), payload.replace(b"\n", b" "))


def _error(kind: str | None, message: str | None) -> bytes:
    return _encode({"error": {"type": kind, "message": message}})


def _message(payload: bytes) -> str | None:
    try:
        return _told(payload).message
    except NOT_JSON:
        return payload[:2000].decode("utf-8", "replace") or None


def _strings(headers: bytes) -> dict[str, str]:
    """The headers that are text, as far as they can be read."""
    found: dict[str, str] = {}
    at, size = 0, len(headers)
    while at < size:
        name_end = at + 1 + headers[at]
        if name_end >= size:
            break
        name, kind, at = headers[at + 1 : name_end], headers[name_end], name_end + 1
        if kind in _COUNTED_VALUES:
            length = int.from_bytes(headers[at : at + 2])
            at += 2
        elif kind in _FIXED_VALUES:
            length = _FIXED_VALUES[kind]
        else:
            break
        if kind == _STRING:
            found[name.decode("utf-8", "replace")] = headers[at : at + length].decode("utf-8", "replace")
        at += length
    return found
