"""How long calls and bodies are kept, and what that means at a moment."""

from datetime import datetime, timedelta

import msgspec

from proxy.config.model import Store
from store.moments import epoch_us
from store.sums import DAY_US, HOUR_US

_US = timedelta(microseconds=1)


class Limits(msgspec.Struct, frozen=True):
    """What `[store]` says of keeping; None: all of it. Small enough to be handed to the store by a command."""

    bodies_us: int | None = None
    bodies_bytes: int | None = None
    calls_us: int | None = None

    @classmethod
    def of(cls, store: Store) -> "Limits":
        """Those of the configuration."""
        return cls(
            None if store.keep_bodies is None else store.keep_bodies // _US,
            store.max_bodies,
            None if store.keep_calls is None else store.keep_calls // _US,
        )

    @property
    def none(self) -> bool:
        """Whether everything is kept."""
        return self == Limits()

    def at(self, now: datetime) -> "Before":
        """What has to go at this moment."""
        moment = epoch_us(now)
        calls = None if self.calls_us is None else (moment - self.calls_us) // DAY_US * DAY_US
        bodies = None
        if self.bodies_us is not None:
            # The words of bodies that went are taken out of a shelf by filling it anew: not every hour of every day.
            unit = DAY_US if self.bodies_us >= 2 * DAY_US else HOUR_US
            bodies = (moment - self.bodies_us) // unit * unit
        if calls is not None:
            bodies = calls if bodies is None else max(bodies, calls)
        return Before(moment, bodies, self.bodies_bytes, calls)


class Before(msgspec.Struct, frozen=True):
    """The same as moments: what began before them goes."""

    now_us: int
    bodies_us: int | None
    bodies_bytes: int | None  # so many may stay
    calls_us: int | None  # the beginning of a UTC day, so that sums by day are of days whose rows are all there or gone
