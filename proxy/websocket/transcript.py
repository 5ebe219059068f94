"""What is kept of a session: the messages of one direction as lines of JSON, each with when it came.

`{"ms": 12.345, "message": {...}}` for JSON, `{"ms": 12.345, "text": "..."}` for other text, and
`{"ms": 12.345, "binary": 4711}` for bytes. What nobody reads, the audio in a message, is told by its length: an hour of
it would push out everything that was said. Whether a message is JSON is judged by its two ends; the store reads on, and
doubts.
"""

import time

import orjson

from proxy.capture import Capture
from proxy.journal.notes import Body

_OF_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=\\"  # which escapes a slash
_LONG = 200
_LONGEST_TYPE = 100
_LOOKED_AT = 64
_WORTH_LOOKING = 256
_LARGEST_LINE = 1024 * 1024  # of a larger message only the beginning is kept
_BEGINNING = 2048
_KEPT_WHOLE = 32 * 1024
_KEPT_HEAD, _KEPT_TAIL = 4 * 1024, 28 * 1024


class Transcript(Capture):
    """One direction of a session, while it runs."""

    __slots__ = ("_began", "passed")

    def __init__(self, limit: int, began_ns: int) -> None:
        super().__init__(limit)
        self._began = began_ns
        self.passed = 0  # bytes of messages

    def message(self, data: bytes, *, text: bool, short: bytes | None = None) -> None:
        """A message went by; `short`: the same `shortened`, where that is at hand."""
        self.passed += len(data)
        at_us = (time.perf_counter_ns() - self._began) // 1000
        self.add(b'{"ms":%d.%03d,%b}\n' % (*divmod(at_us, 1000), _told(data, text, short)))

    def body(self) -> Body:
        """What was kept; its size is that of the messages, not of the lines."""
        lines = super().body()
        return Body(self.passed, lines.head, lines.tail, decoded=lines.size)


def _told(data: bytes, text: bool, short: bytes | None) -> bytes:
    json = looks_like_json(data)
    if not text and not json:
        return b'"binary":%d' % len(data)
    if len(data) > _LARGEST_LINE:
        return b'"large":%d,"begins":%b' % (len(data), orjson.dumps(data[:_BEGINNING].decode("utf-8", "replace")))
    if not json:
        return b'"text":%b' % orjson.dumps(data.decode("utf-8", "replace"))
    line = shortened(data) if short is None else short
    if b"\n" in line or b"\r" in line:
        line = line.translate(_ON_ONE_LINE)  # in JSON a line break stands between values only
    return b'"message":%b' % line


_ON_ONE_LINE = bytes.maketrans(b"\r\n", b"  ")


def looks_like_json(data: bytes) -> bool:
    """Whether it begins and ends as an object does: Gemini sends its JSON as bytes, and some end with a line break."""
    ends = data[:1] + data[-1:]
    if ends == b"{}":
        return True
    return ends[:1] in b" \t\r\n{" and data.strip()[:1] == b"{" and data.rstrip()[-1:] == b"}"


def shortened(data: bytes) -> bytes:
    """The same with long strings that are encoded bytes told by their length; a huge message stays as it is."""
    if not _WORTH_LOOKING < len(data) <= _LARGEST_LINE:
        return data
    pieces: list[bytes] = []
    kept, quote = 0, data.find(b'"')
    while (following := data.find(b'"', quote + 1)) > 0:  # an escaped one, too; encoded bytes have none
        if following - quote > _LONG and _is_encoded(data[quote + 1 : following]):
            pieces += (data[kept : quote + 1], b"(%d characters)" % (following - quote - 1))
            kept = following
        quote = following
    return b"".join([*pieces, data[kept:]]) if pieces else data


def _is_encoded(text: bytes) -> bool:
    """Judged by both ends, and because nothing that anybody said is that long without a space."""
    start = text.find(b",", 0, _LONGEST_TYPE) + 1 if text.startswith(b"data:") else 0
    ends = text[start : start + _LOOKED_AT] + text[-_LOOKED_AT:]
    return not ends.translate(None, _OF_BASE64) and b" " not in text


def excerpt(data: bytes) -> Body:
    """As much of a shortened message as has to survive this process: all of it, or what stands at its ends."""
    if len(data) <= _KEPT_WHOLE:
        return Body(len(data), data)
    return Body(len(data), data[:_KEPT_HEAD], data[-_KEPT_TAIL:])
