"""`python -m tests.conservation --rounds 500`: kill -9 under mixed load, the oracle after each round."""

import argparse
import asyncio
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.page import write_between
from tests.conservation.rounds import Course, run

_PAGE = Path(__file__).parents[2] / "docs" / "endurance.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.conservation", description=__doc__)
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--clients", type=int, default=12)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--no-write", dest="write", action="store_false", help="print only, leave the page alone")
    options = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="tollbook-endurance-"))
    began = time.monotonic()
    course = asyncio.run(run(folder / "data", options.rounds, clients=options.clients, seed=options.seed, tell=_tell))
    text = _report(course, options.rounds, options.clients, options.seed, time.monotonic() - began)
    print("\n" + text)
    broken = course.verdict.broken if course.verdict else ["no round was run"]
    if broken:
        print("\n".join(broken[:20]), f"\nthe data is kept in {folder}", sep="\n", file=sys.stderr)
        return 1
    shutil.rmtree(folder)
    if options.write:
        write_between(_PAGE, "kills", text)
    return 0


def _tell(course: Course) -> None:
    if sys.stderr.isatty() or course.rounds % 25 == 0:
        print(f"\r{course.rounds} rounds, {course.received} answers received", end="", file=sys.stderr, flush=True)


def _report(course: Course, rounds: int, clients: int, seed: int, took_s: float) -> str:
    verdict = course.verdict
    assert verdict is not None
    killed = ", ".join(f"{who} {times}" for who, times in sorted(course.killed.items()))
    ended = ", ".join(f"{outcome} {count:,}" for outcome, count in sorted(verdict.outcomes.items()))
    day = time.strftime("%Y-%m-%d", time.gmtime())
    return f"""\
`python -m tests.conservation --rounds {rounds} --clients {clients} --seed {seed}`, {day}, CPython \
{platform.python_version()}, {took_s / 60:.0f} minutes.

| what | figure |
|---|---|
| rounds in which the oracle held | **{course.rounds - bool(verdict.broken)} of {rounds}** |
| killed with SIGKILL, or told to reload | {killed} |
| requests begun by clients | {course.sent:,} |
| answers received in full, each in the book once | {course.received:,} |
| answers cut by the kills | {course.cut:,} |
| answers clients turned away from | {course.left:,} |
| rows in the book, by outcome | {verdict.rows:,}: {ended} |
| calls whose worker died before their first note, counted as such | {course.unwritten:,} |
| notes that an answer did not wait for | {course.late_notes:,} |
| longest wait for the book to be up to date after a round | {course.longest_recovery_s:.1f} s |"""


if __name__ == "__main__":
    sys.exit(main())
