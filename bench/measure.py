"""One workload through one subject: what the client saw, and what the processes used for it."""

import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

from bench import processes
from bench.lab import Tools
from bench.subjects import Subject
from bench.workloads import Workload

_LOOK_S = 0.2


@dataclass(frozen=True, slots=True)
class Result:
    """Figures of one run. Times in milliseconds unless named otherwise; None where the subject has no such thing."""

    subject: str
    workload: str
    repetition: int
    calls: int
    failed: int
    calls_per_s: float
    events: int
    relay_cpu_s: float
    all_cpu_s: float
    latency: dict[str, float]
    first_byte: dict[str, float]
    chunk_delay: dict[str, float]
    chunk_gap: dict[str, float]
    rss_mb: float  # the most at one moment, of all processes; pages shared between them count in each
    pss_mb: float  # right after the load; shared pages count once
    memory_mb: float  # the most at one moment; shared pages count once
    rows: int | None
    by_worker: tuple[int, ...]  # calls of each worker, the least busy one first
    others_cores: float

    @property
    def units(self) -> int:
        """What processor time is divided by: events of streams, else calls."""
        return self.events or self.calls


def measure(
    subject: Subject, workload: Workload, tools: Tools, processors: set[int], repetition: int,
    meanwhile: Callable[[], None] = lambda: None, longest_s: float = 300.0,
) -> Result:  # fmt: skip
    """Run it. Processor time is counted until every call is in the book; `meanwhile` is called now and then."""
    before_rows, before_calls = subject.rows() or 0, subject.calls_by_worker()
    relay, everyone = _used(subject)
    busy = processes.machine_busy_s()
    rss = 0.0
    with subprocess.Popen(
        [tools.client, *subject.arguments(by_tls=workload.by_tls), *workload.arguments()],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, processors),
    ) as client:  # fmt: skip
        deadline = time.monotonic() + longest_s
        while True:
            meanwhile()
            rss = max(rss, sum(map(processes.rss_mb, subject.pids)))
            try:
                said, complained = client.communicate(timeout=_LOOK_S)
                break
            except subprocess.TimeoutExpired:
                if time.monotonic() > deadline:
                    client.kill()
                    raise
    if not said:
        raise RuntimeError(f"{subject.name}, {workload.name}: the client said {complained.strip()[-300:]}")
    seen = json.loads(said)
    busy = processes.machine_busy_s() - busy
    rss = max(rss, sum(map(processes.rss_mb, subject.pids)))
    during = _used(subject)[1] - everyone
    pss = sum(map(processes.pss_mb, subject.pids))
    shared = sum(map(processes.rss_mb, subject.pids)) - pss  # which is code, mostly: as much at any moment
    subject.settle()
    relay_after, everyone_after = _used(subject)
    rows = subject.rows()
    after_calls = subject.calls_by_worker()
    return Result(
        subject.name, workload.name, repetition,
        calls=seen["requests"],
        failed=seen["errors"] + seen["bad"] + seen["not200"],
        calls_per_s=seen["rps"],
        events=seen["events"],
        relay_cpu_s=relay_after - relay,
        all_cpu_s=everyone_after - everyone,
        latency=seen.get("latency_ms", {}),
        first_byte=seen.get("ttfb_ms", {}),
        chunk_delay=seen.get("chunk_ms", {}),
        chunk_gap=seen.get("gap_ms", {}),
        rss_mb=rss,
        pss_mb=pss,
        memory_mb=rss - shared,
        rows=None if rows is None else rows - before_rows,
        by_worker=tuple(sorted(calls - before_calls.get(worker, 0) for worker, calls in after_calls.items())),
        # The upstream uses about what the client does; good enough to see that somebody else was at work.
        others_cores=max(0.0, busy - during - 2 * seen["client_cpu_s"]) / max(seen["seconds"], 0.01),
    )  # fmt: skip


def _used(subject: Subject) -> tuple[float, float]:
    """Processor seconds of the relaying processes, and of all."""
    return sum(map(processes.cpu_s, subject.relay_pids)), sum(map(processes.cpu_s, subject.pids))
