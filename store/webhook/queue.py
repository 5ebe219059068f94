"""Messages that wait for the receiver to take them, and when each is tried next."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from store.webhook.message import Message


@dataclass(frozen=True, slots=True)
class Patience:
    """How often something is done, and for how long. Seconds."""

    look_s: float = 1.0  # between two looks at how the budgets stand
    waits_s: tuple[float, ...] = (1.0, 5.0, 30.0, 120.0, 600.0)  # before each further attempt
    then_s: float = 3600.0  # before those that follow
    give_up_s: float = 86_400.0  # after it was noticed
    answer_s: float = 10.0  # for an attempt as a whole
    last_s: float = 1.0  # for those under way when everything ends

    def wait_s(self, tries: int) -> float:
        """How long after so many attempts in vain the next one begins."""
        return self.waits_s[tries - 1] if tries <= len(self.waits_s) else self.then_s


@dataclass(slots=True, eq=False)
class Waiting:
    """One message. After a restart the attempts begin anew, but not the day."""

    message: Message
    tries: int = 0  # in vain
    due: float = 0.0  # monotonic


@dataclass(slots=True)
class Queue:
    """Belongs to the loop."""

    waiting: list[Waiting] = field(default_factory=list)

    def add(self, messages: Iterable[Message]) -> None:
        """To be sent at once."""
        self.waiting += map(Waiting, messages)

    def due(self, now: float, most: int) -> list[Waiting]:
        """Those whose time has come, the longest due first."""
        found = sorted((one for one in self.waiting if one.due <= now), key=lambda one: one.due)
        return found[:most]

    def next_s(self, now: float) -> float | None:
        """How long until one is due; None while there is none."""
        return max(0.0, min(one.due for one in self.waiting) - now) if self.waiting else None
