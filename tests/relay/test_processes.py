"""The processes of `tollbook serve`: each may die at any moment, and the book still has every call once."""

import asyncio
import os
import re
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from proxy.floods import ROWS
from tests.relay.conftest import Dial, OpenUpstream
from tests.relay.neighbours import CHUNKED, LAST, RawClient, Visit, chunked
from tests.relay.served import Served, launch, serve
from tests.relay.test_floods import FLOOD
from tests.relay.test_floods import refused as flood

EVENT = b'data: {"object":"chat.completion.chunk","model":"gpt-4o","choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'
CHAT = b'{"model":"gpt-4o","stream":true,"messages":[]}'
Start = Callable[..., Awaitable[Served]]


class Streaming:
    """An upstream that streams until it is told to end: the streams that wait, and the word to end."""

    def __init__(self) -> None:
        self.end = asyncio.Event()

    async def __call__(self, visit: Visit) -> None:
        """The script."""
        await visit.read()
        await visit.say(CHUNKED, chunked(EVENT))
        await self.end.wait()
        await visit.say(chunked(EVENT), chunked(b"data: [DONE]\n\n") + LAST)


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Starts `tollbook serve` on one data directory; ends it with the test."""
    running: list[Served] = []

    async def factory(url: str = "http://127.0.0.1:1", drain_s: float = 0.3, *options: str) -> Served:
        config = tmp_path / "tollbook.toml"
        config.write_text(f'[proxy]\nshutdown_timeout_s = {drain_s}\n[upstreams.groq]\nbase_url = "{url}"\n')
        served = await serve(tmp_path / "data", config, *options)
        running.append(served)
        return served

    yield factory
    for served in running:
        await served.stop(signal.SIGKILL)


async def stream(served: Served, dial: Dial) -> RawClient:
    """A call that has its first event."""
    client = await dial(served.proxy)
    await client.ask("/groq/v1/chat/completions", "POST", body=CHAT)
    assert (await client.head()).status == 200
    assert await client.chunk() == EVENT
    return client


async def whole(served: Served, dial: Dial) -> bool:
    """Whether a call, from its beginning, ends as a stream should."""
    client = await dial(served.proxy)
    await client.ask("/groq/v1/chat/completions", "POST", body=CHAT)
    return (await client.answer()).body.endswith(b"data: [DONE]\n\n")


async def refused(served: Served) -> None:
    """Wait until nobody listens any more."""
    for _ in range(3000):
        try:
            (await RawClient.dial(served.proxy)).leave()
        except ConnectionError:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("connections are still taken")


async def rest_of(client: RawClient) -> bytes:
    """What is still to come, also from a connection that is reset."""
    try:
        return await client.rest()
    except ConnectionError:
        return b""


async def test_killed_worker(start: Start, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """kill -9 of a worker cuts its streams, which become interrupted rows; another worker serves on the same port."""
    upstream = await raw_upstream(streaming := Streaming())
    served = await start(upstream.url)
    client = await stream(served, dial)
    worker = served.child("worker")
    worker.kill()
    assert LAST not in await rest_of(client)
    (row,) = await served.rows(1)
    assert (row["outcome"], row["requested_model"]) == ("interrupted", "gpt-4o")
    streaming.end.set()
    await served.another("worker", worker)
    assert await whole(served, dial)
    assert [row["outcome"] for row in await served.rows(2)] == ["completed", "interrupted"]
    health = await served.asked("/api/health")
    assert (health["received"], health["stored"], health["lost"]["total"]) == (2, 2, 0)


async def rest_of_stream(client: RawClient) -> bytes:
    """The chunks until the last one."""
    body = b""
    while chunk := await client.chunk():
        body += chunk
    return body


async def test_killed_store(start: Start, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """kill -9 of the store disturbs no stream; another one takes its place, and nothing is lost or doubled."""
    upstream = await raw_upstream(streaming := Streaming())
    served = await start(upstream.url)
    client = await stream(served, dial)
    store = served.child("store")
    store.kill()
    streaming.end.set()
    assert (await rest_of_stream(client)).endswith(b"data: [DONE]\n\n")
    for _ in range(20):
        assert await whole(served, dial)
    await served.another("store", store)
    rows = await served.rows(21)
    assert {row["outcome"] for row in rows} == {"completed"}
    assert len({row["id"] for row in rows}) == 21
    assert (await served.asked("/api/health"))["lost"]["total"] == 0


async def test_killed_parent(start: Start, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """After kill -9 of the parent its children leave by themselves, and the next start has every call."""
    upstream = await raw_upstream(Streaming())
    served = await start(upstream.url)
    await stream(served, dial)
    children = served.children()
    assert len(children) == 2
    served.process.kill()
    await served.process.wait()
    gone, alive = await asyncio.to_thread(psutil.wait_procs, children, 60)
    assert (len(gone), alive) == (2, [])
    served = await start(upstream.url)
    (row,) = await served.rows(1)
    assert row["outcome"] == "interrupted"
    assert (await served.asked("/api/health"))["received"] == 1


async def test_all_killed_at_once(start: Start, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """After kill -9 of all processes at once, the next start has every call: completed ones and interrupted ones."""
    upstream = await raw_upstream(streaming := Streaming())
    served = await start(upstream.url)
    streaming.end.set()
    for _ in range(10):
        assert await whole(served, dial)
    streaming.end.clear()
    await stream(served, dial)
    os.killpg(served.process.pid, signal.SIGKILL)
    await served.process.wait()
    served = await start(upstream.url)
    rows = await served.rows(11)
    assert [row["outcome"] for row in rows] == ["interrupted"] + ["completed"] * 10
    for _ in range(3000):  # counted a moment after the rows are there
        health = await served.asked("/api/health")
        if not health["waiting"]:
            break
        await asyncio.sleep(0.02)
    assert (health["received"], health["stored"], health["lost"]["total"]) == (11, 11, 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_told_to_stop_under_a_stream(
    start: Start, raw_upstream: OpenUpstream, dial: Dial, number: signal.Signals
) -> None:
    """SIGTERM, and Ctrl-C, let streams end for shutdown_timeout_s, cut the rest as interrupted rows, and exit 0."""
    upstream = await raw_upstream(Streaming())
    served = await start(upstream.url, 0.3)
    client = await stream(served, dial)
    if number == signal.SIGINT:
        os.killpg(served.process.pid, number)  # as a terminal does
    else:
        served.process.send_signal(number)
    assert LAST not in await rest_of(client)
    status, said = await served.stop(number)
    assert (status, said) == (0, "")
    served = await start(upstream.url)
    (row,) = await served.rows(1)
    assert (row["outcome"], row["status"]) == ("interrupted", 200)


async def test_told_to_stop_while_a_stream_ends(start: Start, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """A stream that ends within shutdown_timeout_s of SIGTERM reaches its client whole; new calls find no listener."""
    upstream = await raw_upstream(streaming := Streaming())
    served = await start(upstream.url, 20.0)
    client = await stream(served, dial)
    served.process.send_signal(signal.SIGTERM)
    await refused(served)
    streaming.end.set()
    assert (await rest_of_stream(client)).endswith(b"data: [DONE]\n\n")
    assert await served.stop() == (0, "")
    served = await start(upstream.url)
    (row,) = await served.rows(1)
    assert row["outcome"] == "completed"


async def test_idle_connections_are_closed_at_once(start: Start, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """While streams may still end, nobody's next request is left unanswered on a connection that is not served."""
    script = Streaming()
    served = await start((await raw_upstream(script)).url, 30.0)
    idle, fresh = await dial(served.proxy), await dial(served.proxy)
    await idle.ask("/healthz")
    assert (await idle.answer()).status == 200
    streaming = await stream(served, dial)
    served.process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(idle.rest(), 20) == b""
    assert await asyncio.wait_for(fresh.rest(), 20) == b""
    script.end.set()
    assert (await rest_of_stream(streaming)).endswith(b"data: [DONE]\n\n")
    assert await served.stop() == (0, "")


