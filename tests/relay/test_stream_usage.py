"""`stream_usage = "ask"` adds one field to the request and takes one chunk out of the answer; nothing else changes."""

import gzip
import json
import random
import re

import pytest

from proxy.stream_usage import LARGEST, UsageHider, may_ask, with_question
from tests.conftest import OpenHouse
from tests.relay.conftest import Dial, OpenUpstream
from tests.relay.neighbours import CHUNKED, LAST, chunked, sized

CHAT = b'{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"hi"}]}'


def event(content: str) -> bytes:
    """A chunk with some text and, as real ones have, an empty usage."""
    return b"data: " + json.dumps(
        {"object": "chat.completion.chunk", "model": "gpt-4o-2024-08-06", "usage": None,
         "choices": [{"index": 0, "delta": {"content": content}, "finish_reason": None}]}
    ).encode() + b"\n\n"  # fmt: skip


AZURE_FIRST = b'data: {"choices":[],"model":"","prompt_filter_results":[{"prompt_index":0}]}\n\n'
EXTRA = b'data: {"object":"chat.completion.chunk","model":"gpt-4o-2024-08-06","choices":[],"usage":' \
    b'{"prompt_tokens":11,"completion_tokens":5,"total_tokens":16}}\n\n'  # fmt: skip
BEFORE = AZURE_FIRST + event("Hel") + event('lo "choices":[] \\n\\n') + event("")
DONE = b"data: [DONE]\n\n"
STREAM = BEFORE + EXTRA + DONE


# ---------------------------------------------------------------------------------------------------- asking


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions", "/openai/deployments/d/chat/completions"])
async def test_usage_is_asked_for(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, path: str) -> None:
    """A streamed (chat) completion reaches the upstream with include_usage, unencoded, and otherwise unchanged."""
    upstream = await raw_upstream(CHUNKED + chunked(STREAM) + LAST)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.ask(f"/openai{path}?api-version=1", "POST", "X-Keep: 1", "Accept-Encoding: gzip, br", body=CHAT)
    got = await client.answer()
    (visit,) = upstream.visits
    asked = json.loads(visit.body)
    assert asked.pop("stream_options") == {"include_usage": True}
    assert asked == json.loads(CHAT)
    assert visit.head.values(b"accept-encoding") == [b"identity"]
    assert visit.head.values(b"content-length") == [b"%d" % len(visit.body)]
    assert visit.head.values(b"x-keep") == [b"1"]
    assert got.body == BEFORE + DONE
    row = await home.row()
    assert (row["tokens"]["input"], row["tokens"]["output"], row["tokens"]["source"]) == (11, 5, "reported")
    kept = (await home.details(row["id"]))["request"]["body"]
    assert kept == json.loads(CHAT)  # the row shows what the client sent


@pytest.mark.parametrize(
    ("target", "lines", "body"),
    [
        ("/groq/v1/chat/completions", (), CHAT),
        ("/openai/v1/responses", (), CHAT),
        ("/openai/v1/embeddings", (), CHAT),
        ("/openai/v1/chat/completions/", (), CHAT),
        ("/openai/v1/chat/completions/x?y=/completions", (), CHAT),
        ("/openai/v1/chat/completions", (), CHAT.replace(b"true", b"false")),
        ("/openai/v1/chat/completions", (), CHAT.replace(b'"stream":true,', b"")),
        ("/openai/v1/chat/completions", (), CHAT.replace(b'"stream":true', b'"stream":"true"')),
        ("/openai/v1/chat/completions", (), CHAT[:-1] + b',"stream_options":{"include_usage":false}}'),
        ("/openai/v1/chat/completions", (), CHAT[:-1] + b',"stream_options":{"include_usage":true}}'),
        ("/openai/v1/chat/completions", (), CHAT[:-1] + b',"stream_options":null}'),
        ("/openai/v1/chat/completions", (), b'{"messages":[{"content":"\\"stream\\":true"}]}'),
        ("/openai/v1/chat/completions", (), b'{"messages":[{"stream":true}]}'),
        ("/openai/v1/chat/completions", (), b"[" + CHAT + b"]"),
        ("/openai/v1/chat/completions", (), CHAT[:-1]),
        ("/openai/v1/chat/completions", (), b"not JSON, but \"stream\":true"),
        ("/openai/v1/chat/completions", ("Content-Encoding: gzip",), gzip.compress(CHAT, mtime=0)),
        ("/openai/v1/chat/completions", (), CHAT[:-1] + b" " * LARGEST + b"}"),
    ],
    ids=lambda value: str(value)[:60],
)  # fmt: skip
async def test_usage_is_not_asked_for(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, target: str, lines: tuple[str, ...], body: bytes
) -> None:
    """Where one condition does not hold, neither the request nor the answer changes by a byte."""
    upstream = await raw_upstream(CHUNKED + chunked(STREAM) + LAST)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.ask(target, "POST", "Accept-Encoding: gzip", *lines, body=body)
    got = await client.answer()
    assert upstream.visits[0].body == body
    assert upstream.visits[0].head.values(b"accept-encoding") == [b"gzip"]
    assert got.body == STREAM


