"""How many calls of an upstream are under way, where that is limited: a model server of one's own has room for few.

Each worker admits its share of a limit, rounded up, as it does with the limits of keys (`proxy/keys/limits.py`).
"""

from proxy.config.model import Upstream
from proxy.refusal import Refusal


class Busy:
    """The limited upstreams in one worker."""

    def __init__(self, workers: int = 1) -> None:
        self._workers = workers
        self._running: dict[str, int] = {}

    def refusal(self, upstream: Upstream) -> Refusal | None:
        """Why there must not be one more call now."""
        most = upstream.max_concurrent
        if most is None or self._running.get(upstream.name, 0) < -(-most // self._workers):
            return None
        message = f"As many calls of {upstream.name} are under way as there may be ({most}); try again."
        return Refusal(503, "upstream_busy", message, retry=True, retry_after_s=1)

    def begin(self, upstream: Upstream) -> None:
        """A call begins; `end` must follow."""
        if upstream.max_concurrent is not None:
            self._running[upstream.name] = self._running.get(upstream.name, 0) + 1

    def end(self, upstream: Upstream) -> None:
        """A call that `begin` counted is over."""
        if upstream.max_concurrent is not None:
            self._running[upstream.name] -= 1
