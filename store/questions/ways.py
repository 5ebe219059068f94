"""Which way through the calls a page takes: the index that leads to few calls that are not meant.

A filter can name a hundred models, a status that half of all calls have, and a user who called once. Each of them has
an index in the order of time. Several values of one name are several ways, each read in order, so that all of them
stop early. What the combinations of the five dimensions tell is used first: a filter that none of them fits means no
call, and names that never occur together with the rest of the filter are left out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import get_args

from proxy.journal.notes import Outcome
from store.conditions import (
    ALWAYS,
    COLUMNS,
    Condition,
    Ids,
    all_of,
    beside_dimensions,
    between,
    dimensions,
    look_up,
)
from store.filters import Filter, Words
from store.questions.statements import statement
from store.reader import Snapshot
from store.search.condition import Sought, sought

_MOST_WAYS = 100  # below SQLite's limit of 500 selects in one statement
_TRIED = 500
_COST_OF_A_ROW = 12  # of going from the index to the row, against one step in the index

_DIMENSIONS = frozenset(COLUMNS)
_DECIDES = {
    **{f"calls_by_{name}": _DIMENSIONS | {"failed"} for name in COLUMNS},
    "calls_by_status": _DIMENSIONS | {"status"},
    "calls_failed": _DIMENSIONS | {"failed", "status", "outcome"},
    "calls_by_outcome": _DIMENSIONS | {"failed", "status", "outcome"},
    "calls_by_user": _DIMENSIONS | {"failed", "status", "user"},
    "calls_by_session": _DIMENSIONS | {"failed", "status", "session"},
    "calls_unpriced": frozenset({"model"}),
}
"""What each index knows about a call, so that one that is not meant is passed by without looking at its row."""


@dataclass(frozen=True, slots=True)
class Way:
    """An index, and where in it to look; without one `where` names the calls by their ids."""

    index: str | None
    where: Condition = ALWAYS
    calls: float = 0.0  # about how many there are on this way, once that is known

    @property
    def taken(self) -> str:
        """How a statement is made to go this way, behind the name of the table."""
        return "not indexed" if self.index is None else f"indexed by {self.index}"


_BY_TIME = Way("calls_by_time")


@dataclass(frozen=True, slots=True)
class Route:
    """The ways to take, what to ask of each call on them, and the time outside of which there are none."""

    ways: Sequence[Way]
    rest: Condition
    start_us: int | None = None
    stop_us: int | None = None
    sought: Sought | None = None  # words that are asked for

    @property
    def at_once(self) -> bool:
        """Whether it may be worth trying all of the time at once. Not for words that are in many calls."""
        return self.sought is None or self.sought.few is not None

    async def asks(self, start_us: int | None, stop_us: int | None) -> Condition:
        """What to ask of each call on these ways that was received in this time."""
        if self.sought is None:
            return self.rest
        return all_of((self.rest, await self.sought.within(start_us, stop_us)))


async def route(snapshot: Snapshot, asked: Filter, most: int | None) -> Route:
    """The best way to so many calls of this filter in the order of time, or to all of them (None).

    There are no ways at all when the filter can mean no call.
    """
    ids: Mapping[str, Ids] = await look_up(snapshot, asked)
    start_us, stop_us = asked.from_us, asked.to_us
    choices: dict[str, list[Way]] = {}
    meant: int | None = None
    if ids:
        known = await _narrowed(snapshot, ids)
        if known is None:
            return Route((), ALWAYS)
        start_us = known.first_us if start_us is None else max(start_us, known.first_us)
        stop_us = known.last_us + 1 if stop_us is None else min(stop_us, known.last_us + 1)
        ids, meant = known.ids, known.meant
        choices |= known.ways
    choices |= await _beside(snapshot, asked)
    choices = {name: ways for name, ways in choices.items() if len(ways) <= _MOST_WAYS}
    if any(not ways for ways in choices.values()):
        return Route((), ALWAYS)
    rest = all_of((dimensions(ids, unindexed=True), beside_dimensions(asked)))
    words = await sought(snapshot, asked)
    if words is not None and (few := words.few) is not None:
        return Route([Way(None, few)], rest, start_us, stop_us, words)
    needed = _needed(asked, ids)
    if len(choices) < 2 and all(len(ways) == 1 or name not in COLUMNS for name, ways in choices.items()):
        chosen: Sequence[Way] = next(iter(choices.values()), (_BY_TIME,))
    else:
        span = await _span(snapshot, start_us, stop_us)
        chosen = await _cheapest(snapshot, choices, needed, span, meant, most)
    return Route(chosen, rest, start_us, stop_us, words)


# ------------------------------------------------------------------------------------------- the five dimensions


@dataclass(frozen=True, slots=True)
class _Known:
    """What the combinations tell about the looked-up ids."""

    ids: Mapping[str, Ids]
    ways: dict[str, list[Way]]
    meant: int
    first_us: int
    last_us: int


async def _narrowed(snapshot: Snapshot, ids: Mapping[str, Ids]) -> _Known | None:
    """None when no call ever fitted."""
    fits = dimensions(ids)
    ways: dict[str, list[Way]] = {}
    narrowed: dict[str, Ids] = {}
    meant, first_us, last_us = 0, 0, 0
    for name in ids:
        rows = await snapshot.rows(statement("occurring", column=COLUMNS[name], fits=fits.text), fits.values)
        if not rows:
            return None
        ways[name] = [
            Way(
                f"calls_by_{name}",
                Condition(f"{COLUMNS[name]} = ?", (number,)) if number else Condition(f"{COLUMNS[name]} is null"),
                calls,
            )
            for number, calls, *_ in rows
        ]
        found = frozenset(number for number, *_ in rows)
        narrowed[name] = ids[name] if 0 in found else Ids(found)
        meant = sum(row[2] for row in rows)
        first_us, last_us = min(row[3] for row in rows), max(row[4] for row in rows)
    return _Known(narrowed, ways, meant, first_us, last_us)


# ------------------------------------------------------------------------------------------- the other filters


async def _beside(snapshot: Snapshot, asked: Filter) -> dict[str, list[Way]]:
    """The indexes that the other filters can use; the words of partial ones are written as SQLite must find them."""
    found: dict[str, list[Way]] = {}
    if asked.status.any_of == ("error",):
        found["failed"] = [Way("calls_failed", Condition("failed = 1"))]
    elif asked.status and "error" not in (*asked.status.any_of, *asked.status.none_of):
        rows = await snapshot.rows(statement("statuses"))
        statuses = [status for (status,) in rows if _means(asked.status, None if status is None else str(status))]
        found["status"] = [Way("calls_by_status", _equal("status", status)) for status in statuses]
    outcomes = [outcome for outcome in get_args(Outcome) if _means(asked.outcome, outcome)]
    if "completed" not in outcomes:
        found["outcome"] = [
            Way("calls_by_outcome", all_of((Condition("outcome <> 'completed'"), _equal("outcome", outcome))))
            for outcome in outcomes
        ]
    for name, words in (("user", asked.user), ("session", asked.session)):
        if words.any_of and not any("*" in word for word in words.any_of):
            given = Condition(f"{name} is not null")
            found[name] = [Way(f"calls_by_{name}", all_of((given, _equal(name, word)))) for word in words.any_of]
    if asked.anomaly.any_of:
        found["anomaly"] = [Way("calls_odd", Condition("anomalies is not null"))]
    if asked.cost_state.any_of == ("unknown",):
        found["cost_state"] = [Way("calls_unpriced", Condition("cost is null"))]
    return found


def _equal(column: str, value: object) -> Condition:
    return Condition(f"{column} is null") if value is None else Condition(f"{column} = ?", (value,))


def _means(words: Words, value: str | None) -> bool:
    def like(word: str) -> bool:
        word = f"{word[0]}??" if word.endswith("xx") else word
        return value is not None and fnmatchcase(value, word)

    return (not words.any_of or any(map(like, words.any_of))) and not any(map(like, words.none_of))


# ------------------------------------------------------------------------------------------- the choice


@dataclass(frozen=True, slots=True)
class _Span:
    """The time that is asked about, within the time that is in the book."""

    condition: Condition
    us: float
    share: float


async def _span(snapshot: Snapshot, start_us: int | None, stop_us: int | None) -> _Span:
    condition = between("started_at", start_us, stop_us)
    ends = await snapshot.rows(statement("ends"))
    first, last = ends[0] if ends else (None, None)
    if first is None or last is None:
        return _Span(condition, 0.0, 1.0)
    start = first if start_us is None else max(first, start_us)
    stop = last if stop_us is None else min(last, stop_us)
    us = max(1, stop - start)
    return _Span(condition, us, min(1.0, us / max(1, last - first)))


async def _cheapest(
    snapshot: Snapshot,
    choices: Mapping[str, Sequence[Way]],
    needed: frozenset[str],
    span: _Span,
    meant: int | None,
    most: int | None,
) -> Sequence[Way]:
    """By about how many steps each takes until so many calls are found; `most` is None when all must be looked at."""
    (everything,) = await _estimated(snapshot, [_BY_TIME], span)
    whole = max(1.0, everything.calls)
    weighed: dict[str, Sequence[Way]] = {"time": [everything]}
    expected = whole if meant is None else meant * span.share
    for name, ways in choices.items():
        if name in COLUMNS:
            weighed[name] = [replace(way, calls=way.calls * span.share) for way in ways]
        else:
            weighed[name] = await _estimated(snapshot, ways, span)
            expected *= min(1.0, _calls(weighed[name]) / whole)

    def steps(ways: Sequence[Way]) -> float:
        if most is None:
            return _calls(ways)
        until_found = most * max(1.0, _calls(ways) / max(1.0, expected))
        decided = needed <= _DECIDES.get(ways[0].index or "", frozenset())
        return sum(min(way.calls, until_found) for way in ways) * (1 if decided else _COST_OF_A_ROW)

    return min(weighed.values(), key=steps)


def _calls(ways: Iterable[Way]) -> float:
    return sum(way.calls for way in ways)


async def _estimated(snapshot: Snapshot, ways: Sequence[Way], span: _Span) -> list[Way]:
    """About how many calls are on each way in this time, from how far back the newest of them reach."""
    found = []
    for way in ways:
        where = all_of((way.where, span.condition))
        text = statement("newest", index=way.taken, conditions=where.text)
        rows = await snapshot.rows(text, (*where.values, _TRIED))
        count, oldest, newest = rows[0] if rows else (0, None, None)
        if count == _TRIED and oldest is not None and newest is not None:
            count = max(count, count * span.us / max(1, newest - oldest))
        found.append(replace(way, calls=count))
    return found


def _needed(asked: Filter, ids: Mapping[str, Ids]) -> frozenset[str]:
    """What must be known of a call to tell whether it is meant."""
    statuses = {*asked.status.any_of, *asked.status.none_of}
    others = asked.stream or asked.request_id or asked.cost_state or asked.anomaly or asked.tags
    ranges = asked.duration_us or asked.cost_nano or asked.tokens
    named = {
        "failed": "error" in statuses,
        "status": bool(statuses - {"error"}),
        "outcome": bool(asked.outcome),
        "user": bool(asked.user),
        "session": bool(asked.session),
        "the row": bool(others or ranges),
    }
    return frozenset(ids) | {name for name, is_needed in named.items() if is_needed}
