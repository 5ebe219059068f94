"""received = stored + waiting + open + lost: where every call stands.

The book has counted what is over; the pages of the workers say at every moment what is under way.
"""

import contextlib
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from proxy.journal.ladder import Step
from proxy.journal.room import Room
from store.health import LiveCounts
from store.journal import Run, begun, tally_of

_NO_CALLS = ("malformed", "late_heads", "turned_away", "stalls", "late_notes")  # what workers count beside calls


@dataclass(frozen=True, slots=True)
class _Known:
    """What the thread that fills the book knew after a pass; replaced as a whole."""

    counters: Mapping[str, int] = field(default_factory=dict)
    runs: tuple[Run, ...] = ()
    over: frozenset[str] = frozenset()  # runs in the counters, though their directories may still be there
    clear_at: float = 0.0  # when nothing was waiting, last
    journal_bytes: int = 0


class Balance:
    """Struck by the thread that fills the book, asked from any."""

    def __init__(self, data_dir: Path, room: Room) -> None:
        self._data_dir = data_dir
        self._room = room
        self._over: set[str] = set()
        self._known = _Known(clear_at=time.monotonic())
        self.few_since_us: int | None = None  # since when there is no room for bodies in the book
        self.trouble: str | None = None  # why the book could not be written at the last try

    @property
    def runs(self) -> Sequence[Run]:
        """Those that were not over when it was struck."""
        return self._known.runs

    def account_for(self, run: Run) -> None:
        """This run is over, and in the book's counters."""
        self._over.add(run.boot_id)

    def strike(self, counters: Mapping[str, int], runs: Sequence[Run], journal_bytes: int) -> None:
        """These are the book's counters now, and the runs that are not over."""
        known = _Known(counters, tuple(runs), frozenset(self._over), self._known.clear_at, journal_bytes)
        if not self._count(known).waiting:
            known = replace(known, clear_at=time.monotonic())
        self._known = known

    def live(self) -> LiveCounts:
        """Where every call stands now."""
        known = self._known
        met = known.over.union(run.boot_id for run in known.runs)
        with contextlib.suppress(OSError):  # the thread that fills the book says what is wrong with the directory
            # A worker that began a moment ago may have answered calls before that thread has had its next look.
            known = replace(known, runs=(*known.runs, *begun(self._data_dir, besides=met)))
        return self._count(known)

    def _count(self, known: _Known) -> LiveCounts:
        counters = known.counters
        total = Counter({name: counters.get(name, 0) for name in ("received", *_NO_CALLS)})
        lost = Counter(
            {name.removeprefix("lost."): count for name, count in counters.items() if name.startswith("lost.")}
        )
        running = longest_stall_ms = 0
        steps = [(self._room.step, self.few_since_us or 0)]
        for run in known.runs:
            tally = tally_of(self._data_dir, run)
            total.update({name: tally.get(name, 0) for name in total})
            lost["disk"] += tally.get("lost_notes", 0)
            if not run.dead:
                running += tally["received"] - tally["ended"]
                longest_stall_ms = max(longest_stall_ms, tally.get("longest_stall_ms", 0))
                steps.append((Step(tally.get("step", Step.FULL)), tally.get("step_since_us", 0)))
        lowest = max(step for step, _ in steps)
        since_us = min(since for step, since in steps if step == lowest)
        stored = counters.get("stored", 0)
        # Never negative unless a call is in the book twice, and then the sum must not be made to look right.
        waiting = max(0, total["received"] - stored - running - lost.total())
        return LiveCounts(
            received=total["received"],
            stored=stored,
            waiting=waiting,
            open=running,
            repeats=counters.get("repeats", 0),
            malformed=total["malformed"],
            late_heads=total["late_heads"],
            turned_away=total["turned_away"],
            stalls=total["stalls"],
            longest_stall_ms=longest_stall_ms,
            late_notes=total["late_notes"],
            lost={reason: count for reason, count in lost.items() if count},
            oldest_waiting_ms=(time.monotonic() - known.clear_at) * 1000 if waiting else None,
            journal_bytes=known.journal_bytes,
            step=lowest,
            step_since_us=since_us or None,
            low_bytes=self._room.low_bytes,
            book_error=self.trouble,
        )


def of_a_run(data_dir: Path, run: Run, *, stored: int, refused: int) -> Counter[str]:
    """What a run that is over adds to the book's counters: what it received is in the book, or lost for a reason.

    `stored`: of its calls in the book; `refused`: of those that the book refused, which are counted already.
    """
    tally = tally_of(data_dir, run)
    received = max(tally["received"], run.seen)
    missing = max(0, received - stored - refused)
    given_up = min(missing, tally.get("lost_notes", 0))
    counters = Counter({name: tally.get(name, 0) for name in _NO_CALLS})
    counters["received"] = received
    counters[f"refused.{run.boot_id}"] = -refused
    counters["lost.disk"] = given_up
    counters["lost.damaged" if run.damaged else "lost.unwritten"] = missing - given_up
    return counters
