"""The counters of all budgets: exact after every commit, because they begin from the book and end with it.

Counted anew when the book is opened, when a period ends, and when somebody's budgets or names change; between, each
committed batch is added. What is used up is published at once (`proxy/keys/standing.py`).
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from proxy.config.budget import Budget
from proxy.config.model import Config
from proxy.keys.standing import Published, publish
from store.book import Book, Entry
from store.budgets.holders import Holder, Holders
from store.budgets.state import MICRO, BudgetState
from store.budgets.used import Of, used
from store.budgets.window import Window, window
from store.call import Call

NEARLY_USED = "budget_nearly_used"
"""The anomaly of a call after which the warned share of one of its budgets is used, or was before."""

log = logging.getLogger("tollbook.store")


@dataclass(slots=True, eq=False)
class _Counter:
    """One budget of one holder."""

    holder: Holder
    budget: Budget
    window: Window
    warn_micro: Decimal
    limit_micro: int
    used_micro: int


class Budgets:
    """Used by the thread that fills the book; `states` is for everybody."""

    def __init__(self, config: Config, now_us: Callable[[], int] = lambda: time.time_ns() // 1000) -> None:
        self._data_dir = config.store.data_dir
        self._zone = ZoneInfo(config.credits.tz)
        self._warn_at = config.credits.warn_at
        self._now_us = now_us
        self._holders = Holders(config.store.data_dir, config.groups)
        self._counters: list[_Counter] = []
        self._of: dict[tuple[Of, str], list[_Counter]] = {}
        self._next_us: int | None = None  # when the first period ends
        self._published: Published | None = None

    def states(self) -> tuple[BudgetState, ...]:
        """How every budget stands; from any thread."""
        return tuple(
            BudgetState(
                one.holder.of, one.holder.name, one.budget, one.window, one.used_micro, self._warn_at
            )
            for one in self._counters
        )  # fmt: skip

    def count(self, book: Book) -> None:
        """Begin from what the book says."""
        self._holders.changed()
        now_us = self._now_us()
        counters: list[_Counter] = []
        sums: dict[tuple[Of, Window], Counter[str]] = {}
        for holder in self._holders.all:
            for budget in holder.budgets:
                running = window(budget.period, now_us, self._zone)
                if (holder.of, running) not in sums:
                    sums[holder.of, running] = book.by_name(holder.of, used(book.ask, holder.of, running))
                spent = sum(sums[holder.of, running][name] for name in holder.names)
                limit = int(budget.credits * MICRO)  # a whole number: credits have six decimals
                counters.append(_Counter(holder, budget, running, limit * self._warn_at, limit, spent))
        self._counters = counters
        self._of = {}
        for one in counters:
            for name in one.holder.names:
                self._of.setdefault((one.holder.of, name), []).append(one)
        self._next_us = min((one.window.stop_us for one in counters if one.window.stop_us is not None), default=None)
        self._publish()

    def look(self, book: Book) -> None:
        """Count anew if a period ended, or budgets changed."""
        if self._holders.changed() or (self._next_us is not None and self._now_us() >= self._next_us):
            self.count(book)
        elif self._published is None:
            self._publish()

    def flagged(self, entries: Iterable[Entry]) -> list[Entry]:
        """The same calls; those that use of a budget that is nearly used say so."""
        if not self._counters:
            return list(entries)
        ahead: Counter[_Counter] = Counter()
        found = []
        for entry in entries:
            near = False
            for one in self._touched(entry.call):
                ahead[one] += entry.call.usage_micro or 0
                near = near or one.used_micro + ahead[one] >= one.warn_micro
            if near and entry.call.outcome != "rejected":
                call = replace(entry.call, anomalies=(*entry.call.anomalies, NEARLY_USED))
                entry = replace(entry, call=call)
            found.append(entry)
        return found

    def add(self, entries: Sequence[Entry]) -> None:
        """These calls, each of them new, are in the book now."""
        if not self._counters:
            return
        reached = False
        for entry in entries:
            if usage := entry.call.usage_micro:
                for one in self._touched(entry.call):
                    reached = reached or one.used_micro < one.limit_micro <= one.used_micro + usage
                    one.used_micro += usage
        if reached:
            self._publish()

    def _touched(self, call: Call) -> Iterable[_Counter]:
        """The counters that this call counts in."""
        for one in (*self._of.get(("key", call.key or ""), ()), *self._of.get(("group", call.group), ())):
            if one.window.holds(call.started_at_us):
                yield one

    def _publish(self) -> None:
        published = Published(used_up=tuple(one.as_used_up() for one in self.states() if one.state == "used_up"))
        if published == self._published:
            return
        try:
            publish(self._data_dir, published)
            self._published = published
        except OSError as error:
            if self._published is not None:  # said once; tried again at every look
                log.error("what is used up of the budgets cannot be told to the workers: %s", error)
            self._published = None
