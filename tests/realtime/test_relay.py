"""Messages go through unchanged, in both directions, and one connection is one row."""

import asyncio
import json
import random

import pytest
from wsproto.events import CloseConnection, Ping, Pong

from tests.conftest import OpenHouse
from tests.realtime.conftest import Dial, OpenUpstream
from tests.realtime.said import CREATED, audio, done
from tests.realtime.wire import BINARY, PING, PONG, TEXT, Refused, Wire, accepting, frame, until_closed
from tests.relay.neighbours import RawClient, Visit, read_head, sized

TARGET = "/openai/v1/realtime?model=gpt-realtime"


async def echo(wire: Wire) -> None:
    """An upstream that says everything back."""
    while True:
        told = await wire.next()
        if isinstance(told, str | bytes):
            await wire.send(told)
        elif isinstance(told, Ping):
            await wire.frame(PONG, bytes(told.payload))
        elif isinstance(told, CloseConnection):
            await wire.close(told.code)
            return
        elif told is None:
            return


async def test_messages_arrive_unchanged_and_in_order(house: OpenHouse, upstream: OpenUpstream, dial: Dial) -> None:
    """Text and bytes of any size and content arrive as they were sent, in their order, both ways."""
    up = await upstream(echo)
    opened = await house(up.url)
    client = await dial(opened.proxy, TARGET)
    drawn = random.Random(7)
    sizes = [0, 1, 125, 126, 127, 65535, 65536, 300_000]
    messages: list[str | bytes] = ["", "{}", '{"a": "\N{SNOWMAN}"}\n', *(drawn.randbytes(size) for size in sizes)]
    messages += ["\N{SNOWMAN}" * size for size in (1, 42, 30_000)]
    for message in messages:
        await client.send(message)
    for message in messages:
        assert await client.message() == message
    await client.close(1000, "done")
    end = await client.end()
    assert end is not None
    assert end.code == 1000
    row = await opened.row()
    assert (row["status"], row["outcome"], row["type"], row["stream"], row["error"]) == (
        101, "completed", "realtime", True, None,
    )  # fmt: skip
    details = await opened.details(row["id"])
    size = sum(len(message.encode() if isinstance(message, str) else message) for message in messages)
    assert (details["method"], details["request"]["bytes"], details["response"]["bytes"]) == ("GET", size, size)
    assert row["first_token_ms"] is None
    assert row["duration_ms"] > 0


async def test_a_message_of_30_mib(house: OpenHouse, upstream: OpenUpstream, dial: Dial) -> None:
    """A message just below the largest passes both ways; one above is answered 1009, and the upstream is closed."""
    up = await upstream(echo)
    opened = await house(up.url)
    large = random.Random(1).randbytes(30 * 2**20)
    client = await dial(opened.proxy, TARGET)
    await client.send(large)
    assert await client.message() == large
    client.writer.write(frame(BINARY, bytes(32 * 2**20 + 1), masked=True))
    end = await client.end()
    assert end is not None
    assert end.code == 1009
    row = await opened.row()
    assert row["outcome"] == "client_left"
    details = await opened.details(row["id"])
    assert details["request"]["bytes"] == len(large)
    assert '"binary":31457280' in str(details["request"]["body"]).replace(" ", "").replace("'", '"')


async def test_fragments_become_one_message(house: OpenHouse, upstream: OpenUpstream, dial: Dial) -> None:
    """A message in fragments, with a ping between them, arrives whole; and so does the ping."""
    up = await upstream(echo)
    opened = await house(up.url)
    client = await dial(opened.proxy, TARGET)
    snow = "snow \N{SNOWMAN} man".encode()
    await client.frame(TEXT, snow[:6], fin=False)  # within the character
    await client.frame(PING, b"between")
    await client.frame(0, snow[6:9], fin=False)
    await client.frame(0, snow[9:])
    told = await client.next()
    assert isinstance(told, Pong)
    assert bytes(told.payload) == b"between"
    assert await client.message() == snow.decode()


