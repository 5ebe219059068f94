"""Which values there are of model, key, group, type and upstream, and how many calls have each."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from store.conditions import TABLES, Ids, look_up
from store.filters import DIMENSIONS, Filter, Words
from store.moments import rfc3339
from store.pruned import CALLS_FROM, mark_in
from store.questions.gathered import Gathered, Group, TooManyGroups
from store.questions.gathering import Wanted, gather
from store.questions.row import Json
from store.questions.statements import statement
from store.questions.windows import Allowance
from store.reader import NoAnswer, Snapshot, Source
from store.search.reach import searched
from store.sums import HOUR_US

_TOGETHER = (("model", "type", "upstream"), ("key", "group"))
"""What one table of sums tells at once."""


async def facets(
    source: Source,
    asked: Filter = Filter(),  # noqa: B008 - frozen
    *,
    without_own: bool = False,
    allowed_s: float = 1.5,
) -> Json:
    """{"model": [{"value": name or None, "calls": n}, ...], ..., "complete": bool, "read_back_to": time or None}.

    The most used come first. With `without_own` each list is of the calls that the rest of the filter means: it also
    has the values that the filter leaves out. Rows are read for about `allowed_s` seconds, newest first.

    Raises:
        NoAnswer: the book cannot be read in time.
    """
    allowance = Allowance(allowed_s)
    async with source.snapshot() as snapshot:
        try:
            counts, back_to = await _counts(snapshot, asked, allowance, without_own=without_own)
        except TooManyGroups as reason:  # which nobody asked to group by
            raise NoAnswer("there are too many values to count; narrow the time or the filter") from reason
        names = {}
        for name in DIMENSIONS:
            names[name] = dict(await snapshot.rows(f"select id, name from {TABLES[name]}"))  # noqa: S608 - a name of ours
        reach = await searched(snapshot, asked)
    return {name: _listed(counts[name], names[name]) for name in DIMENSIONS} | {
        "complete": back_to is None,
        "read_back_to": None if back_to is None else rfc3339(back_to),
        **reach,
    }


_Counts = dict[str, Counter[object]]


async def _counts(
    snapshot: Snapshot, asked: Filter, allowance: Allowance, *, without_own: bool
) -> tuple[_Counts, int | None]:
    found = await _from_combinations(snapshot, asked, without_own=without_own) if asked.only_dimensions else None
    if found is None and asked.only_dimensions:
        found = await _from_sums(snapshot, asked, allowance, without_own=without_own)
    return found if found is not None else await _from_rows(snapshot, asked, allowance, without_own=without_own)


async def _from_combinations(
    snapshot: Snapshot, asked: Filter, *, without_own: bool
) -> tuple[_Counts, int | None] | None:
    """Every list at once, when the filter's time leaves out nothing that is in the book; else None."""
    values = (asked.from_us, asked.to_us)
    if asked.from_us is not None or asked.to_us is not None:
        outside = await snapshot.rows(statement("facets_outside"), values)
        if outside:
            return None
    rows = await snapshot.rows(statement("facets_combinations"))
    ids = await look_up(snapshot, asked)
    return _marginal(((row[:-1], row[-1]) for row in rows), ids, without_own=without_own), None


async def _from_sums(
    snapshot: Snapshot, asked: Filter, allowance: Allowance, *, without_own: bool
) -> tuple[_Counts, int | None] | None:
    """Each list from the tables that tell it; None when that needs more rows than can be read in time."""
    counts: _Counts = {}
    back_to: int | None = None
    rows_from = await mark_in(snapshot, CALLS_FROM)
    if asked.from_us is not None and rows_from is not None and asked.from_us < rows_from and asked.from_us % HOUR_US:
        # The rows of this hour are gone; all lists begin with the next one.
        back_to = -(-asked.from_us // HOUR_US) * HOUR_US
        asked = replace(asked, from_us=back_to)
    own = [name for name in DIMENSIONS if without_own and getattr(asked, name)]
    questions: list[tuple[Filter, Sequence[str]]] = [
        *((asked, tuple(name for name in together if name not in own)) for together in _TOGETHER),
        *((_without(asked, name), (name,)) for name in own),
    ]
    for without, by in questions:
        if not by:
            continue
        gathered = await gather(snapshot, without, by, Wanted.COUNTS, allowance)
        if gathered.read_back_to_us is not None:
            return None
        counts |= _counted(gathered, by)
    return counts, back_to


async def _from_rows(
    snapshot: Snapshot, asked: Filter, allowance: Allowance, *, without_own: bool
) -> tuple[_Counts, int | None]:
    """All lists of the same rows, however far back they are read."""
    free = _without(asked, *DIMENSIONS) if without_own else asked
    gathered = await gather(snapshot, free, DIMENSIONS, Wanted.COUNTS, allowance)
    ids = await look_up(snapshot, asked)
    found = ((group, tally.calls) for group, tally in gathered.groups().items())
    return _marginal(found, ids, without_own=without_own), gathered.read_back_to_us


def _marginal(found: Iterable[tuple[Group, int]], ids: Mapping[str, Ids], *, without_own: bool) -> _Counts:
    """The lists of what was found for all five dimensions together."""
    counts: _Counts = {name: Counter() for name in DIMENSIONS}
    for group, calls in found:
        values = dict(zip(DIMENSIONS, group, strict=True))
        missed = [name for name, fitting in ids.items() if not _fits(fitting, values[name])]
        for name, value in values.items():
            if not missed or (without_own and missed == [name]):
                counts[name][value] += calls
    return counts


def _without(asked: Filter, *names: str) -> Filter:
    none: dict[str, Any] = {name: Words() for name in names}
    return replace(asked, **none)


def _fits(ids: Ids, value: object) -> bool:
    return value not in ids.none_of if ids.any_of is None else value in ids.any_of


def _counted(gathered: Gathered, by: Sequence[str]) -> _Counts:
    counts: _Counts = {name: Counter() for name in by}
    for group, tally in gathered.groups().items():
        for name, value in zip(by, group, strict=True):
            counts[name][value] += tally.calls
    return counts


def _listed(counts: Counter[object], names: dict[object, str]) -> list[Json]:
    named = [(names.get(number), calls) for number, calls in counts.items()]
    named.sort(key=lambda pair: (-pair[1], pair[0] is None, pair[0] or ""))
    return [{"value": value, "calls": calls} for value, calls in named]
