"""However one end of a websocket ends, the other is closed in order and in time, and the row says who and how."""

import asyncio
import struct
from pathlib import Path

import pytest
from wsproto.events import CloseConnection

from tests.conftest import OpenHouse, houses
from tests.realtime.conftest import Dial, OpenUpstream
from tests.realtime.said import CREATED, done
from tests.realtime.wire import CLOSE, PING, TEXT, Wire, frame, until_closed

TARGET = "/openai/v1/realtime?model=gpt-realtime"
IN_TIME_S = 5.0
# (code sent, code that must arrive)
CODES = [(1000, 1000), (1001, 1001), (None, 1005), (1003, 1003), (1008, 1008), (1011, 1011), (1012, 1012),
         (3000, 3000), (4000, 4000), (4999, 4999)]  # fmt: skip


@pytest.mark.parametrize(("code", "arrives"), CODES)
async def test_a_client_closes(
    house: OpenHouse, upstream: OpenUpstream, dial: Dial, code: int | None, arrives: int
) -> None:
    """The code and reason a client closes with reach the upstream, whose answer reaches the client."""
    ends: list[CloseConnection | None] = []

    async def play(wire: Wire) -> None:
        ends.append(await wire.end())
        await wire.close(code)

    up = await upstream(play)
    opened = await house(up.url)
    client = await dial(opened.proxy, TARGET)
    await client.close(code, "bye" if code else "")
    end = await client.end()
    assert end is not None
    assert end.code == arrives
    assert await client.next() is None
    assert [(end.code, end.reason or "") for end in ends if end] == [(arrives, "bye" if code else "")]
    row = await opened.row()
    assert (row["outcome"], row["error"]) == ("completed", None)


@pytest.mark.parametrize(("code", "arrives"), CODES)
async def test_an_upstream_closes(
    house: OpenHouse, upstream: OpenUpstream, dial: Dial, code: int | None, arrives: int
) -> None:
    """The code and reason an upstream closes with reach the client; one that tells of a failure is the row's error."""
    reason = "no more" if code else ""
    answered: list[CloseConnection | None] = []

    async def play(wire: Wire) -> None:
        await wire.send(done())
        await wire.close(code, reason)
        answered.append(await wire.end())

    up = await upstream(play)
    opened = await house(up.url)
    client = await dial(opened.proxy, TARGET)
    await client.message()
    end = await client.end()
    assert end is not None
    assert (end.code, end.reason or "") == (arrives, reason)
    row = await opened.row()  # before the client has answered
    await client.close(code)
    assert await client.next() is None
    assert [end.code for end in answered if end] == [arrives]
    in_order = arrives in (1000, 1001, 1005, 1012)
    error = None if in_order else {"type": "websocket_close", "code": str(code), "message": reason}
    assert (row["outcome"], row["error"], row["tokens"]["total"]) == ("completed", error, 15)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(CLOSE, struct.pack("!H", 1005), masked=True), 1002),  # codes that must not be on a wire
        (frame(CLOSE, struct.pack("!H", 1006), masked=True), 1002),
        (frame(CLOSE, struct.pack("!H", 999), masked=True), 1002),
        (frame(CLOSE, b"\x03", masked=True), 1002),
        (frame(TEXT, b"\xc3(", masked=True), 1007),
        (frame(TEXT, b"\xed\xa0\x80", masked=True), 1007),  # a lone surrogate
        (frame(3, b"", masked=True), 1002),  # no such opcode
        (frame(PING, b"x" * 126, masked=True), 1002),
        (frame(0, b"continued", masked=True), 1002),
        (b"\xc1\x80\0\0\0\0", 1002),  # compressed
    ],
    ids=[  # their masks are random, and a test has one name
        "1005", "1006", "999", "half a code", "no text", "lone surrogate", "no such opcode", "long ping",
        "continues nothing", "compressed",
    ],
)  # fmt: skip
async def test_a_client_breaks_the_rules(
    house: OpenHouse, upstream: OpenUpstream, dial: Dial, data: bytes, code: int
) -> None:
    """A client that breaks the protocol is told so by the code for it, and the upstream is closed."""
    ends: list[CloseConnection | None] = []

    async def play(wire: Wire) -> None:
        ends.append(await wire.end())
        await wire.close(1011)

    up = await upstream(play)
    opened = await house(up.url)
    client = await dial(opened.proxy, TARGET)
    await client.write(data)
    end = await client.end()
    assert end is not None
    assert end.code == code
    assert (await opened.row())["outcome"] == "client_left"
    assert [end.code for end in ends if end] == [1011]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(CLOSE, struct.pack("!H", 1006), masked=False), 1002),
        (frame(CLOSE, struct.pack("!H", 1015), masked=False), 1002),
        (frame(TEXT, b"\xc3(", masked=False), 1007),
        (frame(3, b"", masked=False), 1002),
    ],
)
async def test_an_upstream_breaks_the_rules(
    house: OpenHouse, upstream: OpenUpstream, dial: Dial, data: bytes, code: int
) -> None:
    """An upstream that breaks the protocol is told so, and the client gets 1011: the failure is not its own."""
    ends: list[CloseConnection | None] = []

    async def play(wire: Wire) -> None:
        await wire.send(done())
        await wire.write(data)
        ends.append(await wire.end())

    up = await upstream(play)
    opened = await house(up.url)
    client = await dial(opened.proxy, TARGET)
    await client.message()
    end = await client.end()
    assert end is not None
    assert end.code == 1011
    await client.close(1011)
    row = await opened.row()
    assert (row["outcome"], row["tokens"]["total"]) == ("upstream_broke_off", 15)
    assert await client.next() is None
    assert [end.code for end in ends if end] == [code]


