"""What the store needs for each call: `python -m bench.store`. Whole, as it runs, and then part by part.

The journal is written beforehand. The whole is the processor time of a real `Ingest` from its start to the last
commit; the parts are the same steps on the same journal, each between two readings of the thread's clock.
"""

import argparse
import platform
import shutil
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from bench import notes
from bench.lab import LAB, ROOT
from bench.page import write_between
from proxy.child import collect_seldom
from proxy.config.builtin import BUILTIN
from proxy.config.model import Capture, Config, Store
from store import columns, dialects, metering, sums
from store.book import Book, Progress
from store.ingest import Ingest
from store.journal import Journals

_P = ParamSpec("_P")
_R = TypeVar("_R")
_BATCH = 500
_KINDS: tuple[tuple[notes.Kind, str, int], ...] = (
    ("json", "2 KB request, 1.2 KB answer", 5000),
    ("stream", "2 KB request, 44 KB stream of 200 events", 1000),
)
_WITH_LARGE = 1000  # calls, some of them large
_KEPT = (Capture().max_bytes, 16 * 1024 * 1024)  # bytes of a body: as by default, and all of a large one
_PARTS = (
    "journal: find and decode notes", "bodies: undo the encoding", "dialect: read", "price", "rest of the record",
    "is it there already", "rows", "bodies: zstd", "bodies: write and commit", "sums", "insert and commit",
)  # fmt: skip


