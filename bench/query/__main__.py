"""`make bench-query`: how long questions take on books of a million and of ten million calls.

Asks through the same functions as the pages and the query endpoint, in one process. Writes docs/performance.md.
"""

import argparse
import asyncio
import os
import platform
import sqlite3
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from bench.lab import ROOT
from bench.page import write_between
from bench.query import beside
from bench.query.cast import cast
from bench.query.made import LAST_US, book
from bench.query.questions import Answer, Asking, Question
from store.book import BOOK_FILE
from store.filters import WrongFilter
from store.moments import at
from store.reader import NoAnswer, Reader

_PAGE = ROOT / "docs" / "performance.md"
_LONG_S = 0.5


@dataclass(frozen=True, slots=True)
class Taken:
    """How long one question took, in milliseconds: the first time, from the disk, and then again and again."""

    question: Question
    first_ms: float
    times_ms: list[float]
    said: str

    @property
    def p95_ms(self) -> float:
        ordered = sorted(self.times_ms)
        return ordered[max(0, round(len(ordered) * 0.95) - 1)]

    @property
    def holds(self) -> bool:
        return self.p95_ms <= self.question.aim_ms


def main() -> int:
    """The exit status: 1 when an aim is missed."""
    options = _options()
    tables = [_circumstances(options.runs)]
    missed = 0
    for calls in options.calls:
        data_dir = book(calls)
        taken = asyncio.run(_ask_all(data_dir, options.runs, options.only))
        missed += sum(not one.holds for one in taken)
        size = (data_dir / BOOK_FILE).stat().st_size / 1e9
        tables.append(f"### {calls:,} calls, {size:.1f} GB\n\n{_table(taken)}")
    if options.beside:
        told, ratio = beside.run(book(max(options.calls)))
        tables.append(f"### Calls relayed meanwhile\n\n{told}")
        missed += ratio > beside.AIM
    text = "\n\n".join(tables)
    print(text)
    if options.write:
        write_between(_PAGE, "queries", text)
        print(f"\nWritten to {_PAGE.relative_to(ROOT)}.", file=sys.stderr)
    return 1 if missed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.query", description=__doc__)
    parser.add_argument(
        "--calls", type=lambda text: [int(number) for number in text.split(",")], default=[1_000_000, 10_000_000],
        help="sizes of the books, joined by commas (default: 1000000,10000000)",
    )  # fmt: skip
    parser.add_argument("--runs", type=int, default=20, help="how often each question is asked again")
    parser.add_argument("--only", default="", help="only questions with this text in their name or heading")
    parser.add_argument("--no-beside", dest="beside", action="store_false", help="without relayed calls beside")
    parser.add_argument("--no-write", dest="write", action="store_false", help="print only, leave the page alone")
    return parser.parse_args()


async def _ask_all(data_dir: Path, runs: int, only: str) -> list[Taken]:
    connection = sqlite3.connect(f"file:{data_dir / BOOK_FILE}?mode=ro", uri=True)
    (newest,) = connection.execute("select call_id from calls order by id desc limit 1").fetchone()
    connection.close()
    taken = []
    for question in Asking(at(LAST_US), cast(), str(UUID(bytes=newest))).all():
        if only in question.name or only in question.heading:
            taken.append(await _ask(data_dir, question, runs))
            one = taken[-1]
            mark = " " if one.holds else "!"
            print(f"{mark} {one.p95_ms:8.1f} ms  {question.heading}: {question.name}", file=sys.stderr)
    return taken


async def _ask(data_dir: Path, question: Question, runs: int) -> Taken:
    """First without anything in memory, then as often as told; long ones less often."""
    _forget(data_dir)
    async with Reader.open(data_dir) as reader:
        first_ms, _ = await _timed(question, reader)
        again: list[float] = []
        began = time.monotonic()
        said = ""
        while len(again) < runs and (len(again) < 3 or time.monotonic() - began < 5 * _LONG_S):
            took, said = await _timed(question, reader)
            again.append(took)
    return Taken(question, first_ms, again, said)


async def _timed(question: Question, reader: Reader) -> tuple[float, str]:
    began = time.perf_counter()
    try:
        answer = await question.ask(reader)
    except (NoAnswer, WrongFilter) as reason:
        return 1e9, str(reason)
    return (time.perf_counter() - began) * 1000, _said(answer)


def _said(answer: Answer | None) -> str:
    """What there was, in a word."""
    answer = answer or {}
    told = ""
    if "logs" in answer:
        told = f"{len(answer['logs'])} calls"
    elif "stats" in answer:
        told = f"{len(answer['stats'])} groups"
    if not answer.get("complete", True):
        reached = str(answer.get("read_back_to", ""))[:10]
        told = f"{told} back to {reached}".strip()
    return told


def _forget(data_dir: Path) -> None:
    """Ask the kernel to drop what it keeps of the files."""
    for path in data_dir.glob("*.db"):
        descriptor = os.open(path, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def _table(taken: list[Taken]) -> str:
    lines = [
        "| | question | p50, ms | p95 | first, from disk | aim | holds | answer |",
        "|---|---|---|---|---|---|---|---|",
    ]
    heading = ""
    for one in taken:
        shown = one.question.heading if one.question.heading != heading else ""
        heading = one.question.heading
        lines.append(
            f"| {shown} | `{one.question.name}` | {_ms(statistics.median(one.times_ms))} | {_ms(one.p95_ms)} | "
            f"{_ms(one.first_ms)} | {one.question.aim_ms:.0f} | {'yes' if one.holds else '**no**'} | {one.said} |"
        )
    return "\n".join(lines)


def _ms(value: float) -> str:
    return "no answer" if value >= 1e9 else f"{value:,.1f}"


def _circumstances(runs: int) -> str:
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    model = models[0].partition(":")[2].strip() if models else platform.machine()
    return (
        f"Measured {time.strftime('%Y-%m-%d')} by `{' '.join(['python -m bench.query', *sys.argv[1:]])}`: {runs} runs "
        f"of each question; {os.cpu_count()} x {model}, Linux {platform.release()}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}."
    )


if __name__ == "__main__":
    sys.exit(main())
