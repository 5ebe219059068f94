"""How the telling goes, for the health page and endpoint."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Standing:
    """Counted since this process began, but for what waits: that is remembered."""

    pending: int = 0  # messages not yet taken
    failed: int = 0  # given up
    last_error: str | None = None  # why the last attempt failed; None when nothing that failed is left

    def as_json(self) -> dict[str, Any]:
        """{"pending", "failed", "last_error"}."""
        return {"pending": self.pending, "failed": self.failed, "last_error": self.last_error}
