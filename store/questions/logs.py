"""Which calls: one page of them, sorted, and the cursor of the next."""

from collections.abc import Mapping

from store.conditions import ALWAYS, Condition, Ids, all_of, beside_dimensions, between, dimensions, look_up
from store.filters import Filter
from store.questions.cursor import Place, read, write
from store.questions.row import Json, listed
from store.questions.statements import statement
from store.reader import Snapshot, Source

_COLUMNS = {"time": "started_at", "duration": "duration", "tokens": "total_tokens", "cost": "cost", "usage": "usage"}
_MOST_WAYS = 100  # below SQLite's limit of 500 selects in one statement


async def logs(source: Source, asked: Filter) -> Json:
    """One page: {"logs": [call, ...], "next": cursor or None}.

    Raises:
        WrongFilter: the cursor does not belong to this filter.
        NoAnswer: the book cannot be read in time.
    """
    after = read(asked)
    async with source.snapshot() as snapshot:
        places = await _page(snapshot, asked, after)
        page = places[: asked.limit]
        calls = await listed(snapshot, [place.number for place in page])
    return {"logs": calls, "next": write(asked, page[-1]) if len(places) > asked.limit else None}


async def _page(snapshot: Snapshot, asked: Filter, after: Place | None) -> list[Place]:
    """The places of one page and one more, when there is more."""
    column = _COLUMNS[asked.sort]
    ids = await look_up(snapshot, asked)
    rest = all_of((
        between("started_at", asked.from_us, asked.to_us),
        _beyond(column, asked.order, after) if after else ALWAYS,
        beside_dimensions(asked),
    ))  # fmt: skip
    order = _order(column, asked.order)
    most = asked.limit + 1
    texts: list[str] = []
    values: list[object] = []
    for way in _ways(ids) if asked.sort == "time" else [ids]:
        conditions = all_of((dimensions(way, unindexed=asked.sort == "time"), rest))
        texts.append(statement("page", value=column, conditions=conditions.text, order=order))
        values += [*conditions.values, most]
    if len(texts) > 1:
        union = " union all ".join(f"select * from ({text})" for text in texts)  # noqa: S608 - text of our own
        texts = [f"select * from ({union}) order by {_order('value', asked.order)} limit ?"]  # noqa: S608
        values.append(most)
    rows = await snapshot.rows(texts[0], values)
    return [Place(value, number) for number, value in rows]


def _ways(ids: Mapping[str, Ids]) -> list[Mapping[str, Ids]]:
    """The same restriction as several of one id each, so that every one is read in order from an index and stops early.

    A pattern such as `gpt-*` can mean most of the book or almost none of it: sorting all its calls is slow in the
    first case, going through all calls in order is slow in the second, this is slow in neither.
    """
    if any(found.any_of is not None and len(found.any_of) == 1 for found in ids.values()):
        return [ids]
    many = {name: len(found.any_of) for name, found in ids.items() if found.any_of and name != "upstream"}
    name = min(many, key=lambda name: many[name], default=None)
    if name is None or many[name] > _MOST_WAYS:
        return [ids]
    return [{**ids, name: Ids(frozenset((number,)))} for number in sorted(ids[name].any_of or ())]


def _order(column: str, order: str) -> str:
    if column in ("started_at", "value"):
        return f"{column} {order}, id {order}"
    return f"{column} is null, {column} {order}, id {order}"  # unknown comes last either way


def _beyond(column: str, order: str, place: Place) -> Condition:
    """What comes after a place."""
    than = "<" if order == "desc" else ">"
    if place.value is None:
        return Condition(f"{column} is null and id {than} ?", (place.number,))
    beyond = f"({column}, id) {than} (?, ?)"
    if column == "started_at":
        # The first half says nothing new, but finds its place in the index.
        return Condition(f"{column} {than}= ? and {beyond}", (place.value, place.value, place.number))
    return Condition(f"{beyond} or {column} is null", (place.value, place.number))