async def test_leave_changes_nothing(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """With stream_usage = "leave" request and answer pass unchanged."""
    upstream = await raw_upstream(CHUNKED + chunked(STREAM) + LAST)
    home = await house(upstream.url, upstream={"stream_usage": "leave"})
    client = await dial(home.proxy)
    await client.ask("/openai/v1/chat/completions", "POST", body=CHAT)
    got = await client.answer()
    assert (upstream.visits[0].body, got.body) == (CHAT, STREAM)


async def test_get_is_left_alone(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """Only POST is looked into."""
    upstream = await raw_upstream(sized(STREAM))
    client = await dial((await house(upstream.url)).proxy)
    await client.ask("/openai/v1/chat/completions", "PUT", body=CHAT)
    await client.answer()
    assert upstream.visits[0].body == CHAT


async def test_chunked_request_is_asked_too(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """A chunked request body is looked into as a sized one is, and one that grows past 1 MB passes unchanged."""
    upstream = await raw_upstream(CHUNKED + chunked(STREAM) + LAST)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    for body in (CHAT, CHAT[:-1] + b" " * LARGEST + b"}"):
        await client.ask("/openai/v1/chat/completions", "POST", "Transfer-Encoding: chunked")
        await client.say(*[chunked(body[start : start + 50_000]) for start in range(0, len(body), 50_000)], LAST)
        await client.answer()
    small, large = upstream.visits
    assert b"include_usage" in small.body
    assert large.body == CHAT[:-1] + b" " * LARGEST + b"}"


@pytest.mark.parametrize(
    "body",
    [CHAT, b' \n{ "stream" : true }', b'{"stream":true}', CHAT.replace(b'"stream":true', b'"stream"\t:\n true'),
     '{"stream":true,"messages":[{"content":"ümläut \\u0000"}]}'.encode(),
     CHAT.replace(b"hi", rb"\"stream\":true")],
)  # fmt: skip
def test_question_changes_one_field(body: bytes) -> None:
    """The body with the question is the same document with one more field."""
    asked = with_question(body)
    assert asked is not None
    assert json.loads(asked) == {**json.loads(body), "stream_options": {"include_usage": True}}
    assert asked.replace(b'"stream_options":{"include_usage":true},', b"") == body


@pytest.mark.parametrize("encoding", ["gzip", "br", "gzip, identity"])
def test_compressed_requests_are_not_looked_into(encoding: str) -> None:
    """Only bodies without a content coding are looked into."""
    assert may_ask("POST", "/v1/chat/completions", None)
    assert may_ask("POST", "/v1/chat/completions", "identity")
    assert not may_ask("POST", "/v1/chat/completions", encoding)


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/openai/deployments/mine/chat/completions", True),
        ("/openai/deployments/mine/completions", True),
        ("/openai/v1/chat/completions", True),
        ("/models/chat/completions", True),
        ("/openai/v1/responses", False),
        ("/openai/deployments/mine/embeddings", False),
    ],
)
def test_azure_is_asked_on_each_of_its_paths(path: str, asked: bool) -> None:
    """Completions are looked into on the paths by deployment and on those without."""
    assert may_ask("POST", path, None) is asked


# ---------------------------------------------------------------------------------------------------- hiding


def hidden(pieces: list[bytes]) -> bytes:
    """What a client gets of a stream in these pieces."""
    hider = UsageHider()
    return b"".join([hider.pass_on(piece) for piece in pieces]) + hider.rest()


NEWLINES = pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"], ids=["lf", "crlf", "cr"])


@NEWLINES
def test_extra_chunk_is_taken_out_wherever_it_is_split(newline: bytes) -> None:
    """Split at any byte, the stream loses its extra chunk and nothing else."""
    stream, expected = (text.replace(b"\n", newline) for text in (STREAM, BEFORE + DONE))
    for cut in range(len(stream) + 1):
        assert hidden([stream[:cut], stream[cut:]]) == expected, cut


@NEWLINES
@pytest.mark.parametrize("size", [1, 2, 3, 5, 64, 10_000])
def test_extra_chunk_is_taken_out_of_any_pieces(newline: bytes, size: int) -> None:
    """In pieces of any size, alone or together with its neighbours, the extra chunk is taken out."""
    stream, expected = (text.replace(b"\n", newline) for text in (STREAM, BEFORE + DONE))
    assert hidden([stream[start : start + size] for start in range(0, len(stream), size)]) == expected


def test_extra_chunk_at_the_very_end() -> None:
    """An extra chunk that the stream ends with, with or without a blank line, is taken out too."""
    for end in (b"\n\n", b"\n", b""):
        assert hidden([BEFORE + EXTRA.rstrip() + end]) == BEFORE
        assert hidden([BEFORE, EXTRA.rstrip() + end]) == BEFORE


@pytest.mark.parametrize(
    "stays",
    [
        AZURE_FIRST,
        b'data: {"choices":[],"usage":null}\n\n',
        b'data: {"choices":[{"index":0}],"usage":{"prompt_tokens":1}}\n\n',
        b'data: {"choices" : [ ] }\n\n',
        b'data: {"usage":{"prompt_tokens":1}}\n\n',
        b'data: {"error":{"message":"\\"choices\\":[]"}}\n\n',
        b"data: not JSON choices:[]\n\n",
        b": comment \"choices\":[]\n\n",
        b"\n\n",
        b"event: ping\ndata: {}\n\n",
    ],
)  # fmt: skip
def test_all_else_stays(stays: bytes) -> None:
    """Every other event stays as it is, whole or byte by byte."""
    stream = stays + event("a") + stays + DONE
    assert hidden([stream]) == stream
    assert hidden([stream[start : start + 1] for start in range(len(stream))]) == stream


@pytest.mark.parametrize(
    "body", [b'{"choices":[],"usage":{"prompt_tokens":1}}', b"[]", b"<html>", b"", b"  ", b"\xff\n\n"]
)
def test_what_is_no_stream_stays(body: bytes) -> None:
    """A body that is no event stream passes unchanged."""
    assert hidden([body]) == body
    assert hidden([body[start : start + 1] for start in range(len(body))]) == body


def test_random_streams() -> None:
    """A stream without its extra chunk is what remains when that chunk is cut out of the text, however it is split."""
    dice = random.Random(5)
    for _ in range(300):
        events = [dice.choice([event("a"), AZURE_FIRST, EXTRA, DONE, b": ping\n\n"]) for _ in range(6)]
        stream = b"".join(events)
        cuts = sorted(dice.choices(range(len(stream) + 1), k=8))
        pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
        assert hidden(pieces) == b"".join(one for one in events if one != EXTRA)


def test_events_are_not_held_longer_than_whole() -> None:
    """A whole event is passed on with the piece that completes it."""
    hider = UsageHider()
    for one in (AZURE_FIRST, event("a"), event("b")):
        assert hider.pass_on(one[:20]) == b""
        assert hider.pass_on(one[20:]) == one


def test_event_without_end_is_not_held_for_ever() -> None:
    """An event that never ends is passed on once it is larger than any real one."""
    hider = UsageHider()
    passed = b"".join(hider.pass_on(b"data: " + b"x" * 100_000) for _ in range(30))
    assert len(passed) + len(hider.rest()) == 30 * 100_006
    assert len(passed) > 1_000_000


async def test_compressed_answer_passes_as_it_is(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """An upstream that compresses although it was asked not to is relayed byte for byte, and still metered."""
    body = gzip.compress(STREAM, mtime=0)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\n"
    upstream = await raw_upstream(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(body) + LAST)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.ask("/openai/v1/chat/completions", "POST", body=CHAT)
    assert (await client.answer()).body == body
    assert (await home.row())["tokens"]["input"] == 11


async def test_error_passes_untouched(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """An error answer keeps its bytes and its Content-Length."""
    body = b'{"error":{"message":"no","type":"x"},"choices":[],"usage":{"a":1}}'
    upstream = await raw_upstream(sized(body, b"Content-Type: application/json", status=b"429 Too Many"))
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.ask("/openai/v1/chat/completions", "POST", body=CHAT)
    got = await client.answer()
    assert (got.status, got.body, got.value(b"content-length")) == (429, body, b"%d" % len(body))


async def test_whole_answer_passes_untouched(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """An upstream that answers whole although it was asked to stream keeps its bytes and its Content-Length."""
    body = b'{"object":"chat.completion","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}'
    upstream = await raw_upstream(sized(body, b"Content-Type: application/json; charset=utf-8"))
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.ask("/openai/v1/chat/completions", "POST", body=CHAT)
    got = await client.answer()
    assert (got.body, got.value(b"content-length")) == (body, b"%d" % len(body))


async def test_sized_stream_loses_its_length(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """An event stream with a Content-Length arrives without the extra chunk, framed so that its end is seen."""
    upstream = await raw_upstream(sized(STREAM, b"Content-Type: text/event-stream"))
    home = await house(upstream.url)
    client = await dial(home.proxy)
    for _ in range(2):
        await client.ask("/openai/v1/chat/completions", "POST", body=CHAT)
        got = await client.answer()
        assert (got.body, got.values(b"content-length")) == (BEFORE + DONE, [])
    assert {row["outcome"] for row in await home.rows(2)} == {"completed"}


@pytest.mark.parametrize("size", [1, 10, 100, 100_000])
async def test_bytes_sent_are_those_the_client_got(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, size: int
) -> None:
    """Whatever the upstream's chunks, the client gets the same bytes but for the extra chunk, and one row."""
    pieces = [STREAM[start : start + size] for start in range(0, len(STREAM), size)]
    upstream = await raw_upstream(CHUNKED + chunked(*pieces) + LAST)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.ask("/openai/v1/chat/completions", "POST", body=CHAT)
    got = await client.answer()
    assert got.body == BEFORE + DONE
    assert not re.search(rb'"prompt_tokens"', got.body)
    assert (await home.row())["tokens"]["total"] == 16
