"""Sessions through `tollbook serve` as a user runs it: kill -9 in the middle of one, and a stop in order."""

import asyncio
import signal
from pathlib import Path

from tests.realtime.conftest import Dial, OpenUpstream
from tests.realtime.said import CREATED, done
from tests.realtime.wire import Wire
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