async def test_a_code_above_all_codes_becomes_1011(house: OpenHouse, upstream: OpenUpstream, dial: Dial) -> None:
    """A code that nobody may send is not passed on."""
    ends: list[CloseConnection | None] = []

    async def play(wire: Wire) -> None:
        ends.append(await wire.end())
        await wire.close(1011)

    up = await upstream(play)
    opened = await house(up.url)
    client = await dial(opened.proxy, TARGET)
    await client.close(5000)
    await client.end()
    assert [end.code for end in ends if end] == [1011]


@pytest.mark.parametrize("reset", [True, False])
async def test_a_client_vanishes(house: OpenHouse, upstream: OpenUpstream, dial: Dial, reset: bool) -> None:
    """A client that is gone without a word closes the upstream with 1011; what it used by then is in the row."""
    ends: list[CloseConnection | None] = []

    async def play(wire: Wire) -> None:
        await wire.send(CREATED)
        await wire.send(done())
        ends.append(await wire.end())
        await wire.send(done(2, into=1, out=1))  # was under way
        await wire.close(1011)

    up = await upstream(play)
    opened = await house(up.url)
    client = await dial(opened.proxy, TARGET)
    await client.message()
    await client.message()
    if reset:
        client.abort()
    else:
        client.writer.close()
    row = await opened.row()
    assert (row["outcome"], row["status"], row["tokens"]["total"]) == ("client_left", 101, 17)
    assert [end.code for end in ends if end] == [1011]


@pytest.mark.parametrize("reset", [True, False])
async def test_an_upstream_vanishes(house: OpenHouse, upstream: OpenUpstream, dial: Dial, reset: bool) -> None:
    """An upstream that is gone without a word closes the client with 1011, and the row has what was told."""

    async def play(wire: Wire) -> None:
        await wire.send(done())
        await wire.next()
        if reset:
            wire.abort()

    up = await upstream(play)
    opened = await house(up.url)
    client = await dial(opened.proxy, TARGET)
    await client.message()
    await client.send("go")
    end = await client.end()
    assert end is not None
    assert end.code == 1011
    row = await opened.row()
    assert (row["outcome"], row["tokens"]["total"]) == ("upstream_broke_off", 15)
    assert row["error"]["type"] == "upstream_broke_off"


