"""A disk that fills, or may not be written, under a running `serve`: clients notice nothing, all else is told."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proxy.config.model import Config, Proxy, Store
from proxy.journal.ladder import Step
from proxy.journal.tally import read_tally
from proxy.journal.writer import Journal
from tests.house import open_house, upstreams
from tests.journal.test_writer import small_disk
from tests.relay.conftest import OpenUpstream
from tests.relay.neighbours import sized
from tests.relay.served import serve

ANSWER = json.dumps({
    "id": "c", "object": "chat.completion", "model": "gpt-4o-mini-2024-07-18",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "x" * 200}}],
    "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
}).encode()  # fmt: skip
ASKED = json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]})


def fill(disk: Path, leave: int = 0) -> None:
    """Have others take what there is but for so many bytes; may give some back."""
    others = disk / "others"
    with others.open("ab") as file:
        free = _free(disk) - leave
        if free < 0:
            os.ftruncate(file.fileno(), max(0, file.tell() + free))
        while free > 0:
            try:
                os.write(file.fileno(), bytes(min(free, 65_536)))
            except OSError:
                return
            free = _free(disk) - leave


def _free(disk: Path) -> int:
    return os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize


class Asking:
    """A client that compares what it gets with what the upstream sent."""

    def __init__(self, session: aiohttp.ClientSession, proxy: str, dashboard: str, disk: Path) -> None:
        self.proxy, self.disk = proxy, disk
        self._dashboard = dashboard
        self.ids: list[str] = []
        self._session = session

    async def ask(self, agent: str = "") -> str:
        """The id of a call that was answered as the upstream did, byte for byte; `agent`: the name of who asks."""
        async with self._session.post(
            f"{self.proxy}/groq/v1/chat/completions",
            data=ASKED,
            headers={"Content-Type": "application/json", "User-Agent": agent},
        ) as answer:
            assert (answer.status, await answer.read()) == (200, ANSWER)
        self.ids.append(answer.headers["x-tollbook-call-id"])
        return self.ids[-1]

    async def told(self, path: str) -> str:
        """What the dashboard listener says."""
        async with self._session.get(self._dashboard + path) as answer:
            assert answer.status == 200
            return await answer.text()

    async def asked(self, path: str) -> dict[str, Any]:
        """The same, read."""
        return dict(json.loads(await self.told(path)))

    async def rows(self, asked: str = "") -> list[dict[str, Any]]:
        """All rows that match, newest first, page by page: how many there are may depend on time."""
        page = await self.asked(f"/api/logs?limit=1000{asked}")
        rows = list(page["logs"])
        while page["next"]:
            page = await self.asked(f"/api/logs?limit=1000{asked}&cursor={page['next']}")
            rows += page["logs"]
        return rows

    async def stands_on(self, step: str) -> dict[str, Any]:
        """What health says once it tells this step; calls go on meanwhile, so that the disk is tried."""
        async with asyncio.timeout(30):
            while True:
                await self.ask()
                health = await self.asked("/api/health")
                if health["ladder"]["step"] == step:
                    return health
                await asyncio.sleep(0.05)

    async def filled(self, leave: int, step: str) -> None:
        """Fill the disk, keep it so while the journal comes and goes, until this step is told."""
        async with asyncio.timeout(30):
            while True:
                await asyncio.to_thread(fill, self.disk, leave)
                await self.ask()
                told = (await self.asked("/api/health"))["ladder"]["step"]
                if told == step and self._worker_step() == Step[step.upper()]:  # the store may have looked first
                    return
                await asyncio.sleep(0.05)

    def _worker_step(self) -> int:
        data_dir = self.disk / "data"
        newest = max(run.name for run in (data_dir / "journal").iterdir() if not run.name.startswith("."))
        return (read_tally(data_dir, newest) or {})["step"]

    async def empty(self) -> None:
        """The others give back what they took."""
        await asyncio.to_thread((self.disk / "others").unlink)

    async def settled(self) -> dict[str, Any]:
        """What health says once every call is known, and none waits any more."""
        async with asyncio.timeout(30):
            while True:
                health = await self.asked("/api/health")
                if health["received"] >= len(self.ids) and not health["waiting"] and not health["open"]:
                    return health
                await asyncio.sleep(0.05)


@asynccontextmanager
async def on_a_small_disk(
    tmp_path: Path, upstream: str, *, low_space: int = 4_000_000, journal: Path | None = None, **proxy: Any
) -> AsyncIterator[Asking]:
    """Worker and store with their data on a disk of 12 MB: no room for a whole segment, so each write asks for some.

    `journal`: where else the journal lies.
    """
    config = Config(proxy=Proxy(**proxy), store=Store(low_space=low_space), upstreams=upstreams(upstream))
    with small_disk(tmp_path / "disk", "12m") as disk:
        (disk / "data").mkdir()
        if journal is not None:
            (disk / "data" / "journal").symlink_to(journal, target_is_directory=True)
        async with open_house(disk / "data", config) as house, aiohttp.ClientSession() as session:
            yield Asking(session, house.proxy, house.dashboard, disk)


def balanced(health: dict[str, Any]) -> bool:
    """Whether the equation holds."""
    known = health["stored"] + health["waiting"] + health["open"] + health["lost"]["total"]
    return bool(health["received"] == known)


@pytest.mark.timeout(120)
async def test_step_by_step_down_and_up_again(raw_upstream: OpenUpstream, tmp_path: Path) -> None:
    """While the disk fills less is kept, rows and health say so, and no call is lost; with room, all is as before."""
    upstream = await raw_upstream(sized(ANSWER, b"Content-Type: application/json"))
    async with on_a_small_disk(tmp_path, upstream.url) as client:
        whole = [await client.ask()]
        async with asyncio.timeout(30):
            while (await client.stands_on("full"))["ladder"]["ballast_bytes"] != 250_000:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        seen: dict[str, str] = {}
        for leave, step in ((2_500_000, "bodies_off"), (700_000, "ballast_released"), (300_000, "metadata_only")):
            await client.filled(leave, step)
            seen[step] = await client.ask()
            assert step.replace("_", " ") in await client.told("/health")
            assert f'tollbook_ladder_step{{step="{step}"}} 1.0' in await client.told("/metrics")
        assert not (client.disk / "data" / "ballast").exists()
        await client.filled(0, "memory")
        for _ in range(20):
            await client.ask()
        assert balanced(await client.asked("/api/health"))
        await client.empty()
        health = await client.stands_on("full")
        whole.append(await client.ask())
        health = await client.settled()
        assert (health["lost"]["total"], health["ladder"]["book_error"]) == (0, None)
        assert balanced(health)
        assert health["stored"] == len(client.ids)
        assert {row["id"] for row in await client.rows()} == set(client.ids)
        for call_id in whole:
            told = await client.asked(f"/api/logs/{call_id}")
            assert (told["anomalies"], told["response"]["body"]) == ([], json.loads(ANSWER))
        for step, call_id in seen.items():
            told = await client.asked(f"/api/logs/{call_id}")
            assert told["outcome"] == "completed"
            assert "bodies_left_out" in told["anomalies"], step
            assert told["tokens"]["source"] == ("none" if step == "metadata_only" else "reported")
            assert told["response"]["body"] in (None, "")
        assert (client.disk / "data" / "ballast").exists()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("calls", [30, 1000])
async def test_killed_while_nothing_can_be_written(raw_upstream: OpenUpstream, tmp_path: Path, calls: int) -> None:
    """A worker that is killed on a full disk leaves its calls in its buffer; what is too much for that is lost with it,
    and counted. Another serves all the same, though there is no room for its journal, and keeps its calls."""
    upstream = await raw_upstream(sized(ANSWER, b"Content-Type: application/json"))
    config = tmp_path / "config.toml"
    config.write_text(f'[upstreams.groq]\nbase_url = "{upstream.url}"\n')
    with small_disk(tmp_path / "disk", "40m") as disk:
        served = await serve(disk / "data", config)
        try:
            async with aiohttp.ClientSession() as session:
                client = Asking(session, served.proxy, served.dashboard, disk)
                await client.filled(0, "memory")
                before = len(client.ids)
                for _ in range(calls):
                    await client.ask("x" * 6000)  # which is noted even if no body is
                worker = served.child("worker")
                worker.kill()
                await served.another("worker", worker)
                await client.filled(0, "memory")
                kept = [await client.ask() for _ in range(5)]
                await client.empty()
                await client.stands_on("full")
                health = await client.settled()
                rows = await client.rows()
        finally:
            await served.stop()
    assert balanced(health)
    assert len(client.ids) == len(rows) + health["lost"]["total"]
    assert set(kept) <= {row["id"] for row in rows} <= set(client.ids)
    assert health["lost"]["total"] == health["lost"].get("unwritten", 0)
    if calls == 30:
        assert not health["lost"]["total"]
    else:  # the buffer has room for 2 MB and 2 MB
        assert 0 < health["lost"]["total"] < calls - 500
        assert set(client.ids[before : before + 500]) <= {row["id"] for row in rows}


@pytest.mark.timeout(120)
async def test_what_no_memory_holds_either_is_lost_and_counted(
    raw_upstream: OpenUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a disk that stays full calls are lost once the memory for notes is full: answered all the same, counted
    exactly, told everywhere; with room the last of them are rows, and nothing more is lost."""
    monkeypatch.setattr("proxy.worker.Journal", partial(Journal, memory_bytes=100_000))
    upstream = await raw_upstream(sized(ANSWER, b"Content-Type: application/json"))
    async with on_a_small_disk(tmp_path, upstream.url) as client:
        await client.filled(0, "memory")
        while (health := await client.asked("/api/health"))["ladder"]["step"] != "losing":
            await asyncio.to_thread(fill, client.disk)
            for _ in range(50):
                await client.ask()
        health = await client.asked("/api/health")
        assert balanced(health)
        assert health["lost"] == {"total": health["lost"]["disk"], "disk": health["lost"]["disk"]}
        assert "calls are being lost" in await client.told("/health")
        assert 'tollbook_ladder_step{step="losing"} 1.0' in await client.told("/metrics")
        await client.empty()
        await client.stands_on("full")
        kept = await client.ask()
        health = await client.settled()
        lost = health["lost"]["disk"]
        assert balanced(health)
        assert (health["received"], health["lost"]["total"]) == (len(client.ids), lost)
        assert f'tollbook_calls_lost_total{{reason="disk"}} {float(lost)}' in await client.told("/metrics")
        rows = [row["id"] for row in await client.rows()]
        assert kept in rows
        assert set(rows) <= set(client.ids)
        assert len(client.ids) == len(rows) + lost
        assert lost > 0


