"""A loop that stands still is noticed, counted, and told with where it stood."""

import asyncio
import logging
import time
from asyncio.subprocess import Process
from collections.abc import Callable
from pathlib import Path

import pytest

from proxy.journal.tally import Tally
from proxy.loop_watch import LoopWatch
from tests.relay.served import serve


def hold_everything() -> None:
    """What no callback may do."""
    time.sleep(1.3)


async def until(true: Callable[[], bool]) -> None:
    """Wait for it."""
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


async def test_a_blocking_call_is_noticed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A call that blocks the loop is counted with the time it took, and told with its place; the next within a minute
    is counted only."""
    tally = Tally(tmp_path, "run")
    watch = LoopWatch(tally, looks_every_s=0.05)
    watch.start()
    for times in (1, 2):
        before = tally["stalls"]
        asyncio.get_running_loop().call_soon(hold_everything)
        await until(lambda before=before: tally["stalls"] > before)  # type: ignore[misc]
        assert tally["longest_stall_ms"] >= 1000
        told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
        assert len(told) == 1, times
        assert "relay/test_loop_watch.py" in told[0]
        assert "hold_everything" in told[0]
    watch.close()
    tally.close()


async def test_stalls_of_a_worker_are_told_by_health(tmp_path: Path, started: list[Process]) -> None:
    """Health and metrics tell that a worker stood still, how often and for how long."""
    config = tmp_path / "tollbook.toml"
    config.write_text("")
    served = await serve(tmp_path / "data", config)
    started.append(served.process)
    worker = served.child("worker")
    worker.suspend()
    await asyncio.sleep(0.6)
    worker.resume()
    health = await served.asked("/api/health")
    async with asyncio.timeout(30):
        while health["longest_stall_ms"] < 300:
            await asyncio.sleep(0.05)
            health = await served.asked("/api/health")
    assert health["stalls"] >= 1
    metrics = await served.text("/metrics")
    assert "tollbook_loop_stalls_total" in metrics
    assert "tollbook_loop_longest_stall_seconds" in metrics
    assert (await served.stop())[0] == 0
