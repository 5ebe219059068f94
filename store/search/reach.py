"""How far the search reaches: from when, up to when, and how many calls it has not seen yet."""

from typing import Any

from store.filters import Filter
from store.moments import rfc3339
from store.pruned import BODIES_GONE, mark_in
from store.reader import Snapshot


async def searched(snapshot: Snapshot, asked: Filter) -> dict[str, Any]:
    """What an answer says of its search: {"searched": reach}; nothing when nothing was searched for."""
    return {"searched": await reach(snapshot)} if asked.q else {}


async def reach(snapshot: Snapshot) -> dict[str, Any]:
    """{"from": time of the oldest call whose text is indexed, "to": of the newest call looked at, "waiting": calls}."""
    # Apart, each end is found at once; together they would be looked for through all calls.
    ends = await snapshot.rows("select (select max(id) from calls), (select min(id) from calls)")
    (last, first) = ends[0] if ends else (None, None)
    if not snapshot.search:
        return reached(None, None, 0, first, last)
    rows = await snapshot.rows(
        "select last_id, newest, (select min(oldest) from search.shelves where last_id > ?) from search.progress",
        (gone := await mark_in(snapshot, BODIES_GONE) or 0,),
    )
    (looked_at, newest, oldest) = rows[0]
    if oldest is not None and gone:  # the shelf may have begun with calls whose text is gone
        kept = await snapshot.rows("select started_at from calls where id > ? order by id limit 1", (gone,))
        oldest = max(oldest, kept[0][0]) if kept else None
    return reached(oldest, newest, looked_at, first, last)


def reached(
    oldest: int | None, newest: int | None, looked_at: int, first: int | None, last: int | None
) -> dict[str, Any]:
    """The same from numbers; ids of calls follow one another, the oldest may have been pruned."""
    waiting = 0 if last is None or first is None else max(0, last - max(looked_at, first - 1))
    return {
        "from": None if oldest is None else rfc3339(oldest),
        "to": None if newest is None else rfc3339(newest),
        "waiting": waiting,
    }