@pytest.mark.timeout(120)
async def test_a_worker_that_never_had_room(raw_upstream: OpenUpstream, tmp_path: Path) -> None:
    """Calls of a worker that began where no file can be made, and died before one could, are in the book."""
    upstream = await raw_upstream(sized(ANSWER, b"Content-Type: application/json"))
    config = tmp_path / "config.toml"
    config.write_text(f'[upstreams.groq]\nbase_url = "{upstream.url}"\n')
    with small_disk(tmp_path / "disk", "12m,nr_inodes=100") as disk:
        served = await serve(disk / "data", config)
        try:
            async with aiohttp.ClientSession() as session:
                client = Asking(session, served.proxy, served.dashboard, disk)
                await client.ask()
                await client.settled()
                store = served.child("store")
                store.suspend()  # it would make room by removing what it has read
                with suppress(OSError):
                    for number in range(100):
                        (disk / f"others-{number}").touch()
                for _ in range(2):
                    worker = served.child("worker")
                    worker.kill()
                    await served.another("worker", worker)
                    for _ in range(7):
                        await client.ask()
                assert len(list((disk / "data" / "journal").iterdir())) == 1
                for other in disk.glob("others-*"):
                    other.unlink()
                store.resume()
                await client.stands_on("full")
                health = await client.settled()
                rows = (await client.asked("/api/logs?limit=1000"))["logs"]
        finally:
            await served.stop()
    assert balanced(health)
    assert health["received"] == len(client.ids) == len(rows)
    assert health["lost"]["total"] == 0


