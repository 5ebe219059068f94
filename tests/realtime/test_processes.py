"""Sessions through `tollbook serve` as a user runs it: kill -9 in the middle of one, and a stop in order."""

import asyncio
import re
import signal
from pathlib import Path

import pytest

from tests.realtime.conftest import Dial, OpenUpstream
from tests.realtime.said import CREATED, done
from tests.realtime.tls import closing_after
from tests.realtime.wire import BINARY, CLOSE, TEXT, Wire, agreeing, frame
from tests.relay.served import serve
from tests.relay.test_reload import gone, hang_up, workers

TARGET = "/oai/v1/realtime?model=gpt-realtime"


def written(tmp_path: Path, url: str) -> Path:
    """A configuration with one upstream."""
    config = tmp_path / "tollbook.toml"
    config.write_text(f'[upstreams.oai]\nbase_url = "{url}"\ndialect = "openai"\nprovider = "openai"\n')
    return config


async def talk(wire: Wire) -> None:
    """Tell the model, then answer each message with a response of 15 tokens."""
    await wire.send(CREATED)
    number = 0
    while isinstance(await wire.next(), str):
        number += 1
        await wire.send(done(number))


async def test_kill_9_in_the_middle_of_a_session(tmp_path: Path, upstream: OpenUpstream, dial: Dial) -> None:
    """Every response a client received before its worker was killed is in the row, which is interrupted."""
    up = await upstream(talk)
    running = await serve(tmp_path / "data", written(tmp_path, up.url))
    try:
        received = []
        for answers in (0, 1, 7):
            client = await dial(running.proxy, TARGET)
            await client.message()
            for _ in range(answers):
                await client.send("go on")
                await client.message()
            worker = running.child("worker")
            worker.kill()
            assert await client.next() is None
            received.append(answers)
            await running.another("worker", worker)
        rows = (await running.rows(len(received)))[::-1]
        assert [row["tokens"]["total"] for row in rows] == [None, 15, 105]
        for row in rows:
            assert (row["outcome"], row["status"], row["type"]) == ("interrupted", 101, "realtime")
            assert row["model"] == "gpt-realtime-2025-08-28"
            assert row["requested_model"] == "gpt-realtime"
        health = await running.asked("/api/health")
        assert health["received"] == health["stored"] == len(received)
    finally:
        await running.stop(signal.SIGTERM)


async def test_a_stop_in_order_ends_sessions_at_once(tmp_path: Path, upstream: OpenUpstream, dial: Dial) -> None:
    """On SIGTERM a session is told 1012 without waiting for it to end, and Tollbook stops in peace."""
    up = await upstream(talk)
    running = await serve(tmp_path / "data", written(tmp_path, up.url))
    client = await dial(running.proxy, TARGET)
    await client.message()
    await client.send("go on")
    await client.message()
    running.process.send_signal(signal.SIGTERM)
    end = await client.end()
    assert end is not None
    assert end.code == 1012
    await client.close(1012)
    assert await client.next() is None
    _, said = await asyncio.wait_for(running.process.communicate(), 60)
    assert running.process.returncode == 0
    assert b"Traceback" not in said
    again = await serve(tmp_path / "data", written(tmp_path, up.url))
    (row,) = await again.rows(1)
    assert (row["outcome"], row["status"], row["tokens"]["total"]) == ("interrupted", 101, 15)
    await again.stop()


async def test_a_session_goes_on_through_a_reload(tmp_path: Path, upstream: OpenUpstream, dial: Dial) -> None:
    """A session that is open during a SIGHUP goes on with the worker it began with, which leaves after its end."""
    up = await upstream(talk)
    running = await serve(tmp_path / "data", written(tmp_path, up.url))
    client = await dial(running.proxy, TARGET)
    await client.message()
    before = workers(running)
    await hang_up(running, "1 earlier worker will leave")
    for _ in range(2):
        await client.send("go on")
        await client.message()
    await client.close(1000)
    await client.end()
    await gone(before)
    (row,) = await running.rows(1)
    assert (row["outcome"], row["status"], row["tokens"]["total"]) == ("completed", 101, 30)
    assert await running.stop() == (0, "")


async def test_an_upstream_that_closes_before_a_slow_client_has_read(
    tmp_path: Path, dial: Dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it said by TLS before it closed reaches the client, and the row."""
    audio = frame(BINARY, b"x" * 50_000, masked=False) * 80
    last = frame(TEXT, done().encode(), masked=False) + frame(CLOSE, b"\x03\xe8", masked=False)

    def answer(request: bytes) -> bytes:
        key = re.search(rb"(?i)sec-websocket-key: (\S+)", request)
        assert key is not None
        opened = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        return opened + b"Sec-WebSocket-Accept: %b\r\n\r\n" % agreeing(key[1]) + audio + last

    with closing_after(answer, tmp_path) as (url, ended):
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
        running = await serve(tmp_path / "data", written(tmp_path, url))
        try:
            client = await dial(running.proxy, TARGET, receive_buffer=4096)
            await asyncio.to_thread(ended.join, 1)
            await asyncio.sleep(0.3)  # for the end of the connection to be noticed
            assert [await client.message() for _ in range(81)][-1] == done()
            end = await client.end()
            assert end is not None
            assert end.code == 1000
            (row,) = await running.rows(1)
            assert (row["outcome"], row["tokens"]["total"]) == ("completed", 15)
        finally:
            await running.stop()
