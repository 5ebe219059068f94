"""`make bench`: Tollbook beside a bare pass-through and other proxies, interleaved. Writes docs/performance.md."""

import argparse
import json
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict

from bench import keeping_up, report, soak, targets
from bench.circumstances import circumstances, others
from bench.index import told_cost
from bench.lab import LAB, ROOT, Missing, Tools, places, prepare
from bench.measure import Result, measure
from bench.page import write_between
from bench.results import Results
from bench.subjects import NAMES, Subject, start, why_not
from bench.upstreams import Upstream, upstream
from bench.workloads import PEERS, Workload, warm_up, workloads

_PAGE = ROOT / "docs" / "performance.md"
_STORE = "store"  # among the workloads: whether it keeps up


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
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started is stopped
    for_tools, for_subject = places()
    with upstream(tools, for_tools) as behind:
        if options.soak:
            return _soak(options, tools, behind, for_tools, for_subject)
        return _compare(options, tools, behind, for_tools, for_subject)


def _options() -> argparse.Namespace:
    names = [one.name for one in workloads(quick=True)] + [_STORE]
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="some two minutes; shorter runs, one repetition, no peers")
    parser.add_argument("--reps", type=int, help="repetitions (default: 3, with --quick 1)")
    parser.add_argument("--subjects", help=f"joined by commas, of: {', '.join(NAMES)}")
    parser.add_argument("--only", help=f"workloads, joined by commas, of: {', '.join(names)}")
    parser.add_argument(
        "--soak", type=float, metavar="MINUTES", help="instead: 1,000 streams, and the memory meanwhile"
    )
    parser.add_argument(
        "--write",
        action=argparse.BooleanOptionalAction,
        help="into docs/performance.md (default: when nothing is left out)",
    )
    options = parser.parse_args()
    if options.write is None:
        options.write = not (options.quick or options.subjects or options.only)
    options.reps = options.reps or (1 if options.quick else 3)
    usual = [name for name in NAMES if not (options.quick and name in PEERS)]
    options.subjects = _chosen(parser, "subject", options.subjects, NAMES) or usual
    options.only = _chosen(parser, "workload", options.only, names) or names
    return options


