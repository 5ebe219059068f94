"""`make bench`: Tollbook beside a bare pass-through, paired and interleaved. Writes docs/performance.md."""

import argparse
import os
import platform
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

from bench import report
from bench.lab import ROOT, Missing, Tools, free_port, places, prepare
from bench.measure import Result, measure
from bench.page import write_between
from bench.subjects import NAMES, Subject, start
from bench.workloads import Workload, warm_up, workloads

_PAGE = ROOT / "docs" / "performance.md"


def main() -> int:
    """The exit status."""
    options = _options()
    try:
        tools = prepare()
    except Missing as missing:
        print(f"bench: {missing}.", file=sys.stderr)
        return 1
    for gap in tools.gaps:
        print(f"bench: {gap}.", file=sys.stderr)
    names = [name for name in options.only if name != "nginx" or tools.nginx is not None]
    chosen = [one for one in workloads(quick=options.quick) if not options.workloads or one.name in options.workloads]
    results = _run(names, chosen, options.reps, tools)
    warned = [*tools.gaps, *report.warnings(results)]
    text = "\n".join(
        [_circumstances(options.reps, tools), *(f"- {line}." for line in warned), "",
         report.tables(report.Results(results), names, chosen)]
    )  # fmt: skip
    print(text)
    if options.write:
        write_between(_PAGE, "calls", text)
        print(f"\nWritten to {_PAGE.relative_to(ROOT)}.", file=sys.stderr)
    return 1 if any(one.failed or (one.rows not in (None, one.calls)) for one in results) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under a minute; shorter runs, two repetitions")
    parser.add_argument("--reps", type=int, help="repetitions (default: 5, with --quick 2)")
    parser.add_argument("--only", help=f"subjects, joined by commas, of: {', '.join(NAMES)}")
    parser.add_argument("--workloads", help="workloads, joined by commas: " + ", ".join(_names_of_workloads()))
    parser.add_argument("--no-write", dest="write", action="store_false", help="print only, leave the page alone")
    options = parser.parse_args()
    options.reps = options.reps or (2 if options.quick else 5)
    options.only = options.only.split(",") if options.only else list(NAMES)
    options.workloads = options.workloads.split(",") if options.workloads else []
    if unknown := set(options.only) - set(NAMES):
        parser.error(f"there is no subject {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    if unknown := set(options.workloads) - set(_names_of_workloads()):
        parser.error(f"there is no workload {', '.join(sorted(unknown))}; there are {', '.join(_names_of_workloads())}")
    return options


def _names_of_workloads() -> list[str]:
    return [one.name for one in workloads(quick=True)]


def _run(names: list[str], chosen: list[Workload], repetitions: int, tools: Tools) -> list[Result]:
    """Within a repetition all subjects run side by side, and take turns at each workload in a changing order."""
    for_tools, for_subject = places()
    port = free_port()
    upstream = subprocess.Popen([tools.upstream, str(port)], preexec_fn=lambda: os.sched_setaffinity(0, for_tools))
    time.sleep(0.2)
    results: list[Result] = []
    try:
        for repetition in range(repetitions):
            running: list[Subject] = []
            try:
                for name in names:
                    running.append(start(name, tools, port, for_subject))  # noqa: PERF401 - those started are stopped
                for subject in running:
                    for workload in warm_up():
                        measure(subject, workload, tools, for_tools, repetition)
                for place, workload in enumerate(chosen):
                    for subject in _in_turn(running, repetition + place):
                        results.append(measure(subject, workload, tools, for_tools, repetition))
                        _progress(results[-1], repetition, repetitions)
            finally:
                for subject in running:
                    subject.stop()
    finally:
        upstream.kill()
        upstream.wait()
    return results


def _in_turn(running: list[Subject], turn: int) -> list[Subject]:
    """Another first one each time, and every second time backwards."""
    start_at = turn % len(running)
    order = running[start_at:] + running[:start_at]
    return order[::-1] if turn % 2 else order


def _progress(one: Result, repetition: int, repetitions: int) -> None:
    print(
        f"{repetition + 1}/{repetitions}  {one.workload:10} {one.subject:9} {one.calls_per_s:10,.0f} calls/s  "
        f"{one.all_cpu_s / max(1, one.units) * 1e6:8,.1f} µs",
        file=sys.stderr,
    )


def _circumstances(repetitions: int, tools: Tools) -> str:
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    model = models[0].partition(":")[2].strip() if models else platform.machine()
    packages = ", ".join(f"{name} {version(name)}" for name in ("aiohttp", "uvloop", "msgspec", "zstandard"))
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    nginx = ""
    if tools.nginx is not None:
        said = subprocess.run([tools.nginx, "-v"], capture_output=True, text=True, check=False)
        nginx = f", {said.stderr.strip().rpartition(' ')[2]}"
    return (
        f"Measured {time.strftime('%Y-%m-%d')} by `{' '.join(['python -m bench', *sys.argv[1:]])}`: "
        f"medians of {repetitions} repetitions; {os.cpu_count()} x {model}, Linux {platform.release()}, "
        f"Python {platform.python_version()}, {packages}{nginx}, revision {commit or 'unknown'}.\n"
    )


if __name__ == "__main__":
    sys.exit(main())
