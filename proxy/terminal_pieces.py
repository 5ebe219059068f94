"""Sees the piece that ends a stream which is no events: AWS's binary frames, and lines of JSON.

As in `terminal.py`: a client that has this piece has everything, and may hang up. Nothing is parsed; what is looked for
cannot stand inside a JSON string, where every quote is escaped.
"""

import base64
from typing import Final

_LONGEST: Final = 1024 * 1024  # bytes of one piece; what is longer is given up on, and the stream ends with its message
_PRELUDE: Final = 12  # bytes before the headers of a frame
_SMALLEST: Final = 16  # bytes of a frame
_LAST_EVENTS: Final = (
    b":event-type\x07\x00\x08metadata",  # of a converse stream: the usage
    b":message-type\x07\x00\x09exception",
    b":message-type\x07\x00\x05error",
)
_CHUNK: Final = b":event-type\x07\x00\x05chunk"
_COUNTS: Final = b'"amazon-bedrock-invocationMetrics":{'  # in the last chunk of any model


def _in_base64(text: bytes) -> tuple[bytes, ...]:
    """What this text looks like within something longer, for each of the three places it can begin at."""
    found = []
    for shift, spoilt in ((0, 0), (1, 2), (2, 3)):  # letters that depend on what stands before, too
        encoded = base64.b64encode(b"\0" * shift + text)
        sure = (shift + len(text)) // 3 * 4  # those after depend on what follows
        found.append(encoded[spoilt:sure])
    return tuple(found)


_COUNTS_IN_BASE64: Final = _in_base64(_COUNTS)


class FrameWatch:
    """Watches a stream of AWS's frames."""

    __slots__ = ("_begun", "_lost", "_needed")

    def __init__(self) -> None:
        self._begun = bytearray()  # of the frame that is not complete
        self._needed = _PRELUDE
        self._lost = False

    def completes(self, chunk: bytes) -> bool:
        """Whether this chunk holds the last byte of the last frame."""
        if self._lost:
            return False
        begun = self._begun
        begun += chunk
        if len(begun) < self._needed:
            return False
        at = 0
        while len(begun) - at >= _PRELUDE:
            length = int.from_bytes(begun[at : at + 4])
            if not _SMALLEST <= length <= _LONGEST:
                self._lost = True
                begun.clear()
                return False
            self._needed = length
            if len(begun) - at < length:
                break
            if _is_last(bytes(begun[at : at + length])):
                self._lost = True
                return True
            at += length
            self._needed = _PRELUDE
        del begun[:at]
        return False


def _is_last(frame: bytes) -> bool:
    headers = frame[_PRELUDE : _PRELUDE + int.from_bytes(frame[4:8])]
    if any(event in headers for event in _LAST_EVENTS):
        return True
    return _CHUNK in headers and any(counts in frame for counts in _COUNTS_IN_BASE64)


class LineWatch:
    """Watches lines of JSON: Ollama's, and those of Cohere's first version."""

    __slots__ = ("_line", "_lost")

    def __init__(self) -> None:
        self._line = bytearray()  # the beginning of a line that is not complete
        self._lost = False

    def completes(self, chunk: bytes) -> bool:
        """Whether this chunk holds the end of the last line."""
        end = chunk.rfind(b"\n") + 1
        if self._lost or not end:
            self._keep(chunk)
            return False
        whole = bytes(self._line) + chunk[:end]
        self._line.clear()
        self._keep(chunk[end:])
        return any(map(_is_last_line, whole.splitlines()))

    def _keep(self, part: bytes) -> None:
        if len(self._line) + len(part) > _LONGEST:
            self._lost = True
            self._line.clear()
        elif not self._lost:
            self._line += part


_ENDS: Final = ((b'"done":true', b'"done":false'), (b'"is_finished":true', b'"is_finished":false'))


def _is_last_line(line: bytes) -> bool:
    """By its own word. A tool may be called with an argument of that name, but not in a line that says both."""
    if line.startswith((b'{"error":', b'{"error" :')):
        return True
    line = line.replace(b": ", b":")
    return any(yes in line and no not in line for yes, no in _ENDS)
