"""How far the index is, as health tells it."""

from dataclasses import dataclass
from typing import Any

from store.moments import rfc3339


@dataclass(frozen=True, slots=True)
class Standing:
    """Up to which time, and how many calls of the book it has not seen."""

    to_us: int | None = None
    waiting: int = 0

    def as_json(self) -> dict[str, Any]:
        return {"to": None if self.to_us is None else rfc3339(self.to_us), "waiting": self.waiting}
