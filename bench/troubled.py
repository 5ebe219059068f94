"""`python -m bench.troubled`: how long calls take while the store is in trouble, and whether any answer changes.

The data directory is on a small disk of its own (a tmpfs, so it takes root), which fills, or loses the journal or the
whole directory; the book is locked by another program, the store stands still or is killed. The client calls all the
time, compares every answer byte by byte, and is calm before and after each trouble.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.circumstances import circumstances
from bench.lab import LAB, ROOT, Missing, Tools, places, prepare
from bench.measure import measure
from bench.page import write_between
from bench.subjects import Subject, start
from bench.upstreams import upstream
from bench.workloads import warm_up
from store.book import BOOK_FILE

_PAGE = ROOT / "docs" / "endurance.md"
_DISK_BYTES = 256 * 1024 * 1024
_CONNECTIONS = 16
_UPSTREAM_MS = 5
_SECONDS = 4.0
_MOST_MS = 50.0

Trouble = Callable[[Subject, Path], contextlib.AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Seen:
    """What one run of the client saw; times in ms."""

    calls: int
    wrong: int  # answers that failed, or differed by a byte
    p50: float
    p999: float
    longest: float


@dataclass(frozen=True, slots=True)
class Course:
    """One kind of trouble, over all repetitions."""

    about: str
    calm: Sequence[Seen]
    troubled: Sequence[Seen]
    step: str  # the lowest of the ladder that health told meanwhile
    received: int
    stored: int
    lost: int
    waiting: int  # a minute after the last trouble

    @property
    def added_ms(self) -> float:
        """By how much the longest call took longer than a usual one does without trouble."""
        return max(one.longest for one in self.troubled) - statistics.median(one.p50 for one in self.calm)

    @property
    def held(self) -> bool:
        """Whether nobody suffered, and the book is complete."""
        complete = not self.waiting and self.received == self.stored + self.lost
        return complete and self.added_ms < _MOST_MS and not any(one.wrong for one in self.troubled)


def main() -> int:
    """The exit status: whether it held."""
    parser = argparse.ArgumentParser(prog="python -m bench.troubled", description=__doc__.partition("\n")[0])
    parser.add_argument("--reps", type=int, default=3)
    parser.add_argument("--no-write", dest="write", action="store_false", help="print only, leave the page alone")
    options = parser.parse_args()
    try:
        tools = prepare()
        with _small_disk() as disk:
            courses = [_course(about, trouble, options.reps, tools, disk) for about, trouble in _TROUBLES.items()]
    except Missing as missing:
        print(f"bench: {missing}.", file=sys.stderr)
        return 1
    text = f"{circumstances('bench.troubled', f'with {options.reps} repetitions', tools)}\n\n{_told(courses)}"
    print(text)
    if options.write:
        write_between(_PAGE, "troubled", text)
    return int(not all(one.held for one in courses))


@contextmanager
def _small_disk() -> Iterator[Path]:
    disk = LAB / "small-disk"
    disk.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={_DISK_BYTES}", "tmpfs", str(disk)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        raise Missing("a small disk cannot be mounted: that takes root")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def _course(about: str, trouble: Trouble, repetitions: int, tools: Tools, disk: Path) -> Course:
    for_tools, for_subject = places()
    calm: list[Seen] = []
    troubled: list[Seen] = []
    steps: list[str] = []
    with upstream(tools, for_tools) as behind:
        subject = start("tollbook", tools, behind, for_subject, data_dir=disk / "data")
        try:
            for workload in warm_up():
                measure(subject, workload, tools, for_tools, 0)
            for _ in range(repetitions):
                with _traced(subject, None) if trouble in (_failing, _slow) else contextlib.nullcontext():
                    calm.append(_called(subject, tools, for_tools, lambda: None))
                with trouble(subject, disk):
                    troubled.append(_called(subject, tools, for_tools, lambda: steps.append(_step(subject))))
                _up_again(subject)
            health = subject.health()
        finally:
            subject.stop()
    lowest = max(steps or ["full"], key=_ORDER.index)
    received, stored, lost, waiting = (
        health["received"], health["stored"], health["lost"]["total"], health["waiting"] + health["open"],
    )  # fmt: skip
    return Course(about, calm, troubled, lowest, received, stored, lost, waiting)


_ORDER = ("", "full", "bodies_off", "ballast_released", "metadata_only", "memory", "losing")


def _step(subject: Subject) -> str:
    """Of the ladder; a store that is stopped or gone tells nothing."""
    try:
        return str(subject.health(patience_s=0.2)["ladder"]["step"])
    except OSError:
        return ""


def _called(subject: Subject, tools: Tools, processors: set[int], look: Callable[[], None]) -> Seen:
    command = [
        str(tools.client), *subject.arguments(), "-m", f"bench-json-1200-{_UPSTREAM_MS}", "-c", str(_CONNECTIONS),
        "-d", f"{_SECONDS:g}",
    ]  # fmt: skip
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, preexec_fn=lambda: os.sched_setaffinity(0, processors)
    ) as client:
        time.sleep(_SECONDS / 2)
        look()
        said, _ = client.communicate()
    seen: dict[str, Any] = json.loads(said)
    latency = seen["latency_ms"]
    wrong = seen["errors"] + seen["bad"] + seen["not200"]
    return Seen(seen["requests"], wrong, latency["p50"], latency["p999"], latency["max"])


def _up_again(subject: Subject) -> None:
    """Wait until the store answers, stands on its highest step, and has every call; not for ever."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            health = subject.health(patience_s=5)
            if health["ladder"]["step"] == "full" and not health["waiting"] and not health["open"]:
                break
        time.sleep(0.1)
    subject.find_processes()