@pytest.mark.timeout(120)
async def test_refused_rather_than_unrecorded(raw_upstream: OpenUpstream, tmp_path: Path) -> None:
    """With `on_store_failure = "refuse"` calls are refused while they could only be kept in memory, and no longer."""
    upstream = await raw_upstream(sized(ANSWER, b"Content-Type: application/json"))
    async with on_a_small_disk(tmp_path, upstream.url, on_store_failure="refuse") as client:
        await client.ask()
        async with asyncio.timeout(30), aiohttp.ClientSession() as session:
            while True:
                await asyncio.to_thread(fill, client.disk)
                async with session.post(f"{client.proxy}/anthropic/v1/messages", data=ASKED) as answer:
                    said = await answer.json()
                    if answer.headers.get("x-tollbook-error") == "not_recorded":
                        break
                await asyncio.sleep(0.05)
            assert (answer.status, answer.headers["retry-after"]) == (503, "5")
            assert said["error"]["type"] == "overloaded_error"
            async with session.get(client.proxy + "/healthz") as answer:
                assert answer.status == 503
            await client.empty()
            while (await session.get(client.proxy + "/healthz")).status != 200:  # noqa: ASYNC110 - that is what clients do
                await asyncio.sleep(0.05)
        kept = await client.ask()
        await client.stands_on("full")
        assert (await client.settled())["lost"]["total"] == 0
        refused = (await client.asked("/api/logs?outcome=rejected"))["logs"]
        assert {(row["status"], row["error"]["code"]) for row in refused} == {(503, "not_recorded")}
        assert (await client.asked(f"/api/logs/{kept}"))["outcome"] == "completed"


@pytest.mark.timeout(120)
async def test_a_full_disk_under_the_book_alone(raw_upstream: OpenUpstream, tmp_path: Path) -> None:
    """The journal keeps the calls until the book has room again, with their tokens; bodies are what it leaves out."""
    upstream = await raw_upstream(sized(ANSWER, b"Content-Type: application/json"))
    (tmp_path / "roomy").mkdir()
    async with on_a_small_disk(tmp_path, upstream.url, low_space=1, journal=tmp_path / "roomy") as client:
        await client.ask()
        await client.settled()
        async with asyncio.timeout(30):
            while (health := await client.asked("/api/health"))["ladder"]["book_error"] is None:
                await asyncio.to_thread(fill, client.disk)
                for _ in range(20):
                    await client.ask()
        assert "full" in health["ladder"]["book_error"]
        assert "cannot be written" in await client.told("/health")
        assert balanced(health)
        await client.empty()
        health = await client.settled()
        assert (health["stored"], health["lost"]["total"]) == (len(client.ids), 0)
        assert health["ladder"]["book_error"] is None
        rows = await client.rows()
        assert sorted(row["id"] for row in rows) == sorted(client.ids)
        assert {row["tokens"]["total"] for row in rows} == {15}
        left_out = await client.rows("&anomaly=bodies_left_out")
        assert 0 < len(left_out) < len(rows)
