"""Streams pass as they come: nothing waits for the next chunk, and only the terminal piece waits for its note."""

import asyncio
import random
import re

import psutil
import pytest

from proxy.terminal import TerminalWatch
from tests.conftest import OpenHouse
from tests.relay.conftest import Dial, OpenUpstream
from tests.relay.neighbours import CHUNKED, LAST, Visit, chunked, sized

CHAT = b'{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"hi"}]}'
DELTA = b'data: {"object":"chat.completion.chunk","model":"gpt-4o","choices":[{"index":0,"delta":{"content":"a"}}]}'
TERMINAL = {
    "chat": (b"data: [DONE]", "/groq/v1/chat/completions"),
    "asked": (b"data: [DONE]", "/openai/v1/chat/completions"),
    "messages": (b'event: message_stop\ndata: {"type":"message_stop"}', "/anthropic/v1/messages"),
    "responses": (
        b'event: response.completed\ndata: {"type":"response.completed","response":{"id":"r","status":"completed",'
        b'"model":"gpt-4o","output":[],"usage":{"input_tokens":3,"output_tokens":2,"total_tokens":5}}}',
        "/openai/v1/responses",
    ),
    "error": (
        b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"x"}}',
        "/anthropic/v1/messages",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ["groq", "openai", "anthropic"])
