"""The pieces of a stream, however they are kept apart on the wire: events, or lines."""

from collections.abc import Iterator
from typing import Protocol

from store.dialects.document import Document
from store.dialects.lines import lines
from store.dialects.sse import events


class Stream(Protocol):
    """The JSON of each piece, in order."""

    @property
    def torn(self) -> bytes:
        """The end of the piece whose beginning was not kept; empty when there is none."""

    @property
    def ends_torn(self) -> bool:
        """Whether nothing comes after the torn one."""

    def all(self) -> Iterator[bytes]:
        """All whole pieces."""

    def before(self) -> Iterator[bytes]:
        """Those before the torn one."""

    def after(self) -> Iterator[bytes]:
        """Those after it."""

    def ends(self, window: int) -> list[bytes] | None:
        """The first piece and those in the last `window` bytes; None when that is everything."""


def stream_of(document: Document) -> Stream | None:
    """The stream that a body is; None when it is none."""
    match document.form:
        case "events":
            return events(document)
        case "lines":
            return lines(document)
        case _:
            return None
