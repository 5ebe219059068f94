"""Decodes a compressed body piece by piece, in bounded memory: for bodies too large to be kept as they are.

Small ones are journaled compressed and decoded by the store; this is only for finding the end of a large one.
A stream that turns out not to be what its header says yields what was decoded until then, and nothing more.
"""

import zlib
from collections.abc import Iterator
from typing import Protocol

import brotli
import zstandard

_PIECE = 256 * 1024  # decoded bytes handed on at a time
_ZLIB_HEADER = 2  # bytes that tell whether there is one
_ZSTD_SLICE = 512  # zstd may turn 4 bytes into 128 KB, so it is fed little at a time


class Decoder(Protocol):
    """Turns compressed chunks into decoded pieces; never raises."""

    def decode(self, chunk: bytes) -> Iterator[bytes]:
        """The pieces this chunk completes."""


def decoder_for(encoding: str) -> Decoder | None:
    """A decoder for one content coding; None for a list of several, or one we do not know."""
    match encoding.strip().lower():
        case "gzip" | "x-gzip" | "deflate":
            return _Zlib()
        case "br":
            return _Brotli()
        case "zstd":
            return _Zstd()
    return None


class _Zlib:
    """gzip (of several members) and deflate (with and without the zlib wrapper)."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)
        self._first = b""
        self._begun = False
        self._broken = False

    def decode(self, chunk: bytes) -> Iterator[bytes]:
        if not self._begun:
            self._first += chunk
            if len(self._first) < _ZLIB_HEADER:
                return
            self._begun, chunk = True, self._first
            if not _has_header(chunk):
                self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        while chunk and not self._broken:
            try:
                piece = self._inflate.decompress(chunk, _PIECE)
            except zlib.error:
                self._broken = True
                return
            if piece:
                yield piece
            if self._inflate.eof:
                chunk = self._inflate.unused_data.lstrip(b"\0")
                self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)
            else:
                chunk = self._inflate.unconsumed_tail


def _has_header(begin: bytes) -> bool:
    """Whether the stream says what it is: gzip does, and deflate as it should be; some servers send it raw."""
    return begin[:2] == b"\x1f\x8b" or (begin[0] & 0x0F == 8 and (begin[0] << 8 | begin[1]) % 31 == 0)


class _Brotli:
    def __init__(self) -> None:
        self._decompressor = brotli.Decompressor()
        self._broken = False

    def decode(self, chunk: bytes) -> Iterator[bytes]:
        while not self._broken:
            try:
                piece = self._decompressor.process(chunk, output_buffer_limit=_PIECE)
            except brotli.error:
                self._broken = True
                return
            if piece:
                yield piece
            elif self._decompressor.can_accept_more_data():
                return
            chunk = b""


class _Zstd:
    def __init__(self) -> None:
        self._decompress = zstandard.ZstdDecompressor(max_window_size=2**27).decompressobj(read_across_frames=True)
        self._broken = False

    def decode(self, chunk: bytes) -> Iterator[bytes]:
        for start in range(0, len(chunk), _ZSTD_SLICE):
            if self._broken:
                return
            try:
                piece = self._decompress.decompress(chunk[start : start + _ZSTD_SLICE])
            except zstandard.ZstdError:
                self._broken = True
                return
            if piece:
                yield piece
