"""The counters of all budgets: exact after every commit, because they begin from the book and end with it.

Counted anew when the book is opened, when a period ends, and when somebody's budgets or names change; between, each
committed batch is added. What is used up, and who is about to use a budget up, is published at once
(`proxy/keys/standing.py`), and then up to when everything is counted (`proxy/keys/counted.py`).
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from proxy.config.budget import Budget
from proxy.config.model import Config
from proxy.keys.counted import CountedPage
from proxy.keys.standing import Published, publish, which
from store.book import Book, Entry
from store.budgets.holders import Holder, Holders
from store.budgets.state import MICRO, BudgetState
from store.budgets.unpriced import HasPrice, UnpricedModels
from store.budgets.used import Of, used
from store.budgets.window import Window, window
from store.call import Call

NEARLY_USED: Final = "budget_nearly_used"
"""The anomaly of a call after which the warned share of one of its budgets is used, or was before."""

_NEAR_CALLS = 1000
"""When as many calls more would use a budget up, its holder is watched closely. More than can end uncounted."""
_LATELY = 100  # calls that the mean of what calls use is about

log = logging.getLogger("tollbook.store")


@dataclass(slots=True, eq=False)
class _Count:
    """One budget of one holder."""

    holder: Holder
    budget: Budget
    window: Window
    warn_micro: Decimal
    limit_micro: int
    used_micro: int
    lately_micro: int  # of about the last hundred calls,
    lately_calls: int  # for their mean

    @property
    def used_up(self) -> bool:
        return self.used_micro >= self.limit_micro

    def near(self, usual_micro: int) -> bool:
        """Whether soon it may be used up; `usual_micro` is what a call uses of whom nothing is known."""
        if self.used_up:
            return False
        mean = self.lately_micro // self.lately_calls + 1 if self.lately_calls > 0 else usual_micro
        return not mean or self.limit_micro - self.used_micro <= _NEAR_CALLS * mean

    def add(self, micro: int) -> None:
        self.used_micro += micro
        self.lately_micro += micro
        self.lately_calls += 1
        if self.lately_calls >= 2 * _LATELY:
            self.lately_micro //= 2
            self.lately_calls //= 2


class Budgets:
    """Used by the thread that fills the book; `states` is for everybody."""

    def __init__(
        self,
        config: Config,
        has_price: HasPrice = lambda upstream, model: True,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self._data_dir = config.store.data_dir
        self._zone = ZoneInfo(config.credits.tz)
        self._warn_at = config.credits.warn_at
        self._now_us = now_us
        self._unpriced = UnpricedModels(config, has_price)
        self._holders = Holders(config.store.data_dir, config.groups)
        self._counts: list[_Count] = []
        self._of: dict[tuple[Of, str], list[_Count]] = {}
        self._next_us: int | None = None  # when the first period ends
        self._usual_micro = 0  # what a call uses; 0: nobody knows
        self._published: Published | None = None
        self._file: tuple[int, int, int] | None = None  # which one was published
        self._page: CountedPage | None = None
        self._counted_to = 0.0

    def states(self) -> tuple[BudgetState, ...]:
        """How every budget stands; from any thread."""
        return tuple(map(self._state, self._counts))

    def passed(self) -> tuple[BudgetState, ...]:
        """Those of which the warned share is used; from any thread."""
        return tuple(self._state(one) for one in self._counts if one.used_micro >= one.warn_micro)

    def _state(self, one: _Count) -> BudgetState:
        return BudgetState(
            one.holder.of, one.holder.name, one.budget, one.window, one.used_micro, self._warn_at,
            one.holder.former_names,
        )  # fmt: skip

    @property
    def published(self) -> Published:
        """What the workers were told last."""
        return self._published or Published()

    def begin(self, book: Book) -> None:
        """Learn what this book, just opened, says of prices; and count."""
        self._unpriced.begin(book)
        self.count(book)

    def count(self, book: Book) -> None:
        """Begin from what the book says."""
        self._holders.changed()
        now_us = self._now_us()
        counts: list[_Count] = []
        sums: dict[tuple[Of, Window], tuple[Counter[str], Counter[str]]] = {}
        for holder in self._holders.all:
            for budget in holder.budgets:
                running = window(budget.period, now_us, self._zone)
                if (holder.of, running) not in sums:
                    found = used(book.ask, holder.of, running)
                    sums[holder.of, running] = (
                        book.by_name(holder.of, found.micro), book.by_name(holder.of, found.calls)
                    )  # fmt: skip
                micro, calls = (sum(one[name] for name in holder.names) for one in sums[holder.of, running])
                limit = int(budget.credits * MICRO)  # a whole number: credits have six decimals
                counts.append(_Count(holder, budget, running, limit * self._warn_at, limit, micro, micro, calls))
        self._counts = counts
        self._of = {}
        for one in counts:
            if one.lately_calls > _LATELY:
                one.lately_micro = one.lately_micro * _LATELY // one.lately_calls
                one.lately_calls = _LATELY
            for name in one.holder.names:
                self._of.setdefault((one.holder.of, name), []).append(one)
        self._next_us = min((one.window.stop_us for one in counts if one.window.stop_us is not None), default=None)
        all_calls = sum(one.lately_calls for one in counts)
        self._usual_micro = sum(one.lately_micro for one in counts) // all_calls + 1 if all_calls > 0 else 0
        self._publish()

    def look(self, book: Book) -> None:
        """Count anew if a period ended, or budgets changed."""
        if self._holders.changed() or (self._next_us is not None and self._now_us() >= self._next_us):
            self.count(book)
        elif self._published is None or self._file != self._which():
            self._published = None  # somebody took it away, or put another in its place
            self._publish()

    def flagged(self, entries: Iterable[Entry]) -> list[Entry]:
        """The same calls; those that use of a budget that is nearly used say so."""
        if not self._counts:
            return list(entries)
        ahead: Counter[_Count] = Counter()
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
        changed = self._unpriced.learn(entries)
        for entry in entries:
            if usage := entry.call.usage_micro if self._counts else 0:
                for one in self._touched(entry.call):
                    before = one.used_up, one.near(self._usual_micro)
                    one.add(usage)
                    changed = changed or before != (one.used_up, one.near(self._usual_micro))
        if changed:
            self._publish()

    def counted(self, to: float) -> None:
        """Everything that the journals held at this moment (`time.monotonic`) is in the counters."""
        self._counted_to = to
        self._turn_page()

    def close(self) -> None:
        """Let go of the page."""
        if self._page is not None:
            self._page.close()
            self._page = None

    def _touched(self, call: Call) -> Iterable[_Count]:
        """The counts that this call counts in."""
        for one in (*self._of.get(("key", call.key or ""), ()), *self._of.get(("group", call.group), ())):
            if one.window.holds(call.started_at_us):
                yield one

    def _publish(self) -> None:
        near = {(one.holder.of, one.holder.name): None for one in self._counts if one.near(self._usual_micro)}
        before = self._published
        published = Published(
            edition=before.edition if before is not None else time.time_ns(),
            used_up=tuple(self._state(one).as_used_up() for one in self._counts if one.used_up),
            near=tuple(near),
            unpriced=self._unpriced.all,
        )
        if published == before:
            return
        try:
            if self._page is None:
                self._page = CountedPage(self._data_dir)
            self._published = replace(published, edition=time.time_ns())
            publish(self._data_dir, self._published)
            self._file = which(self._data_dir)
            self._turn_page()
        except OSError as error:
            if before is not None:  # said once; tried again at every look
                log.error("what is used up of the budgets cannot be told to the workers: %s", error)
            self._published = None

    def _which(self) -> tuple[int, int, int] | None:
        try:
            return which(self._data_dir)
        except OSError:
            return self._file  # a disk that does not answer; nothing is known of the file

    def _turn_page(self) -> None:
        if self._page is not None and self._published is not None:
            self._page.write(self._counted_to, self._published.edition)
