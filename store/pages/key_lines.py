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
from store.budgets import BudgetState
from store.budgets.told import budget_told
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


def lines(
    register: Sequence[Key],
    seen: Sequence[Mapping[str, Any]],
    days: Mapping[str | None, Sequence[int]],
    states: Sequence[BudgetState],
    config: Config,
    now: datetime,
) -> list[Line]:
    """The last used or made first; deleted ones last."""
    keys = {key.name: key for key in register}
    today = {name: key.name for key in register for name in key.former_names}
    today |= {key.digest: key.name for key in register if key.kind == "named" and not key.deleted}
    sums: dict[str | None, Mapping[str, Any]] = {one["key"]: one for one in seen}
    names: list[str | None] = [*keys, *(name for name in sums if name not in keys)]
    open_somewhere = config.proxy.access == "open" or any(one.access == "open" for one in config.upstreams.values())
    told = []
    for name in names:
        key, of = keys.get(name or ""), sums.get(name)
        groups = [key.group] if key else []
        groups += [group for group in (of["groups"] if of else ()) if group not in groups]
        told.append(
            Line(
                name=name,
                groups=groups,
                key=key,
                state=key.state(now) if key else None,
                now_called=None if key else today.get(name or ""),
                may_be_named=key is None and open_somewhere and name not in today and _is_fingerprint(name),
                bounds=bounds(key) if key else (),
                budgets=[budget_told("key", key.name, one, states) for one in key.budgets] if key else (),
                sums=of,
                spark=spark(days.get(name, ())),
                calls_address=_of("/logs", name) if of else None,
                stats_address=_of("/stats", name) if of else None,
            )
        )
    told.sort(key=_when, reverse=True)
    told.sort(key=lambda line: line.state == "deleted")
    return told


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


def _when(line: Line) -> datetime:
    moments = [datetime.fromisoformat(line.sums["last_seen"])] if line.sums else []
    return max([*moments, *([line.key.created_at] if line.key else [])])


def _of(path: str, name: str | None) -> str | None:
    wanted = exactly(name)
    return None if wanted is None else PageState(path, (("key", wanted),)).address


def _is_fingerprint(name: str | None) -> bool:
    try:
        return name is not None and bool(written.fingerprint(name))
    except ValueError:
        return False