async def test_pings_and_pongs_go_through(house: OpenHouse, upstream: OpenUpstream, dial: Dial) -> None:
    """A ping of either end is answered by the other, not by Tollbook, and a pong nobody asked for passes too."""
    heard: list[bytes] = []

    async def play(wire: Wire) -> None:
        await wire.frame(PING, b"from upstream")
        for _ in range(2):
            told = await wire.next()
            assert isinstance(told, Pong)
            heard.append(bytes(told.payload))
        await until_closed(wire)

    up = await upstream(play)
    opened = await house(up.url)
    client = await dial(opened.proxy, TARGET)
    told = await client.next()
    assert isinstance(told, Ping)
    assert bytes(told.payload) == b"from upstream"
    assert heard == []
    await client.frame(PONG, b"from upstream")
    await client.frame(PONG, b"by the way")
    await client.close()
    await client.end()
    assert heard == [b"from upstream", b"by the way"]


async def test_the_subprotocol_that_is_chosen_is_told(house: OpenHouse, upstream: OpenUpstream, dial: Dial) -> None:
    """The upstream is offered what the client offers, and the client is told what the upstream chose."""
    up = await upstream(until_closed, subprotocol="realtime", more=b"openai-version: 2020-10-01\r\n")
    opened = await house(up.url)
    offered = [(b"Sec-WebSocket-Protocol", b"other, realtime"), (b"OpenAI-Beta", b"realtime=v1")]
    client = await dial(opened.proxy, TARGET, [*offered, (b"Sec-WebSocket-Extensions", b"permessage-deflate")])
    assert client.head.values(b"sec-websocket-protocol") == [b"realtime"]
    assert client.head.values(b"openai-version") == [b"2020-10-01"]
    (visit,) = up.visits
    assert visit.head.values(b"sec-websocket-protocol") == [b"other, realtime"]
    assert visit.head.values(b"openai-beta") == [b"realtime=v1"]
    assert visit.head.values(b"sec-websocket-extensions") == []
    await client.close()
    await client.end()
    row = await opened.row()
    assert client.head.values(b"x-tollbook-call-id") == [row["id"].encode()]


async def test_usage_is_added_up(house: OpenHouse, upstream: OpenUpstream, dial: Dial) -> None:
    """The tokens of a row are the sum over its responses; a response told twice counts once."""

    async def play(wire: Wire) -> None:
        for message in (CREATED, audio(50_000), done(1), done(2, into=30, out=7), done(2, into=30, out=7)):
            await wire.send(message)
        await until_closed(wire)

    up = await upstream(play)
    opened = await house(up.url)
    client = await dial(opened.proxy, TARGET)
    for _ in range(5):
        await client.message()
    await client.close()
    await client.end()
    row = await opened.row()
    assert row["model"] == "gpt-realtime-2025-08-28"
    assert row["requested_model"] == "gpt-realtime"
    tokens = {name: row["tokens"][name] for name in ("input", "output", "total", "source")}
    assert tokens == {"input": 40, "output": 12, "total": 52, "source": "reported"}
    details = await opened.details(row["id"])
    assert len(details["tokens"]["raw"]) == 2
    assert "UklGUklG" not in json.dumps(details)
    assert "(50000 characters)" in json.dumps(details)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (sized(b'{"error": {"message": "no such key"}}', b"WWW-Authenticate: Bearer", status=b"401 No"), 401),
        (b"HTTP/1.1 429 Too Many\r\nretry-after: 7\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nslow\r\n0\r\n\r\n", 429),
    ],
)  # fmt: skip
async def test_the_upstreams_refusal_is_the_answer(
    house: OpenHouse, upstream: OpenUpstream, answer: bytes, status: int, dial: Dial
) -> None:
    """A client whose websocket the upstream refuses gets that answer, as it was, and the row says so."""

    async def script(visit: object) -> None:
        await visit.say(answer)  # type: ignore[attr-defined]

    up = await upstream.scripted(script)
    opened = await house(up.url)
    with pytest.raises(Refused) as refused:
        await dial(opened.proxy, TARGET)
    got = refused.value
    assert got.head.line == answer.split(b"\r\n")[0]
    assert got.body
    assert got.body in answer
    assert got.head.values(b"retry-after") == ([b"7"] if status == 429 else [])
    row = await opened.row()
    assert (row["status"], row["outcome"], row["type"], row["cost"]["usd"]) == (
        status, "completed", "realtime", "0.000000000",
    )  # fmt: skip
    if status == 401:
        assert row["error"]["message"] == "no such key"


