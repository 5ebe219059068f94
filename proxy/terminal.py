"""Sees the event that ends a stream, as it goes by.

The official SDKs close the connection once they have read it, without waiting for the end of the HTTP message, so a
client that has it has everything. Only lines are looked at: text inside a JSON string cannot begin a line.
"""

import re

# Events after which nothing the client needs follows: chat completions, Anthropic messages, OpenAI responses and
# images, and an error, after which every SDK raises and hangs up.
_LONGEST = 96
_TERMINAL = re.compile(
    rb"(?:^|[\r\n])(?:"
    rb"data: ?\[DONE\]"
    rb"|event: ?(?:message_stop|error|done|response\.(?:completed|incomplete|failed)"
    rb"|image_generation\.completed|image_edit\.completed|speech\.audio\.done|transcript\.text\.done)[\r\n]"
    rb'|data: ?\{"type": ?"(?:message_stop|error|response\.(?:completed|incomplete|failed))"'
    rb'|data: ?\{"error": ?[{"])'
)
_BLANK = re.compile(rb"\r\n\r\n|\n\n|\r\r")


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
            found = _TERMINAL.search(text)
            if found is None:
                self._remember(text)
                return False
            self._closing = True
            text = text[found.end() - 1 :]  # the newline that ends `event: NAME` may be half of a blank line
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
