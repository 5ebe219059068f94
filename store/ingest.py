"""The thread that fills the book: reads the journals, meters in batches, commits, drops what is done with.

Whatever fails here, no client notices and nothing is lost: a book that cannot be written leaves the journal growing,
and the same batch is tried again. A call the book refuses for what is in it is written bare; one it refuses even so
goes to quarantine and is counted. Nothing blocks the calls behind it.
"""

import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from proxy.config.model import Config
from proxy.journal.ladder import Step
from proxy.journal.room import Room
from store import retold, sizes
from store.aside import Aside
from store.balance import Balance, of_a_run
from store.book import Book, Entry, Progress, Repeat
from store.budgets import Budgets, BudgetState
from store.charging import Charging
from store.dialects import tokenizer
from store.health import LiveCounts
from store.journal import Journals, Run, quarantine
from store.metering import Meter, Noted, bare
from store.spared import spared, without_bodies
from store.turns import Turns

T = TypeVar("T")

log = logging.getLogger("tollbook.store")

_BATCH = 500
_LONGEST_PASS_S = 0.25  # then what there is enters the book, whatever else waits
_LOOK_S = 0.05
_REST_S = 0.1  # from one pass that found calls to the next: each costs as much as dozens of calls
_IDLE_LOOK_S = 0.15
_IDLE_AFTER_S = 5.0
_SIZES_S = 300.0  # how often the sizes of the files are looked at while the book is being filled
_DAY_S = 86_400
_RETRY_S = (0.1, 0.2, 0.5, 1.0, 2.0)


@dataclass(slots=True)
class _Batch:
    """Calls on their way into the book together."""

    until: float  # when it is to be written at the latest, by `time.monotonic`
    entries: list[Entry] = field(default_factory=list)
    repeats: list[Repeat] = field(default_factory=list)
    taken: int = 0
    rows: set[bytes] = field(default_factory=set)  # calls that have a row, or will have one by this batch
    all_read: bool = True  # nothing was left in the journal

    @property
    def full(self) -> bool:
        return self.taken >= _BATCH or time.monotonic() >= self.until


class _Refused(Exception):
    """The book does not take one of so many calls, for what is in it."""

    def __init__(self, calls: int) -> None:
        super().__init__(f"one of {calls} calls is refused")
        self.calls = calls