async def test_an_upstream_that_cannot_be_reached(house: OpenHouse, dial: Dial) -> None:
    """No connection is a 502 in the dialect's shape."""
    opened = await house("http://127.0.0.1:1")
    with pytest.raises(Refused) as refused:
        await dial(opened.proxy, TARGET)
    assert refused.value.head.line == b"HTTP/1.1 502 Bad Gateway"
    assert refused.value.head.values(b"x-tollbook-error") == [b"upstream_unreachable"]
    assert json.loads(refused.value.body)["error"]["code"] == "upstream_unreachable"
    assert (await opened.row())["outcome"] == "upstream_unreachable"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
    ],
)
async def test_an_upstream_that_agrees_to_something_else(
    house: OpenHouse, upstream: OpenUpstream, answer: bytes, dial: Dial
) -> None:
    """A 101 that does not fit the handshake is not passed on: it is a 502."""

    async def script(visit: object) -> None:
        await visit.say(answer)  # type: ignore[attr-defined]
        await visit.left()  # type: ignore[attr-defined]

    up = await upstream.scripted(script)
    opened = await house(up.url)
    with pytest.raises(Refused) as refused:
        await dial(opened.proxy, TARGET)
    assert refused.value.head.line == b"HTTP/1.1 502 Bad Gateway"
    assert (await opened.row())["outcome"] == "upstream_broke_off"


async def test_what_a_client_does_not_read_stays_upstream(house: OpenHouse, upstream: OpenUpstream, dial: Dial) -> None:
    """An upstream that talks on to a client that does not read is held up, before it fills memory."""
    sent = 0

    async def play(wire: Wire) -> None:
        nonlocal sent
        piece = frame(BINARY, bytes(65_536), masked=False)
        while sent < 400 * 2**20:
            try:
                await wire.write(piece)
            except ConnectionError:
                return
            sent += len(piece)

    up = await upstream(play)
    opened = await house(up.url)
    client = await dial(opened.proxy, TARGET, receive_buffer=4096)
    before = -1
    while sent > before:
        before = sent
        await asyncio.sleep(0.5)
    assert 0 < sent < 40 * 2**20  # what sockets and buffers hold
    client.abort()
    assert (await opened.row())["outcome"] == "client_left"


async def test_a_client_that_never_reads_has_left(house: OpenHouse, upstream: OpenUpstream, dial: Dial) -> None:
    """A client that takes nothing for as long as it may is cut off, and the upstream is closed."""
    ends = []

    async def play(wire: Wire) -> None:
        for _ in range(500):
            await wire.send(bytes(65_536))
        ends.append(await wire.end())

    up = await upstream(play)
    opened = await house(up.url, write_timeout_s=0.5)
    await dial(opened.proxy, TARGET, receive_buffer=4096)
    assert (await opened.row(20))["outcome"] == "client_left"
    assert [end.code for end in ends if end is not None] == [1011]


