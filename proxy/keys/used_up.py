"""What a worker asks, for each call, about what was spent so far. The answer comes from memory."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal, Protocol

from msgspec import Meta

from proxy.config.budget import Period
from proxy.keys.key import Key


@dataclass(frozen=True, slots=True)
class UsedUp:
    """A budget that is used up."""

    of: Literal["key", "group"]
    name: str
    credits: Decimal  # the budget, not what was spent
    period: Period
    until: Annotated[datetime, Meta(tz=True)] | None  # when it begins anew; None: never

    def __post_init__(self) -> None:
        """It is compared in the middle of calls, where what is no number would raise."""
        if not self.credits.is_finite():
            raise ValueError("a budget is a number of credits")


class Standing(Protocol):
    """How keys and groups stand. Asked in the middle of a call: no disk, no waiting."""

    def used_up(self, key: Key | None, group: str) -> UsedUp | None:
        """The first budget of the key or its group that is used up; `key` is None for a credential without a name."""

    def unpriced(self, upstream: str, model: str) -> bool:
        """Whether this model is known to have no price. Asked only in groups with `unpriced = "refuse"`."""

    def ended(self, key: Key | None, group: str, filed: Callable[[], asyncio.Future[bool]]) -> None:
        """A call of theirs has ended, and what it used is not counted yet; `filed` begins to wait until it can be."""

    def undecided(self, key: Key | None, group: str) -> bool:
        """Whether what ended just now may have used a budget up; `counted` is then to be waited for."""

    async def counted(self) -> None:
        """Wait until all that has ended by now is counted, but not for long."""


class NothingSpent:
    """The standing before anything is known of it."""

    def used_up(self, key: Key | None, group: str) -> UsedUp | None:
        """Nothing is."""
        return None

    def unpriced(self, upstream: str, model: str) -> bool:
        """Nothing is."""
        return False

    def ended(self, key: Key | None, group: str, filed: Callable[[], asyncio.Future[bool]]) -> None:
        """It is not noted."""

    def undecided(self, key: Key | None, group: str) -> bool:
        """Nothing is."""
        return False

    async def counted(self) -> None:
        """At once."""
