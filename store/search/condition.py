"""`q` as a condition on calls.

A word that is in few calls is looked up at once, on all shelves, the newest first: then the condition is a short list
of ids, and no call is looked at in vain. A word that is in many is left to be looked up window by window, on the
shelves whose time overlaps it, so that whoever reads the newest calls first never waits for the oldest shelf.

A call that is not indexed yet, or of which no text is kept (any more), is not found; excluding (`!x`) it stays.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson

from store.conditions import ALWAYS, Condition, all_of, any_of, between
from store.filters import Filter
from store.pruned import BODIES_GONE, mark_in
from store.reader import Snapshot
from store.search.syntax import any_expression

MOST_FEW = 2_000
"""So many calls are few."""
_SHELVES_AT_ONCE = 32  # between two looks at the clock
_MOST_SELECTS = 400  # below SQLite's limit of 500 in one statement
_COUNTED = 50_000  # a window of more calls is not worth finding its ids

NOTHING = Condition("false")


@dataclass(frozen=True, slots=True)
class _Shelf:
    number: int
    first_id: int
    last_id: int
    oldest: int
    newest: int

    def overlaps(self, start_us: int | None, stop_us: int | None) -> bool:
        return (stop_us is None or self.oldest < stop_us) and (start_us is None or self.newest >= start_us)


@dataclass(frozen=True, slots=True)
class _Ids:
    """first <= id <= last; None is an open end."""

    first: int | None = None
    last: int | None = None

    def overlaps(self, shelf: _Shelf) -> bool:
        return (self.first is None or shelf.last_id >= self.first) and (
            self.last is None or shelf.first_id <= self.last
        )

    def cuts(self, shelf: _Shelf) -> bool:
        """Whether only some of the calls on a shelf are meant."""
        return (self.first is not None and self.first > shelf.first_id) or (
            self.last is not None and self.last < shelf.last_id
        )

    @property
    def condition(self) -> Condition:
        return between("rowid", self.first, None if self.last is None else self.last + 1)


@dataclass(frozen=True, slots=True)
class _Meant:
    """The calls that an expression finds: their ids where they are few, else the expression."""

    expression: str
    few: tuple[int, ...] | None
    gone: int  # calls up to this id have no text any more, though their words may still be on a shelf
    _gathered: dict[int, list[int]] = field(default_factory=dict)

    @property
    def by_id(self) -> Condition | None:
        """The few ids, when they are."""
        return None if self.few is None else _listed(self.few)

    async def among(self, snapshot: Snapshot, shelves: Sequence[_Shelf], ids: _Ids) -> Condition:
        """What it asks of the calls with these ids, which are on these shelves."""
        if self.by_id is not None:
            return self.by_id
        pieces: list[Condition] = []
        whole: list[_Shelf] = []
        for shelf in shelves:
            if self._dear and ids.cuts(shelf):
                pieces.append(await self._slice(snapshot, shelf, ids))
            else:
                whole.append(shelf)
        for begin in range(0, len(whole), _MOST_SELECTS):
            selects = [self._select(shelf, ids) for shelf in whole[begin : begin + _MOST_SELECTS]]
            values = tuple(value for select in selects for value in select.values)
            # A unary plus: the calls are read in the order of time, not all those found, to be sorted.
            text = " union all ".join(select.text for select in selects)
            pieces.append(Condition(f"+calls.id in ({text})", values))
        return any_of(pieces) if pieces else NOTHING

    @property
    def _dear(self) -> bool:
        """Whether it asks for beginnings of words: all calls of a shelf are gathered, however few are looked for."""
        return '"*' in self.expression

    def _select(self, shelf: _Shelf, ids: _Ids) -> Condition:
        there = between("rowid", self.gone + 1, None) if shelf.first_id <= self.gone else ALWAYS
        where = all_of((Condition(f"words_{shelf.number} match ?", (self.expression,)), ids.condition, there))
        return Condition(f"select rowid from search.words_{shelf.number} where {where.text}", where.values)  # noqa: S608 - names of ours

    async def _slice(self, snapshot: Snapshot, shelf: _Shelf, ids: _Ids) -> Condition:
        """The ids on one shelf, gathered once for all windows that lie in it."""
        if shelf.number not in self._gathered:
            select = self._select(shelf, _Ids())
            self._gathered.clear()  # windows go from shelf to shelf
            self._gathered[shelf.number] = [number for (number,) in await snapshot.rows(select.text, select.values)]
        found = self._gathered[shelf.number]
        begin = 0 if ids.first is None else bisect_left(found, ids.first)
        end = len(found) if ids.last is None else bisect_right(found, ids.last)
        return _listed(found[begin:end])


@dataclass(frozen=True, slots=True)
class Sought:
    """What the `q` of a filter means in one snapshot."""

    snapshot: Snapshot
    shelves: tuple[_Shelf, ...]  # the newest first
    wanted: _Meant | None
    unwanted: _Meant | None

    @classmethod
    async def of(cls, snapshot: Snapshot, asked: Filter) -> "Sought":
        """Look up the words of this filter."""
        gone = await mark_in(snapshot, BODIES_GONE) or 0
        shelves = tuple(shelf for shelf in await _shelves(snapshot, gone) if shelf.overlaps(asked.from_us, asked.to_us))
        return cls(
            snapshot,
            shelves,
            await _meant(snapshot, shelves, asked.q.any_of, gone),
            await _meant(snapshot, shelves, asked.q.none_of, gone),
        )

    @property
    def few(self) -> Condition | None:
        """The ids of the calls that are meant, when these are few: no use in looking at any other call."""
        return self.wanted.by_id if self.wanted is not None else None

    async def within(self, start_us: int | None = None, stop_us: int | None = None) -> Condition:
        """What is asked of the calls received in this time."""
        shelves = [shelf for shelf in self.shelves if shelf.overlaps(start_us, stop_us)]
        sought = [meant for meant in (self.wanted, self.unwanted) if meant is not None and meant.few is None]
        narrow = sought and not (start_us is None and stop_us is None)
        return await self.among(shelves, await _ids_in(self.snapshot, start_us, stop_us) if narrow else _Ids())

    async def among(self, shelves: Sequence[_Shelf], ids: _Ids) -> Condition:
        """The same for the calls with these ids."""
        shelves = [shelf for shelf in shelves if ids.overlaps(shelf)]
        return all_of((
            ALWAYS if self.wanted is None else await self.wanted.among(self.snapshot, shelves, ids),
            ALWAYS if self.unwanted is None else _not(await self.unwanted.among(self.snapshot, shelves, ids)),
        ))  # fmt: skip


async def sought(snapshot: Snapshot, asked: Filter) -> Sought | None:
    """What the `q` of this filter asks; None when it has none."""
    return await Sought.of(snapshot, asked) if asked.q else None


async def arrived(snapshot: Snapshot, asked: Filter, after: int, through: int) -> Condition:
    """The same for the calls with after < id <= through: few, and the newest."""
    if not asked.q:
        return ALWAYS
    gone = await mark_in(snapshot, BODIES_GONE) or 0
    words = [
        _Meant(any_expression(values), None, gone) if values else None for values in (asked.q.any_of, asked.q.none_of)
    ]
    search = Sought(snapshot, tuple(await _shelves(snapshot, gone)), *words)
    return await search.among(search.shelves, _Ids(after + 1, through))


async def indexed_through(snapshot: Snapshot) -> int:
    """The id up to which every call has been looked at."""
    if not snapshot.search:
        return 0
    ((last_id,),) = await snapshot.rows("select last_id from search.progress")
    return int(last_id)


async def _shelves(snapshot: Snapshot, gone: int) -> list[_Shelf]:
    """Those that have calls whose text is there, the newest first."""
    if not snapshot.search:
        return []
    text = "select number, first_id, last_id, oldest, newest from search.shelves where last_id > ? order by number desc"
    return [_Shelf(*row) for row in await snapshot.rows(text, (gone,))]


async def _meant(snapshot: Snapshot, shelves: Sequence[_Shelf], values: tuple[str, ...], gone: int) -> _Meant | None:
    if not values:
        return None
    expression = any_expression(values)
    found: list[int] = []
    # The newest shelf alone: a common word is known for one there.
    for begin, end in ((0, 1), *((at, at + _SHELVES_AT_ONCE) for at in range(1, len(shelves), _SHELVES_AT_ONCE))):
        selects = [
            f"select rowid from search.words_{shelf.number} where words_{shelf.number} match ?1 and rowid > ?3"  # noqa: S608 - names of ours
            for shelf in shelves[begin:end]
        ]
        if selects:
            text = f"select rowid from ({' union all '.join(selects)}) limit ?2"  # noqa: S608
            found += [number for (number,) in await snapshot.rows(text, (expression, MOST_FEW + 1, gone))]
        if len(found) > MOST_FEW:
            return _Meant(expression, None, gone)
    return _Meant(expression, tuple(found), gone)


async def _ids_in(snapshot: Snapshot, start_us: int | None, stop_us: int | None) -> _Ids:
    """Where the ids of the calls of this time lie; open where it holds so many that finding out is no use."""
    where = between("started_at", start_us, stop_us)
    text = f"select count(*), min(id), max(id) from (select id from calls where {where.text} limit ?)"  # noqa: S608 - text of ours
    rows = await snapshot.rows(text, (*where.values, _COUNTED))
    (count, first, last) = rows[0]
    return _Ids() if count == _COUNTED else _Ids(first or 0, last or 0)


def _listed(ids: Sequence[int]) -> Condition:
    return Condition("calls.id in (select value from json_each(?))", (orjson.dumps(ids).decode(),))


def _not(condition: Condition) -> Condition:
    return ALWAYS if condition == NOTHING else Condition(f"not ({condition.text})", condition.values)
