"""A budget: so many credits in so long a time. Written `50000/month`; a bare number is a total, for all time.

Says nothing of what was spent; that is `proxy/keys/standing.py`.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, get_args

Period = Literal["total", "day", "week", "month"]
PERIODS: tuple[Period, ...] = get_args(Period)

_WRITTEN = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)(?:/([a-z]+))?")  # usage has six decimals


@dataclass(frozen=True, slots=True)
class Budget:
    """Credits that may be used in each period; days, weeks (from Monday) and months are those of `[credits] tz`."""

    credits: Decimal
    period: Period

    def __post_init__(self) -> None:
        """Amounts are compared in the middle of calls, where what is no number would raise."""
        if not (self.credits.is_finite() and self.credits > 0):
            raise ValueError("a budget must be more than 0 credits")

    def __str__(self) -> str:
        return f"{self.credits}/{self.period}"


def read_budget(written: str) -> Budget:
    """The budget in these words.

    Raises:
        ValueError: saying what would be right.
    """
    found = _WRITTEN.fullmatch(written.strip())
    period = next((one for one in PERIODS if found and one == (found[2] or "total")), None)
    if found is None or period is None:
        raise ValueError('must be CREDITS/PERIOD, such as "50000/month"; the period is total, day, week or month')
    amount = Decimal(found[1])
    if not amount:
        raise ValueError("must be more than 0 credits; to let nothing pass, disable the key")
    return Budget(amount, period)


def read_budgets(written: list[str]) -> tuple[Budget, ...]:
    """Several budgets, which hold side by side.

    Raises:
        ValueError: one is wrong, or two are for the same period.
    """
    budgets = tuple(map(read_budget, written))
    if len({budget.period for budget in budgets}) < len(budgets):
        raise ValueError("must not name the same period twice")
    return budgets
