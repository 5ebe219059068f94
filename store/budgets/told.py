"""A budget as its holders and the pages tell it, also one made a moment ago, of which nothing is counted yet."""

from collections.abc import Sequence
from typing import Any

from proxy.config.budget import Budget
from store.budgets.state import MICRO, BudgetState
from store.budgets.used import Of


def budget_told(of: Of, name: str, budget: Budget, states: Sequence[BudgetState]) -> dict[str, Any]:
    """{"of", "credits", "period", "used", "left", "share", "state", "until"}; unknown is null until it is counted."""
    for one in states:
        if (one.of, one.name, one.budget) == (of, name, budget):
            left = max(0, int(budget.credits * MICRO) - one.used_micro) / MICRO
            return {field: value for field, value in one.as_json().items() if field != "name"} | {"left": left}
    unknown = dict.fromkeys(("used", "left", "share", "state", "until"))
    return {"of": of, "credits": float(budget.credits), "period": budget.period, **unknown}
