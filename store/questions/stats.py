"""How much: sums over the calls of a filter, grouped by at most two of their properties."""

import asyncio
from collections.abc import Mapping
from datetime import datetime

from store.conditions import TABLES
from store.filters import TIME_UNITS, Filter
from store.moments import rfc3339
from store.questions.gathered import Gathered, Group
from store.questions.gathering import Wanted, gather
from store.questions.row import Json
from store.questions.tally import Tally, total_of
from store.questions.windows import Allowance
from store.reader import Snapshot, Source
from store.search.reach import searched


async def stats(source: Source, asked: Filter, *, percentiles: bool = True, allowed_s: float = 1.5) -> Json:
    """{"stats": [a row for each group of `asked.by`], "total": {...}, "complete": bool, "read_back_to": time or None}.

    Without groups there is only the total. Without percentiles a row has no durations. When sums need rows, these are
    read newest first for about `allowed_s` seconds; what is told is of the calls down to `read_back_to`, exactly.

    Raises:
        WrongFilter: there would be too many groups.
        NoAnswer: the book cannot be read in time.
    """
    wanted = Wanted.EVERYTHING if percentiles else Wanted.NO_PERCENTILES
    async with source.snapshot() as snapshot:
        gathered = await gather(snapshot, asked, asked.by, wanted, Allowance(allowed_s))
        names = {name: await _names(snapshot, name) for name in asked.by if name in TABLES}
        reach = await searched(snapshot, asked)
    back_to = gathered.read_back_to_us
    return {
        **await asyncio.to_thread(_sums, gathered, names, percentiles=percentiles),  # others are answered meanwhile
        "complete": back_to is None,
        "read_back_to": None if back_to is None else rfc3339(back_to),
        **reach,
    }


def _sums(gathered: Gathered, names: Mapping[str, Mapping[object, str]], *, percentiles: bool) -> Json:
    by, groups = gathered.by, gathered.groups()
    total = {"total": total_of(groups.values()).as_json(percentiles=percentiles)}
    if not by:
        return total
    named = [(_told(by, group, names), tally) for group, tally in groups.items()]
    named.sort(key=lambda item: _place(by, *item))
    rows = [dict(zip(by, group, strict=True)) | tally.as_json(percentiles=percentiles) for group, tally in named]
    return {"stats": rows} | total


async def _names(snapshot: Snapshot, name: str) -> dict[object, str]:
    return dict(await snapshot.rows(f"select id, name from {TABLES[name]}"))  # noqa: S608 - a name of ours


def _told(by: tuple[str, ...], group: Group, names: Mapping[str, Mapping[object, str]]) -> Group:
    """Names for ids; None for calls that have none."""
    return tuple(names[name].get(value) if name in names else value for name, value in zip(by, group, strict=True))


def _place(by: tuple[str, ...], group: Group, tally: Tally) -> tuple[object, ...]:
    """Time goes forward; at one time the most used comes first, and of those the first in the alphabet."""
    times: list[object] = []
    for name, text in zip(by, group, strict=True):
        if name in ("minute", "hour"):
            times.append(datetime.fromisoformat(str(text)))
        elif name in TIME_UNITS:
            times.append(text)
    return (*times, -tally.calls, tuple((text is None, str(text)) for text in group))