# ------------------------------------------------------------------------------ what goes wrong


@contextmanager
def _locked(subject: Subject, disk: Path) -> Iterator[None]:
    book = sqlite3.connect(disk / "data" / BOOK_FILE, isolation_level=None)
    with contextlib.closing(book):
        book.execute("begin immediate")
        yield


@contextmanager
def _standing_still(subject: Subject, disk: Path) -> Iterator[None]:
    assert subject.store_pid is not None
    os.kill(subject.store_pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(subject.store_pid, signal.SIGCONT)


@contextmanager
def _killed(subject: Subject, disk: Path) -> Iterator[None]:
    assert subject.store_pid is not None
    os.kill(subject.store_pid, signal.SIGKILL)
    yield


@contextmanager
def _traced(subject: Subject, what: str | None) -> Iterator[None]:
    """Every write of the worker's journal meets this. `strace` does it, to the one thread that writes: it stops whoever
    it follows at every system call, whatever is to be met."""
    strace = shutil.which("strace")
    if strace is None:
        raise Missing("there is no strace")
    thread = _journal_thread(subject.relay_pids[0])
    inject = [] if what is None else ["-e", f"inject=pwritev2,pwritev:{what}"]
    command = [strace, "-qq", "-e", "trace=pwritev2,pwritev", *inject, "-p", str(thread)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as tracing:
        time.sleep(0.5)
        try:
            yield
        finally:
            tracing.terminate()


def _journal_thread(pid: int) -> int:
    """The thread of a worker that wrote most, but for its first, which writes to sockets."""

    def written(thread: int) -> int:
        fields = dict(line.split(": ") for line in Path(f"/proc/{pid}/task/{thread}/io").read_text().splitlines())
        return int(fields["wchar"])

    return max((int(name) for name in os.listdir(f"/proc/{pid}/task") if int(name) != pid), key=written)


def _failing(subject: Subject, disk: Path) -> contextlib.AbstractContextManager[None]:
    return _traced(subject, "error=EIO")


def _slow(subject: Subject, disk: Path) -> contextlib.AbstractContextManager[None]:
    return _traced(subject, "delay_enter=200ms")


@contextmanager
def _full(subject: Subject, disk: Path) -> Iterator[None]:
    """Filled at once, and what the ballast gives back as well."""
    others = disk / "others"
    try:
        for _ in range(3):
            with others.open("ab") as file, contextlib.suppress(OSError):
                while free := os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize:
                    file.write(bytes(min(free, 1024 * 1024)))
                    file.flush()
            time.sleep(0.1)
        yield
    finally:
        others.unlink()


@contextmanager
def _without_journal(subject: Subject, disk: Path) -> Iterator[None]:
    (disk / "data" / "journal").rename(disk / "away")  # at once, which removing it file by file is not
    yield
    subprocess.run(["rm", "-r", str(disk / "away")], check=True)


@contextmanager
def _without_directory(subject: Subject, disk: Path) -> Iterator[None]:
    (disk / "data").rename(disk / "away")
    try:
        yield
    finally:
        (disk / "away").rename(disk / "data")


_TROUBLES: dict[str, Trouble] = {
    "the book is locked by another program": _locked,
    "the store stands still (SIGSTOP)": _standing_still,
    "the store is killed, and comes back": _killed,
    "the disk is full, under journal and book": _full,
    "every write of the journal fails (EIO, by strace)": _failing,
    "every write of the journal takes 0.2 s (by strace)": _slow,
    "the journal is moved away": _without_journal,
    "the data directory is moved away, and comes back": _without_directory,
}


def _told(courses: Sequence[Course]) -> str:
    rows = "\n".join(
        f"| {one.about} | {one.step} | {sum(seen.calls for seen in one.troubled):,} "
        f"| {sum(seen.wrong for seen in one.troubled)} | {_of(one.calm)} | {_of(one.troubled)} | {one.added_ms:.1f} "
        f"| {'yes' if one.added_ms < _MOST_MS else '**no**'} | {_balance(one)} |"
        for one in courses
    )
    return f"""\
{_CONNECTIONS} connections, small calls that the upstream answers after {_UPSTREAM_MS} ms, {_SECONDS:g} s without and \
{_SECONDS:g} s with trouble by turns. Times in
ms: p50, p99.9 and longest of the runs, the median of the first two and the worst of the last. *Added* is what the
longest call of all took longer than the p50 of calm. Under strace, which follows the thread that writes, calm is under
strace as well.

| trouble | step told | calls meanwhile | failed or other bytes | calm | in trouble | added | < {_MOST_MS:g} ms \
| received = stored + lost |
|---|---|---|---|---|---|---|---|---|
{rows}"""


def _balance(course: Course) -> str:
    waiting = f" + **{course.waiting:,} waiting**" if course.waiting else ""
    return f"{course.received:,} = {course.stored:,} + {course.lost:,}{waiting}"


def _of(runs: Sequence[Seen]) -> str:
    p50, p999 = (sorted(values)[len(runs) // 2] for values in ([one.p50 for one in runs], [one.p999 for one in runs]))
    return f"{p50:.1f} / {p999:.1f} / {max(one.longest for one in runs):.1f}"


if __name__ == "__main__":
    sys.exit(main())
