"""The groups on /keys: those of the configuration, those that keys are in, and those that calls belonged to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from proxy.config.model import Config
from proxy.keys.key import Key
from store.budgets.told import Counted, budget_told
from store.filters import GROUPING, parse
from store.pages.breakdown import exactly
from store.pages.state import State
from store.questions.row import Json
from store.questions.stats import stats
from store.reader import Source


@dataclass(frozen=True, slots=True)
class GroupLine:
    """One of them."""

    name: str
    configured: bool
    ratio: Decimal
    keys: int  # of the register, that are not deleted
    budgets: Sequence[Mapping[str, Any]]
    month: Mapping[str, Any] | None  # sums of the month; None: no calls
    calls_address: str | None
    stats_address: str | None


async def month_of_groups(source: Source, config: Config, now: datetime) -> Json:
    """What each group used this month, in the zone of `[credits] tz`."""
    first = now.astimezone(ZoneInfo(config.credits.tz)).date().replace(day=1)
    asked = [("from", first.isoformat()), ("tz", config.credits.tz), ("by", "group")]
    return await stats(source, parse(asked, now, also=GROUPING), percentiles=False)


def group_lines(config: Config, register: Sequence[Key], month: Json, known: Counted) -> list[GroupLine]:
    """In the order of the alphabet."""
    living = [key.group for key in register if not key.deleted]
    sums = {row["group"]: row for row in month["stats"]}
    names = {*config.groups, *living, *(name for name in sums if name is not None)}
    return [_line(name, config, living.count(name), sums.get(name), known) for name in sorted(names)]


def _line(name: str, config: Config, keys: int, month: Mapping[str, Any] | None, known: Counted) -> GroupLine:
    group = config.groups.get(name)
    return GroupLine(
        name=name,
        configured=group is not None,
        ratio=group.ratio if group else Decimal(1),
        keys=keys,
        budgets=[budget_told("group", name, one, known) for one in (group.budgets if group else ())],
        month=month,
        calls_address=_of("/logs", name),
        stats_address=_of("/stats", name),
    )


def _of(path: str, name: str) -> str | None:
    wanted = exactly(name)
    return None if wanted is None else State(path, (("group", wanted),)).address