class Stopwatch:
    """Adds up the thread's processor time by part; a part inside another is taken out of the outer one."""

    def __init__(self) -> None:
        self.spent_ns: defaultdict[str, int] = defaultdict(int)
        self._inner_ns = 0

    def timed(self, part: str, function: Callable[_P, _R]) -> Callable[_P, _R]:
        """The same function, its time booked under `part`."""

        def run(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            outer_ns, self._inner_ns = self._inner_ns, 0
            began = time.thread_time_ns()
            try:
                return function(*args, **kwargs)
            finally:
                spent = time.thread_time_ns() - began
                self.spent_ns[part] += spent - self._inner_ns
                self._inner_ns = outer_ns + spent

        return run


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.store", description=__doc__)
    parser.add_argument("--reps", type=int, default=5)
    parser.add_argument("--no-write", dest="write", action="store_false", help="print only, leave the page alone")
    options = parser.parse_args()
    LAB.mkdir(exist_ok=True)
    collect_seldom()  # as the store's own process does
    whole: dict[notes.Kind, list[float]] = {kind: [] for kind, _, _ in _KINDS}
    parts: dict[notes.Kind, list[dict[str, float]]] = {kind: [] for kind, _, _ in _KINDS}
    for _ in range(options.reps):
        for kind, _, calls in _KINDS:
            whole[kind].append(_fresh(kind, calls, _whole))
            parts[kind].append(_fresh(kind, calls, _in_parts))
    pauses = {most: [_fresh("large", _WITH_LARGE, _longest_pause, most) for _ in range(options.reps)] for most in _KEPT}
    text = _report(whole, parts, options.reps) + _about_pauses(pauses)
    print(text)
    if options.write:
        write_between(ROOT / "docs" / "performance.md", "store", text)
    return 0


def _fresh(kind: notes.Kind, calls: int, measure: Callable[[Config, int], _R], most: int = Capture().max_bytes) -> _R:
    data_dir = LAB / "store"
    shutil.rmtree(data_dir, ignore_errors=True)
    notes.write(data_dir, kind, calls, most)
    config = Config(upstreams=dict(BUILTIN), store=Store(data_dir=data_dir), capture=Capture(max_bytes=most))
    try:
        return measure(config, calls)
    finally:
        shutil.rmtree(data_dir, ignore_errors=True)


def _whole(config: Config, calls: int) -> float:
    """Microseconds a call, as the store runs it."""
    ingest = Ingest(config)
    began = time.process_time_ns()
    ingest.start()
    ingest.stop()  # reads to the end first
    spent = time.process_time_ns() - began
    with Book(config.store.data_dir) as book:
        stored = book.counters()["stored"]
    if stored != calls:
        raise RuntimeError(f"{stored} of {calls} calls are in the book")
    return spent / calls / 1000


def _longest_pause(config: Config, calls: int) -> float:
    """The longest time, in milliseconds, in which no call entered the book although some waited."""
    ingest = Ingest(config)
    longest, stored, since = 0.0, 0, time.monotonic()
    ingest.start()
    while stored < calls:
        time.sleep(0.001)
        if (now_stored := ingest.live().stored) != stored:
            now = time.monotonic()
            longest, stored, since = max(longest, now - since), now_stored, now
    ingest.stop()
    return longest * 1000


def _in_parts(config: Config, calls: int) -> dict[str, float]:
    """Microseconds a call, by part."""
    watch = Stopwatch()
    meter = metering.Meter(config)
    book = Book(config.store.data_dir)
    journals = Journals(config.store.data_dir, book.cursors())
    restored = _time_within(watch, meter, book)
    record = watch.timed("rest of the record", lambda noted: list(map(book.pack, meter.meter_all(noted))))
    read = watch.timed("journal: find and decode notes", lambda pieces: next(pieces, []))
    add = watch.timed("insert and commit", book.add)
    stored = 0
    try:
        journals.look()
        (run,) = journals.runs.values()
        pieces = journals.read(run)
        while noted := read(pieces):
            batch = record(noted)
            while len(batch) < _BATCH and (noted := read(pieces)):
                batch += record(noted)
            positions = journals.positions()
            stored += add(batch, Progress(cursors=positions))
            journals.committed(positions)
    finally:
        for owner, name, original in restored:
            setattr(owner, name, original)
        journals.close()
        book.close()
    if stored != calls:
        raise RuntimeError(f"{stored} of {calls} calls are in the book")
    return {part: watch.spent_ns[part] / calls / 1000 for part in _PARTS}


def _time_within(watch: Stopwatch, meter: metering.Meter, book: Book) -> list[tuple[object, str, object]]:
    """Put watches where the store's own code has no seams for them; what to put back afterwards."""
    before: list[tuple[object, str, object]] = []
    for part, owner, name in (
        ("bodies: undo the encoding", metering, "decode"),
        ("dialect: read", dialects, "read"),
        ("price", meter, "_cost"),
        ("is it there already", book, "_not_yet_there"),
        ("rows", columns, "row_of"),
        ("bodies: zstd", book, "_compress"),
        ("bodies: write and commit", book, "_write_bodies"),
        ("sums", sums, "add"),
    ):
        before.append((owner, name, getattr(owner, name)))
        setattr(owner, name, watch.timed(part, getattr(owner, name)))
    return before


def _report(
    whole: dict[notes.Kind, list[float]], parts: dict[notes.Kind, list[dict[str, float]]], repetitions: int
) -> str:
    lines = [
        f"Measured {time.strftime('%Y-%m-%d')} by `{' '.join(['python -m bench.store', *sys.argv[1:]])}`: medians of "
        f"{repetitions} repetitions, {platform.python_implementation()} {platform.python_version()}. "
        "Microseconds of processor time a call.\n",
        f"| part | {' | '.join(about for _, about, _ in _KINDS)} |",
        "|---|" + "---|" * len(_KINDS),
    ]
    for part in _PARTS:
        found = [statistics.median(one[part] for one in parts[kind]) for kind, _, _ in _KINDS]
        lines.append(f"| {part} | {' | '.join(f'{value:.1f}' for value in found)} |")
    sums_of_parts = [statistics.median(sum(one.values()) for one in parts[kind]) for kind, _, _ in _KINDS]
    lines.append(f"| all parts | {' | '.join(f'{value:.1f}' for value in sums_of_parts)} |")
    cells = [
        f"**{statistics.median(whole[kind]):.1f}** ({min(whole[kind]):.1f}..{max(whole[kind]):.1f})"
        for kind, _, _ in _KINDS
    ]
    lines.append(f"| **the whole, as it runs** | {' | '.join(cells)} |")
    return "\n".join(lines)


def _about_pauses(pauses: dict[int, list[float]]) -> str:
    cells = [
        f"{statistics.median(found):.0f} ms ({min(found):.0f}..{max(found):.0f}) with `max_bytes = {most}`"
        for most, found in pauses.items()
    ]
    return (
        f"\n\nOf {_WITH_LARGE} waiting calls every {notes.LARGE_EVERY}th has a request and an answer of 5 MB. "
        f"The longest time in which no call entered the book: {', '.join(cells)}."
    )


if __name__ == "__main__":
    sys.exit(main())
