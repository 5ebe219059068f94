"""Server-sent events: from the bytes of a stream to the data of its events.

Accepts what is really sent: LF, CRLF and lone CR, comments, several `data:` lines, no space after the colon,
a byte order mark, no blank line at the end, and events that only a single line break separates.
Event names are not kept: every dialect repeats what matters inside the data.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from store.dialects.document import Document

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Events:
    """The events of one body. `torn` is the end of the one whose beginning was not kept."""

    head: bytes
    tail: bytes
    torn: bytes = b""

    def all(self) -> Iterator[bytes]:
        """The data of every whole event, in order."""
        yield from self.before()
        yield from self.after()

    def before(self) -> Iterator[bytes]:
        """The data of the events before the torn one; of all if there is none."""
        for block in self.head.split(b"\n\n"):
            yield from _data(block)

    def after(self) -> Iterator[bytes]:
        """The data of the events after the torn one."""
        for block in self.tail.split(b"\n\n"):
            yield from _data(block)

    @property
    def ends_torn(self) -> bool:
        """Whether nothing comes after the torn one."""
        return not self.tail.strip()

    def ends(self, window: int) -> list[bytes] | None:
        """The data of the first event and of those in the last `window` bytes; None when that is everything."""
        head, tail = self.head, self.tail or self.head
        first_end = head.find(b"\n\n")
        while first_end >= 0 and not (first := _data(head[:first_end])):
            first_end = head.find(b"\n\n", first_end + 1)
        start = tail.rfind(b"\n\n", 0, max(0, len(tail) - window))
        if first_end < 0 or (not self.tail and start <= first_end):
            return None
        found = [*first]
        for block in tail[max(0, start) :].split(b"\n\n"):
            found += _data(block)
        return found


def events(document: Document) -> Events:
    """The events of a body that was judged to be a stream."""
    head = _unified(document.head).removeprefix(_BOM)
    if not document.cut:
        return Events(head, b"")
    whole, _, _ = head.rpartition(b"\n\n")
    torn, _, tail = _unified(document.tail).partition(b"\n\n")
    return Events(whole, tail, torn=_last_line(torn))


def _unified(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in text else text


def _last_line(torn: bytes) -> bytes:
    line = torn[torn.rfind(b"\n") + 1 :]
    return line.removeprefix(b"data:")


def _data(block: bytes) -> tuple[bytes, ...]:
    """The data of one event: none for a comment or a name alone, several when events were not kept apart."""
    if block[:5] == b"data:" and b"\n" not in block:
        return (block[5:],)
    lines = [line[5:].strip() for line in block.split(b"\n") if line[:5] == b"data:"]
    if len(lines) > 1 and all(map(_complete, lines)):
        return tuple(lines)
    return (b"\n".join(lines),) if lines else ()


def _complete(line: bytes) -> bool:
    return (line[:1] == b"{" and line[-1:] == b"}") or line == b"[DONE]"
