"""Bodies that are compressed, cut or broken: a row every time, with what is known, and honest about what is not."""

import gzip
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import brotli
import orjson
import pytest
import zstandard

from tests.conftest import OpenHouse
from tests.relay.conftest import Dial, OpenUpstream
from tests.relay.neighbours import LAST, Visit, chunked

WORDS = " ".join(f"word{number}" for number in range(400))
CHUNK = {"id": "c", "object": "chat.completion.chunk", "model": "gpt-4o-2024-08-06"}
USAGE = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
WHOLE = orjson.dumps({
    "id": "c", "object": "chat.completion", "model": "gpt-4o-2024-08-06", "usage": USAGE,
    "choices": [{"index": 0, "message": {"role": "assistant", "content": WORDS}, "finish_reason": "stop"}],
})  # fmt: skip


def event(**members: Any) -> bytes:
    return b"data: " + orjson.dumps(CHUNK | members) + b"\n\n"


TEXT = b"".join(event(choices=[{"index": 0, "delta": {"content": word + " "}}]) for word in WORDS.split())
STOP = event(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}])
COUNTED = event(choices=[], usage=USAGE)
DONE = b"data: [DONE]\n\n"
STREAM = TEXT + STOP + COUNTED + DONE


def raw_deflate(data: bytes) -> bytes:
    deflate = zlib.compressobj(wbits=-15)
    return deflate.compress(data) + deflate.flush()


def twice(compress: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    return lambda data: compress(data[:1000]) + compress(data[1000:])


def flushed(data: bytes) -> bytes:
    """As a server compresses that sends each piece at once."""
    pack = zstandard.ZstdCompressor().compressobj()
    pieces = []
    for at in range(0, len(data), 500):
        pieces += [pack.compress(data[at : at + 500]), pack.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)]
    return b"".join(pieces) + pack.flush()


CODINGS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "gzip, two members": ("gzip", twice(gzip.compress)),
    "gzip, padded": ("gzip", lambda data: gzip.compress(data) + bytes(512)),
    "deflate": ("deflate", zlib.compress),
    "deflate, raw": ("deflate", raw_deflate),
    "br": ("br", brotli.compress),
    "zstd": ("zstd", zstandard.compress),
    "zstd, two frames": ("zstd", twice(zstandard.compress)),
    "zstd, flushed": ("zstd", flushed),
    "gzip in br": ("gzip, br", lambda data: brotli.compress(gzip.compress(data))),
}


@dataclass(frozen=True)
class Told:
    """What the row has to say."""

    source: str = "reported"
    input: int | None = 7
    output: int | None = 5  # of an estimate: at least
    model: str = "gpt-4o-2024-08-06"
    outcome: str = "completed"
    anomalies: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Broken:
    """An answer on the wire: the body as it is sent, and whether its framing reaches the end."""

    body: bytes
    told: Told = field(default_factory=Told)
    headers: tuple[bytes, ...] = (b"Content-Type: application/json",)
    ends: bool = True


def compressed(coding: str, body: bytes, told: Told | None = None, *, ends: bool = True) -> Broken:
    """`body` is on the wire as it is."""
    name = CODINGS[coding][0].encode()
    return Broken(body, told or Told(), (b"Content-Type: text/event-stream", b"Content-Encoding: " + name), ends)


GUESSED = Told("estimated", None, 200)
"""Most of the text was seen, and its counts were not."""

CASES: dict[str, Broken] = {}
for _coding, (_, _encode) in CODINGS.items():
    CASES[f"{_coding}: whole"] = compressed(_coding, _encode(WHOLE))
    CASES[f"{_coding}: a stream"] = compressed(_coding, _encode(STREAM))