async def test_a_session_counts_among_the_calls_under_way(house: OpenHouse, upstream: OpenUpstream, dial: Dial) -> None:
    """An open session takes one of the places for calls that a worker has."""
    up = await upstream(until_closed)
    opened = await house(up.url, max_concurrent=1)
    client = await dial(opened.proxy, TARGET)
    with pytest.raises(Refused) as refused:
        await dial(opened.proxy, TARGET)
    assert refused.value.head.line == b"HTTP/1.1 503 Service Unavailable"
    await client.close()
    await client.end()
    assert await client.next() is None
    await opened.rows(2)
    again = await dial(opened.proxy, TARGET)
    again.abort()


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (["Sec-WebSocket-Key: short", "Connection: Upgrade", "Sec-WebSocket-Version: 13"], 400),
        (["Connection: Upgrade", "Sec-WebSocket-Version: 13"], 400),
        (["Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "Connection: close", "Sec-WebSocket-Version: 13"], 400),
        (["Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "Connection: Upgrade", "Sec-WebSocket-Version: 8"], 426),
    ],
)
async def test_half_a_handshake_is_refused(
    house: OpenHouse, upstream: OpenUpstream, lines: list[str], status: int
) -> None:
    """A request that asks for a websocket in a wrong way is refused, and no upstream hears of it."""
    up = await upstream(until_closed)
    opened = await house(up.url)
    client = await RawClient.dial(opened.proxy)
    await client.ask("/openai/v1/realtime", "GET", "Upgrade: websocket", *lines)
    answer = await client.answer()
    assert (answer.status, answer.value(b"x-tollbook-error")) == (status, b"bad_websocket")
    assert up.connections == 0
    assert (await opened.row())["outcome"] == "rejected"
    client.leave()


def _opening(path: str = TARGET) -> bytes:
    lines = ["Host: localhost", "Upgrade: websocket", "Connection: keep-alive, Upgrade", "Sec-WebSocket-Version: 13"]
    return "\r\n".join([f"GET {path} HTTP/1.1", *lines, "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "", ""]).encode()


async def test_frames_that_come_with_the_handshake(house: OpenHouse, upstream: OpenUpstream) -> None:
    """What either side sends in one piece with its half of the handshake arrives."""
    heard: list[object] = []

    async def play(wire: Wire) -> None:
        heard.append(await wire.next())
        await until_closed(wire)

    agreeing = accepting(play)

    async def script(visit: Visit) -> None:
        say, pieces = visit.say, []

        async def at_once(*data: bytes) -> None:
            pieces.extend(data)
            await say(b"".join(pieces) + frame(TEXT, b"from upstream", masked=False))

        visit.say = at_once  # type: ignore[method-assign]
        await agreeing(visit)

    up = await upstream.scripted(script)
    opened = await house(up.url)
    client = await RawClient.dial(opened.proxy)
    await client.say(_opening() + frame(TEXT, b"from client", masked=True))
    head = await read_head(client.reader)
    wire = Wire(head, client.reader, client.writer, client=True)
    assert await wire.message() == "from upstream"
    await wire.close()
    assert await wire.end() is not None
    assert heard == ["from client"]
    assert (await opened.row())["outcome"] == "completed"
    client.leave()


async def test_a_connection_that_was_used_before(house: OpenHouse, upstream: OpenUpstream) -> None:
    """A connection on which calls were made can become a websocket."""
    open_for_it = accepting(echo)

    async def script(visit: Visit) -> None:
        if visit.head.values(b"upgrade"):
            await open_for_it(visit)
        else:
            await visit.say(sized(b"{}"))

    up = await upstream.scripted(script)
    opened = await house(up.url)
    client = await RawClient.dial(opened.proxy)
    for _ in range(2):
        await client.ask("/openai/v1/models")
        assert (await client.answer()).status == 200
    await client.say(_opening())
    wire = Wire(await read_head(client.reader), client.reader, client.writer, client=True)
    await wire.send("hello")
    assert await wire.message() == "hello"
    await wire.close()
    assert await wire.end() is not None
    assert [row["status"] for row in await opened.rows(3)] == [101, 200, 200]
    client.leave()