async def test_idle_stop(start: Start) -> None:
    """Told to stop with nothing to do, it exits 0 and says nothing."""
    served = await start()
    assert await served.stop(signal.SIGINT) == (0, "")


async def test_files_where_it_is_started(tmp_path: Path) -> None:
    """Nothing in the folder it is started in is run, whatever its name."""
    (tmp_path / "proxy").mkdir()
    for name in ("proxy/__init__.py", "secrets.py", "store.py"):
        (tmp_path / name).write_text("raise SystemExit('not ours')")
    (tmp_path / "tollbook.toml").write_text("")
    served = await serve(tmp_path / "data", tmp_path / "tollbook.toml", folder=tmp_path)
    assert await served.stop() == (0, "")


async def said_by(data_dir: Path, config: Path, *options: str) -> tuple[int | None, list[str]]:
    """The exit status and the lines on stderr of a start that fails."""
    process = await launch(data_dir, config, *options)
    _, said = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, said.decode().splitlines()


async def test_data_dir_in_use(start: Start, tmp_path: Path) -> None:
    """A second one on the same data directory exits 1 with one sentence that names it."""
    await start()
    status, lines = await said_by(tmp_path / "data", tmp_path / "tollbook.toml")
    assert (status, len(lines)) == (1, 1)
    assert str(tmp_path / "data") in lines[0]
    assert "in use" in lines[0]


