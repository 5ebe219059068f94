"""Whether the store keeps up with what workers relay, and how fast it catches up when it could not for a while.

Standing still is SIGSTOP: to the workers it looks like a store that hangs, and to the store like no time at all.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from bench.lab import Tools
from bench.measure import measure
from bench.subjects import Subject, start
from bench.upstreams import Upstream
from bench.workloads import warm_up

_SMALL, _SLOW = "bench-json-1200-0", "bench-json-1200-50"
_CONNECTIONS = 64
_LOOK_S = 0.25
_CAUGHT_UP_S = 0.25  # of arrivals: what waits when nothing is behind
_LONGEST_S = 90.0


@dataclass(frozen=True, slots=True)
class Steady:
    """The store beside two workers at their limit."""

    calls_per_s: float
    kept_up: float  # rows stored for each call received, in the second half
    most_waiting: int
    settled_s: float  # from the last call until every row was there
    rows: int
    calls: int


@dataclass(frozen=True, slots=True)
class Pause:
    """The store stood still under load, and caught up."""

    about: str
    is_aim: bool
    paused_s: float
    calls_per_s: float  # before and during the pause: real time
    behind: int  # calls, when it went on
    caught_up_s: float
    stored_per_s: float
    rows: int
    calls: int

    @property
    def factor(self) -> float:
        """How much faster than calls came in."""
        return self.stored_per_s / self.calls_per_s


def keeping_up(
    tools: Tools, upstream: Upstream, for_tools: set[int], for_subject: set[int], *, quick: bool
) -> tuple[Steady, list[Pause]]:
    """Measure all of it with two workers; the index of words does as it likes."""
    subject = start("tollbook-2", tools, upstream, for_subject)
    try:
        for workload in warm_up():
            measure(subject, workload, tools, for_tools, 0)
        load = _Load(subject, tools, for_tools)
        stands_s = 1.5 if quick else 3.0
        steady = _steady(load, 3.0 if quick else 8.0)
        pauses = [
            _pause(
                load, "256 connections, upstream answers after 50 ms; calls go on", stands_s, 256, _SLOW, is_aim=True
            ),
            _pause(
                load, f"{_CONNECTIONS} connections, the most two workers relay; no more calls afterwards", stands_s,
                _CONNECTIONS, _SMALL, is_aim=True, goes_on=False,
            ),
            _pause(
                load, f"{_CONNECTIONS} connections, the most two workers relay; calls go on", stands_s, _CONNECTIONS,
                _SMALL,
            ),
        ]  # fmt: skip
    finally:
        subject.stop()
    return steady, pauses


@dataclass(frozen=True, slots=True)
class _Load:
    """Who calls whom."""

    subject: Subject
    tools: Tools
    processors: set[int]

    @contextmanager
    def calling(self, connections: int, word: str, seconds: float) -> Iterator[subprocess.Popen[bytes]]:
        """The load client at work; it is ended with the block, and what it began is finished."""
        command = [
            str(self.tools.client), *self.subject.arguments(), "-m", word, "-c", str(connections), "-d", f"{seconds:g}",
        ]  # fmt: skip
        client = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, preexec_fn=lambda: os.sched_setaffinity(0, self.processors)
        )
        try:
            yield client
        finally:
            client.terminate()
            client.wait()

    def received(self) -> int:
        """Calls, by the workers' own counts."""
        return sum(self.subject.calls_by_worker().values())


def _steady(load: _Load, seconds: float) -> Steady:
    subject = load.subject
    rows, calls = subject.rows() or 0, load.received()
    seen: list[tuple[float, int, int, int]] = []
    began = time.monotonic()
    with load.calling(_CONNECTIONS, _SMALL, seconds) as client:
        while client.poll() is None:
            health = subject.health()
            seen.append((time.monotonic() - began, health["received"], health["stored"], health["waiting"]))
            time.sleep(_LOOK_S)
    ended = time.monotonic()
    subject.settle()
    seen = [one for one in seen if one[0] <= seconds] or seen
    middle, last = seen[len(seen) // 2 - 1], seen[-1]
    return Steady(
        calls_per_s=(last[1] - middle[1]) / (last[0] - middle[0]),
        kept_up=(last[2] - middle[2]) / max(1, last[1] - middle[1]),
        most_waiting=max(one[3] for one in seen),
        settled_s=time.monotonic() - ended,
        rows=(subject.rows() or 0) - rows,
        calls=load.received() - calls,
    )


def _pause(
    load: _Load, about: str, seconds: float, connections: int, word: str, *, is_aim: bool = False, goes_on: bool = True
) -> Pause:  # fmt: skip
    subject = load.subject
    rows, calls = subject.rows() or 0, load.received()
    assert subject.store_pid is not None
    with load.calling(connections, word, _LONGEST_S) as client:
        time.sleep(1.0)
        before = load.received()
        os.kill(subject.store_pid, signal.SIGSTOP)
        began = time.monotonic()
        try:
            time.sleep(seconds)
            if not goes_on:
                client.terminate()
                client.wait()
        finally:
            stood_s, came = time.monotonic() - began, load.received() - before
            os.kill(subject.store_pid, signal.SIGCONT)
        began = time.monotonic()
        first = subject.health()
        behind, per_s = first["received"] - first["stored"], came / stood_s
        last = _wait(subject, lambda health: health["waiting"] + health["open"] <= connections + per_s * _CAUGHT_UP_S)
        took_s = time.monotonic() - began
    subject.settle()
    return Pause(
        about, is_aim, stood_s, per_s, behind, took_s, (last["stored"] - first["stored"]) / took_s,
        (subject.rows() or 0) - rows, load.received() - calls,
    )  # fmt: skip


def _wait(subject: Subject, until: Callable[[dict[str, int]], bool]) -> dict[str, int]:
    """What health says when this is so, or after a long time."""
    deadline = time.monotonic() + _LONGEST_S / 3
    while True:
        health: dict[str, int] = subject.health()
        if until(health) or time.monotonic() > deadline:
            return health
        time.sleep(0.05)


def told(steady: Steady, pauses: Sequence[Pause]) -> str:
    """Markdown."""
    head = (
        "| store stood still | calls/s meanwhile | calls behind | caught up in, s | rows/s | faster than calls came | "
        "rows / calls |\n|---|---|---|---|---|---|---|"
    )
    lines = "\n".join(
        f"| {one.paused_s:.1f} s; {one.about} | {one.calls_per_s:,.0f} | {one.behind:,} | {one.caught_up_s:.1f} | "
        f"{one.stored_per_s:,.0f} | {one.factor:.2f} x | {one.rows:,} / {one.calls:,} |"
        for one in pauses
    )
    return f"""\
### Whether the store keeps up

Two workers at their limit ({_CONNECTIONS} connections) relayed {steady.calls_per_s:,.0f} calls/s in the second half of
the run, and for each of them {steady.kept_up:.2f} rows were stored; at most {steady.most_waiting:,} calls waited, and
{steady.settled_s:.1f} s after the last call every row was there: {steady.rows:,} rows for {steady.calls:,} calls.

{head}
{lines}
"""