class Ingest:
    """Owns the book and its thread."""

    def __init__(self, config: Config) -> None:
        self._data_dir = config.store.data_dir
        self._aside = Aside()
        self._meter = Meter(config, tokenizer.installed(), self._aside)
        self._budgets = Budgets(config, self._meter.has_price)
        self._stopping = threading.Event()
        self._succeeded = False
        self._something = threading.Event()  # to do: the thread need not wait until it looks again
        self._turns = Turns[Book](self._something.set)
        self._passes = 0
        self._careful = 0  # about so many calls are written one by one
        self._room = Room(self._data_dir, config.store.low_space)
        self._balance = Balance(self._data_dir, self._room)
        self._open()
        self._thread = threading.Thread(target=self._run, name="tollbook-ingest")

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Read what is there to its end, commit, and close the book. Blocks."""
        self._turns.close()
        self._stopping.set()
        self._something.set()
        self._thread.join()
        self._budgets.close()

    def leave_the_rest(self) -> None:
        """Have `stop` read nothing more: a successor does, and those who write the journal live on."""
        self._succeeded = True

    def between_batches(self, work: Callable[[Book], T]) -> Future[T]:
        """Have the thread do this with the book when no batch is being written; from any thread.

        Calls wait in the journal meanwhile, so it shall be short. The future may end with `store.turns.Closed`.
        """
        return self._turns.ask(work)

    def adopt(self, charging: Charging) -> Future[None]:
        """Charge the calls that come like this."""

        def adopted(book: Book) -> None:
            self._meter.adopt(charging)
            self._budgets.begin(book)

        return self.between_batches(adopted)

    def count_budgets_anew(self) -> Future[None]:
        """Begin the counters of budgets from what the book says now."""
        return self.between_batches(self._budgets.begin)

    def price_edition(self) -> dict[str, str | None]:
        """Which published prices are used: what health tells about them."""
        lists, newest = self._meter.price_edition(datetime.now(UTC).date())
        return {"lists": lists, "date": newest.isoformat() if newest else None}

    def budgets(self) -> tuple[BudgetState, ...]:
        """How every budget stands; from any thread."""
        return self._budgets.states()

    def passed_budgets(self) -> tuple[BudgetState, ...]:
        """Those of them of which the warned share is used; from any thread."""
        return self._budgets.passed()

    def live(self) -> LiveCounts:
        """Where every call stands now; from any thread."""
        return self._balance.live()

    def _open(self) -> None:
        """Begin, or begin again, with what is on the disk: what was read but not committed is read once more."""
        self._book = Book(self._data_dir, self._aside)
        known = {*self._book.runs(), *(run.boot_id for run in self._balance.runs)}
        self._journals = Journals(self._data_dir, self._book.cursors(), known, self._aside)
        self._journals.look()
        known_runs = self._book.runs()
        self._book.forget_runs(boot_id for boot_id in known_runs if boot_id not in self._journals.runs)
        # Whoever asks before the first batch is told of the calls there are. We may have died between accounting for a
        # run and removing it.
        accounted = [run for run in self._journals.runs.values() if known_runs.get(run.boot_id, (0, False))[1]]
        self._stand(without=accounted)
        self._budgets.begin(self._book)

    def _close(self) -> None:
        self._journals.close()
        self._book.close()

    def _run(self) -> None:
        failures = 0
        opened = True
        while True:
            try:
                if not opened:
                    self._open()
                    opened = True
                self._fill()
                self._close()
                return
            except _Refused as reason:
                self._careful = reason.calls
                opened = False
                with contextlib.suppress(Exception):
                    self._close()
            except Exception as error:
                opened = False
                self._balance.trouble = f"{type(error).__name__}: {error}"
                # Whatever it was, the journal has it all: begin again from the disk, as after a crash.
                level = logging.ERROR if failures % 20 == 0 else logging.DEBUG
                log.log(level, "the book is not being written (%s: %s); trying again", type(error).__name__, error)
                with contextlib.suppress(Exception):
                    self._close()
                wait = _RETRY_S[min(failures, len(_RETRY_S) - 1)]
                failures += 1
                if self._stopping.wait(wait) and failures > len(_RETRY_S):
                    log.error("stopping all the same: what is not in the book stays in the journal")
                    return

    def _fill(self) -> None:
        """Pass after pass, until told to stop and nothing is left."""
        last_write = sized = fold_again = time.monotonic()
        folded = True
        while True:
            if stopping := self._stopping.is_set():
                self._aside.hurry()
            if stopping and self._succeeded:
                return
            self._budgets.look(self._book)
            began = time.monotonic()
            batch = self._pass(began)
            self._aside.passed(all_done=batch.all_read)
            if batch.taken:
                last_write, folded = time.monotonic(), False
                if last_write - sized > _SIZES_S:
                    self._note_sizes()
                    sized = last_write
                self._turns.give(self._book)
                if batch.all_read and not stopping:
                    self._rest(began + _REST_S - time.monotonic())
                continue
            if self._turns.give(self._book):
                last_write, folded = time.monotonic(), False
                continue
            if stopping:
                if not folded:
                    self._note_sizes()
                return
            idle = time.monotonic() - last_write
            if idle > _IDLE_AFTER_S and not folded and time.monotonic() > fold_again:
                if folded := self._fold():
                    self._note_sizes()
                fold_again = time.monotonic() + _IDLE_AFTER_S
            self._rest(_IDLE_LOOK_S if idle > _IDLE_AFTER_S else _LOOK_S)

    def _rest(self, seconds: float) -> None:
        """For so long, or until somebody asks for something."""
        if seconds > 0:
            self._something.wait(seconds)
        self._something.clear()

    def _pass(self, began: float) -> _Batch:
        """Take one batch to the book."""
        self._look_at_room()
        self._journals.look()
        finished = self._book.runs() if self._journals.runs else {}
        batch = _Batch(began + _LONGEST_PASS_S)
        for run in self._in_turn():
            if finished.get(run.boot_id, (0, False))[1]:
                self._balance.account_for(run)
                self._journals.drop(run)  # we died between accounting for it and removing it
                continue
            for noted in self._journals.read(run):
                self._take(noted, batch)
                if batch.full:
                    batch.all_read = False
                    break
        positions = self._journals.positions()
        if batch.taken or positions:
            entries = self._ready(batch.entries)
            self._commit(entries, Progress(cursors=positions, repeats=batch.repeats))
            self._aside.once()
            self._book.must_be_in_place()  # before the journal drops what only the book has from now on
            self._journals.committed(positions)
            self._aside.once()
        if batch.all_read:
            self._budgets.counted(began)
        ended = [run for run in self._journals.runs.values() if run.read_out]
        for run in ended:
            self._account_for(run)
        if ended:
            self._book.must_be_in_place()
        self._balance.trouble = None
        self._aside.once()
        self._stand(without=ended)
        for run in ended:
            self._journals.drop(run)  # only now: until here its page of counts is looked at
        return batch

    def _in_turn(self) -> list[Run]:
        """All runs, each first sometimes: a busy one may fill every batch."""
        runs = list(self._journals.runs.values())
        self._passes += 1
        first = self._passes % len(runs) if runs else 0
        return runs[first:] + runs[:first]

    def _take(self, calls: list[Noted], batch: _Batch) -> None:
        """Meter these calls, and keep of them what will be written: whole bodies of a batch could fill the memory."""
        batch.taken += len(calls)
        rows = [noted for noted in calls if not self._repeats(noted, batch)]
        metered = spared(rows, self._metered(rows), keep_bodies=self._room.step == Step.FULL)
        entries = list(map(self._book.pack, self._aside.each(metered)))  # one step for all of them, then the next
        if self._careful:
            self._careful = max(0, self._careful - len(rows))
            for noted, entry in zip(rows, entries, strict=True):
                self._write_alone(noted, entry)
        else:
            batch.entries += entries

    def _repeats(self, noted: Noted, batch: _Batch) -> bool:
        """Whether this call is only counted on the row of another, which is there or will be."""
        of = noted.ended.repeats if noted.ended is not None else None
        if of is not None and (of in batch.rows or self._book.knows([of])):
            batch.rows.add(of)
            batch.repeats.append(Repeat(noted.boot_id, of))
            return True
        # Also a repeat of what was lost is a row: better one too many than a call too few.
        if not self._careful:
            batch.rows.add(noted.started.call_id)
        return False

    def _ready(self, entries: list[Entry]) -> list[Entry]:
        return self._budgets.flagged(retold.once(entries, self._book.charged))

    def _look_at_room(self) -> None:
        before = self._room.step
        if self._room.look() != before:
            self._balance.few_since_us = time.time_ns() // 1000 if self._room.step > Step.FULL else None

    def _stand(self, without: list[Run]) -> None:
        for run in without:
            self._balance.account_for(run)
        runs = [run for run in self._journals.runs.values() if run not in without]
        self._balance.strike(self._book.counters(), runs, self._journals.size())

    def _metered(self, calls: list[Noted]) -> list[Entry]:
        try:
            return self._meter.meter_all(calls)
        except Exception:  # by one of them: each alone, to know which
            return list(map(self._entry, calls))

    def _entry(self, noted: Noted) -> Entry:
        try:
            return self._meter.meter(noted)
        except Exception:
            log.exception("a call could not be metered; it is in the book with what its notes say")
            return bare(noted)

    def _commit(self, entries: list[Entry], progress: Progress) -> None:
        failures = 0
        while True:
            try:
                if self._book.add(entries, progress) == len(entries):
                    self._budgets.add(entries)
                else:
                    self._budgets.count(self._book)  # some were there already
                return
            except sqlite3.OperationalError as error:  # locked, full, unreadable: for as long as it lasts
                wait = _RETRY_S[min(failures, len(_RETRY_S) - 1)]
                if failures % 20 == 0:
                    log.error("the book cannot be written: %s; the journal keeps what comes", error)
                failures += 1
                self._balance.trouble = str(error)
                self._look_at_room()
                full = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
                if full:
                    self._room.release()
                if full or self._room.step > Step.FULL:
                    entries = without_bodies(entries)
                if self._stopping.wait(wait) and failures > len(_RETRY_S):
                    raise
            except (sqlite3.Error, ValueError, OverflowError) as error:
                log.error("a batch holds a call that the book refuses (%s); reading it again, call by call", error)
                if not entries:
                    raise
                raise _Refused(len(entries)) from error

    def _write_alone(self, noted: Noted, entry: Entry) -> None:
        """Write this call, or bare if the book refuses it, or else put it into quarantine."""
        for attempt in (*self._ready([entry]), bare(noted)):
            try:
                if self._book.add([attempt]):
                    self._budgets.add([attempt])
                return
            except sqlite3.OperationalError:
                raise  # not this call's fault
            except (sqlite3.Error, ValueError, OverflowError) as error:
                reason = error
        log.error("call %s goes to quarantine: %s", noted.started.call_id.hex(), reason)
        quarantine(self._data_dir, f"{noted.started.call_id.hex()}.notes", msgspec.msgpack.encode(noted))
        self._book.add([], Progress(counters={"lost.refused": 1, f"refused.{noted.boot_id}": 1}))

    def _account_for(self, run: Run) -> None:
        """A run is over: what it received is in the book, or counted as lost."""
        stored, _ = self._book.runs().get(run.boot_id, (0, False))
        refused = self._book.counters().get(f"refused.{run.boot_id}", 0)
        counters = of_a_run(self._data_dir, run, stored=stored, refused=refused)
        self._book.add([], Progress(finished=[run.boot_id], counters=counters))

    def _fold(self) -> bool:
        try:
            return self._book.fold_log()
        except sqlite3.OperationalError as error:
            log.info("the book's log stays as it is for now: %s", error)
            return False

    def _note_sizes(self) -> None:
        try:
            self._book.note_sizes(int(time.time()) // _DAY_S, sizes.look(self._data_dir))
        except sqlite3.OperationalError as error:
            log.info("the sizes of the files are not noted this time: %s", error)
