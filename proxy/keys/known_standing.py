"""How keys and groups stand, as one worker knows it: in memory, as new as what the store published.

What has ended but is not counted yet is what may go over a budget unseen. So where a budget is nearly used, a caller
whose last call ended a moment ago waits until that is counted, a tenth of a second or so: then only what is under way
can go over. A store that does not count is not waited for more than once, nor is a file that cannot be read.
"""

import asyncio
import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from proxy.config.budget import Budget, Period
from proxy.config.model import Group
from proxy.keys.counted import CountedPage
from proxy.keys.key import Key
from proxy.keys.standing import FILE, Holder, Published, read, which
from proxy.keys.used_up import UsedUp

_LOOKS_EVERY_S = 0.1
_PATIENCE_S = 1.0  # ten times what counting usually takes: a client shall not wait for a store in trouble
_WAIT_S = 0.005

log = logging.getLogger("tollbook.keys")


class _Held:
    """One reading of the file. Never changed, so a look-up needs no lock."""

    __slots__ = ("edition", "near", "unpriced", "used_up")

    def __init__(self, published: Published) -> None:
        self.edition = published.edition
        self.used_up: dict[tuple[str, str, Period], UsedUp] = {
            (one.of, one.name, one.period): one for one in published.used_up
        }
        self.near = frozenset(published.near)
        self.unpriced = frozenset(published.unpriced)


class KnownStanding:
    """The standing of one worker; a thread of its own looks whether the store said something new."""

    def __init__(
        self,
        data_dir: Path,
        groups: Mapping[str, Group],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._data_dir = data_dir
        self._now = now
        self._budgets = {group.name: group.budgets for group in groups.values() if group.budgets}
        self._held = _Held(Published())
        self._counted = CountedPage(data_dir)
        self._stalled_at = -1.0  # where the count stood when it was waited for in vain
        self._given_up = -1  # the edition that was waited for in vain
        self._waiting: deque[tuple[float, asyncio.Future[None]]] = deque()  # since when
        self._ended: dict[Holder, float] = {}  # since when the store can read of the last call of each
        self._unfiled: Counter[Holder] = Counter()  # how many ended of which it cannot yet
        self._seen: tuple[int, int, int] | None = None
        self._trouble = False
        self._wake = threading.Event()
        self._closed = False
        self._thread: threading.Thread | None = None

    def used_up(self, key: Key | None, group: str) -> UsedUp | None:
        """The first budget of the key or its group that is used up; `key` is None for a credential without a name."""
        if not self._held.used_up:
            return None
        if key is not None and key.budgets:
            for name in (key.name, *key.former_names):  # renamed a moment ago: the store may not have seen it yet
                if (found := self._find("key", name, key.budgets)) is not None:
                    return found if name == key.name else replace(found, name=key.name)
        budgets = self._budgets.get(group)
        return None if budgets is None else self._find("group", group, budgets)

    def unpriced(self, upstream: str, model: str) -> bool:
        """Whether this model is known to have no price."""
        return (upstream, model) in self._held.unpriced

    def ended(self, key: Key | None, group: str, filed: Callable[[], asyncio.Future[bool]]) -> None:
        """A call of theirs has ended, and what it used is not counted yet. `filed`: what waits for the store to be able
        to read of it, or for as long as is waited for a disk."""
        for holder in self._holders(key, group):
            self._unfiled[holder] += 1
            filed().add_done_callback(partial(self._was_filed, holder))

    def _was_filed(self, holder: Holder, _: asyncio.Future[bool]) -> None:
        self._ended[holder] = time.monotonic()
        self._unfiled[holder] -= 1
        if not self._unfiled[holder]:
            del self._unfiled[holder]

    def undecided(self, key: Key | None, group: str) -> bool:
        """Whether what ended just now may have used a budget up; `counted` is then to be waited for."""
        held = self._held
        counted_to, edition = self._counted.read()
        unheard = self._unheard(edition)
        if not (held.near or unheard) or counted_to == self._stalled_at:
            return False
        return any(
            unheard or (one in held.near and (one in self._unfiled or self._ended.get(one, 0.0) > counted_to))
            for one in self._holders(key, group)
        )

    async def counted(self) -> None:
        """Wait until all that has ended by now is counted, but not for long."""
        loop = asyncio.get_running_loop()
        waiter = loop.create_future()
        if not self._waiting:
            loop.call_later(_WAIT_S, self._see, loop)
        self._waiting.append((time.monotonic(), waiter))
        await waiter

    def _see(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let those go on whose wait is over; the others are looked after again soon."""
        counted_to, edition = self._counted.read()
        if unheard := self._unheard(edition):
            self._wake.set()  # first the file, then those who wait for what it says
            counted_to = -1.0
        impatient = time.monotonic() - _PATIENCE_S
        while self._waiting and self._waiting[0][0] <= max(counted_to, impatient):
            since, waiter = self._waiting.popleft()
            if since > counted_to:
                self._stalled_at, _ = self._counted.read()
                self._given_up = edition if unheard else self._given_up
            if not waiter.done():
                waiter.set_result(None)
        if self._waiting:
            loop.call_later(_WAIT_S, self._see, loop)

    def _unheard(self, edition: int) -> bool:
        """Whether something is said that was not read yet, and may still be."""
        return edition > max(self._held.edition, self._given_up)

    def _holders(self, key: Key | None, group: str) -> Iterator[Holder]:
        if key is not None and key.budgets:
            yield "key", key.name
        if group in self._budgets:
            yield "group", group

    def _find(self, of: str, name: str, budgets: tuple[Budget, ...]) -> UsedUp | None:
        known = self._held.used_up
        for budget in budgets:
            found = known.get((of, name, budget.period))
            # A smaller budget than the one that was used up is used up as well; of a larger one nothing is known.
            if found is None or budget.credits > found.credits:
                continue
            if found.until is None or self._now() < found.until:
                return replace(found, credits=budget.credits)
        return None

    def start(self) -> None:
        """Read what there is, and go on looking at it."""
        self.refresh()
        self._thread = threading.Thread(target=self._watch, name="tollbook-standing", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._closed = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(1.0)

    def refresh(self) -> None:
        """Read the file if it is another than before."""
        try:
            seen = which(self._data_dir)
            if seen is None:
                return  # nothing was said yet, or somebody took it away; it will be there again
            if seen == self._seen and not self._unheard(self._counted.read()[1]):
                return  # of two files that took each other's place within a tick of the clock both may look the same
            self._held = _Held(read(self._data_dir))
            self._seen = seen
            self._trouble = False
        except (OSError, ValueError) as error:
            if not self._trouble:
                self._trouble = True
                log.warning("%s cannot be read (%s); what was known stays in force", FILE, type(error).__name__)

    def _watch(self) -> None:
        while not self._closed:
            self._wake.wait(_LOOKS_EVERY_S)
            self._wake.clear()
            self.refresh()
