"""What is kept of the request and the answer of one call, as it was said: headers and bytes.

Refuses to interpret: a body with a hole stays two ends (`Document.cut`), a body that is not kept is None.
"""

from dataclasses import dataclass

import orjson
import zstandard

from proxy.journal.notes import Headers
from store.dialects.document import Document
from store.questions.ids import id_of
from store.questions.statements import statement
from store.reader import Row, Snapshot, Source


@dataclass(frozen=True, slots=True)
class Side:
    """What is kept of a request or an answer."""

    headers: Headers = ()
    body: Document | None = None  # None: there was none, or none is kept


@dataclass(frozen=True, slots=True)
class Bodies:
    """Both sides of one call, still as they are stored; `unpacked` takes milliseconds for large ones."""

    row: Row | None = None

    def unpacked(self) -> tuple[Side, Side]:
        """Request and answer. Decompresses: not for the event loop."""
        return _sides(*self.row) if self.row else (Side(), Side())


async def bodies_of(snapshot: Snapshot, number: int, call_id: bytes) -> Bodies:
    """The bodies of the call with this number and id."""
    rows = await snapshot.rows(statement("bodies"), (number, call_id)) if snapshot.bodies else []
    return Bodies(rows[0]) if rows else Bodies()


async def bodies(source: Source, public_id: str) -> Bodies | None:
    """The bodies of the call with this id; None when there is no such call.

    Raises:
        NoAnswer: the book cannot be read in time.
    """
    call_id = id_of(public_id)
    if call_id is None:
        return None
    async with source.snapshot() as snapshot:
        found = await snapshot.rows(statement("number"), (call_id,))
        return await bodies_of(snapshot, found[0][0], call_id) if found else None


def _sides(
    request_headers: str, request_size: int | None, request_cut: int | None,
    response_headers: str, response_size: int | None, response_cut: int | None,
    content: bytes | None,
) -> tuple[Side, Side]:  # fmt: skip
    data = b"" if content is None else zstandard.ZstdDecompressor().decompress(content)
    begin = request_size or 0
    return (
        _side(request_headers, None if request_size is None else data[:begin], request_cut),
        _side(response_headers, None if response_size is None else data[begin:], response_cut),
    )


def _side(headers: str, data: bytes | None, cut: int | None) -> Side:
    kept = tuple((name, value) for name, value in orjson.loads(headers))
    if data is None:
        return Side(kept)
    return Side(kept, Document(data) if cut is None else Document(data[:cut], data[cut:], cut=True))
