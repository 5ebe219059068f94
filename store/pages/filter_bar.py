"""The filter bar that pages share: the five filters of Usage Logs side by side, the others behind "More".

    told = await facets(source, asked, without_own=True)    # or None: the menus then fetch their values when opened
    bar = filter_bar(state, asked.zone, now, told)          # templates: {% from "parts/filters.html" import filters %}

Everything here is told by the address: a menu lists what exists and what the address names, also where nothing has it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, get_args
from zoneinfo import ZoneInfo

from proxy.journal.notes import Outcome
from store.anomalies import CATALOGUE
from store.call import CostState
from store.filters import FILTERS
from store.pages.asking import NEW_TAG, PLACE
from store.pages.chips import LABELS, Chip, chips
from store.pages.state import Params, State
from store.pages.time_range import TimeRange, time_range

MOST_OPTIONS: Final = 60
"""More values than this are found by typing."""
NOTHING: Final = "!*"
"""The word for "has no value"."""

_MAIN = ("model", "key", "group", "type")
_KNOWN: Final[dict[str, Sequence[str]]] = {
    "status": ("error", "2xx", "4xx", "5xx", "429"),
    "outcome": get_args(Outcome),
    "cost_state": get_args(CostState),
    "anomaly": ("*", *CATALOGUE),
}
_WORDS_OF: Final = {"error": "any error", "*": "any anomaly", NOTHING: "none"}
_EXAMPLES: Final = {
    "model": "type, or add gpt-*",
    "key": "type, or add team-*",
    "group": "type, or add !default",
    "type": "type to narrow",
    "upstream": "type to narrow",
    "status": "429, 5xx, !200",
    "user": "name, or ana*",
    "session": "id, or s-12*",
    "request_id": "req_..., or a call's id",
}


@dataclass(frozen=True, slots=True)
class Option:
    """A value that can be ticked."""

    value: str
    label: str
    calls: int | None  # None: not counted
    chosen: bool


@dataclass(frozen=True, slots=True)
class Menu:
    """One multi-select."""

    param: str
    label: str
    options: tuple[Option, ...]
    shown: str  # what is chosen, in short
    example: str
    unlisted: int = 0  # how many more values there are
    fetched: bool = False  # the values are to be fetched when it is opened

    @property
    def chosen(self) -> int:
        return sum(option.chosen for option in self.options)


@dataclass(frozen=True, slots=True)
class Bounds:
    """A lowest and a highest value, as they stand in the address."""

    what: str
    label: str
    unit: str
    lowest: str
    highest: str


@dataclass(frozen=True, slots=True)
class FilterBar:
    """What parts/filters.html draws."""

    path: str
    address: str  # of the state it shows
    time: TimeRange
    menus: tuple[Menu, ...]
    more: tuple[Menu, ...]
    bounds: tuple[Bounds, ...]
    stream: str
    q: tuple[str, ...]
    chips: tuple[Chip, ...]
    clear: str  # the address without any filter
    hidden: Params  # what the form carries along

    @property
    def behind_more(self) -> int:
        """How many filters behind "More" are in use."""
        texts = sum(bool(text) for bounds in self.bounds for text in (bounds.lowest, bounds.highest))
        return sum(menu.chosen for menu in self.more) + texts + bool(self.stream) + len(self.q)


def filter_bar(state: State, zone: ZoneInfo, now: datetime, told: Mapping[str, Any] | None) -> FilterBar:
    """The bar of this state; `told` are the facets, None when they are not known yet."""
    tags = dict.fromkeys(name for name, _ in state.params if name.startswith("tag."))
    time = time_range(state, zone, now)
    return FilterBar(
        path=state.path,
        address=state.address,
        time=time,
        menus=tuple(_facet(name, state, told) for name in _MAIN),
        more=(
            menu("status", state, [(value, None) for value in _KNOWN["status"]]),
            menu("outcome", state, [(value, None) for value in _KNOWN["outcome"]]),
            _facet("upstream", state, told),
            menu("user", state, []),
            menu("session", state, []),
            menu("request_id", state, []),
            menu("cost_state", state, [(value, None) for value in _KNOWN["cost_state"]]),
            menu("anomaly", state, [(value, None) for value in _KNOWN["anomaly"]]),
            *(menu(name, state, []) for name in tags),
        ),
        bounds=tuple(
            Bounds(what, label, unit, state.value(f"min_{what}"), state.value(f"max_{what}"))
            for what, label, unit in (
                ("duration_ms", "Duration", "ms"),
                ("cost_usd", "Cost", "USD"),
                ("tokens", "Tokens", ""),
            )
        ),
        stream=state.value("stream"),
        q=tuple(state.values("q")),
        chips=chips(state, time.label if time.limited else None),
        clear=cleared(state).address,
        hidden=tuple((name, value) for name, value in state.params if not _is_filter(name) and name not in PLACE),
    )


def cleared(state: State) -> State:
    """The same page without any filter; the zone stays."""
    kept = tuple((name, value) for name, value in state.params if not _is_filter(name) or name == "tz")
    return State(state.path, kept).without(*PLACE)


def menu(param: str, state: State, values: Collection[tuple[str | None, int | None]], typed: str = "") -> Menu:
    """A multi-select of these values (each with its number of calls) and of what the state has chosen."""
    chosen = list(dict.fromkeys(state.values(param)))
    known = [(value, calls) for value, calls in values if value is not None]
    nothing = [(NOTHING, calls) for value, calls in values if value is None]
    absent = [(value, None) for value in chosen if value not in {one for one, _ in [*known, *nothing]}]
    if typed:
        wanted = typed.casefold()  # what is chosen stays: the form would lose it
        known = [(value, calls) for value, calls in known if wanted in value.casefold() or value in chosen]
    listed, rest = known[:MOST_OPTIONS], known[MOST_OPTIONS:]
    listed += [(value, calls) for value, calls in rest if value in chosen]
    rest = [(value, calls) for value, calls in rest if value not in chosen]
    return Menu(
        param=param,
        label=LABELS.get(param, param),
        options=tuple(
            Option(value, _WORDS_OF.get(value, value), calls, value in chosen)
            for value, calls in [*absent, *listed, *nothing]
        ),
        shown=_shown(chosen),
        example=_EXAMPLES.get(param, "value, or abc*"),
        unlisted=len(rest),
    )


def _facet(name: str, state: State, told: Mapping[str, Any] | None) -> Menu:
    if told is None:
        made = menu(name, state, [])
        return Menu(made.param, made.label, made.options, made.shown, made.example, fetched=True)
    return menu(name, state, [(one["value"], one["calls"]) for one in told[name]])


def _shown(chosen: Sequence[str]) -> str:
    if not chosen:
        return "All"
    first = chosen[0]
    text = "none" if first == NOTHING else f"not {first[1:]}" if first.startswith("!") else first
    return f"{text} +{len(chosen) - 1}" if len(chosen) > 1 else text


def _is_filter(name: str) -> bool:
    return name in FILTERS or name.startswith("tag.") or name == NEW_TAG