@pytest.mark.parametrize("option", ["--listen", "--dashboard"])
async def test_port_taken(tmp_path: Path, option: str) -> None:
    """A port that is taken is exit 1 with one sentence that names the address."""
    config = tmp_path / "tollbook.toml"
    config.write_text("")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        status, lines = await said_by(tmp_path / "data", config, option, address)
    assert (status, len(lines)) == (1, 1)
    assert address in lines[0]


async def test_data_dir_that_cannot_be(tmp_path: Path) -> None:
    """A data directory that cannot be made or written is exit 1 with one sentence that names it."""
    config = tmp_path / "tollbook.toml"
    config.write_text("")
    (tmp_path / "file").write_text("")
    status, lines = await said_by(tmp_path / "file" / "data", config)
    assert (status, len(lines)) == (1, 1)
    assert str(tmp_path / "file" / "data") in lines[0]


async def test_everything_in_the_way_is_named(start: Start, tmp_path: Path) -> None:
    """Several things in the way are named together, each on its line, without a traceback."""
    served = await start()
    address = served.proxy.removeprefix("http://")
    status, lines = await said_by(tmp_path / "data", tmp_path / "tollbook.toml", "--listen", address)
    assert (status, len(lines)) == (1, 2)
    assert not [line for line in lines if re.search("Traceback|Error", line)]


