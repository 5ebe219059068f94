"""How many calls a key may make in a minute, and how many at a time. Counted in memory, and forgotten with the worker.

Each worker admits its share of a limit, rounded up: exactly the limit with one worker, and with several as much as that
when calls are spread over them. Calls that are refused here count for nothing; those refused later for a call.
"""

import math
import time
from collections import deque
from collections.abc import Callable

from proxy.keys.key import Key
from proxy.refusal import Refusal

_MINUTE_S = 60.0


class _Count:
    """What one key did lately."""

    __slots__ = ("begun", "running")

    def __init__(self) -> None:
        self.begun: deque[float] = deque()  # when the calls of the last minute began
        self.running = 0


class Limits:
    """The limits of all keys in one worker."""

    def __init__(self, workers: int = 1, clock: Callable[[], float] = time.monotonic) -> None:
        self._workers = workers
        self._clock = clock
        self._counts: dict[str, _Count] = {}

    def begin(self, key: Key) -> Refusal | None:
        """Count a call of this key, which `end` must follow; or say why there must not be one now."""
        if key.per_minute is None and key.concurrent is None:
            return None
        count = self._counts.get(key.name)
        if count is None:
            count = self._counts[key.name] = _Count()
        if key.concurrent is not None and count.running >= self._share(key.concurrent):
            message = f"The key {key.name} may have {_calls(key.concurrent)} under way at a time."
            return Refusal(429, "too_many_concurrent", message, retry_after_s=1)
        if key.per_minute is not None:
            now = self._clock()
            begun = count.begun
            while begun and begun[0] <= now - _MINUTE_S:
                begun.popleft()
            if len(begun) >= self._share(key.per_minute):
                # Room comes when enough of them are a minute old; after a limit was lowered that is not the first.
                oldest = begun[len(begun) - self._share(key.per_minute)]
                wait_s = max(1, math.ceil(oldest + _MINUTE_S - now))
                message = f"The key {key.name} may make {_calls(key.per_minute)} a minute."
                return Refusal(429, "rate_limited", message, retry_after_s=wait_s)
            begun.append(now)
        count.running += 1
        return None

    def end(self, key: Key) -> None:
        """A call that `begin` counted is over."""
        count = self._counts.get(key.name)
        if count is None or (key.per_minute is None and key.concurrent is None):
            return
        count.running -= 1
        if not count.running and not count.begun:
            del self._counts[key.name]

    def _share(self, limit: int) -> int:
        return -(-limit // self._workers)


def _calls(number: int) -> str:
    return f"{number} call{'' if number == 1 else 's'}"
