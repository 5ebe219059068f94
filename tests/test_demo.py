"""The demo, as a newcomer starts it: a full book within seconds, plainly a sandbox, and never anyone's own book."""

import asyncio
import re
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp

from store.book import BOOK_FILE
from tests.demo import Demo, demo
from tests.relay.served import serve


async def _rows(running: Demo, session: aiohttp.ClientSession, least: int) -> dict[str, int]:
    """The calls by type, once there are at least so many."""
    while True:
        async with session.get(f"{running.dashboard}/api/facets") as answer:
            types = {one["value"]: one["calls"] for one in (await answer.json())["type"]}
        if sum(types.values()) >= least:
            return types
        await asyncio.sleep(0.05)


async def test_a_newcomer_sees_a_full_book(tmp_path: Path) -> None:
    """The book has all sample calls when the addresses are told, both of them alive; new ones come, Ctrl-C ends it."""
    async with demo(tmp_path / "own") as running, aiohttp.ClientSession() as session:
        async with session.get(f"{running.dashboard}/api/health") as answer:
            stored = (await answer.json())["stored"]
        said = re.search(r"SANDBOX with (\d+) sample calls", running.said)
        assert said is not None
        assert stored >= int(said[1]) > 200
        for address in (running.proxy, running.dashboard):
            async with session.get(f"{address}/healthz") as answer:
                assert answer.status == 200
        types = await _rows(running, session, 200)
        assert len(types) >= 6
        before = sum(types.values())
        await _rows(running, session, before + 1)  # a call made meanwhile, through the proxy
        async with session.get(f"{running.dashboard}/api/health") as answer:
            health = await answer.json()
        assert health["sandbox"] is True
        counted = health["stored"] + health["waiting"] + health["open"] + health["lost"]["total"]
        assert health["received"] == counted
        assert health["lost"]["total"] == 0
        assert await running.stop() == 0


async def test_it_is_kept_where_it_is_said(tmp_path: Path) -> None:
    """A directory that is named is the demo's own; without one it is beside that of the configuration."""
    configured = tmp_path / "tollbook.toml"
    configured.write_text('[store]\ndata_dir = "mine"\n')
    async with demo(tmp_path / "own") as named, demo(None, "--config", str(configured)) as beside:
        assert f"--data-dir {tmp_path / 'own'}" in named.said
        assert f"--data-dir {tmp_path / 'mine-demo'}" in beside.said
        assert (tmp_path / "own" / BOOK_FILE).exists()
    assert not (tmp_path / "own-demo").exists()
    assert not (tmp_path / "mine").exists()


async def test_each_start_makes_the_book_anew(tmp_path: Path) -> None:
    """What the last demo wrote is gone; a second demo beside a running one is refused in a sentence."""
    last = tmp_path / "own"
    last.mkdir()
    (last / "SANDBOX").touch()
    left = last / "left behind"
    left.touch()
    async with demo(tmp_path / "own") as first, AsyncExitStack() as stack:
        assert not left.exists()
        left.touch()
        second = await stack.enter_async_context(demo(tmp_path / "own"))
        assert second.process.stderr is not None
        refusal = (await second.process.stderr.read()).decode()
        assert await second.process.wait() == 1
        assert "in use by another demo" in refusal
        assert "Traceback" not in refusal
        assert left.exists()
        assert await first.stop() == 0


async def test_a_directory_that_is_not_a_demos_is_left_alone(tmp_path: Path) -> None:
    """A directory with something else in it is not touched: exit 1."""
    precious = tmp_path / "own" / "precious"
    precious.parent.mkdir()
    precious.write_text("mine")
    async with demo(tmp_path / "own") as refused:
        assert await refused.process.wait() == 1
    assert precious.read_text() == "mine"


async def test_what_is_served_from_a_demos_directory_is_not_deleted(tmp_path: Path) -> None:
    """Once `serve` wrote real calls into it, a demo refuses to make the directory anew."""
    async with demo(tmp_path / "own") as first:
        assert await first.stop() == 0
    (tmp_path / "tollbook.toml").touch()
    status, said = await (await serve(tmp_path / "own", tmp_path / "tollbook.toml")).stop()
    assert status == 0
    assert "was a demo's" in said
    async with demo(tmp_path / "own") as refused:
        assert await refused.process.wait() == 1
    assert (tmp_path / "own" / BOOK_FILE).exists()
