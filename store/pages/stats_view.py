"""What the address of /stats asks for: a filter, what it is divided by, and what is drawn."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from aiohttp import web

from store.filters import GROUPING, Filter, WrongFilter
from store.pages.asking import asked_of
from store.pages.measures import MEASURES, METRICS, TOKENS, Measure
from store.pages.period import DEFAULT_FROM, EVER
from store.pages.state import State, state_of

BY: Final = ("model", "key", "group", "type", "upstream", "user")
"""What the page offers to divide by; the address may also say session, status or outcome."""
_ALSO_BY: Final = ("session", "status", "outcome")
OWN: Final = ("metric", "per", "tokens", "sort", "order", "rows")
KINDS_OF_TOKENS: Final = (*TOKENS, "kinds")


@dataclass(frozen=True, slots=True)
class View:
    """What the address asks for."""

    given: State
    state: State  # as given, and with the time that is shown when none is
    asked: Filter
    by: str
    metric: str
    tokens: str
    every: bool  # line of the table

    @classmethod
    def of(cls, request: web.Request) -> "View":
        """Raises: WrongFilter: a parameter is unknown or wrong."""
        given = state_of(request)
        state = given if given.value("from") else given.with_(from_=EVER if given.value("to") else DEFAULT_FROM)
        by = _one_of("by", state.value("by", BY[0]), (*BY, *_ALSO_BY))
        asked = replace(asked_of(request, state, also=GROUPING, own=OWN), by=(by,))
        metric = _one_of("metric", state.value("metric", METRICS[0]), METRICS)
        tokens = _one_of("tokens", state.value("tokens", "total"), KINDS_OF_TOKENS)
        rows = _one_of("rows", state.value("rows", "few"), ("few", "all"))
        for name in OWN:
            if len(state.values(name)) > 1:
                raise WrongFilter(name, "given more than once")
        return cls(given, state, asked, by, metric, tokens, every=rows == "all")

    @property
    def kinds(self) -> bool:
        """Whether tokens are divided by what they are, not by who used them."""
        return self.metric == "tokens" and self.tokens == "kinds"

    @property
    def measure(self) -> Measure:
        """What is drawn; what the largest are chosen by where nothing adds up."""
        if self.metric == "tokens":
            return TOKENS.get(self.tokens, TOKENS["total"])
        return MEASURES.get(self.metric, MEASURES["calls"])


def _one_of(param: str, text: str, values: Sequence[str]) -> str:
    if text not in values:
        raise WrongFilter(param, f"{text!r}: use one of {', '.join(values)}")
    return text
