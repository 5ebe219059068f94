"""A loop on which time passes many times as fast: ten minutes of silence are over in seconds, and in the right order.

Only for what waits by the loop's clock. Threads and the book live at their own pace.
"""

import asyncio
import selectors
import time
from typing import Any

PACE = 200.0


class _Selector(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
    """Waits as much shorter as time is faster."""

    def select(self, timeout: float | None = None) -> list[Any]:
        """The next events."""
        return super().select(timeout / PACE if timeout is not None else None)  # type: ignore[no-any-return]


class Hurried(asyncio.SelectorEventLoop):
    """See above."""

    def __init__(self) -> None:
        super().__init__(_Selector())

    def time(self) -> float:
        """The loop's clock."""
        return time.monotonic() * PACE
