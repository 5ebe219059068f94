"""A decoded body as a reader sees it: all of it, or its two ends."""

from typing import Literal

import msgspec

Form = Literal["empty", "json", "events", "other"]

_EVENT_FIELDS = (b"data:", b"event:", b"id:", b"retry:", b":")
_BOM = b"\xef\xbb\xbf"


class Document(msgspec.Struct, frozen=True):
    """The bytes of a body without its content encoding."""

    head: bytes  # all of it when `cut` is False
    tail: bytes = b""  # the last bytes when cut; empty when even they are unknown
    cut: bool = False  # bytes between head and tail are missing

    @property
    def form(self) -> Form:
        """What the body is, judged by its first bytes: headers lie about it (an error to `alt=sse` is plain JSON)."""
        if self.head[:1] in (b"{", b"["):
            return "json"
        if self.head[:5] == b"data:":
            return "events"
        start = self.head[:4096].removeprefix(_BOM).lstrip()
        if start[:1] in (b"{", b"["):
            return "json"
        if start.startswith(_EVENT_FIELDS):
            return "events"
        return "empty" if not self.head.strip() and not self.cut else "other"
