"""Models that are known to have no price: asked for by this name at this upstream, answered in full, priced nowhere.

Only groups with `unpriced = "refuse"` want to know. What a call shows is what counts: a name that the provider answers
with a priced model has a price. So the first call of a model without one is let through, and costs nobody knows what.
"""

from collections.abc import Callable, Iterable
from importlib.resources import files

from proxy.config.model import Config
from store.book import Book, Entry

Pair = tuple[str, str]
"""Upstream, and the model as it is asked for."""

HasPrice = Callable[[str, str], bool]
"""Whether a model has a price at an upstream, now."""

_MOST = 5000
_LOOKED_AT = 20_000
"""Calls of unknown cost, the newest, that are looked at in the book."""


class UnpricedModels:
    """Used by the thread that fills the book."""

    def __init__(self, config: Config, has_price: HasPrice) -> None:
        self._wanted = any(group.unpriced == "refuse" for group in config.groups.values())
        self._has_price = has_price
        self._known: dict[Pair, None] = {}

    @property
    def all(self) -> tuple[Pair, ...]:
        """All that are known, in the order in which they became so."""
        return tuple(self._known)

    def begin(self, book: Book) -> None:
        """Learn from the calls that are there."""
        if not self._wanted:
            return
        text = (files("store.budgets") / "unpriced.sql").read_text()
        self._known = {}
        for upstream, requested, model in book.ask(text, (_LOOKED_AT,)):
            if not self._has_price(upstream, model) and not self._has_price(upstream, requested):
                self._add((upstream, requested))

    def learn(self, entries: Iterable[Entry]) -> bool:
        """Learn from new calls; whether there was anything to learn."""
        before = len(self._known)
        changed = False
        for entry in entries if self._wanted else ():
            call, reading = entry.call, entry.call.reading
            if call.upstream is None or reading.requested_model is None or call.outcome != "completed":
                continue
            pair = call.upstream, reading.requested_model
            if call.cost.state in ("priced", "reported") and pair in self._known:
                del self._known[pair]
                changed = True
            elif call.cost.state == "unknown" and reading.tokens is not None and pair not in self._known:
                names = {reading.model or reading.requested_model, reading.requested_model}
                if not any(self._has_price(call.upstream, name) for name in names):
                    self._add(pair)
        return changed or len(self._known) != before

    def _add(self, pair: Pair) -> None:
        if len(self._known) >= _MOST:
            del self._known[next(iter(self._known))]
        self._known[pair] = None