async def test_two_workers(start: Start, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """Two workers share one port; kill -9 of one leaves the other's streams alone."""
    upstream = await raw_upstream(streaming := Streaming())
    served = await start(upstream.url, 0.3, "--workers", "2")
    workers = [one for one in served.children() if "worker" in one.cmdline()]
    assert len(workers) == 2
    clients = [await stream(served, dial) for _ in range(8)]
    workers[0].kill()
    streaming.end.set()
    whole = cut = 0
    for client in clients:
        try:
            whole += (await rest_of_stream(client)).endswith(b"data: [DONE]\n\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            cut += 1
    rows = await served.rows(8)
    assert [row["outcome"] for row in rows].count("completed") == whole
    assert [row["outcome"] for row in rows].count("interrupted") == cut


async def test_everything_received_is_in_the_book(start: Start, raw_upstream: OpenUpstream) -> None:
    """While workers and the store are killed under load, every answer a client fully received is one completed row."""

    async def script(visit: Visit) -> None:
        await visit.read()
        await visit.say(CHUNKED, chunked(EVENT), chunked(b"data: [DONE]\n\n"), LAST)

    upstream = await raw_upstream(script)
    served = await start(upstream.url, 0.3, "--workers", "2")
    received: list[str] = []
    over = False

    async def calling() -> None:
        while not over:
            try:
                client = await RawClient.dial(served.proxy)
            except ConnectionError:
                continue
            try:
                for _ in range(10):
                    await client.ask("/groq/v1/chat/completions", "POST", body=CHAT)
                    got = await client.answer()
                    received.append((got.value(b"x-tollbook-call-id") or b"").decode())
            except (asyncio.IncompleteReadError, ConnectionError):
                pass
            finally:
                client.leave()

    clients = [asyncio.create_task(calling()) for _ in range(4)]
    for kind in ("worker", "store", "worker"):
        enough = len(received) + 60
        for _ in range(6000):
            if len(received) >= enough:
                break
            await asyncio.sleep(0.01)
        victim = next(one for one in served.children() if kind in one.cmdline())
        victim.kill()
        await served.another(kind, victim)
    over = True
    await asyncio.gather(*clients)
    status, said = await served.stop(signal.SIGTERM)
    assert (status, "Traceback" in said) == (0, False)
    served = await start(upstream.url)
    for _ in range(3000):
        health = await served.asked("/api/health")
        if not health["waiting"]:
            break
        await asyncio.sleep(0.02)
    rows: list[dict[str, object]] = []
    cursor = ""
    while True:
        page = await served.asked(f"/api/logs?limit=1000{cursor}")
        rows += page["logs"]
        if not page["next"]:
            break
        cursor = f"&cursor={page['next']}"
    booked = [row["id"] for row in rows]
    assert len(set(booked)) == len(booked) == health["stored"]
    # A call whose first note was still in memory is lost with its worker: nobody had an answer, and it is counted.
    assert health["received"] == health["stored"] + health["lost"]["total"]
    assert health["lost"]["total"] <= 8
    completed = {row["id"] for row in rows if row["outcome"] == "completed"}
    assert len(received) > 180
    assert set(received) <= completed


async def test_many_workers(start: Start) -> None:
    """However many workers there are, the death of any is noticed, and all end when told to."""
    served = await start("http://127.0.0.1:1", 0.3, "--workers", str((os.cpu_count() or 1) + 5))
    known = {one.pid for one in served.children()}
    victim = served.children()[-1]
    for _ in range(2):  # the second time, the one that took the place of the first
        victim.kill()
        victim = await newcomer(served, known)
        known.add(victim.pid)
    status, said = await served.stop(signal.SIGTERM)
    assert (status, said.count("\n")) == (0, 2)


async def newcomer(served: Served, known: set[int]) -> psutil.Process:
    """Wait for a child that was not there before."""
    for _ in range(3000):
        for one in served.children():
            if one.pid not in known and "proxy.child" in one.cmdline():
                return one
        await asyncio.sleep(0.02)
    raise AssertionError("no other child was started")


async def test_repeats_are_counted_once_whoever_dies(start: Start, dial: Dial) -> None:
    """With kill -9 of store and worker in the middle of floods, every refusal answered is counted, and once."""
    served = await start()
    answered = 0
    for kind in ("store", "worker", "store"):
        answered += len(await flood(await dial(served.proxy), FLOOD))
        child = served.child(kind)
        child.kill()
        await served.another(kind, child)
    health = await _settled(served, answered)
    assert (health["received"], health["lost"]["total"]) == (answered, 0)
    total = (await served.asked("/api/stats"))["total"]
    assert (total["calls"], total["errors"]) == (answered, answered)
    rows = await served.rows(2 * ROWS)  # two workers, each with twenty
    assert sum(1 + row["repeats"] for row in rows) == answered


async def _settled(served: Served, stored: int) -> dict[str, Any]:
    for _ in range(3000):
        health = await served.asked("/api/health")
        if health["stored"] == stored:
            return health
        await asyncio.sleep(0.02)
    raise AssertionError(health)
