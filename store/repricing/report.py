"""What a repricing changes, or has changed: by model, by key and by day, before and after.

Unknown is in no sum: each sum says of how many calls the cost is unknown.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import msgspec

from store.questions.figures import in_credits, usd
from store.repricing.anew import Stays
from store.repricing.kept import Amount

Json = dict[str, Any]
Where = tuple[str | None, str | None, date]
"""Model, key and day."""


@dataclass(slots=True)
class Difference:
    """Of some calls, all of which change."""

    calls: int = 0
    cost_before: int = 0
    cost_after: int = 0
    unknown_before: int = 0
    unknown_after: int = 0
    became_known: int = 0
    became_unknown: int = 0
    usage_before: int = 0
    usage_after: int = 0

    def add(self, calls: int, before: Amount, after: Amount) -> None:
        """A row, which stands for so many calls, changes."""
        self.calls += calls
        self.cost_before += before.cost or 0
        self.cost_after += after.cost or 0
        self.unknown_before += calls * (before.cost is None)
        self.unknown_after += calls * (after.cost is None)
        self.became_known += calls * (before.cost is None and after.cost is not None)
        self.became_unknown += calls * (before.cost is not None and after.cost is None)
        self.usage_before += before.usage or 0
        self.usage_after += after.usage or 0

    def include(self, other: "Difference") -> None:
        """Those calls, too."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def as_json(self) -> Json:
        """Money as decimal strings, usage in credits."""
        return {
            "calls": self.calls,
            "cost_usd": {
                "before": usd(self.cost_before),
                "after": usd(self.cost_after),
                "difference": usd(self.cost_after - self.cost_before),
            },
            "unknown_calls": {"before": self.unknown_before, "after": self.unknown_after},
            "became_known": self.became_known,
            "became_unknown": self.became_unknown,
            "usage": {
                "before": in_credits(self.usage_before),
                "after": in_credits(self.usage_after),
                "difference": in_credits(self.usage_after - self.usage_before),
            },
        }


class Written(msgspec.Struct, frozen=True):
    """What an application came to; the rows tell the rest."""

    number: int | None  # of the repricing; None: nothing changed
    finished: bool  # every call of the filter was reached
    looked_at: int
    changed: int  # rows
    stays: dict[Stays, int]


@dataclass(slots=True)
class Report:
    """Everything there is to tell."""

    looked_at: int = 0
    stays: Counter[Stays] = field(default_factory=Counter)
    by: dict[Where, Difference] = field(default_factory=dict)

    @property
    def total(self) -> Difference:
        """All that change."""
        whole = Difference()
        for one in self.by.values():
            whole.include(one)
        return whole

    def group(self, places: Iterable[int]) -> dict[tuple[Any, ...], Difference]:
        """The differences by some of model (0), key (1) and day (2)."""
        chosen = tuple(places)
        found: dict[tuple[Any, ...], Difference] = {}
        for where, one in self.by.items():
            found.setdefault(tuple(where[place] for place in chosen), Difference()).include(one)
        return found

    def as_json(self) -> Json:
        """{"looked_at", "stays", "total", "by_model", "by_key", "by_day", "changes"}, the last by all three."""

        def rows(*places: int) -> list[Json]:
            names = ("model", "key", "day")
            grouped = self.group(places)
            return [
                {names[place]: _told(value) for place, value in zip(places, where, strict=True)} | one.as_json()
                for where, one in sorted(grouped.items(), key=lambda item: _rank(item[0]))
            ]

        return {
            "looked_at": self.looked_at,
            "stays": dict(self.stays),
            "total": self.total.as_json(),
            "by_model": rows(0),
            "by_key": rows(1),
            "by_day": rows(2),
            "changes": rows(2, 0, 1),
        }


def _told(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value


def _rank(where: tuple[Any, ...]) -> tuple[tuple[bool, str], ...]:
    return tuple((value is None, str(value)) for value in where)
