"""What is kept of a body is bounded, and the figures at its end are found all the same."""

import asyncio
import gzip
import random
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import brotli
import pytest
import zstandard

from proxy.capture import Capture
from proxy.config.model import Capture as CaptureSettings
from proxy.config.model import Config, Proxy, Store
from proxy.decoding import decoder_for
from proxy.journal.ladder import ENDS_BYTES
from proxy.journal.room import space_on
from tests.conftest import OpenHouse
from tests.house import open_house, upstreams
from tests.relay.conftest import Dial, OpenUpstream
from tests.relay.neighbours import CHUNKED, LAST, RawClient, chunked, sized

dice = random.Random(23)
WORDS = [dice.randbytes(6).hex() for _ in range(3000)]
TEXT = " ".join(dice.choices(WORDS, k=160_000))  # 2 MB that compress to a third or so
WHOLE = (
    '{"id":"c","object":"chat.completion","model":"gpt-4o-2024-08-06","choices":[{"index":0,"message":{"role":'
    f'"assistant","content":"{TEXT}"}},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":7,"completion_tokens":'
    '250000,"total_tokens":250007}}'
).encode()
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda body: gzip.compress(body, 1, mtime=0),
    "deflate": lambda body: zlib.compress(body, 1),
    "br": lambda body: brotli.compress(body, quality=1),
    "zstd": lambda body: zstandard.compress(body, 1),
}
CHAT = b'{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}'


@pytest.mark.parametrize("coding", ["identity", *COMPRESS])
@pytest.mark.parametrize("framing", ["sized", "chunked"])
async def test_figures_at_the_end_of_a_large_answer(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, coding: str, framing: str
) -> None:
    """Of an answer of 2 MB the ends are kept and the cut is marked; model and tokens are found, compressed or not."""
    body = COMPRESS[coding](WHOLE) if coding in COMPRESS else WHOLE
    lines = (
        b"Content-Type: application/json",
        *([b"Content-Encoding: " + coding.encode()] if coding in COMPRESS else []),
    )
    pieces = [body[start : start + 30_000] for start in range(0, len(body), 30_000)]
    head = CHUNKED.replace(b"text/event-stream", b"\r\n".join(lines).removeprefix(b"Content-Type: "))
    upstream = await raw_upstream(sized(body, *lines) if framing == "sized" else head + chunked(*pieces) + LAST)
    home = await house(upstream.url, journal_wait_ms=5000.0)
    client = await dial(home.proxy)
    await client.ask("/groq/v1/chat/completions", "POST", body=CHAT)
    assert (await client.answer()).body == body
    row = await home.row()
    assert (row["model"], row["outcome"]) == ("gpt-4o-2024-08-06", "completed")
    assert (row["tokens"]["input"], row["tokens"]["output"], row["tokens"]["source"]) == (7, 250_000, "reported")
    detail = await home.details(row["id"])
    assert detail["response"]["truncated"] is True
    assert detail["response"]["bytes"] == len(body)


