"""A stream that hypothesis makes up reads the same however it is written down and however it comes."""

import gzip
import random
import zlib
from collections.abc import Callable

import brotli
import orjson
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.stream_usage import UsageHider
from proxy.terminal import TerminalWatch
from store.call import Reading
from store.dialects import Document, read
from store.dialects.decoding import decode
from tests.pieces import captured, cut_anywhere, one_by_one

PATHS = {
    "openai": "/v1/chat/completions",
    "anthropic": "/v1/messages",
    "gemini": "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
    "generic": "/v1/anything",
}


def _raw_deflate(data: bytes) -> bytes:
    deflate = zlib.compressobj(wbits=-15)
    return deflate.compress(data) + deflate.flush()


def _halves(compress: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    return lambda data: compress(data[: len(data) // 2]) + compress(data[len(data) // 2 :])


CODINGS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "plain": ("identity", bytes),
    "gzip": ("gzip", gzip.compress),
    "gzip of two members": ("gzip", _halves(gzip.compress)),
    "deflate": ("deflate", zlib.compress),
    "raw deflate": ("deflate", _raw_deflate),
    "br": ("br", brotli.compress),
    "zstd": ("zstd", zstandard.compress),
    "zstd of two frames": ("zstd", _halves(zstandard.compress)),
}

counts = st.integers(0, 10**6)
text = st.text(max_size=12)


@st.composite
def openai_events(draw: st.DrawFn) -> list[bytes]:
    """Chunks, usage in the last or cumulatively on each, perhaps the end."""
    model = draw(st.sampled_from(["gpt-4o-2024-08-06", "", "größer"]))
    chunks: list[dict[str, object]] = [
        {"id": "c1", "model": model, "choices": [{"index": 0, "delta": {"content": draw(text)}}]}
        for _ in range(draw(st.integers(1, 5)))
    ]
    for chunk in chunks:
        if draw(st.booleans()):
            chunk["usage"] = draw(st.none() | st.just({"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}))
    if draw(st.booleans()):
        into, out = draw(counts), draw(counts)
        usage = {"prompt_tokens": into, "completion_tokens": out, "total_tokens": into + out}
        chunks.append({"id": "c1", "model": model, "choices": [], "usage": usage})
    events = [orjson.dumps(chunk) for chunk in chunks]
    return [*events, b"[DONE]"] if draw(st.booleans()) else events


@st.composite
def anthropic_events(draw: st.DrawFn) -> list[bytes]:
    """A message from its start to its stop, or a part of that."""
    usage = {"input_tokens": draw(counts), "output_tokens": 1, "cache_read_input_tokens": draw(counts)}
    events: list[dict[str, object]] = [
        {"type": "message_start", "message": {"id": "m1", "model": "claude-sonnet-4-5", "usage": usage}},
        *({"type": "content_block_delta", "delta": {"text": draw(text)}} for _ in range(draw(st.integers(0, 4)))),
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": draw(counts)}},
        {"type": "message_stop"},
    ]
    return [orjson.dumps(event) for event in events[: draw(st.integers(1, len(events)))]]


@st.composite
def gemini_events(draw: st.DrawFn) -> list[bytes]:
    """Chunks that repeat their usage."""
    chunks = []
    for _ in range(draw(st.integers(1, 4))):
        usage = {"promptTokenCount": draw(counts), "candidatesTokenCount": draw(counts)}
        chunks.append({"candidates": [{"content": {"parts": [{"text": draw(text)}]}}], "usageMetadata": usage})
    return [orjson.dumps(chunk) for chunk in chunks]


EVENTS = {"openai": openai_events(), "anthropic": anthropic_events(), "gemini": gemini_events()}


@st.composite
def streams(draw: st.DrawFn) -> tuple[str, bytes, bytes]:
    """A dialect, and the same stream twice: as plainly as can be, and as strangely as is allowed."""
    dialect = draw(st.sampled_from(sorted(EVENTS)))
    events = draw(EVENTS[dialect])
    line = draw(st.sampled_from([b"\n", b"\r\n", b"\r"]))
    strange = [b"\xef\xbb\xbf"] if draw(st.booleans()) else []
    for event in events:
        if draw(st.integers(0, 3)) == 0:
            strange.append(draw(st.sampled_from([b": keep-alive", b":", b"event: ping", b"retry: 100"])) + line)
        strange.append(b"data:" + draw(st.sampled_from([b"", b" "])) + event + line + line)
    written = b"".join(strange)
    if draw(st.booleans()):
        written = written.removesuffix(line).removesuffix(line)
    return dialect, b"".join(b"data: " + event + b"\n\n" for event in events), written


def reading_of(dialect: str, document: Document) -> Reading:
    """Of a request that nobody made."""
    return read(dialect, "POST", PATHS[dialect], (), Document(b"{}"), 200, (), document)


@given(streams(), st.sampled_from(sorted(CODINGS)), st.sampled_from([8, 40, 200, 1 << 20]), st.integers(0, 2**32))
@settings(max_examples=150, deadline=None)
def test_pieces(stream: tuple[str, bytes, bytes], how: str, limit: int, seed: int) -> None:
    """Whole, byte by byte and in random pieces, compressed or not, the same is kept of a stream, and reads the same."""
    dialect, _, body = stream
    coding, compress = CODINGS[how]
    wire = compress(body)
    ways = ([wire], one_by_one(wire), cut_anywhere(wire, random.Random(seed)))
    kept = [captured(pieces, limit, coding) for pieces in ways]
    assert kept[1:] == kept[:1] * 2
    document = decode(kept[0], coding).document
    if limit > len(wire):
        assert reading_of(dialect, document) == reading_of(dialect, Document(body))


@given(streams())
@settings(max_examples=200, deadline=None)
def test_notation(stream: tuple[str, bytes, bytes]) -> None:
    """Line ends of any kind, a byte order mark, comments and an end without a blank line change no reading."""
    dialect, plain, strange = stream
    assert reading_of(dialect, Document(strange)) == reading_of(dialect, Document(plain))


@given(streams(), st.integers(0, 2**32))
@settings(max_examples=200, deadline=None)
def test_watchers(stream: tuple[str, bytes, bytes], seed: int) -> None:
    """The end of a stream is seen in the chunk that holds it, and the same usage is hidden, however it comes."""
    _, _, body = stream
    pieces = cut_anywhere(body, random.Random(seed))
    end, found = _end_of(one_by_one(body)), _end_of(pieces)
    assert (end is None) == (found is None)
    if end is not None and found is not None:
        before = sum(map(len, pieces[:found]))
        assert before <= end < before + len(pieces[found])
    assert _passed(pieces) == _passed(one_by_one(body)) == _passed([body])


def _end_of(pieces: list[bytes]) -> int | None:
    watch = TerminalWatch()
    return next((at for at, piece in enumerate(pieces) if watch.completes(piece)), None)


def _passed(pieces: list[bytes]) -> bytes:
    hider = UsageHider()
    return b"".join([*(hider.pass_on(piece) for piece in pieces if piece), hider.rest()])
