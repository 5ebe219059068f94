"""Newline-delimited JSON: one object a line, as Ollama and Cohere stream and as batches give their results."""

from collections.abc import Iterator
from dataclasses import dataclass

from store.dialects.document import Document


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of one body. `torn` is the end of the one whose beginning was not kept."""

    head: bytes
    tail: bytes
    torn: bytes = b""

    def all(self) -> Iterator[bytes]:
        """Every whole line, in order; also the last, which may have broken off."""
        yield from self.before()
        yield from self.after()

    def before(self) -> Iterator[bytes]:
        """The lines before the torn one; all if there is none."""
        return filter(None, map(bytes.strip, self.head.split(b"\n")))

    def after(self) -> Iterator[bytes]:
        """The lines after the torn one."""
        return filter(None, map(bytes.strip, self.tail.split(b"\n")))

    def ends(self, window: int) -> list[bytes] | None:
        """The first line and those in the last `window` bytes; None when that is everything."""
        head, tail = self.head.lstrip(), self.tail or self.head.lstrip()
        first_end = head.find(b"\n")
        start = tail.rfind(b"\n", 0, max(0, len(tail) - window))
        if first_end < 0 or (not self.tail and start <= first_end):
            return None
        found = [head[:first_end], *tail[max(0, start) :].split(b"\n")]
        return [line for line in map(bytes.strip, found) if line]

    @property
    def ends_torn(self) -> bool:
        """Whether nothing comes after the torn one."""
        return not self.tail.strip()


def lines(document: Document) -> Lines:
    """The lines of a body that was judged to have some."""
    if not document.cut:
        return Lines(document.head, b"")
    whole, _, _ = document.head.rpartition(b"\n")
    torn, _, tail = document.tail.partition(b"\n")
    return Lines(whole, tail, torn=torn.strip())