async def test_figures_at_the_end_of_a_large_stream(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """Of a stream of several megabytes the ends are kept; model and tokens are found."""
    delta = b'data: {"object":"chat.completion.chunk","model":"gpt-4o-2024-08-06","choices":[{"index":0,"delta":' \
        b'{"content":"' + TEXT[:1000].encode() + b'"}}]}\n\n'  # fmt: skip
    usage = b'data: {"object":"chat.completion.chunk","model":"gpt-4o-2024-08-06","choices":[],"usage":' \
        b'{"prompt_tokens":11,"completion_tokens":5,"total_tokens":16}}\n\ndata: [DONE]\n\n'  # fmt: skip
    upstream = await raw_upstream(CHUNKED + chunked(*[delta] * 3000, usage) + LAST)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.ask("/groq/v1/chat/completions", "POST", body=CHAT)
    assert (await client.answer()).body == delta * 3000 + usage
    row = await home.row()
    assert (row["model"], row["tokens"]["input"], row["tokens"]["output"]) == ("gpt-4o-2024-08-06", 11, 5)


@pytest.mark.parametrize("coding", ["identity", "gzip"])
async def test_large_request(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, coding: str) -> None:
    """Of a request of 2 MB the ends are kept, and the model, wherever it stands, is found."""
    asked = f'{{"messages":[{{"role":"user","content":"{TEXT}"}}],"model":"gpt-4o","temperature":0}}'.encode()
    body = COMPRESS[coding](asked) if coding in COMPRESS else asked
    upstream = await raw_upstream(sized(b"{}", b"Content-Type: application/json"))
    home = await house(upstream.url, journal_wait_ms=5000.0)
    client = await dial(home.proxy)
    lines = [f"Content-Encoding: {coding}"] if coding in COMPRESS else []
    await client.ask("/groq/v1/chat/completions", "POST", *lines, body=body)
    assert (await client.answer()).status == 200
    assert upstream.visits[0].body == body
    row = await home.row()
    assert row["requested_model"] == "gpt-4o"
    assert (await home.details(row["id"]))["request"]["truncated"] is True


async def test_capture_off(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """With bodies = "none" the row has its figures and no body."""
    small = WHOLE.replace(TEXT.encode(), b"secret words")
    upstream = await raw_upstream(sized(small, b"Content-Type: application/json"))
    home = await house(upstream.url, capture=CaptureSettings(bodies="none"))
    client = await dial(home.proxy)
    await client.ask("/groq/v1/chat/completions", "POST", body=CHAT)
    assert (await client.answer()).body == small
    row = await home.row()
    assert row["tokens"]["input"] == 7
    detail = await home.details(row["id"])
    assert (detail["request"]["body"], detail["response"]["body"]) == (None, None)
    for path in home.config.store.data_dir.glob("*.db*"):
        assert b"secret words" not in path.read_bytes()


@pytest.mark.parametrize("limit", [2, 10, 1000])
@pytest.mark.parametrize("piece", [1, 3, 999, 10_000])
def test_ends_of_a_body(limit: int, piece: int) -> None:
    """A body up to the limit is kept whole; of a larger one the first and the last half of the limit."""
    for size in (0, 1, limit - 1, limit, limit + 1, limit * 3 + 1):
        body = dice.randbytes(size)
        capture = Capture(limit)
        for start in range(0, size, piece):
            capture.add(body[start : start + piece])
        kept = capture.body()
        assert kept.size == size
        if size <= limit:
            assert (kept.head, kept.tail, kept.truncated) == (body, b"", False)
        else:
            assert (kept.head, kept.tail) == (body[: limit // 2], body[-(limit // 2) :])
            assert kept.truncated


@pytest.mark.parametrize("coding", COMPRESS)
@pytest.mark.parametrize("piece", [50, 1000, 10**7])
async def test_ends_of_a_compressed_body(coding: str, piece: int) -> None:
    """Of a compressed body past the limit, head and tail of what it decodes to are kept, however it came in pieces."""
    plain = WHOLE[:300_000] if piece == 50 else WHOLE
    body = COMPRESS[coding](plain)
    with ThreadPoolExecutor(1) as thread:
        capture = Capture(10_000, coding, thread)
        for start in range(0, len(body), piece):
            capture.add(body[start : start + piece])
        kept = await capture.complete(30)
    assert (kept.size, kept.decoded) == (len(body), len(plain))
    assert (kept.head, kept.tail) == (plain[:5000], plain[-5000:])
    assert kept.truncated


@pytest.mark.parametrize("coding", COMPRESS)
def test_bomb_is_decoded_piece_by_piece(coding: str) -> None:
    """A body that decodes to a thousand times its size comes in bounded pieces."""
    bomb = COMPRESS[coding](b"\0" * 50_000_000)
    decoder = decoder_for(coding)
    assert decoder is not None
    total = 0
    for piece in decoder.decode(bomb):
        assert len(piece) <= 80_000_000 // 2
        total += len(piece)
    assert total == 50_000_000


@pytest.mark.parametrize("coding", [*COMPRESS, "gzip"])
def test_damaged_compression_ends_quietly(coding: str) -> None:
    """What turns out not to be compressed as declared yields what was decoded until then, and nothing more."""
    body = bytearray(COMPRESS[coding](WHOLE[:100_000]))
    for place in range(len(body) // 2, len(body) // 2 + 40):
        body[place] ^= 0xFF
    decoder = decoder_for(coding)
    assert decoder is not None
    decoded = b"".join(decoder.decode(bytes(body))) + b"".join(decoder.decode(b"more"))
    assert decoded[:1000] == WHOLE[:1000] or decoded == b""
    other = decoder_for(coding)
    assert other is not None
    assert len(b"".join(other.decode(b"plainly not compressed" * 10))) < 200


def test_several_members() -> None:
    """gzip of several members and zstd of several frames are decoded to the last."""
    for coding in ("gzip", "zstd"):
        decoder = decoder_for(coding)
        assert decoder is not None
        assert b"".join(decoder.decode(COMPRESS[coding](b"one ") + COMPRESS[coding](b"two"))) == b"one two"


def test_unknown_codings_are_not_decoded() -> None:
    """A coding that is not known, or several on top of each other, have no decoder."""
    assert decoder_for("compress") is None
    assert decoder_for("gzip, br") is None


@pytest.mark.parametrize("coding", ["identity", "gzip"])
async def test_figures_while_the_disk_fills(raw_upstream: OpenUpstream, tmp_path: Path, coding: str) -> None:
    """With little room only the ends of a body are noted, which tell its figures; the row says that none is kept."""
    body = COMPRESS[coding](WHOLE) if coding in COMPRESS else WHOLE
    lines = [b"Content-Encoding: gzip"] if coding == "gzip" else []
    upstream = await raw_upstream(sized(body, b"Content-Type: application/json", *lines))
    room = space_on(tmp_path)
    assert room is not None
    config = Config(
        proxy=Proxy(journal_wait_ms=5000), store=Store(low_space=2 * room[0]), upstreams=upstreams(upstream.url)
    )
    (tmp_path / "data").mkdir()
    async with open_house(tmp_path / "data", config) as home:
        async with asyncio.timeout(20):
            while not home.worker._journal.saving:  # noqa: ASYNC110 - no event tells
                await asyncio.sleep(0.01)
        client = await RawClient.dial(home.proxy)
        await client.ask("/groq/v1/chat/completions", "POST", body=CHAT)
        assert (await client.answer()).body == body
        client.leave()
        row = await home.row()
        assert (row["model"], row["tokens"]["output"], row["tokens"]["source"]) == (
            "gpt-4o-2024-08-06", 250_000, "reported",
        )  # fmt: skip
        detail = await home.details(row["id"])
        assert (detail["anomalies"], detail["response"]["body"]) == (["bodies_left_out"], None)
        assert detail["response"]["bytes"] == len(body)
        assert home.ingest.live().journal_bytes < 3 * ENDS_BYTES


def test_a_body_says_when_its_bound_was_lowered() -> None:
    """Only a body that is larger than the lowered bound lacks anything."""
    small, large = Capture(100, spared=True), Capture(100, spared=True)
    small.add(bytes(100))
    large.add(bytes(101))
    assert (small.body().spared, large.body().spared) == (False, True)
