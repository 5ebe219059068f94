"""The filters in use, each as a chip that takes it away."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from store.filters import FILTERS
from store.pages.asking import PLACE
from store.pages.state import State

LABELS: Final = {
    "model": "Model Name",
    "key": "Key Name",
    "group": "Group",
    "type": "Call Type",
    "upstream": "Upstream",
    "status": "Status",
    "outcome": "Outcome",
    "stream": "Streamed",
    "user": "User",
    "session": "Session",
    "request_id": "Request id",
    "cost_state": "Cost state",
    "anomaly": "Anomaly",
    "q": "Text",
    "min_duration_ms": "Duration from",
    "max_duration_ms": "Duration up to",
    "min_cost_usd": "Cost from",
    "max_cost_usd": "Cost up to",
    "min_tokens": "Tokens from",
    "max_tokens": "Tokens up to",
}
_TIME: Final = ("from", "to", "tz")
_UNITS: Final = {"duration_ms": " ms", "cost_usd": " USD", "tokens": ""}
_WORDS: Final = {"true": "yes", "1": "yes", "false": "no", "0": "no"}


@dataclass(frozen=True, slots=True)
class Chip:
    """One value of one filter, and the address without it."""

    param: str
    label: str
    value: str
    excluded: bool
    address: str


def chips(state: State, time: str | None) -> tuple[Chip, ...]:
    """All of them, in the order of the address; `time` is the range in words. The zone is no filter."""
    return tuple(_chips(state, time))


def _chips(state: State, time: str | None) -> Iterator[Chip]:
    if time is not None:
        yield Chip("from", "Time", time, excluded=False, address=state.without("from", "to", *PLACE).address)
    for pair in state.params:
        name, value = pair
        if not (name in FILTERS or name.startswith("tag.")) or name in _TIME:
            continue
        excluded = value.startswith("!")
        rest = State(state.path, tuple(other for other in state.params if other != pair)).without(*PLACE)
        yield Chip(
            param=name,
            label=LABELS.get(name, name.removeprefix("tag.")),
            value=_value(name, value[1:] if excluded else value),
            excluded=excluded,
            address=rest.address,
        )


def _value(name: str, value: str) -> str:
    if name == "stream":
        return _WORDS.get(value, value)
    return value + _UNITS.get(name.partition("_")[2], "") if name.startswith(("min_", "max_")) else value
