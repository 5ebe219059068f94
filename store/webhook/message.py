"""What is told of a budget that passed a mark, and the number by which its receiver knows it again.

The id is made of what the message is about, not drawn: the same budget, period and event give the same id, also when
everything that was remembered is lost.
"""

import hashlib
from typing import Literal

import msgspec

from store.budgets import BudgetState
from store.moments import rfc3339

Event = Literal["budget_nearly_used", "budget_used_up"]


class Message(msgspec.Struct, frozen=True):
    """The JSON body, in this order."""

    event: Event
    of: Literal["key", "group"]
    name: str
    credits: float
    period: Literal["total", "day", "week", "month"]
    used: float
    share: float
    until: str | None  # when the period ends; None for a total
    time: str  # when this was noticed
    id: str


_encode = msgspec.json.Encoder().encode


def body_of(message: Message) -> bytes:
    """The bytes that are signed and sent; every attempt sends the same."""
    return _encode(message)


def ids_of(state: BudgetState) -> tuple[str, ...]:
    """The id under which this is told, and those under which it may have been, when its key had another name.

    None at all for a budget that is of no interest.
    """
    event = _event(state)
    if event is None:
        return ()
    about = (event, state.of, str(state.budget.credits.normalize()), state.budget.period, str(state.window.start_us))
    return tuple(_digest(*about, name) for name in (state.name, *state.former_names))


def message_of(state: BudgetState, now_us: int) -> Message:
    """How it stands now, as a message."""
    event, told = _event(state), state.as_json()
    if event is None:
        raise ValueError(f"nothing is to be told of the budget {state.budget} of {state.name}")
    fields = {name: told[name] for name in ("of", "name", "credits", "period", "used", "share", "until")}
    return Message(event=event, **fields, time=rfc3339(now_us), id=ids_of(state)[0])


def _event(state: BudgetState) -> Event | None:
    match state.state:
        case "warned":
            return "budget_nearly_used"
        case "used_up":
            return "budget_used_up"
        case _:
            return None


def _digest(*parts: str) -> str:
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:32]
