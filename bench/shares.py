"""`python -m bench.shares`: in which code worker and store spend their time, by samples of the running program.

It takes `perf`. The interpreter's time is one sum, because `perf` cannot see which Python function runs;
`python -m bench.profile_worker` can, at the price of distorting it.
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from bench.circumstances import circumstances
from bench.lab import LAB, ROOT, Missing, Tools, places, prepare
from bench.measure import Result, measure
from bench.page import write_between
from bench.subjects import Subject, start
from bench.upstreams import Upstream, upstream
from bench.workloads import warm_up, workloads

_PAGE = ROOT / "docs" / "performance.md"
_WORKLOADS = ("json-c32", "sse", "tls-json-c32")
_SAMPLES_PER_S = 1999
_SHOWN = 0.01  # smaller shares are summed
# What the files of code are called, by how their names begin.
_PARTS = (
    ("[kernel", "kernel"), ("libpython", "Python interpreter"), ("python", "Python interpreter"), ("loop", "uvloop"),
    ("_http_", "aiohttp's parser and writer"), ("parser", "httptools"), ("_core", "msgspec"), ("orjson", "orjson"),
    ("backend_c", "zstandard"), ("libsqlite", "SQLite"), ("libssl", "OpenSSL"), ("libcrypto", "OpenSSL"),
    ("_quoting", "yarl"), ("_multidict", "multidict"), ("_asyncio", "asyncio"), ("libc.", "C library"),
    ("libz", "zlib"), ("[vdso", "C library"), ("libm.", "C library"),
)  # fmt: skip


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.shares", description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default=",".join(_WORKLOADS), help="workloads, joined by commas")
    parser.add_argument("--seconds", type=float, default=5.0, help="of calls without a pause")
    parser.add_argument("--no-write", dest="write", action="store_false", help="print only, leave the page alone")
    options = parser.parse_args()
    perf = shutil.which("perf")
    try:
        tools = prepare()
        if perf is None:
            raise Missing("there is no perf (on Debian and Ubuntu: linux-perf)")
    except Missing as missing:
        print(f"bench: {missing}.", file=sys.stderr)
        return 1
    for_tools, for_subject = places()
    parts = [circumstances("bench.shares", "by `perf`", tools) + "\n"]
    with upstream(tools, for_tools) as behind:
        for name in options.only.split(","):
            parts.append(_told(name, perf, tools, behind, for_tools, for_subject, options.seconds))  # noqa: PERF401
    text = "\n".join(parts)
    print(text)
    if options.write:
        write_between(_PAGE, "shares", text)
    return 0


def _told(
    name: str, perf: str, tools: Tools, behind: Upstream, for_tools: set[int], for_subject: set[int], seconds: float
) -> str:
    """One workload, as Markdown."""
    (workload,) = [one for one in workloads(quick=False) if one.name == name]
    if workload.calls is None:
        workload = replace(workload, seconds=seconds)
    subject = start("tollbook", tools, behind, for_subject)
    try:
        for one in warm_up():
            measure(subject, one, tools, for_tools, 0)
        subject.hold_index()
        recording = _Recording(perf, subject, for_tools)
        result = measure(subject, workload, tools, for_tools, 0)
        shares = recording.shares()
    finally:
        subject.stop()
    return _table(workload.name, result, shares)


class _Recording:
    """Samples of worker and store, apart, until `shares` is asked."""

    def __init__(self, perf: str, subject: Subject, processors: set[int]) -> None:
        assert subject.store_pid is not None
        self._perf = perf
        self._running: dict[str, tuple[Path, subprocess.Popen[bytes]]] = {}
        for name, pid in (("worker", subject.relay_pids[0]), ("store", subject.store_pid)):
            file = LAB / f"perf-{name}.data"
            command = [
                perf, "record", "-q", "-e", "cpu-clock", "-F", str(_SAMPLES_PER_S), "-p", str(pid), "-o", str(file),
            ]  # fmt: skip
            running = subprocess.Popen(
                command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                preexec_fn=lambda: os.sched_setaffinity(0, processors),
            )  # fmt: skip
            self._running[name] = (file, running)
        time.sleep(1.0)  # until they have begun

    def shares(self) -> dict[str, dict[str, float]]:
        """{process: {part: share of its samples}}."""
        found = {}
        for name, (file, running) in self._running.items():
            running.send_signal(signal.SIGINT)
            running.wait()
            command = [self._perf, "report", "-i", str(file), "--stdio", "-q", "-F", "overhead,dso", "-s", "dso"]
            said = subprocess.run(command, capture_output=True, text=True, check=False)
            found[name] = _by_part(said.stdout.splitlines())
            file.unlink(missing_ok=True)
        return found


def _by_part(lines: Iterable[str]) -> dict[str, float]:
    """From the lines of `perf report`: ` 12.34%  libc.so.6`."""
    found: defaultdict[str, float] = defaultdict(float)
    for line in lines:
        if match := re.match(r"\s*([\d.]+)%\s+(\S.*?)\s*$", line):
            file = match[2]
            part = next((part for start, part in _PARTS if file.startswith(start)), file.partition(".")[0])
            found[part] += float(match[1]) / 100
    return found


def _table(name: str, result: Result, shares: dict[str, dict[str, float]]) -> str:
    unit = "event" if result.events else "call"
    store_us = (result.all_cpu_s - result.relay_cpu_s) / max(1, result.units) * 1e6
    spent = {"worker": result.relay_cpu_s / max(1, result.units) * 1e6, "store": store_us}
    columns = []
    for process, parts in shares.items():
        shown = sorted(((share, part) for part, share in parts.items() if share >= _SHOWN), reverse=True)
        rest = 1 - sum(share for share, _ in shown)
        told = [f"{part} {share:.0%} ({share * spent[process]:.1f} µs)" for share, part in shown]
        columns.append(
            f"- {process}, {spent[process]:.1f} µs: {', '.join(told)}, everything else {max(0.0, rest):.0%}."
        )
    return f"**{name}**, for each {unit}:\n\n" + "\n".join(columns) + "\n"


if __name__ == "__main__":
    sys.exit(main())
