"""`python -m bench --soak MINUTES`: 1,000 streams without a break, and the memory of every process each minute."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench import processes
from bench.lab import Tools
from bench.measure import Result, measure
from bench.subjects import Subject, start
from bench.upstreams import Upstream
from bench.workloads import Workload, warm_up

_STREAMS = 1000
_MOST_MB = 250.0
_FLAT = 0.05  # growth of the second half of the time, of what it was before


@dataclass(frozen=True, slots=True)
class Memory:
    """Of one moment, in MB."""

    minutes: float
    worker: float
    store: float
    parent: float
    pss: float  # of all; pages shared between them count once

    @property
    def rss(self) -> float:
        """Of all; pages shared between them count in each."""
        return self.worker + self.store + self.parent


def soak(
    tools: Tools, upstream: Upstream, for_tools: set[int], for_subject: set[int], minutes: float
) -> tuple[list[Memory], Result]:
    """What was seen every minute, or more often in a short run, and the figures of the whole run."""
    subject = start("tollbook", tools, upstream, for_subject)
    try:
        for workload in warm_up():
            measure(subject, workload, tools, for_tools, 0)
        watched = _Watched(subject, min(60.0, minutes * 60 / 10))
        every = "64" if minutes > 1 else "1"
        load = Workload(
            "soak", "stream", "", "bench-sse-200-20", _STREAMS, minutes * 60, more=("-s", "-r", "1000", "-k", every)
        )
        result = measure(subject, load, tools, for_tools, 0, meanwhile=watched.look, longest_s=minutes * 60 + 120)
    finally:
        subject.stop()
    return watched.seen, result


class _Watched:
    """Looks at the memory of the processes from time to time."""

    def __init__(self, subject: Subject, every_s: float) -> None:
        self._subject = subject
        self._every_s = every_s
        self._began = time.monotonic()
        self._next_s = every_s
        self.seen: list[Memory] = []

    def look(self) -> None:
        """Now, if it is time."""
        passed_s = time.monotonic() - self._began
        if passed_s < self._next_s:
            return
        self._next_s += self._every_s
        store = self._subject.store_pid
        relays = self._subject.relay_pids
        rest = [pid for pid in self._subject.pids if pid != store and pid not in relays]
        self.seen.append(
            Memory(
                passed_s / 60,
                sum(map(processes.rss_mb, relays)),
                processes.rss_mb(store) if store is not None else 0.0,
                sum(map(processes.rss_mb, rest)),
                sum(map(processes.pss_mb, self._subject.pids)),
            )
        )


def told(seen: Sequence[Memory], result: Result) -> str:
    """Markdown."""
    if len(seen) < 4:
        return "The run was too short to tell anything."
    rows = "\n".join(
        f"| {one.minutes:.1f} | {one.worker:.0f} | {one.store:.0f} | {one.parent:.0f} | {one.rss:.0f} | {one.pss:.0f} |"
        for one in seen
    )
    most = max(one.pss for one in seen)
    half = len(seen) // 2
    middle = statistics.median(one.pss for one in seen[half - max(1, half // 2) : half])
    last = statistics.median(one.pss for one in seen[-max(1, half // 2) :])
    growth = last / middle - 1
    return f"""\
{_STREAMS:,} streams at once, an event every 20 ms each, for {seen[-1].minutes:.0f} minutes: {result.calls:,} calls,
{result.rows:,} rows, {result.failed} failed. Event delay p50 {result.chunk_delay["p50"]:.2f} ms, p99
{result.chunk_delay["p99"]:.2f} ms; processor time for an event {result.all_cpu_s / max(1, result.events) * 1e6:.1f} µs.
The index of words is filled meanwhile, as always.

- At most {_MOST_MB:.0f} MB in all processes: {most:.0f} MB at the highest, **{"yes" if most <= _MOST_MB else "no"}**.
- Flat: the last quarter of the time has {growth:+.1%} to the second quarter,
  **{"yes" if growth <= _FLAT else "no"}** (at most {_FLAT:+.0%}).

| minute | worker, MB | store | parent | all (RSS) | all (PSS) |
|---|---|---|---|---|---|
{rows}"""