for _coding in ("gzip", "deflate", "deflate, raw", "br", "zstd, flushed"):
    _wire = CODINGS[_coding][1](STREAM)
    _begun = Told("estimated", None, 1, anomalies=frozenset(("no_usage", "no_terminator")))
    CASES[f"{_coding}: cut in the middle"] = compressed(_coding, _wire[: len(_wire) * 3 // 4], _begun)
    _off = Told("estimated", None, 1, outcome="upstream_broke_off", anomalies=frozenset(("no_usage",)))
    CASES[f"{_coding}: broken off"] = compressed(_coding, _wire[: len(_wire) * 3 // 4], _off, ends=False)
    _odd = frozenset(("undecodable_body",))
    CASES[f"{_coding}: claimed only"] = compressed(_coding, WHOLE, Told(anomalies=_odd))
CASES["zstd: cut within its only block"] = compressed(
    "zstd", zstandard.compress(STREAM)[:-20], Told("none", None, None, model="gpt-4o")
)


@pytest.mark.parametrize("name", CASES)
async def test_compressed_bodies(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, name: str) -> None:
    """Whatever the coding, and wherever it ends, there is a row with what could be decoded."""
    await check(CASES[name], house, raw_upstream, dial)


SSE = (b"Content-Type: text/event-stream",)
USAGE_OF = b'{"id":"c","model":"gpt-4o-2024-08-06","choices":[],"usage":%b}'
NOT_COUNTED = frozenset(("no_usage",))
PLAIN: dict[str, Broken] = {
    "a document called a stream": Broken(WHOLE, headers=SSE),
    "a stream called a document": Broken(STREAM),
    "a stream called a picture": Broken(STREAM, headers=(b"Content-Type: image/png",)),
    "a document without a type": Broken(WHOLE, headers=()),
    "a byte order mark": Broken(b"\xef\xbb\xbf" + WHOLE),
    "a stream with a byte order mark": Broken(b"\xef\xbb\xbf" + STREAM, headers=SSE),
    "lone CR": Broken(STREAM.replace(b"\n", b"\r"), headers=SSE),
    "no terminator": Broken(STREAM.removesuffix(DONE), headers=SSE),
    "no last blank line": Broken(STREAM.removesuffix(DONE).rstrip(b"\n"), headers=SSE),
    "neither counts nor an end": Broken(
        TEXT, Told("estimated", None, 200, anomalies=frozenset(("no_usage", "no_terminator"))), SSE
    ),
    "counts never came": Broken(TEXT + STOP + DONE, Told("estimated", None, 200, anomalies=NOT_COUNTED), SSE),
    "cut within an event": Broken(STREAM[: len(TEXT) - 30], Told("estimated", None, 200), SSE),
    "broken off within an event": Broken(
        STREAM[: len(TEXT) - 30], Told("estimated", None, 200, outcome="upstream_broke_off"), SSE, ends=False
    ),
    "a document cut behind its counts": Broken(WHOLE[:-300], Told(outcome="upstream_broke_off"), ends=False),
    "a document broken behind its counts": Broken(WHOLE[:-2] + b"]]", Told()),
    "one broken event": Broken(TEXT + b'data: {"model": nonsense}\n\n' + STOP + COUNTED + DONE, headers=SSE),
    "lone surrogates": Broken(WHOLE.replace(b"word1 ", b"\\ud83d \\udc00\\ud800 ")),
    "NUL": Broken(WHOLE.replace(b"word1 ", b"\\u0000 ").replace(b"word2 ", b"\0 ")),
    "bytes that are no UTF-8": Broken(WHOLE.replace(b"word1 ", b"\xff\xfe\xed\xa0\x80 ")),
    "NUL between events": Broken(TEXT + b"\0\0\0" + STOP + COUNTED + DONE, headers=SSE),
    "nothing at all": Broken(b"", Told("none", None, None, model="gpt-4o")),
    "no more than blanks": Broken(b" \r\n ", Told("none", None, None, model="gpt-4o")),
    "bare text": Broken(b"Not Found", Told("none", None, None, model="gpt-4o")),
}
ODD = Told(input=None, anomalies=frozenset(("odd_count",)))
NEGATIVE = Told(input=None, anomalies=frozenset(("negative_count",)))
for _name, _usage, _told in (
    ("beyond int64", b'{"prompt_tokens":9223372036854775808,"completion_tokens":5}', ODD),
    ("beyond any float", b'{"prompt_tokens":1e999,"completion_tokens":5}', ODD),
    ("of four hundred digits", b'{"prompt_tokens":%b,"completion_tokens":5}' % (b"9" * 400), ODD),
    ("negative", b'{"prompt_tokens":-7,"completion_tokens":5}', NEGATIVE),
    ("in words", b'{"prompt_tokens":"seven","completion_tokens":5}', ODD),
    ("as floats", b'{"prompt_tokens":7.0,"completion_tokens":5.0,"total_tokens":12.0}', Told()),
    ("as strings", b'{"prompt_tokens":"7","completion_tokens":"5"}', Told()),
):
    PLAIN[f"counts {_name}"] = Broken(USAGE_OF % _usage, _told)


@pytest.mark.parametrize("name", PLAIN)
async def test_broken_bodies(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, name: str) -> None:
    """However a body is called and however it is broken, there is a row with what it tells, and no more."""
    await check(PLAIN[name], house, raw_upstream, dial)


async def test_bomb(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """A body that decodes to a thousand times its size is not decoded to its end, and its row says so."""
    bomb = gzip.compress(WHOLE[:-1] + b" " * 60_000_000 + b"}")
    told = Told(anomalies=frozenset(("decompression_bomb",)))
    await check(compressed("gzip", bomb, told), house, raw_upstream, dial)


FORM = "Content-Type: multipart/form-data; boundary=x"


@pytest.mark.parametrize(
    ("body", "lines", "requested"),
    [
        (b'{"model":"gpt-4o","messages":[', (), "gpt-4o"),
        (b'{"model":"gpt-4o"}{"model":"other"}', (), "gpt-4o"),
        (b'{"model":"\\ud800","messages":[]}', (), None),
        (b"\0\0\0", (), None),
        (b"", (), None),
        (gzip.compress(b'{"model":"gpt-4o"}', mtime=0), ("Content-Encoding: gzip",), "gpt-4o"),
        (gzip.compress(b'{"model":"gpt-4o"}' + b" " * 500, mtime=0)[:-12], ("Content-Encoding: gzip",), "gpt-4o"),
        (b'{"model":"gpt-4o"}', ("Content-Encoding: gzip",), "gpt-4o"),
        (b'{"model":"gpt-4o"}', (FORM,), "gpt-4o"),
        (b'--x\r\nContent-Disposition: form-data; name="model"\r\n\r\ngpt-4o\r\n--x--', (FORM,), "gpt-4o"),
        (b'--x\r\nContent-Disposition: form-data; name="model"\r\n\r\ngpt-4o\r\n--x', (FORM,), "gpt-4o"),
    ],
)  # fmt: skip
async def test_broken_requests(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, body: bytes, lines: tuple[str, ...], requested: str | None
) -> None:
    """A request that is no request passes as it came, and has a row with the model, if it named one."""

    async def script(visit: Visit) -> None:
        assert await visit.read() == body
        await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(WHOLE) + WHOLE)

    home = await house((await raw_upstream(script)).url)
    client = await dial(home.proxy)
    await client.ask(
        "/groq/openai/v1/chat/completions", "POST", *lines, *([] if body else ["Content-Length: 0"]), body=body
    )
    assert (await client.answer()).body == WHOLE
    row = await home.row()
    assert (row["requested_model"], row["model"], row["tokens"]["total"]) == (requested, "gpt-4o-2024-08-06", 12)


async def check(broken: Broken, house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """The client gets every byte, and the row tells what it has to."""

    async def script(visit: Visit) -> None:
        await visit.read()
        lines = b"".join(line + b"\r\n" for line in broken.headers)
        half = len(broken.body) // 2
        pieces = [piece for piece in (broken.body[:half], broken.body[half:]) if piece]
        await visit.say(b"HTTP/1.1 200 OK\r\n" + lines + b"Transfer-Encoding: chunked\r\n\r\n", chunked(*pieces))
        if broken.ends:
            await visit.say(LAST)
        else:
            visit.writer.close()

    home = await house((await raw_upstream(script)).url)
    client = await dial(home.proxy)
    await client.ask("/groq/openai/v1/chat/completions", "POST", body=b'{"model":"gpt-4o","messages":[]}')
    if broken.ends:
        assert (await client.answer()).body == broken.body
    else:
        await client.rest()
    row, told = await home.row(), broken.told
    tokens = row["tokens"]
    assert (row["model"], row["outcome"], tokens["source"]) == (told.model, told.outcome, told.source)
    if told.source == "estimated":
        assert tokens["output"] >= (told.output or 0)
    else:
        assert (tokens["input"], tokens["output"]) == (told.input, told.output)
    anomalies = set((await home.details(row["id"]))["anomalies"])
    assert anomalies >= told.anomalies