def _chosen(
    parser: argparse.ArgumentParser, what: str, text: str | None, known: tuple[str, ...] | list[str]
) -> list[str]:
    asked = text.split(",") if text else []
    if unknown := set(asked) - set(known):
        parser.error(f"there is no {what} {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return [one for one in known if one in asked]


def _compare(
    options: argparse.Namespace, tools: Tools, behind: Upstream, for_tools: set[int], for_subject: set[int]
) -> int:
    began = time.monotonic()
    chosen = [one for one in workloads(quick=options.quick) if one.name in options.only]
    if behind.tls_port is None:
        chosen = [one for one in chosen if not one.by_tls]
    subjects = {name: why_not(name, tools) for name in options.subjects}
    run = _Run(tools, behind, for_tools, for_subject, options.reps)
    results = run.compare([name for name, reason in subjects.items() if reason is None], chosen) if chosen else []
    steady, pauses = None, []
    if _STORE in options.only:
        steady, pauses = keeping_up.keeping_up(tools, behind, for_tools, for_subject, quick=options.quick)
    found = Results(results)
    judged = targets.aims(found, steady, pauses)
    took = f"in {(time.monotonic() - began) / 60:.0f} minutes, medians of {options.reps} repetitions"
    text = "\n".join([
        circumstances("bench", took, tools) + "\n",
        others(name for name in subjects if name in PEERS),
        *(f"- {line}." for line in [*tools.gaps, *run.broken, *report.warnings(results)]), "",
        f"### What it shall cost\n\n{targets.table(judged)}\n",
        report.tables(found, subjects, chosen),
        run.cost_of_index,
        keeping_up.told(steady, pauses) if steady is not None else "",
    ])  # fmt: skip
    (LAB / "results.jsonl").write_text("".join(json.dumps(asdict(one)) + "\n" for one in results))
    print(text)
    if options.write:
        write_between(_PAGE, "calls", text)
        print(f"\nWritten to {_PAGE.relative_to(ROOT)}.", file=sys.stderr)
    ours = [one for one in results if one.subject not in PEERS]
    wrong = any(one.failed or (one.rows not in (None, one.calls)) for one in ours)
    return 1 if wrong or run.broken else 0


def _soak(
    options: argparse.Namespace, tools: Tools, behind: Upstream, for_tools: set[int], for_subject: set[int]
) -> int:
    seen, result = soak.soak(tools, behind, for_tools, for_subject, options.soak)
    text = f"{circumstances('bench', 'by one long run', tools)}\n\n{soak.told(seen, result)}"
    print(text)
    if options.write:
        write_between(_PAGE, "soak", text)
    return 1 if result.failed or result.rows != result.calls else 0


class _Run:
    """Within a repetition all subjects run side by side, and take turns at each workload in a changing order."""

    def __init__(
        self, tools: Tools, behind: Upstream, for_tools: set[int], for_subject: set[int], repetitions: int
    ) -> None:
        self._tools, self._behind = tools, behind
        self._for_tools, self._for_subject = for_tools, for_subject
        self._repetitions = repetitions
        self.cost_of_index = ""
        self.broken: list[str] = []  # what could not be measured to its end

    def compare(self, names: list[str], chosen: list[Workload]) -> list[Result]:
        """Tollbook begins each repetition with an empty book; peers take half a minute to start, and stay."""
        names = [name for name in names if any(name in workload.subjects for workload in chosen)]
        results: list[Result] = []
        with ExitStack() as all_the_time:
            peers = [one for name in names if name in PEERS if (one := self._peer(name, all_the_time)) is not None]
            for repetition in range(self._repetitions):
                with ExitStack() as this_time:
                    running = [self._start(name, this_time) for name in names if name not in PEERS] + peers
                    for subject in running:
                        subject.hold_index()
                    results += self._one_after_another(running, chosen, repetition)
                    ours = [one for one in running if one.name == "tollbook"]
                    if ours and repetition == self._repetitions - 1:
                        self.cost_of_index = told_cost(ours[0])
        return results

    def _start(self, name: str, stack: ExitStack) -> Subject:
        subject = start(name, self._tools, self._behind, self._for_subject)
        stack.callback(subject.stop)
        for workload in warm_up():
            measure(subject, workload, self._tools, self._for_tools, 0)
        return subject

    def _peer(self, name: str, stack: ExitStack) -> Subject | None:
        """None when it does not start: that is no reason to measure nothing else."""
        try:
            return self._start(name, stack)
        except (RuntimeError, OSError) as reason:
            self._broke(str(reason).splitlines()[0].removesuffix("; it said:"))
            return None

    def _one_after_another(self, running: list[Subject], chosen: list[Workload], repetition: int) -> list[Result]:
        results = []
        for place, workload in enumerate(chosen):
            for subject in _in_turn([one for one in running if one.name in workload.subjects], repetition + place):
                asked = workload.few if workload.few is not None and subject.name in PEERS else workload
                try:
                    results.append(measure(subject, asked, self._tools, self._for_tools, repetition))
                except (RuntimeError, OSError, subprocess.TimeoutExpired) as reason:
                    self._broke(f"{subject.name}, {workload.name}: broken off ({reason})")
                else:
                    self._tell(results[-1])
        return results

    def _broke(self, line: str) -> None:
        self.broken.append(line)
        print(line, file=sys.stderr, flush=True)

    def _tell(self, one: Result) -> None:
        print(
            f"{one.repetition + 1}/{self._repetitions}  {one.workload:14} {one.subject:16} "
            f"{one.calls_per_s:10,.0f} calls/s  {one.all_cpu_s / max(1, one.units) * 1e6:8,.1f} µs",
            file=sys.stderr, flush=True,
        )  # fmt: skip


def _in_turn(running: list[Subject], turn: int) -> list[Subject]:
    """Another first one each time, and every second time backwards."""
    start_at = turn % max(1, len(running))
    order = running[start_at:] + running[:start_at]
    return order[::-1] if turn % 2 else order


if __name__ == "__main__":
    sys.exit(main())