async def test_an_end_that_does_not_answer_a_close_is_cut_off(
    house: OpenHouse, upstream: OpenUpstream, dial: Dial
) -> None:
    """When the far end never answers a close, the near end is let go all the same, within five seconds or so."""
    left = asyncio.Event()

    async def play(wire: Wire) -> None:
        await left.wait()

    up = await upstream(play)
    opened = await house(up.url)
    client = await dial(opened.proxy, TARGET)
    await client.close(1000)
    async with asyncio.timeout(2 * IN_TIME_S):
        end = await client.end()
    assert end is not None
    assert end.code == 1000
    assert (await opened.row())["outcome"] == "completed"
    left.set()


async def test_half_dead_ends_are_noticed(house: OpenHouse, upstream: OpenUpstream, dial: Dial) -> None:
    """An end that does not even answer pings is gone; one that answers them may be silent for as long as it likes."""

    async def deaf(wire: Wire) -> None:
        await asyncio.sleep(30)

    up = await upstream(deaf)
    opened = await house(up.url, heartbeat_s=0.2)
    client = await dial(opened.proxy, TARGET)
    seen = []
    while not isinstance(told := await client.next(), CloseConnection):
        assert told is not None
        seen.append(told)
        await client.frame(10, bytes(told.payload))  # type: ignore[union-attr]
    assert told.code == 1011
    assert seen
    assert (await opened.row())["outcome"] == "upstream_timed_out"


async def test_a_deaf_client_is_noticed(house: OpenHouse, upstream: OpenUpstream, dial: Dial) -> None:
    """A client that answers no pings has left; the upstream sees none of these pings' answers, and is closed."""
    seen: list[object] = []

    async def play(wire: Wire) -> None:
        while not isinstance(told := await wire.next(), CloseConnection | None):
            seen.append(told)
            await wire.frame(10, bytes(told.payload))  # type: ignore[union-attr]
        seen.append(told)

    up = await upstream(play)
    opened = await house(up.url, heartbeat_s=0.2)
    await dial(opened.proxy, TARGET)  # and never reads
    assert (await opened.row())["outcome"] == "client_left"
    assert isinstance(seen[-1], CloseConnection)
    assert seen[-1].code == 1011


async def test_our_own_end_closes_both(tmp_path: Path, upstream: OpenUpstream, dial: Dial) -> None:
    """When Tollbook stops, the client is told 1012, the upstream 1001, and the row is interrupted, tokens and all."""
    ends: list[CloseConnection | None] = []

    async def play(wire: Wire) -> None:
        await wire.send(done())
        ends.append(await wire.end())
        await wire.close(1001)

    up = await upstream(play)
    async with houses(tmp_path) as house:
        opened = await house(up.url, shutdown_timeout_s=20.0)
        client = await dial(opened.proxy, TARGET)
        await client.message()

        async def follow() -> CloseConnection | None:
            end = await client.end()
            await client.close(1012)
            return end

        following = asyncio.get_running_loop().create_task(follow())
    end = await following
    assert end is not None
    assert end.code == 1012
    row = await opened.row()
    assert (row["outcome"], row["status"], row["tokens"]["total"]) == ("interrupted", 101, 15)
    assert [end.code for end in ends if end] == [1001]


async def test_messages_after_the_clients_close_still_arrive(
    house: OpenHouse, upstream: OpenUpstream, dial: Dial
) -> None:
    """What the upstream says between a client's close and its own is relayed, and counted."""

    async def play(wire: Wire) -> None:
        end = await wire.end()
        assert end is not None
        await wire.send(done())
        await wire.close(end.code)

    up = await upstream(play)
    opened = await house(up.url)
    client = await dial(opened.proxy, TARGET)
    await client.close()
    assert "response.done" in str(await client.message())
    await client.end()
    assert (await opened.row())["tokens"]["total"] == 15


async def test_an_idle_upstream_is_let_go_with_its_client(house: OpenHouse, upstream: OpenUpstream, dial: Dial) -> None:
    """With `on_client_gone = "finish"` a session ends with its client all the same."""
    up = await upstream(until_closed)
    opened = await house(up.url, on_client_gone="finish")
    client = await dial(opened.proxy, TARGET)
    client.abort()
    assert (await opened.row())["outcome"] == "client_left"
