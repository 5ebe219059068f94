"""Rounds of load in which something is killed with SIGKILL, or everything is replaced by a reload, at a random moment;
after each, the oracle judges."""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.conservation.load import Load
from tests.conservation.oracle import Verdict, judge
from tests.conservation.upstream import Issuing
from tests.relay.served import Served, serve

VICTIMS = ("worker", "worker", "store", "parent", "everybody", "reload", "reload")
_PATIENCE_S = 60.0
_ANSWERS = 5  # of each round, at least


@dataclass
class Course:
    """What happened so far."""

    rounds: int = 0
    killed: Counter[str] = field(default_factory=Counter)
    verdict: Verdict | None = None
    received: int = 0
    sent: int = 0
    cut: int = 0
    left: int = 0
    unwritten: int = 0  # calls that died with their worker before anything was noted
    late_notes: int = 0  # that an answer did not wait for
    longest_recovery_s: float = 0.0


async def run(
    data_dir: Path,
    rounds: int,
    *,
    clients: int,
    seed: int,
    tell: Callable[[Course], None] = lambda _: None,
    meanwhile: Callable[[Path, asyncio.Event], Awaitable[None]] | None = None,
    earlier: int = 0,
) -> Course:
    """Kill so often. Ends early, with what is broken in the verdict, when the oracle finds something.

    `meanwhile` is given the configuration, and runs under the load of each round until that is over; nobody is killed
    before it says by the event that it is under way. `earlier`: how many calls of the run `EARLIER` the book began
    with.
    """
    dice, upstream, course = random.Random(seed), Issuing(seed), Course()
    load = Load(clients, seed)
    config = data_dir.with_suffix(".toml")
    base_url = await upstream.start()
    config.write_text(f'[proxy]\nworkers = 2\nshutdown_timeout_s = 2\n[upstreams.openai]\nbase_url = "{base_url}"\n')
    served = await serve(data_dir, config)
    try:
        for _ in range(rounds):
            victim = dice.choice(VICTIMS)
            load.start(served.proxy)
            under_way = asyncio.Event()
            beside = None if meanwhile is None else asyncio.ensure_future(meanwhile(config, under_way))
            enough = len(load.seen.received) + _ANSWERS
            await asyncio.sleep(0.05 + dice.random() * 0.5)
            await load.answered(enough)  # a slow machine has hardly begun by now
            if beside is not None:
                await asyncio.wait_for(under_way.wait(), 60)
            served = await _kill(served, victim, dice, data_dir, config)
            await load.stop()
            if beside is not None:
                beside.cancel()
                with suppress(asyncio.CancelledError):
                    await beside
            began = time.monotonic()
            health = await _settled(served)
            course.longest_recovery_s = max(course.longest_recovery_s, time.monotonic() - began)
            course.rounds += 1
            course.killed[victim] += 1
            course.verdict = judge(data_dir, load.seen, upstream.issued, health, earlier=earlier)
            course.received, course.sent = len(load.seen.received), len(load.seen.sent)
            course.cut, course.left = load.seen.cut, load.seen.left
            course.unwritten = health["lost"].get("unwritten", 0)
            course.late_notes = health["late_notes"]
            tell(course)
            if course.verdict.broken:
                break
    finally:
        await served.stop(signal.SIGKILL)
        await upstream.stop()
    return course


async def _kill(served: Served, victim: str, dice: random.Random, data_dir: Path, config: Path) -> Served:
    """Kill, and see to it that somebody serves again: by itself, or by a start of ours. A reload is not waited for, so
    that the next to be killed may be in the middle of it."""
    if victim == "reload":
        served.process.send_signal(signal.SIGHUP)
        return served
    if victim in ("worker", "store"):
        with suppress(psutil.NoSuchProcess):
            dice.choice([one for one in served.children() if victim in one.cmdline()]).kill()
        return served
    children = served.children()
    if victim == "parent":
        served.process.kill()
    else:
        os.killpg(served.process.pid, signal.SIGKILL)
    await served.process.communicate()
    _, alive = await asyncio.to_thread(psutil.wait_procs, children, _PATIENCE_S)
    assert not alive, f"{len(alive)} children outlived their parent"
    return await serve(data_dir, config)


async def _settled(served: Served) -> dict[str, Any]:
    """What health says once nothing runs or waits any more."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        health = await served.asked("/api/health")
        if not health["waiting"] and not health["open"]:
            return health
        assert time.monotonic() < deadline, f"calls still wait: {health}"
        await asyncio.sleep(0.02)
