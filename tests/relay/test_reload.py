"""SIGHUP: the configuration is read again, and no call notices."""

import asyncio
import fcntl
import os
import pty
import re
import signal
import socket
import sqlite3
import sys
import termios
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from proxy.config.model import Address, Config, Dashboard, Proxy, Secret, Store, Upstream
from proxy.parent import CannotStart, Parent
from tests.conservation.load import Load
from tests.conservation.oracle import judge
from tests.conservation.upstream import Issuing
from tests.relay.conftest import Dial, OpenUpstream
from tests.relay.neighbours import CHUNKED, LAST, RawClient, Visit, chunked, sized
from tests.relay.served import ROOT, Served, serve
from tests.relay.test_processes import EVENT, Streaming, rest_of_stream, stream

ANSWER = (
    b'{"model":"m-1","choices":[{"finish_reason":"stop","message":{"role":"assistant","content":"a"}}],'
    b'"usage":{"prompt_tokens":1000000,"completion_tokens":0,"total_tokens":1000000}}'
)
Start = Callable[[str], Awaitable[Served]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The configuration file."""
    return tmp_path / "tollbook.toml"


def put(file: Path, config: str) -> None:
    """Write the configuration."""
    file.write_text(config)


@pytest.fixture
async def start(tmp_path: Path, file: Path) -> AsyncIterator[Start]:
    """Starts `tollbook serve` with this configuration; ends it with the test."""
    running: list[Served] = []

    async def factory(config: str) -> Served:
        put(file, config)
        running.append(await serve(tmp_path / "data", file))
        return running[-1]

    yield factory
    for served in running:
        await served.stop(signal.SIGKILL)


async def hang_up(served: Served, until: str) -> str:
    """Send SIGHUP; what is said up to the line with these words."""
    served.process.send_signal(signal.SIGHUP)
    assert served.process.stderr is not None
    said = ""
    async with asyncio.timeout(90):
        while until not in said:
            line = (await served.process.stderr.readline()).decode()
            assert line, said
            said += line
    return said


def workers(served: Served) -> set[int]:
    """The processes that relay, also those that are about to leave."""
    return {one.pid for one in served.children() if "worker" in one.cmdline()}


async def gone(pids: set[int]) -> None:
    """Wait until none of these processes is there."""
    async with asyncio.timeout(30):
        while any(psutil.pid_exists(pid) for pid in pids):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)


@pytest.mark.timeout(300)
async def test_reloads_under_load_cut_nothing(
    start: Start, tmp_path: Path, file: Path, raw_upstream: OpenUpstream, dial: Dial
) -> None:
    """While workers and store are replaced again and again, no connection is refused or reset, no answer is cut, a
    stream that began before ends whole after, and every call is in the book once."""
    issuing, held = Issuing(), await raw_upstream(streaming := Streaming())
    config = f'[proxy]\nworkers = 2\n[upstreams.groq]\nbase_url = "{held.url}"\n'
    config += f'[upstreams.openai]\nbase_url = "{await issuing.start()}"\n'
    served = await start(config)
    client, first = await stream(served, dial), workers(served)
    load = Load(3, 1)
    load.start(served.proxy)
    for per_usd in (1, 2):
        put(file, f"{config}[credits]\nper_usd = {per_usd}\n")
        before, enough = workers(served), len(load.seen.received) + 30
        said = await hang_up(served, "reloaded")
        assert "not reloaded" not in said
        assert len(workers(served) - before) == 2
        async with asyncio.timeout(60):
            while len(load.seen.received) < enough:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.02)
    await load.stop()
    assert len(workers(served) & first) >= 1  # the one whose stream goes on
    streaming.end.set()
    assert (await rest_of_stream(client)).endswith(b"data: [DONE]\n\n")
    client.leave()
    await gone(first)
    assert load.seen.cut == 0
    health = await settled(served)
    verdict = judge(tmp_path / "data", load.seen, issuing.issued, health)
    assert verdict.broken == []
    assert health["lost"]["total"] == 0
    assert verdict.outcomes.keys() <= {"completed", "client_left"}
    await issuing.stop()


async def settled(served: Served) -> dict[str, Any]:
    """What health says once nothing runs or waits any more."""
    async with asyncio.timeout(60):
        while (health := await served.asked("/api/health"))["waiting"] or health["open"]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return health


async def test_a_connection_is_not_closed_under_its_client(
    start: Start, raw_upstream: OpenUpstream, dial: Dial
) -> None:
    """A connection that was idle during a reload gets one more answer, which says that it is the last."""

    async def script(visit: Visit) -> None:
        await visit.read()
        await visit.say(sized(ANSWER))

    upstream = await raw_upstream(script)
    served = await start(f'[upstreams.groq]\nbase_url = "{upstream.url}"\n')
    old = workers(served)
    client, prober = await dial(served.proxy), await dial(served.proxy)
    await client.ask()
    assert (await client.answer()).value(b"connection") is None
    await prober.ask("/healthz")
    await prober.answer()
    await hang_up(served, "reloaded")
    for idle, target in ((client, "/groq/v1/models"), (prober, "/healthz")):
        await idle.ask(target)
        answer = await idle.answer()
        assert (answer.status, answer.value(b"connection")) == (200, b"close")
        assert await idle.rest() == b""
    await gone(old)


async def test_prices_and_limits_change(start: Start, file: Path, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """Calls after a reload cost what the file says now, and are refused at the limit it says now."""
    end = asyncio.Event()

    async def script(visit: Visit) -> None:
        if b'"stream":true' in await visit.read():
            await visit.say(CHUNKED, chunked(EVENT))
            await end.wait()
            await visit.say(LAST)
        else:
            await visit.say(sized(ANSWER, b"Content-Type: application/json"))

    upstream = await raw_upstream(script)
    config = f'[upstreams.groq]\nbase_url = "{upstream.url}"\n[[prices]]\nmodel = "m-1"\noutput = 1\ninput = '
    served = await start(config + "2.0\n")

    async def status() -> int:
        client = await dial(served.proxy)
        await client.ask("/groq/v1/chat/completions", "POST", body=b'{"model":"m-1","messages":[]}')
        return (await client.answer()).status

    assert await status() == 200
    assert (await served.rows(1))[0]["cost"]["usd"] == "2.000000000"
    put(file, f"[proxy]\nmax_concurrent = 1\n{config}3.0\n")
    await hang_up(served, "reloaded")
    assert await status() == 200
    assert (await served.rows(2))[0]["cost"]["usd"] == "3.000000000"
    held = await stream(served, dial)
    assert await status() == 503
    end.set()
    await rest_of_stream(held)


async def test_told_to_stop_while_earlier_workers_leave(
    start: Start, tmp_path: Path, raw_upstream: OpenUpstream, dial: Dial
) -> None:
    """SIGTERM also ends workers that still serve calls of before a reload, within shutdown_timeout_s; what they cut is
    an interrupted row."""
    upstream = await raw_upstream(Streaming())
    served = await start(f'[proxy]\nshutdown_timeout_s = 0.3\n[upstreams.groq]\nbase_url = "{upstream.url}"\n')
    await stream(served, dial)
    before = workers(served)
    assert "1 earlier worker will leave" in await hang_up(served, "reloaded")
    assert before < workers(served)
    assert await served.stop(signal.SIGTERM) == (0, "")
    with closing(sqlite3.connect(tmp_path / "data" / "book.db")) as book:
        assert book.execute("select outcome, status from calls").fetchall() == [("interrupted", 200)]


async def test_a_wrong_file_changes_nothing(start: Start, file: Path) -> None:
    """A file with mistakes has all of them named, and everything stays as it was; corrected, it is taken."""
    served = await start("")
    before = {one.pid for one in served.children()}
    put(file, "[proxy]\nworkers = 0\nmax_concurent = 5\n[upstreams.mine]\n")
    said = await hang_up(served, "upstreams.mine")
    assert re.search(r"not reloaded: proxy\.max_concurent.*did you mean", said)
    assert re.search(r"not reloaded: proxy\.workers = 0: must be", said)
    assert {one.pid for one in served.children()} == before
    put(file, "[proxy]\nworkers = 2\n")
    await hang_up(served, "reloaded")
    assert len(workers(served) - before) == 2
    await gone(before)


async def test_what_cannot_change_is_named(tmp_path: Path, file: Path, started: list[Process]) -> None:
    """Addresses and the data directory stay as they are, and are named as what needs a restart; a file that was found
    without being named must still be there."""
    ports = []
    for _ in range(2):
        with socket.create_server(("127.0.0.1", 0)) as free:
            ports.append(free.getsockname()[1])
    written = '[proxy]\nlisten = "127.0.0.1:{}"\n[dashboard]\nlisten = "127.0.0.1:{}"\n[store]\ndata_dir = "{}"\n'
    put(file, written.format(*ports, "data"))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "proxy.cli", "serve", cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=PIPE, stderr=PIPE,
    )  # fmt: skip
    started.append(process)
    served = Served(process, *(f"http://127.0.0.1:{port}" for port in ports))
    assert await served.rows(0) == []
    put(file, written.format(1, 2, "elsewhere"))
    said = await hang_up(served, "reloaded")
    for key in ("proxy.listen", "dashboard.listen", "store.data_dir"):
        assert f"{key} needs a restart and stays as it is" in said
    assert await served.rows(0) == []
    (await RawClient.dial(served.proxy)).leave()
    assert not (tmp_path / "elsewhere").exists()
    file.unlink()  # noqa: ASYNC240
    assert "not reloaded" in await hang_up(served, "no such file")
    assert (await served.stop())[0] == 0


async def test_a_listener_that_stays_open_keeps_its_token(tmp_path: Path) -> None:
    """A file that takes the token away and moves the dashboard to this machine is refused: only a restart moves it."""
    proxy = Proxy(listen=Address("127.0.0.1", 0))
    config = Config(
        proxy=proxy, dashboard=Dashboard(Address("0.0.0.0", 0), Secret("a token of somebody")), store=Store(tmp_path)
    )
    parent = Parent(config)
    parent.claim()
    try:
        with pytest.raises(CannotStart, match=r"dashboard\.listen .* token"):
            await parent.reload(replace(config, dashboard=Dashboard(Address("127.0.0.1", 0))))
    finally:
        await parent.stop()


async def test_a_listener_that_stays_open_keeps_asking_for_keys(tmp_path: Path) -> None:
    """A file that needs no keys because it moves the proxy to this machine is refused: only a restart moves it."""
    keyed = Upstream("groq", "https://api.groq.com", "openai", "groq", api_key=Secret("sk-ours"), access="keys")
    config = Config(
        proxy=Proxy(listen=Address("0.0.0.0", 0)), dashboard=Dashboard(Address("127.0.0.1", 0)),
        store=Store(tmp_path), upstreams={"groq": keyed},
    )  # fmt: skip
    parent = Parent(config)
    parent.claim()
    try:
        without_keys = replace(
            config,
            proxy=Proxy(listen=Address("127.0.0.1", 0)),
            upstreams={"groq": replace(keyed, access="open")},
        )
        with pytest.raises(CannotStart, match=r"proxy\.listen .* upstreams\.groq"):
            await parent.reload(without_keys)
    finally:
        await parent.stop()


async def test_workers_that_hang_replace_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the new workers are not ready in time, they are taken down, and the ones there are serve on."""
    config = Config(
        proxy=Proxy(listen=Address("127.0.0.1", 0)), dashboard=Dashboard(Address("127.0.0.1", 0)), store=Store(tmp_path)
    )
    parent = Parent(config)
    parent.claim()
    try:
        await parent.start()
        before = {one.pid for one in psutil.Process().children()}
        monkeypatch.setattr("proxy.parent._WORKERS_WITHIN_S", 0.0)
        with pytest.raises(CannotStart, match="serve on as before"):
            await parent.reload(config)
        assert {one.pid for one in psutil.Process().children()} == before
        monkeypatch.undo()
        await parent.reload(config)
    finally:
        await parent.stop()


async def test_workers_that_cannot_start_replace_nobody(start: Start, tmp_path: Path, dial: Dial) -> None:
    """When the new workers cannot start, the ones there are serve on."""
    served = await start("")
    before = {one.pid for one in served.children()}
    journal = tmp_path / "data" / "journal"
    journal.rename(journal.with_name("aside"))
    journal.write_text("in the way")
    said = await hang_up(served, "serve on as before")
    assert "not reloaded: new workers could not start" in said
    journal.unlink()
    journal.with_name("aside").rename(journal)
    assert {one.pid for one in served.children()} == before
    client = await dial(served.proxy)
    await client.ask("/healthz")
    assert (await client.answer()).status == 200


async def test_the_end_of_its_terminal_ends_it(tmp_path: Path, file: Path, started: list[Process]) -> None:
    """SIGHUP because the terminal was closed ends all processes in order, instead of leaving them without one."""
    ours, theirs = pty.openpty()

    def take_it() -> None:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    put(file, "")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "proxy.cli", "serve", "--config", file, "--data-dir", tmp_path / "data",
        "--listen", "127.0.0.1:0", "--dashboard", "127.0.0.1:0",
        cwd=ROOT, stdin=theirs, stdout=PIPE, stderr=PIPE, preexec_fn=take_it,
    )  # fmt: skip
    started.append(process)
    os.close(theirs)
    assert process.stdout is not None
    for _ in range(2):
        assert b"http://" in await asyncio.wait_for(process.stdout.readline(), 60)
    children = Served(process, "", "").children()
    os.close(ours)
    _, said = await asyncio.wait_for(process.communicate(), 60)
    assert (process.returncode, said) == (0, b"")
    assert not any(one.is_running() for one in children)
