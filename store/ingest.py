"""The thread that fills the book: reads the journals, meters in batches, commits, drops what is done with.

Whatever fails here, no client notices and nothing is lost: a book that cannot be written leaves the journal growing,
and the same batch is tried again. A call the book refuses for what is in it is written bare; one it refuses even so
goes to quarantine and is counted. Nothing blocks the calls behind it.
"""

import logging
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from proxy.config.model import Config
from store.book import Book, Entry, Progress
from store.health import LiveCounts
from store.journal import QUARANTINE, Journals, Run
from store.metering import Meter, Noted, bare

log = logging.getLogger("tollbook.store")

_BATCH = 500
_LOOK_S = 0.05
_IDLE_LOOK_S = 0.15
_IDLE_AFTER_S = 5.0
_RETRY_S = (0.1, 0.2, 0.5, 1.0, 2.0)


@dataclass(frozen=True, slots=True)
class _Standing:
    """What the live counts are made of, replaced as a whole after each commit."""

    counters: Mapping[str, int] = field(default_factory=dict)
    runs: tuple[Run, ...] = ()
    reached_at: float = 0.0  # when everything noted until then was in the book


class Ingest:
    """Owns the book and its thread."""

    def __init__(self, config: Config, changed: Callable[[], None]) -> None:
        self._data_dir = config.store.data_dir
        self._meter = Meter(config)
        self._book = Book(self._data_dir)
        self._journals = Journals(self._data_dir, self._book.cursors())
        self._changed = changed
        self._stopping = threading.Event()
        self._standing = _Standing(self._book.counters(), (), time.monotonic())
        self._forget_gone_runs()
        self._thread = threading.Thread(target=self._run, name="tollbook-ingest")

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Read what is there to its end, commit, and close the book. Blocks."""
        self._stopping.set()
        self._thread.join()

    def price_edition(self) -> dict[str, str | None]:
        """Which published prices are used: what health tells about them."""
        lists, newest = self._meter.price_edition(datetime.now(UTC).date())
        return {"lists": lists, "date": newest.isoformat() if newest else None}

    def live(self) -> LiveCounts:
        """Where every call stands now; from any thread."""
        standing = self._standing
        counters = standing.counters
        received, running, malformed = counters.get("received", 0), 0, counters.get("malformed", 0)
        for run in standing.runs:
            tally = self._journals.tally(run)
            received += tally["received"]
            malformed += tally.get("malformed", 0)
            if not run.dead:
                running += tally["received"] - tally["ended"]
        stored = counters.get("stored", 0)
        lost = {
            name.removeprefix("lost."): count for name, count in counters.items() if name.startswith("lost.") and count
        }
        waiting = max(0, received - stored - running - sum(lost.values()))
        return LiveCounts(
            received=stored + waiting + running + sum(lost.values()),
            stored=stored,
            waiting=waiting,
            open=running,
            malformed=malformed,
            lost=lost,
            oldest_waiting_ms=(time.monotonic() - standing.reached_at) * 1000 if waiting else None,
            journal_bytes=self._journals.size(),
        )

    def _run(self) -> None:
        try:
            last_write = time.monotonic()
            folded = True
            while True:
                stopping = self._stopping.is_set()
                if self._pass():
                    last_write, folded = time.monotonic(), False
                    continue
                if stopping:
                    break
                idle = time.monotonic() - last_write
                if idle > _IDLE_AFTER_S and not folded:
                    self._fold()
                    folded = True
                self._stopping.wait(_IDLE_LOOK_S if idle > _IDLE_AFTER_S else _LOOK_S)
        finally:
            self._journals.close()
            self._book.close()

    def _pass(self) -> bool:
        """Take one batch to the book; whether there was anything."""
        looked_at = time.monotonic()
        self._journals.look()
        finished = self._book.runs() if self._journals.runs else {}
        batch: list[Noted] = []
        for run in list(self._journals.runs.values()):
            if finished.get(run.boot_id, (0, False))[1]:
                self._journals.drop(run)  # we died between accounting for it and removing it
                continue
            batch.extend(self._journals.read(run, _BATCH - len(batch)))
        positions = self._journals.positions()
        if batch or positions:
            self._commit([self._entry(noted) for noted in batch], Progress(cursors=positions), batch)
            self._journals.committed(positions)
        ended = [run for run in self._journals.runs.values() if run.read_out]
        for run in ended:
            self._account_for(run)
        if batch or positions or ended:
            self._stand(looked_at, full=len(batch) >= _BATCH)
            self._changed()
        else:
            self._stand(looked_at, full=False)
        return bool(batch)

    def _stand(self, looked_at: float, *, full: bool) -> None:
        standing = self._standing
        reached_at = standing.reached_at if full else looked_at
        self._standing = _Standing(self._book.counters(), tuple(self._journals.runs.values()), reached_at)

    def _entry(self, noted: Noted) -> Entry:
        try:
            return self._meter.meter(noted)
        except Exception:
            log.exception("a call could not be metered; it is in the book with what its notes say")
            return bare(noted)

    def _commit(self, entries: list[Entry], progress: Progress, batch: list[Noted]) -> None:
        failures = 0
        while True:
            try:
                self._book.add(entries, progress)
                return
            except sqlite3.OperationalError as error:  # locked, full, unreadable: for as long as it lasts
                wait = _RETRY_S[min(failures, len(_RETRY_S) - 1)]
                if failures % 10 == 0:
                    log.error("the book cannot be written: %s; the journal keeps what comes", error)
                failures += 1
                if self._stopping.wait(wait) and failures > len(_RETRY_S):
                    raise
            except (sqlite3.Error, ValueError, OverflowError) as error:
                log.error("a batch holds a call that the book refuses (%s); looking for it", error)
                self._commit_one_by_one(entries, progress, batch)
                return

    def _commit_one_by_one(self, entries: list[Entry], progress: Progress, batch: list[Noted]) -> None:
        for entry, noted in zip(entries, batch, strict=True):
            for attempt in (entry, bare(noted)):
                try:
                    self._book.add([attempt])
                    break
                except (sqlite3.Error, ValueError, OverflowError) as error:
                    reason = error
            else:
                log.error("call %s goes to quarantine: %s", noted.started.call_id.hex(), reason)
                folder = self._data_dir / QUARANTINE
                folder.mkdir(mode=0o700, exist_ok=True)
                (folder / f"{noted.started.call_id.hex()}.note").write_bytes(msgspec.msgpack.encode(noted.started))
                self._book.add([], Progress(counters={"lost.refused": 1, f"refused.{noted.boot_id}": 1}))
        self._book.add([], progress)

    def _account_for(self, run: Run) -> None:
        """A run is over: what it received is in the book, or counted as lost."""
        tally = self._journals.tally(run)
        accounted, _ = self._book.runs().get(run.boot_id, (0, False))
        received = max(tally["received"], run.seen)
        counters = Counter(
            {"received": received, "malformed": tally.get("malformed", 0), "late_notes": tally.get("late_notes", 0)}
        )
        missing = received - accounted
        refused = self._book.counters().get(f"refused.{run.boot_id}", 0)
        counters[f"refused.{run.boot_id}"] -= refused
        missing -= refused
        if missing > 0:
            counters["lost.damaged" if run.damaged else "lost.unwritten"] += missing
        self._book.add([], Progress(finished=[run.boot_id], counters=counters))
        self._journals.drop(run)

    def _forget_gone_runs(self) -> None:
        self._journals.look()
        gone = [boot_id for boot_id in self._book.runs() if boot_id not in self._journals.runs]
        self._book.forget_runs(gone)

    def _fold(self) -> None:
        try:
            self._book.fold_log()
        except sqlite3.OperationalError as error:
            log.info("the book's log stays as it is for now: %s", error)
