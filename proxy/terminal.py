"""Sees the event that ends a stream, as it goes by.

The official SDKs close the connection once they have read it, without waiting for the end of the HTTP message, so a
client that has it has everything. Only lines are looked at: text inside a JSON string cannot begin a line.
"""

import re
from typing import Protocol

from proxy.terminal_pieces import FrameWatch, LineWatch

# Events after which nothing the client needs follows: chat completions, Anthropic messages, OpenAI responses and
# images, and an error, after which every SDK raises and hangs up.
_EVENTS = (
    "message_stop", "error", "done", "response.completed", "response.incomplete", "response.failed",
    "image_generation.completed", "image_edit.completed", "speech.audio.done", "transcript.text.done",
    "transcription.done",
)  # fmt: skip
_TYPES = ("message_stop", "error", "response.completed", "response.incomplete", "response.failed")
_NAMES, _KINDS = ("|".join(map(re.escape, names)).encode() for names in (_EVENTS, _TYPES))
_TERMINAL = re.compile(
    rb"data: ?\[DONE\]|event: ?(?:%b)[\r\n]|data: ?\{\"type\": ?\"(?:%b)\"|data: ?\{\"error\": ?[{\"]"
    % (_NAMES, _KINDS)
)
# How such a line begins: told by one comparison, where the expression takes two microseconds a chunk.
_BEGINNINGS = (
    b"data: [DONE]", b"data:[DONE]", b'data: {"error"', b'data:{"error"', b'data: {"type"', b'data:{"type"',
    *(f"event:{space}{name}".encode() for name in _EVENTS for space in (" ", "")),
)  # fmt: skip
_LONGEST = 96
_BLANK = re.compile(rb"\r\n\r\n|\n\n|\r\r")


class Watch(Protocol):
    """Whatever sees the piece that ends a stream."""

    def completes(self, chunk: bytes) -> bool:
        """Whether this chunk holds the last byte of that piece."""


def watch_for(content_type: str | None) -> Watch:
    """The watch for a stream that calls itself so; one that lies ends with its HTTP message, as without any watch."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind == "application/vnd.amazon.eventstream":
        return FrameWatch()
    return LineWatch() if kind in _LINES else TerminalWatch()


_LINES = ("application/x-ndjson", "application/ndjson", "application/stream+json", "application/jsonl")


class TerminalWatch:
    """Watches one stream."""

    __slots__ = ("_closing", "_line", "_tail")

    def __init__(self) -> None:
        self._line = b""  # the beginning of a line that is not complete
        self._closing = False  # the terminal event has begun
        self._tail = b""

    def completes(self, chunk: bytes) -> bool:
        """Whether this chunk holds the last byte of the terminal event."""
        text = self._line + chunk if self._line else chunk
        if not self._closing:
            found = _terminal_line(text)
            if found is None:
                self._remember(text)
                return False
            self._closing = True
            text = text[found - 1 :]  # the newline that ends `event: NAME` may be half of a blank line
        text = self._tail + text
        if _BLANK.search(text):
            return True
        self._tail, self._line = text[-3:], b""
        return False

    def _remember(self, text: bytes) -> None:
        if text.endswith((b"\n", b"\r")):
            # The line end stays: `event: NAME` is only terminal once its line is.
            self._line = b""
        else:
            begin = max(text.rfind(b"\n"), text.rfind(b"\r")) + 1
            # Enough to decide by; what follows on a longer line cannot make it terminal any more.
            self._line = text[begin : begin + _LONGEST]


def _terminal_line(text: bytes) -> int | None:
    """Where the beginning of a terminal event ends in this text, which starts at the beginning of a line."""
    lines = text.replace(b"\r", b"\n") if b"\r" in text else text
    begin = 0
    while True:
        if lines.startswith(_BEGINNINGS, begin) and (found := _TERMINAL.match(text, begin)) is not None:
            return found.end()
        begin = lines.find(b"\n", begin) + 1
        if not begin:
            return None
