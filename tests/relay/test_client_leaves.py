"""A client may leave at any moment: one row says so, and the upstream is let go at once."""

import asyncio
from collections.abc import Callable

import pytest

from tests.conftest import OpenHouse
from tests.relay.conftest import Dial, OpenUpstream
from tests.relay.neighbours import CHUNKED, LAST, RawClient, Visit, chunked, sized

CHAT = b'{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"hi"}]}'
EVENT = b'data: {"object":"chat.completion.chunk","model":"gpt-4o","choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'
LEAVE = pytest.mark.parametrize("leave", [RawClient.leave, RawClient.reset], ids=["fin", "reset"])
Leave = Callable[[RawClient], None]
SOON = 60.0  # long enough for any machine; the point is that it happens while the upstream stays silent


class Waiting:
    """An upstream that says something, then waits for the proxy to leave."""

    def __init__(self, *first: bytes) -> None:
        self.first = first
        self.asked = asyncio.Event()
        self.left = asyncio.Event()

    async def __call__(self, visit: Visit) -> None:
        """The script."""
        self.asked.set()
        try:
            await visit.read()
            await visit.say(*self.first)
            await visit.left()
        finally:
            self.left.set()


@LEAVE
@pytest.mark.parametrize("framing", ["Content-Length: 100", "Transfer-Encoding: chunked", "Content-Length: 3000000"])
async def test_leaving_in_the_request_body(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, framing: str, leave: Leave
) -> None:
    """A client that leaves before its body is whole: client_left without a status, and no whole request upstream."""
    upstream = await raw_upstream(waiting := Waiting())
    home = await house(upstream.url)
    client = await dial(home.proxy)
    begun = b"5\r\nabcde\r\n" if "chunked" in framing else b"abcde"
    await client.say(b"POST /groq/v1/x HTTP/1.1\r\nHost: x\r\n" + framing.encode() + b"\r\n\r\n" + begun)
    if framing != "Content-Length: 100":
        await asyncio.wait_for(waiting.asked.wait(), SOON)
    leave(client)
    row = await home.row()
    assert (row["outcome"], row["status"]) == ("client_left", None)
    if upstream.visits:
        await asyncio.wait_for(waiting.left.wait(), SOON)
        assert not upstream.visits[0].body


