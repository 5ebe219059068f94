"""One workload through one subject: what the client saw, and what the processes used for it."""

import json
import os
import subprocess
from dataclasses import dataclass

from bench import processes
from bench.lab import Tools
from bench.subjects import Subject
from bench.workloads import Workload


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
    rss_mb: float
    rows: int | None
    others_cores: float

    @property
    def units(self) -> int:
        """What processor time is divided by: events of streams, else calls."""
        return self.events or self.calls


def measure(subject: Subject, workload: Workload, tools: Tools, processors: set[int], repetition: int) -> Result:
    """Run it; the time includes whatever the subject does until every call is in its book."""
    before_rows = subject.rows() or 0
    relay, everyone = _used(subject)
    busy = processes.machine_busy_s()
    client = subprocess.run(
        [tools.client, "-p", str(subject.port), "-u", subject.path, *workload.arguments()],
        capture_output=True, text=True, timeout=300, check=False,
        preexec_fn=lambda: os.sched_setaffinity(0, processors),
    )  # fmt: skip
    if not client.stdout:
        raise RuntimeError(f"{subject.name}, {workload.name}: the client said {client.stderr.strip()[-300:]}")
    seen = json.loads(client.stdout)
    busy = processes.machine_busy_s() - busy
    rss = sum(map(processes.rss_mb, subject.pids))
    during = _used(subject)[1] - everyone
    subject.settle()
    relay_after, everyone_after = _used(subject)
    rows = subject.rows()
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
        rss_mb=rss,
        rows=None if rows is None else rows - before_rows,
        # The upstream uses about what the client does; good enough to see that somebody else was at work.
        others_cores=max(0.0, busy - during - 2 * seen["client_cpu_s"]) / max(seen["seconds"], 0.01),
    )  # fmt: skip


def _used(subject: Subject) -> tuple[float, float]:
    if subject.relay_pid is None:
        return 0.0, 0.0
    return processes.cpu_s(subject.relay_pid), sum(map(processes.cpu_s, subject.pids))
