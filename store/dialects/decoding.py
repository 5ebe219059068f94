"""From a body as it was on the wire to a `Document`: undoes gzip, deflate, br, zstd and the frames of AWS, on a copy,
within bounds.

Output is bounded whatever the input claims to hold, a stream that was cut gives what could be decoded of it, and
what cannot be decoded at all is passed on as it is, with a name for what is odd.
"""

import zlib
from collections.abc import Callable, Iterator

import brotli
import msgspec
import zstandard

from proxy.journal.notes import Body
from store.anomalies import Anomalies, Anomaly
from store.dialects.document import Document
from store.dialects.frames import unframed

LIMIT = 64 * 1024 * 1024
_PIECE = 64 * 1024  # decoded bytes per step, so that a bomb is noticed before it is in memory
_STEP = 16 * 1024
_BOMB = 4  # times the limit: what decodes to more is not read to its end
_MOST_CODINGS = 4
_WINDOW = 64 * 1024 * 1024  # the largest zstd window a frame may ask memory for

Pieces = Iterator[bytes]


class Decoded(msgspec.Struct, frozen=True, gc=False):
    """A document, and what was odd about its encoding: undecodable_body, decompression_bomb, broken_frames."""

    document: Document
    anomalies: Anomalies = ()


def decode(body: Body, content_encoding: str | None, limit: int = LIMIT) -> Decoded:
    """The body without its content encoding and without binary frames.

    Of a decoded form larger than `limit` head and tail are kept.
    """
    decoded = _decoded(body, content_encoding, limit)
    document, anomalies = unframed(decoded.document)
    return decoded if document is decoded.document else Decoded(document, (*decoded.anomalies, *anomalies))


def _decoded(body: Body, content_encoding: str | None, limit: int) -> Decoded:
    if not content_encoding or body.decoded is not None or not body.head:
        return Decoded(_as_it_is(body))
    codings = [coding.strip().lower() for coding in content_encoding.split(",")]
    codings = [coding for coding in codings if coding not in ("", "identity")]
    if not codings:
        return Decoded(_as_it_is(body))
    if len(codings) > _MOST_CODINGS or any(coding not in _CODECS for coding in codings):
        return Decoded(_as_it_is(body), ("undecodable_body",))
    return _unpacked(body, codings, limit)


def _unpacked(body: Body, codings: list[str], limit: int) -> Decoded:
    missing = body.truncated  # then nothing after the gap can be decoded
    pieces = _sliced(body.head if missing else body.head + body.tail)
    for coding in reversed(codings):
        pieces = _CODECS[coding](pieces)
    kept = _Ends(limit)
    anomalies: list[Anomaly] = []
    try:
        for piece in pieces:
            kept.add(piece)
            if kept.size > _BOMB * limit:
                return Decoded(Document(bytes(kept.head), b"", cut=True), ("decompression_bomb",))
    except (zlib.error, brotli.error, zstandard.ZstdError, MemoryError):
        if not kept.size:
            return Decoded(_as_it_is(body), ("undecodable_body",))
        anomalies.append("undecodable_body")
        missing = True
    document = kept.document()
    if missing:  # what was decoded last is not what the body ends with
        document = Document(document.head, b"", cut=True)
    return Decoded(document, tuple(anomalies))


def _sliced(data: bytes) -> Pieces:
    """In steps, because zlib copies what it has not read yet at each of its own."""
    for start in range(0, len(data), _STEP):
        yield data[start : start + _STEP]


def _whole(body: Body) -> Document:
    return Document(body.head + body.tail if body.tail else body.head)


def _as_it_is(body: Body) -> Document:
    if body.size == len(body.head) and not body.tail and body.decoded is None:  # as nearly all are
        return Document(body.head)
    return Document(body.head, body.tail, cut=True) if body.truncated else _whole(body)


class _Ends:
    """Everything up to the limit; beyond it the first half of the limit and the last half."""

    def __init__(self, limit: int) -> None:
        self._half = max(1, limit // 2)
        self.head = bytearray()
        self.tail = bytearray()
        self.size = 0

    @property
    def cut(self) -> bool:
        return self.size > len(self.head) + len(self.tail)

    def add(self, piece: bytes) -> None:
        self.size += len(piece)
        room = self._half - len(self.head)
        if room > 0:
            self.head += piece[:room]
            piece = piece[room:]
        self.tail += piece
        if len(self.tail) > 2 * self._half:  # trimmed seldom, so that each byte is moved a bounded number of times
            del self.tail[: -self._half]

    def document(self) -> Document:
        if not self.cut and len(self.tail) <= self._half:
            return Document(bytes(self.head + self.tail))
        return Document(bytes(self.head), bytes(self.tail[-self._half :]), cut=True)


def _gzip(pieces: Pieces) -> Pieces:
    """One member after another; what follows the last one (padding) is left out."""
    inflate = zlib.decompressobj(wbits=31)
    begun = False
    for piece in pieces:
        while piece:
            if inflate.eof:
                if piece[:1] != b"\x1f":
                    return
                inflate = zlib.decompressobj(wbits=31)
            yield from _inflated(inflate, piece)
            begun = True
            piece = inflate.unused_data
    if begun and not inflate.eof:
        yield inflate.flush()


def _deflate(pieces: Pieces) -> Pieces:
    """With a zlib header as the standard says, or raw as some servers send it."""
    first = b""
    for piece in pieces:
        first += piece
        if len(first) >= 2:
            break
    has_header = len(first) >= 2 and first[0] & 0x0F == 8 and (first[0] << 8 | first[1]) % 31 == 0
    inflate = zlib.decompressobj(wbits=15 if has_header else -15)
    yield from _inflated(inflate, first)
    for piece in pieces:
        if inflate.eof:
            return
        yield from _inflated(inflate, piece)
    if not inflate.eof:
        yield inflate.flush()


def _inflated(inflate: "zlib._Decompress", piece: bytes) -> Pieces:
    while piece and not inflate.eof:
        yield inflate.decompress(piece, _PIECE)
        piece = inflate.unconsumed_tail


def _brotli(pieces: Pieces) -> Pieces:
    unpack = brotli.Decompressor()
    for piece in pieces:
        if unpack.is_finished():
            return
        unpacked = unpack.process(piece, output_buffer_limit=_PIECE)
        while unpacked:  # input taken in is no sign that all of it came out
            yield unpacked
            if unpack.is_finished():
                return
            unpacked = unpack.process(b"", output_buffer_limit=_PIECE)


def _zstd(pieces: Pieces) -> Pieces:
    unpack = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
    with unpack.stream_reader(_Source(pieces), read_across_frames=True) as reader:  # type: ignore[arg-type]
        while piece := reader.read(_PIECE):
            yield piece


class _Source:
    """What zstandard wants to read from."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        self._left = b""

    def read(self, size: int) -> bytes:
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._left = piece
        given, self._left = self._left[:size], self._left[size:]
        return given


_CODECS: dict[str, Callable[[Pieces], Pieces]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
