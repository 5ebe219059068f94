"""A budget as its holders and the pages tell it, also one made a moment ago, of which nothing is counted yet."""

from collections.abc import Iterable, Mapping
from typing import Any

from proxy.config.budget import Budget
from store.budgets.state import MICRO, BudgetState
from store.budgets.used import Of

Counted = Mapping[tuple[Of, str, Budget], BudgetState]
"""How budgets stand, by whose and which they are."""


def counted(states: Iterable[BudgetState]) -> Counted:
    """To be asked for many."""
    return {(one.of, one.name, one.budget): one for one in states}


def budget_told(of: Of, name: str, budget: Budget, known: Counted) -> dict[str, Any]:
    """{"of", "credits", "period", "used", "left", "share", "state", "until"}; unknown is null until it is counted."""
    one = known.get((of, name, budget))
    if one is not None:
        left = max(0, int(budget.credits * MICRO) - one.used_micro) / MICRO
        return {field: value for field, value in one.as_json().items() if field != "name"} | {"left": left}
    unknown = dict.fromkeys(("used", "left", "share", "state", "until"))
    return {"of": of, "credits": float(budget.credits), "period": budget.period, **unknown}
