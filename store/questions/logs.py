"""Which calls: one page of them, sorted, and the cursor of the next.

A page is asked for at once, by the way that `store/questions/ways.py` finds. What takes longer than a moment that way
is read window by window instead, until the page is full or the time is up. Then what was found is told, and the cursor
goes on from there: whoever follows it gets every call once. In the order of time a page is right as far as it goes; in
any other order it holds the best of the time that was read.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from store.conditions import ALWAYS, Condition, all_of, between
from store.filters import Filter
from store.moments import rfc3339
from store.questions.cursor import MOST_PARTS, Part, Place, read, write
from store.questions.row import Json, listed
from store.questions.statements import statement
from store.questions.ways import Route, route
from store.questions.windows import CALLS_AT_ONCE, Allowance, Window, windows
from store.reader import Snapshot, Source, TookTooLong
from store.search.reach import searched

_COLUMNS = {"time": "started_at", "duration": "duration", "tokens": "total_tokens", "cost": "cost", "usage": "usage"}
_AT_ONCE = 0.1  # of the time there is, for the attempt without windows
_PATIENCE_S = 0.25  # with the last window, past the time there is


async def logs(source: Source, asked: Filter, *, allowed_s: float = 1.5, calls_at_once: int = CALLS_AT_ONCE) -> Json:
    """One page: {"logs": [call, ...], "next": cursor or None, "complete": bool, "read_back_to": time or None}.

    It looks for about `allowed_s` seconds, first at so many calls at once. A page that is not complete can be short, or
    empty; `next` then goes on from the time down to which it has read (up to which, in ascending order of time).

    Raises:
        WrongFilter: the cursor does not belong to this filter.
        NoAnswer: the book cannot be read in time.
    """
    parts = read(asked)
    async with source.snapshot() as snapshot:
        # In any other order but that of time all calls are looked at.
        way = await route(snapshot, asked, asked.limit + 1 if asked.sort == "time" else None)
        page = await _Search(snapshot, asked, way, Allowance(allowed_s), calls_at_once).page(parts)
        calls = await listed(snapshot, [place.number for place in page.places])
        reach = await searched(snapshot, asked)
    return {
        "logs": calls,
        "next": write(asked, page.left),
        "complete": page.read_to_us is None,
        "read_back_to": None if page.read_to_us is None else rfc3339(page.read_to_us),
        **reach,
    }


async def numbers(source: Source, asked: Filter, *, allowed_s: float = 1.5) -> tuple[list[int], str | None]:
    """The ids of one page, and the cursor of the next: for whoever looks at the rows in a way of its own.

    Raises:
        WrongFilter: the cursor does not belong to this filter.
        NoAnswer: the book cannot be read in time.
    """
    parts = read(asked)
    async with source.snapshot() as snapshot:
        way = await route(snapshot, asked, asked.limit + 1 if asked.sort == "time" else None)
        page = await _Search(snapshot, asked, way, Allowance(allowed_s), CALLS_AT_ONCE).page(parts)
    return [place.number for place in page.places], write(asked, page.left)


@dataclass(frozen=True, slots=True)
class _Page:
    """What was found, and what is left; `read_to_us` is where the reading stopped for want of time."""

    places: Sequence[Place]
    left: Sequence[Part] = ()
    read_to_us: int | None = None


@dataclass(frozen=True, slots=True)
class _Search:
    """One page's search through one snapshot."""

    snapshot: Snapshot
    asked: Filter
    route: Route
    allowance: Allowance
    calls_at_once: int

    async def page(self, parts: Sequence[Part]) -> _Page:
        """The first page of what is left."""
        part, *others = parts
        if not self.route.ways:
            return _Page(())
        found = await self._at_once(part) or await self._by_windows(part)
        if not others:
            return found
        if len(others) + len(found.left) > MOST_PARTS:
            raise TookTooLong("this took too long; narrow the time or the filter")
        return _Page(found.places, [*found.left, *others], found.read_to_us or part.start_us)

    async def _at_once(self, part: Part) -> _Page | None:
        """None when it takes too long."""
        if not self.allowance.seconds or not self.route.at_once:
            return None
        try:
            places = await self._places(self._within(part), part.beyond, self.allowance.seconds * _AT_ONCE)
        except TookTooLong:
            return None
        return self._cut(part, places)

    async def _by_windows(self, part: Part) -> _Page:
        best: list[Place] = []
        whole = self._within(part)
        in_time = self.asked.sort == "time"
        order = self.asked.order if in_time else "desc"
        read_to: int | None = None
        async for window in windows(self.snapshot, whole.start_us, whole.stop_us, order, self.calls_at_once):
            if read_to is not None and self.allowance.spent:
                return self._so_far(part, best, read_to)
            try:
                places = await self._places(window, part.beyond, self.allowance.left + _PATIENCE_S)
            except TookTooLong:
                if read_to is None:
                    raise
                return self._so_far(part, best, read_to)
            if in_time:
                best += places
                if len(best) > self.asked.limit:
                    break
            else:
                best = sorted([*best, *places], key=self._rank)[: self.asked.limit + 1]
            edge = window.start_us if order == "desc" else window.stop_us
            if edge is not None:
                read_to = edge
        return self._cut(part, best)

    def _cut(self, part: Part, places: Sequence[Place]) -> _Page:
        """All of the part was looked at, or enough of it."""
        page = places[: self.asked.limit]
        return _Page(page, [replace(part, beyond=page[-1])] if len(places) > len(page) else [])

    def _so_far(self, part: Part, best: Sequence[Place], edge: int) -> _Page:
        """The part was looked at as far as this moment."""
        if self.asked.sort == "time":
            return _Page(best, [replace(part, beyond=Place(edge, 0))], edge)
        newer = self._cut(replace(part, start_us=edge), best)
        return _Page(newer.places, [*newer.left, replace(part, stop_us=edge)], edge)

    def _within(self, part: Part) -> Window:
        """The time in which calls of this part can be."""
        starts, stops = [part.start_us, self.route.start_us], [part.stop_us, self.route.stop_us]
        if part.beyond is not None and self.asked.sort == "time" and part.beyond.value is not None:
            if self.asked.order == "desc":
                stops.append(part.beyond.value + (part.beyond.number > 0))  # no call has the number 0
            else:
                starts.append(part.beyond.value)
        return Window(
            max((start for start in starts if start is not None), default=None),
            min((stop for stop in stops if stop is not None), default=None),
        )

    async def _places(self, window: Window, beyond: Place | None, within_s: float) -> list[Place]:
        """The places of a page and one more, when there is more, in this time."""
        asked = self.asked
        column = _COLUMNS[asked.sort]
        conditions = [
            between("started_at", window.start_us, window.stop_us),
            _beyond(column, asked.order, beyond) if beyond else ALWAYS,
            await self.route.asks(window.start_us, window.stop_us),
        ]
        most = asked.limit + 1
        texts: list[str] = []
        values: list[object] = []
        for way in self.route.ways:
            where = all_of((way.where, *conditions))
            index = way.taken
            order = _order(column, asked.order)
            texts.append(statement("page", value=column, index=index, conditions=where.text, order=order))
            values += [*where.values, most]
        if len(texts) > 1:
            union = " union all ".join(f"select * from ({text})" for text in texts)  # noqa: S608 - text of our own
            texts = [f"select * from ({union}) order by {_order('value', asked.order)} limit ?"]  # noqa: S608
            values.append(most)
        rows = await self.snapshot.rows(texts[0], values, within_s)
        return [Place(value, number) for number, value in rows]

    def _rank(self, place: Place) -> tuple[bool, int, int]:
        sign = -1 if self.asked.order == "desc" else 1
        return place.value is None, sign * (place.value or 0), sign * place.number


def _order(column: str, order: str) -> str:
    if column == "started_at":
        return f"{column} {order}, id {order}"
    return f"{column} is null, {column} {order}, id {order}"  # unknown comes last either way


def _beyond(column: str, order: str, place: Place) -> Condition:
    """What comes after a place."""
    than = "<" if order == "desc" else ">"
    if place.value is None:
        return Condition(f"{column} is null and id {than} ?", (place.number,))
    beyond = f"({column}, id) {than} (?, ?)"
    return Condition(beyond if column == "started_at" else f"{beyond} or {column} is null", (place.value, place.number))
