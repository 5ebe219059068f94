"""A decoded body as a reader sees it: all of it, or its two ends."""

import re
from typing import Literal

import msgspec

Form = Literal["empty", "json", "events", "lines", "other"]

_EVENT_FIELDS = (b"data:", b"event:", b"id:", b"retry:", b":")
_BOM = b"\xef\xbb\xbf"
# No JSON value has an object that ends with its line, followed by another object: between them there is a comma.
_NEXT_LINE = re.compile(rb"\}[ \t\r]*\n\s*\{")


class Document(msgspec.Struct, frozen=True, gc=False):
    """The bytes of a body without its content encoding."""

    head: bytes  # all of it when `cut` is False
    tail: bytes = b""  # the last bytes when cut; empty when even they are unknown
    cut: bool = False  # bytes between head and tail are missing
    lines: bool = False  # it is known to be one object a line, even if it is a single one

    @property
    def form(self) -> Form:
        """What the body is, judged by its first bytes: headers lie about it (an error to `alt=sse` is plain JSON)."""
        if self.lines:
            return "lines"
        if self.head[:1] in (b"{", b"["):
            return "lines" if self._in_lines() else "json"
        if self.head[:5] == b"data:":
            return "events"
        start = self.head[:4096].removeprefix(_BOM).lstrip()
        if start[:1] in (b"{", b"["):
            return "lines" if self._in_lines() else "json"
        if start.startswith(_EVENT_FIELDS):
            return "events"
        return "empty" if not self.head.strip() and not self.cut else "other"

    def _in_lines(self) -> bool:
        """Whether an object ends with its line and another follows, where the first line ends or in the tail."""
        line_end = self.head.find(b"\n", self.head.find(b"{"))
        if line_end >= 0 and _NEXT_LINE.match(self.head, max(0, self.head.rfind(b"}", 0, line_end))) is not None:
            return True
        return self.cut and _NEXT_LINE.search(self.tail) is not None
