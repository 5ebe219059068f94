"""The lines of /keys: every key of the register beside what the book knows of it, and whoever called without one.

Pure: the register, sums and budgets in, lines out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from proxy.config.model import Config
from proxy.keys import written
from proxy.keys.key import Key, State
from proxy.keys.told import moment_json
from store.budgets.told import Counted, budget_told
from store.pages.breakdown import exactly
from store.pages.spark import Spark, spark
from store.pages.state import State as PageState


@dataclass(frozen=True, slots=True)
class Line:
    """One of them. `sums` is what /api/keys tells of the name; None when it never called."""

    name: str | None  # None: calls without a credential
    groups: Sequence[str]
    key: Key | None  # None: the register has none of this name
    state: State | None
    now_called: str | None  # the name of the key that these calls would have today
    may_be_named: bool
    bounds: Sequence[str]
    budgets: Sequence[Mapping[str, Any]]
    sums: Mapping[str, Any] | None
    spark: Spark | None
    calls_address: str | None
    stats_address: str | None

    @property
    def key_address(self) -> str | None:
        """Where it can be changed."""
        return None if self.key is None else address_of(self.key.name)


@dataclass(frozen=True, slots=True)
class Keys:
    """The register, and what the book knows of each name."""

    register: Mapping[str, Key]
    sums: Mapping[str | None, Mapping[str, Any]]  # as /api/keys tells them
    days: Mapping[str | None, Sequence[int]]
    budgets: Counted
    config: Config
    now: datetime

    def names(self) -> list[str | None]:
        """All there are: the last used or made first, deleted ones last."""
        names = [*self.register, *(name for name in self.sums if name not in self.register)]
        names.sort(key=self._when, reverse=True)
        names.sort(key=self._deleted)
        return names

    def lines(self, names: Sequence[str | None]) -> list[Line]:
        """The lines of these."""
        today = {former: key.name for key in self.register.values() for former in key.former_names}
        named = (key for key in self.register.values() if key.kind == "named" and not key.deleted)
        today |= {key.digest: key.name for key in named}
        accesses = {self.config.proxy.access, *(one.access for one in self.config.upstreams.values())}
        return [self._line(name, today, may_be_named="open" in accesses) for name in names]

    def _line(self, name: str | None, today: Mapping[str, str], *, may_be_named: bool) -> Line:
        key, sums = self.register.get(name or ""), self.sums.get(name)
        groups = [key.group] if key else []
        groups += [group for group in (sums["groups"] if sums else ()) if group not in groups]
        return Line(
            name=name,
            groups=groups,
            key=key,
            state=key.state(self.now) if key else None,
            now_called=None if key else today.get(name or ""),
            may_be_named=may_be_named and key is None and name not in today and _is_fingerprint(name),
            bounds=bounds(key) if key else (),
            budgets=[budget_told("key", key.name, one, self.budgets) for one in key.budgets] if key else (),
            sums=sums,
            spark=spark(self.days.get(name, ())),
            calls_address=_of("/logs", name) if sums else None,
            stats_address=_of("/stats", name) if sums else None,
        )

    def _when(self, name: str | None) -> str:
        key, sums = self.register.get(name or ""), self.sums.get(name)
        return max(moment_json(key.created_at) or "" if key else "", sums["last_seen"] if sums else "")

    def _deleted(self, name: str | None) -> bool:
        key = self.register.get(name or "")
        return key is not None and key.deleted


def bounds(key: Key) -> list[str]:
    """What it may do, in a few words; its budgets and its end are told elsewhere."""
    return [
        *key.models,
        *(f"only {name}" for name in key.upstreams),
        *([f"{key.per_minute:,} a minute"] if key.per_minute is not None else []),
        *([f"{key.concurrent:,} at a time"] if key.concurrent is not None else []),
    ]


def address_of(name: str) -> str:
    """The page of a key."""
    return PageState("/keys/one", (("key", name),)).address


def _of(path: str, name: str | None) -> str | None:
    wanted = exactly(name)
    return None if wanted is None else PageState(path, (("key", wanted),)).address


def _is_fingerprint(name: str | None) -> bool:
    try:
        return name is not None and bool(written.fingerprint(name))
    except ValueError:
        return False