@pytest.mark.parametrize("framing", ["chunked", "sized", "close"])
async def test_nothing_is_held_back(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, name: str, framing: str
) -> None:
    """Headers and each chunk reach the client before the upstream sends the next."""
    turn = asyncio.Queue[None]()
    events = [DELTA + b"\n\n", DELTA + b"\n\n", b": ping\n\n", DELTA + b"\n\n"]

    async def script(visit: Visit) -> None:
        await visit.read()
        length = b"Content-Length: %d\r\n" % sum(map(len, events)) if framing == "sized" else b""
        kind = b"Transfer-Encoding: chunked\r\n" if framing == "chunked" else length
        await visit.say(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" + kind + b"\r\n")
        for event in events:
            await turn.get()
            await visit.say(chunked(event) if framing == "chunked" else event)
        await turn.get()
        if framing == "chunked":
            await visit.say(LAST)
        elif framing == "close":
            visit.writer.close()

    upstream = await raw_upstream(script)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.ask(f"/{name}/v1/chat/completions", "POST", body=CHAT)
    got = await client.head()  # the upstream has not sent a byte of the body yet
    plain = got.values(b"content-length") != []
    for event in events:
        turn.put_nowait(None)
        assert (await client.reader.readexactly(len(event)) if plain else await client.chunk()) == event
    turn.put_nowait(None)
    if not plain:
        assert await client.chunk() == b""
    assert (await home.row())["outcome"] == "completed"


@pytest.mark.parametrize("kind", TERMINAL)
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"], ids=["lf", "crlf"])
async def test_client_that_closes_after_the_terminal_event(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, kind: str, newline: bytes
) -> None:
    """A client that closes once it has the terminal event, with the final zero chunk still to come, is completed."""
    event, target = TERMINAL[kind]
    data = (event + b"\n\n").replace(b"\n", newline)
    delta = DELTA + newline * 2

    async def script(visit: Visit) -> None:
        await visit.read()
        await visit.say(CHUNKED, chunked(delta), chunked(data))
        await visit.left()  # the final zero chunk never comes

    upstream = await raw_upstream(script)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.ask(target, "POST", body=CHAT)
    await client.head()
    received = b""
    while not received.endswith(data):
        received += await client.chunk()
    client.leave()
    row = await home.row()
    assert (row["outcome"], row["status"]) == ("completed", 200)


@pytest.mark.parametrize("kind", TERMINAL)
async def test_note_comes_before_the_terminal_event(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, kind: str
) -> None:
    """When the client has the terminal event, the call is in the book or on its way, while the stream is still open."""
    event, target = TERMINAL[kind]

    async def script(visit: Visit) -> None:
        await visit.read()
        await visit.say(CHUNKED, chunked(DELTA + b"\n\n"), chunked(event + b"\n\n"))
        await visit.left()

    upstream = await raw_upstream(script)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.ask(target, "POST", body=CHAT)
    await client.head()
    received = b""
    while event not in received:
        received += await client.chunk()
    assert (await home.row())["outcome"] == "completed"  # though the client has not left


async def test_stream_cut_before_its_terminal_event(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """A client that leaves before the terminal event's blank line has left."""

    async def script(visit: Visit) -> None:
        await visit.read()
        await visit.say(CHUNKED, chunked(DELTA + b"\n\n"), chunked(b"data: [DO"))
        await visit.left()

    upstream = await raw_upstream(script)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.ask("/groq/v1/chat/completions", "POST", body=CHAT)
    await client.head()
    received = b""
    while not received.endswith(b"[DO"):
        received += await client.chunk()
    client.leave()
    assert (await home.row())["outcome"] == "client_left"


# ------------------------------------------------------------------------------------- the watch alone, on bytes


@pytest.mark.parametrize("kind", TERMINAL)
@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"], ids=["lf", "crlf", "cr"])
def test_terminal_event_is_seen_wherever_it_is_split(kind: str, newline: bytes) -> None:
    """Split at any two bytes, a stream is complete with the piece that holds the event's last byte, no earlier."""
    stream = (DELTA + b"\n\n" + TERMINAL[kind][0] + b"\n\n").replace(b"\n", newline)
    start = len(DELTA)
    for first in range(start, len(stream)):
        for second in range(first, len(stream) + 1):
            watch = TerminalWatch()
            seen = [watch.completes(piece) for piece in (stream[:first], stream[first:second], stream[second:])]
            assert any(seen), (first, second)
            assert (first, second, len(stream))[seen.index(True)] == len(stream), (first, second)


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize("kind", TERMINAL)
def test_terminal_event_is_seen_byte_by_byte(kind: str, size: int) -> None:
    """Fed in small pieces, a stream is complete with its last piece."""
    stream = DELTA + b"\n\n" + TERMINAL[kind][0] + b"\n\n"
    watch = TerminalWatch()
    seen = [watch.completes(stream[start : start + size]) for start in range(0, len(stream), size)]
    assert seen.index(True) == len(seen) - 1


@pytest.mark.parametrize(
    "line",
    [
        b'data: {"choices":[{"delta":{"content":"data: [DONE]"}}]}',
        b'data: {"type":"message_delta","delta":{"text":"event: message_stop"}}',
        b"event: message_stopped",
        b"event: response.completed_later",
        b"data: [DO",
        b": data: [DONE]",
        b'data: {"type":"response.output_item.done"}',
        b'data: {"error": null, "choices": []}',
        b"xdata: [DONE]",
    ],
)
def test_what_only_looks_terminal(line: bytes) -> None:
    """Text inside an event, comments and longer names do not complete a stream, however they are split."""
    stream = line + b"\n\n" + DELTA + b"\n\n"
    for cut in range(len(stream)):
        watch = TerminalWatch()
        assert not watch.completes(stream[:cut])
        assert not watch.completes(stream[cut:])


def test_random_pieces_agree_with_the_whole() -> None:
    """Whether a stream was completed does not depend on how it was cut."""
    dice = random.Random(11)
    lines = [DELTA, b": ping", b"data: [DONE]", b"event: message_stop", b"data: {}", b"", b"data: [DONE", b"id: 1"]
    for _ in range(500):
        stream = b"".join(dice.choice(lines) + dice.choice([b"\n", b"\r\n", b"\n\n"]) for _ in range(8))
        expected = TerminalWatch().completes(stream)
        watch = TerminalWatch()
        cuts = sorted(dice.choices(range(len(stream) + 1), k=6))
        pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
        seen = [watch.completes(piece) for piece in pieces]  # all of them, also after it has completed
        assert any(seen) == expected, (stream, pieces)


# ---------------------------------------------------------------------------------------------------- backpressure


async def test_client_that_does_not_read_pauses_the_upstream(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial
) -> None:
    """While a client does not read, the upstream cannot send; when it reads on, it gets every byte."""
    piece, count = random.Random(3).randbytes(64_000), 2000
    said = 0

    async def script(visit: Visit) -> None:
        nonlocal said
        await visit.read()
        await visit.say(CHUNKED)
        for _ in range(count):
            await visit.say(chunked(piece))
            said += 1
        await visit.say(LAST)

    upstream = await raw_upstream(script)
    home = await house(upstream.url)
    client = await dial(home.proxy, receive_buffer=4096)
    before = psutil.Process().memory_info().rss
    await client.ask("/openai/v1/chat/completions", "POST", body=CHAT)
    stuck = -1
    while said > stuck:  # until it moves no more
        stuck = said
        await asyncio.sleep(0.3)
    assert 0 < said < count / 4
    assert psutil.Process().memory_info().rss - before < 50_000_000
    await client.head()
    received = 0
    while chunk := await client.chunk():
        received += len(chunk)
    assert received == len(piece) * count
    assert (await home.row())["outcome"] == "completed"


async def test_client_that_never_reads_is_let_go(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """A client that takes nothing for write_timeout_s has left, and the upstream is let go."""
    left = asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.read()
        try:
            await visit.say(CHUNKED)
            while True:
                await visit.say(chunked(b"x" * 64_000))
        finally:
            left.set()

    upstream = await raw_upstream(script)
    home = await house(upstream.url, write_timeout_s=0.3)
    client = await dial(home.proxy, receive_buffer=4096)
    await client.ask("/groq/v1/chat/completions", "POST", body=CHAT)
    await asyncio.wait_for(left.wait(), 60)
    assert (await home.row())["outcome"] == "client_left"


async def test_slow_reader_is_no_silence(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """The upstream's read timeout does not run while it is the client that holds everything up."""
    body = b"x" * 20_000_000
    upstream = await raw_upstream(sized(body))
    home = await house(upstream.url, upstream={"read_timeout_s": 0.2})
    client = await dial(home.proxy, receive_buffer=4096)
    await client.ask()
    await client.head()
    await asyncio.sleep(0.7)
    received = 0
    while received < len(body):
        received += len(await client.reader.read(2**20))
    assert (await home.row())["outcome"] == "completed"


async def test_slow_reader_is_no_silence_when_its_upload_ends(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial
) -> None:
    """Nor does it when the client, before it reads on, sends the rest of its request."""
    piece = b"x" * 64_000

    async def script(visit: Visit) -> None:
        await visit.reader.readuntil(b"abc\r\n")
        await visit.say(CHUNKED, *[chunked(piece)] * 300, LAST)

    upstream = await raw_upstream(script)
    home = await house(upstream.url, upstream={"read_timeout_s": 0.2})
    client = await dial(home.proxy, receive_buffer=4096)
    client.writer.transport.pause_reading()
    await client.ask("/groq/v1/x", "POST", "Transfer-Encoding: chunked")
    await client.say(b"3\r\nabc\r\n")
    await asyncio.sleep(0.5)  # until nothing moves
    await client.say(LAST)
    await asyncio.sleep(0.7)
    client.writer.transport.resume_reading()
    await client.head()
    received = 0
    while chunk := await client.chunk():
        received += len(chunk)
    assert received == 300 * len(piece)
    assert (await home.row())["outcome"] == "completed"


async def test_long_stream_has_no_total_timeout(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """A stream may last many times the read timeout as long as it is never silent for that long."""

    async def script(visit: Visit) -> None:
        await visit.read()
        await visit.say(CHUNKED)
        for _ in range(30):
            await asyncio.sleep(0.05)
            await visit.say(chunked(DELTA + b"\n\n"))
        await visit.say(LAST)

    upstream = await raw_upstream(script)
    home = await house(upstream.url, upstream={"read_timeout_s": 0.5, "connect_timeout_s": 0.5})
    client = await dial(home.proxy)
    await client.ask("/groq/v1/chat/completions", "POST", body=CHAT)
    got = await client.answer()
    assert len(re.findall(rb"data:", got.body)) == 30
    assert (await home.row())["outcome"] == "completed"


@pytest.mark.parametrize("whole", [True, False])
async def test_client_that_does_not_read_the_end_is_let_go(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, whole: bool
) -> None:
    """A connection ends whose client does not take the last of an answer, be it whole or broken off."""

    async def script(visit: Visit) -> None:
        await visit.read()
        await visit.say(CHUNKED)
        (client_side,) = home.worker._server.connections
        assert client_side.transport is not None
        while not client_side.transport.get_write_buffer_size():
            await visit.say(chunked(b"x" * 10_000))
            await asyncio.sleep(0)
        if whole:
            await visit.say(LAST)
        else:
            visit.writer.close()

    upstream = await raw_upstream(script)
    home = await house(upstream.url, write_timeout_s=0.3, idle_timeout_s=0.3)
    client = await dial(home.proxy, receive_buffer=4096)
    client.writer.transport.pause_reading()
    await client.ask("/groq/v1/chat/completions", "POST", body=CHAT)
    assert (await home.row())["outcome"] == ("completed" if whole else "upstream_broke_off")
    async with asyncio.timeout(60):
        while home.worker._server.connections:  # noqa: ASYNC110 - nobody tells when one has ended
            await asyncio.sleep(0.02)