@LEAVE
async def test_leaving_before_the_body(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, leave: Leave) -> None:
    """A client that leaves after its headers: client_left, and the upstream never hears of it."""
    upstream = await raw_upstream(Waiting())
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.say(b"POST /groq/v1/x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
    await asyncio.sleep(0.05)
    leave(client)
    assert (await home.row())["outcome"] == "client_left"
    assert upstream.connections == 0


@LEAVE
async def test_leaving_while_the_upstream_thinks(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, leave: Leave
) -> None:
    """A client that leaves before the answer: client_left without a status, and the upstream is let go."""
    upstream = await raw_upstream(waiting := Waiting())
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.ask("/groq/v1/chat/completions", "POST", body=CHAT)
    await waiting.asked.wait()
    leave(client)
    await asyncio.wait_for(waiting.left.wait(), SOON)
    row = await home.row()
    assert (row["outcome"], row["status"]) == ("client_left", None)


@LEAVE
@pytest.mark.parametrize("name", ["groq", "openai"])
async def test_leaving_in_the_stream(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, name: str, leave: Leave
) -> None:
    """A client that leaves in the middle of a stream: client_left with its status, and the upstream is let go."""
    upstream = await raw_upstream(waiting := Waiting(CHUNKED, chunked(EVENT)))
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.ask(f"/{name}/v1/chat/completions", "POST", body=CHAT)
    await client.head()
    assert await client.chunk() == EVENT
    leave(client)
    await asyncio.wait_for(waiting.left.wait(), SOON)
    row = await home.row()
    assert (row["outcome"], row["status"], row["model"]) == ("client_left", 200, "gpt-4o")


@LEAVE
async def test_leaving_in_a_sized_answer(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, leave: Leave
) -> None:
    """A client that leaves in the middle of an answer with a length: client_left."""
    upstream = await raw_upstream(waiting := Waiting(sized(b"x" * 100)[:-50]))
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.ask()
    await client.head()
    await client.reader.readexactly(50)
    leave(client)
    await asyncio.wait_for(waiting.left.wait(), SOON)
    assert (await home.row())["outcome"] == "client_left"


async def test_half_closed_clients_have_left(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """A client that shuts its sending side down after the request counts as gone: no answer, client_left."""
    upstream = await raw_upstream(waiting := Waiting())
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.ask("/groq/v1/chat/completions", "POST", body=CHAT)
    await waiting.asked.wait()
    client.writer.write_eof()
    assert await client.rest() == b""
    await asyncio.wait_for(waiting.left.wait(), SOON)
    assert (await home.row())["outcome"] == "client_left"


@LEAVE
async def test_leaving_between_pipelined_calls(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, leave: Leave
) -> None:
    """Calls that were sent behind one whose client left are not begun."""
    upstream = await raw_upstream(waiting := Waiting())
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.say(b"GET /groq/v1/1 HTTP/1.1\r\nHost: x\r\n\r\nGET /groq/v1/2 HTTP/1.1\r\nHost: x\r\n\r\n")
    await waiting.asked.wait()
    leave(client)
    await asyncio.wait_for(waiting.left.wait(), SOON)
    assert (await home.row())["outcome"] == "client_left"
    assert len(upstream.visits) == 1


USAGE = b'data: {"object":"chat.completion.chunk","model":"gpt-4o","choices":[],"usage":' \
    b'{"prompt_tokens":11,"completion_tokens":5,"total_tokens":16}}\n\n'  # fmt: skip


@LEAVE
@pytest.mark.parametrize("phase", ["before the answer", "in the stream"])
async def test_finish_reads_on(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, phase: str, leave: Leave
) -> None:
    """With on_client_gone = "finish" the answer is read to its end without the client, and its usage is known."""
    gone, asked = asyncio.Event(), asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.read()
        asked.set()
        if phase == "in the stream":
            await visit.say(CHUNKED + chunked(EVENT))
        await gone.wait()
        if phase == "before the answer":
            await visit.say(CHUNKED + chunked(EVENT))
        await visit.say(chunked(EVENT), chunked(USAGE), chunked(b"data: [DONE]\n\n") + LAST)

    upstream = await raw_upstream(script)
    home = await house(upstream.url, on_client_gone="finish")
    client = await dial(home.proxy)
    await client.ask("/groq/v1/chat/completions", "POST", body=CHAT)
    await asked.wait()
    if phase == "in the stream":
        await client.head()
        assert await client.chunk() == EVENT
    leave(client)
    await asyncio.sleep(0.05)  # until the proxy has seen it
    gone.set()
    row = await home.row()
    assert row["outcome"] == "client_left"
    assert (row["tokens"]["input"], row["tokens"]["output"], row["tokens"]["source"]) == (11, 5, "reported")


async def test_finish_is_bounded(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """An upstream that does not end is let go after finish_timeout_s."""
    upstream = await raw_upstream(waiting := Waiting(CHUNKED + chunked(EVENT)))
    home = await house(upstream.url, on_client_gone="finish", finish_timeout_s=0.1)
    client = await dial(home.proxy)
    await client.ask("/groq/v1/chat/completions", "POST", body=CHAT)
    await client.head()
    client.leave()
    await asyncio.wait_for(waiting.left.wait(), SOON)
    assert (await home.row())["outcome"] == "client_left"


@LEAVE
async def test_leaving_at_random(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, leave: Leave) -> None:
    """Clients that leave after any number of bytes leave one row each, and nothing running behind."""

    async def script(visit: Visit) -> None:
        await visit.read()
        await visit.say(CHUNKED, *[chunked(EVENT)] * 4, chunked(b"data: [DONE]\n\n"), LAST)

    upstream = await raw_upstream(script)
    home = await house(upstream.url)
    for bytes_read in range(0, 560, 20):
        client = await dial(home.proxy)
        await client.ask("/openai/v1/chat/completions", "POST", body=CHAT)
        await client.reader.readexactly(bytes_read)
        leave(client)
    rows = await home.rows(28)
    assert {row["outcome"] for row in rows} <= {"client_left", "completed"}
    assert home.ingest.live().open == 0
