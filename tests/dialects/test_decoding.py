"""A body is decoded whatever its content encoding, within bounds."""

import gzip
import os
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.journal.notes import Body
from store.dialects.decoding import decode
from store.dialects.document import Document

DATA = os.urandom(300_000) + b'{"usage": 1}' * 20_000


def raw_deflate(data: bytes) -> bytes:
    deflate = zlib.compressobj(wbits=-15)
    return deflate.compress(data) + deflate.flush()


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


def members(data: bytes) -> bytes:
    return gzip.compress(data[:1000]) + gzip.compress(data[1000:2000]) + gzip.compress(data[2000:]) + b"\0" * 8


def frames(data: bytes) -> bytes:
    return zstd(data[:1000]) + zstd(data[1000:])


ENCODERS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "gzip members": ("x-gzip", members),
    "zlib": ("deflate", zlib.compress),
    "raw deflate": ("Deflate", raw_deflate),
    "br": ("br", lambda data: brotli.compress(data, quality=3)),
    "zstd": ("zstd", zstd),
    "zstd frames": ("zstd", frames),
    "list": ("gzip, br", lambda data: brotli.compress(gzip.compress(data), quality=3)),
    "identity": ("identity", bytes),
}
COMPRESSING = {label: encoder for label, encoder in ENCODERS.items() if encoder[0] != "identity"}
encodings = pytest.mark.parametrize(("name", "encode"), ENCODERS.values(), ids=ENCODERS)


def body(data: bytes) -> Body:
    return Body(len(data), data[: len(data) // 3], data[len(data) // 3 :])


@encodings
def test_whole(name: str, encode: Callable[[bytes], bytes]) -> None:
    """What was encoded is what is read."""
    assert decode(body(encode(DATA)), name) == decode(body(DATA), None)
    assert decode(body(encode(DATA)), name).document == Document(DATA)


@encodings
def test_broken_off(name: str, encode: Callable[[bytes], bytes]) -> None:
    """Of a stream that ended too early, what had come is read, and nothing is odd about it."""
    wire = encode(DATA)
    decoded = decode(body(wire[: len(wire) * 3 // 4]), name)
    assert DATA.startswith(decoded.document.head)
    assert len(decoded.document.head) > 100_000
    assert decoded.anomalies == ()


@pytest.mark.parametrize(("name", "encode"), COMPRESSING.values(), ids=COMPRESSING)
def test_over_the_limit(name: str, encode: Callable[[bytes], bytes]) -> None:
    """Of a decoded form over the limit, head and tail are kept."""
    document = decode(body(encode(DATA)), name, limit=200_000).document
    assert document == Document(DATA[:100_000], DATA[-100_000:], cut=True)


@pytest.mark.parametrize("name", ["gzip", "br", "zstd", "gzip, br", "compress", "gzip, gzip, gzip, gzip, gzip"])
def test_undecodable(name: str) -> None:
    """A body that is not what its header says is read as it is, and that is noted."""
    decoded = decode(body(b'{"plain": true}'), name)
    assert decoded.document == Document(b'{"plain": true}')
    assert decoded.anomalies == ("undecodable_body",)


@pytest.mark.parametrize("name", ["gzip", "br", "zstd"])
def test_bomb(name: str) -> None:
    """A body that decodes to far more than the limit is not read to its end."""
    decoded = decode(body(ENCODERS[name][1](bytes(20_000_000))), name, limit=100_000)
    assert decoded.anomalies == ("decompression_bomb",)
    assert decoded.document == Document(bytes(50_000), b"", cut=True)


def test_already_decoded() -> None:
    """Head and tail that were taken from the decoded form are not decoded again."""
    kept = Body(size=500, head=b"head", tail=b"tail", decoded=9_000_000)
    assert decode(kept, "gzip").document == Document(b"head", b"tail", cut=True)


def test_compressed_and_cut() -> None:
    """Of a compressed body whose middle is missing only what goes before can be decoded."""
    wire = gzip.compress(DATA)
    document = decode(Body(len(wire), wire[:20_000], wire[-5_000:]), "gzip").document
    assert DATA.startswith(document.head)
    assert document.cut
    assert document.tail == b""


@given(st.sampled_from(["gzip", "deflate", "br", "zstd", "gzip, br"]), st.binary(max_size=300))
@settings(deadline=None)
def test_arbitrary_bytes(name: str, data: bytes) -> None:
    """Nothing that is sent makes decoding fail."""
    decode(body(data), name)
