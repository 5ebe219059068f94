"""How one budget stands at a moment, and how that is told."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from proxy.config.budget import Budget
from proxy.keys.used_up import UsedUp
from store.budgets.used import Of
from store.budgets.window import Window
from store.moments import at, rfc3339

MICRO = 1_000_000

State = Literal["ok", "warned", "used_up"]


@dataclass(frozen=True, slots=True)
class BudgetState:
    """A budget, and what was used of it in the period that is running."""

    of: Of
    name: str
    budget: Budget
    window: Window
    used_micro: int
    warn_at: Decimal
    former_names: tuple[str, ...] = ()  # of the key

    @property
    def state(self) -> State:
        """Used up as soon as nothing is left."""
        if self.used_micro >= self.budget.credits * MICRO:
            return "used_up"
        return "warned" if self.used_micro >= self.budget.credits * MICRO * self.warn_at else "ok"

    def as_used_up(self) -> UsedUp:
        """What the workers are told once it is used up."""
        stop = self.window.stop_us
        return UsedUp(self.of, self.name, self.budget.credits, self.budget.period, None if stop is None else at(stop))

    def as_json(self) -> dict[str, Any]:
        """{"of", "name", "credits", "period", "used", "share", "state", "until"}; `until` is null for a total."""
        return {
            "of": self.of,
            "name": self.name,
            "credits": float(self.budget.credits),
            "period": self.budget.period,
            "used": self.used_micro / MICRO,
            "share": float(round(self.used_micro / (self.budget.credits * MICRO), 4)),
            "state": self.state,
            "until": None if self.window.stop_us is None else rfc3339(self.window.stop_us),
        }
