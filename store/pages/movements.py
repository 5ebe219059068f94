"""Top movers as /stats shows them: those whose cost changed most, up and down together."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from store.pages.breakdown import exactly
from store.pages.changes import change
from store.pages.figures import usd
from store.pages.series import called
from store.pages.state import State
from store.questions.movers import MOVERS_BY

_MOST: Final = 4


@dataclass(frozen=True, slots=True)
class Move:
    """One who spent more or less than before."""

    name: str
    usd: str
    previous_usd: str
    amount: str  # "+$1.20"
    change: str  # "▲ 12 % more"
    address: str | None


def movements(state: State, moved: Mapping[str, Any]) -> dict[str, list[Move]]:
    """{by: the largest changes first}; whoever has none is left out."""
    found = {}
    for by in MOVERS_BY:
        both = sorted([*moved[by]["up"], *moved[by]["down"]], key=lambda one: -abs(Decimal(one["change_usd"])))
        if both:
            found[by] = [_move(state, by, one) for one in both[:_MOST]]
    return found


def _move(state: State, by: str, one: Mapping[str, Any]) -> Move:
    wanted = exactly(one["value"])
    amount = usd(one["change_usd"])
    return Move(
        called(by, one["value"]),
        one["usd"],
        one["previous_usd"],
        amount if amount.startswith("-") else f"+{amount}",
        change(Decimal(one["usd"]), Decimal(one["previous_usd"])),
        None if wanted is None else state.with_(**{by: wanted}).address,
    )
