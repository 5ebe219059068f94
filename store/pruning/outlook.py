"""What would go now, and what would stay: reads only.

Bodies go in the order in which their calls arrived, up to an id, because words are found by ids and one number then
says what is gone. A call that arrived long after it began keeps its bodies for so much longer; a call whose time is in
the future, by a clock that was wrong, goes with those that arrived beside it.
"""

from collections.abc import Callable

import msgspec

from store.moments import rfc3339
from store.pruned import BODIES_GONE, mark_in
from store.pruning.limits import Before
from store.questions.row import Json
from store.reader import Snapshot, Source, TookTooLong
from store.schema import PAGE_SIZE

_AT_ONCE = 500
_LEAVES = 0.95  # of the bytes there may be: so that a full file is pruned now and then, not every time
# How SQLite lays out a row of a table (https://sqlite.org/fileformat.html#b_tree_pages), for pages of `PAGE_SIZE`.
_BESIDE = 60  # bytes of a row beside its content and headers
_OVERFLOW = PAGE_SIZE - 4
_LARGEST = PAGE_SIZE - 35  # what is not larger is on one page, with others
_LEAST = (PAGE_SIZE - 12) * 32 // 255 - 23  # of a larger row so much or more is on a page with others
_BODIES = """
select kept.id, calls.started_at,
       coalesce(length(kept.content), 0) + length(kept.request_headers) + length(kept.response_headers)
  from bodies.bodies as kept
  left join calls on calls.id = kept.id
 where kept.id > ?
 order by kept.id
 limit ?"""
_CALLS = "select count(*), min(started_at) from calls indexed by calls_by_time where started_at < ?"
_STAYS = "select min(started_at) from calls indexed by calls_by_time where started_at >= ?"


class Outlook(msgspec.Struct, frozen=True):
    """What goes. None: it is not known, or there is none."""

    bodies: int = 0
    bodies_bytes: int = 0  # as they are kept
    bodies_through: int | None = None  # the last id whose bodies go
    calls: int | None = 0  # rows; None: too many to be counted in time
    calls_before: int | None = None  # all rows that are older go
    oldest_call_us: int | None = None  # of those that stay
    oldest_bodies_us: int | None = None

    @property
    def nothing(self) -> bool:
        """Whether everything stays."""
        return not self.bodies and self.calls == 0

    def as_json(self) -> Json:
        """Times as RFC 3339."""
        return {
            "calls": self.calls,
            "bodies": self.bodies,
            "bodies_bytes": self.bodies_bytes,
            "oldest_call": _told(self.oldest_call_us),
            "oldest_bodies": _told(self.oldest_bodies_us),
        }


def _told(time_us: int | None) -> str | None:
    return None if time_us is None else rfc3339(time_us)


async def look(source: Source, before: Before, advance: Callable[[int], None] = lambda seen: None) -> Outlook:
    """Look through the oldest bodies, and count the calls. `advance` is told how many bodies were looked at.

    Raises:
        NoAnswer: the book cannot be read.
    """
    count, size, through, oldest_bodies = await _bodies(source, before, advance)
    calls: int | None = 0
    oldest: int | None = None
    async with source.snapshot() as snapshot:
        if before.calls_us is not None:
            try:
                rows = await snapshot.rows(_CALLS, (before.calls_us,), within_s=1.0)
                calls = rows[0][0] if rows else 0
            except TookTooLong:
                calls = None
        rows = await snapshot.rows(_STAYS, (-(2**62) if before.calls_us is None else before.calls_us,))
        oldest = rows[0][0] if rows else None
    return Outlook(count, size, through, calls, before.calls_us, oldest, oldest_bodies)


async def _bodies(
    source: Source, before: Before, advance: Callable[[int], None]
) -> tuple[int, int, int | None, int | None]:
    """How many go, their bytes, the id of the last, and when the call of the first that stays began."""
    count, size, through, last = 0, 0, None, 0
    seen, seen_bytes = 0, 0  # beside those that go: they go if one that arrived after them does
    to_free: float | None = None
    freed = 0.0
    while True:
        async with source.snapshot() as snapshot:
            if not snapshot.bodies:
                return 0, 0, None, None
            if to_free is None:
                to_free = await _to_free(snapshot, before.bodies_bytes)
                last = await mark_in(snapshot, BODIES_GONE) or 0
                # Bodies below the mark are what an interrupted pruning left.
                (first,) = (await snapshot.rows("select min(id) from bodies.bodies"))[0]
                last = min(last, (first or 1) - 1)
            rows = await snapshot.rows(_BODIES, (last, _AT_ONCE))
        for number, started_at, kept in rows:
            old = started_at is not None and before.bodies_us is not None and started_at < before.bodies_us
            # Bodies without a call may be of one that is being written at this moment.
            beside = started_at is None or started_at > before.now_us
            if not old and not beside and freed >= to_free:
                return count, size, through, started_at
            seen, seen_bytes = seen + 1, seen_bytes + kept
            if old or freed < to_free:
                count, size, through = seen, seen_bytes, number
            freed += _takes(kept)
            last = number
        advance(seen)
        if len(rows) < _AT_ONCE:
            return count, size, through, None


def _takes(kept: int) -> float:
    """About how many bytes of the file bodies take that are kept in so many."""
    size = kept + _BESIDE
    local = size
    if size > _LARGEST:
        local = _LEAST + (size - _LEAST) % _OVERFLOW
        local = local if local <= _LARGEST else _LEAST
    pages = -(-(size - local) // _OVERFLOW)
    return pages * PAGE_SIZE + PAGE_SIZE / (_LARGEST // local)


async def _to_free(snapshot: Snapshot, most: int | None) -> float:
    if most is None:
        return 0
    used = await bodies_used(snapshot)
    return used - most * _LEAVES if used > most else 0


async def bodies_used(snapshot: Snapshot) -> int:
    """Bytes of the pages of bodies.db that hold something."""
    numbers = [
        (await snapshot.rows(f"pragma bodies.{name}"))[0][0] for name in ("page_count", "freelist_count", "page_size")
    ]
    pages, free, size = numbers
    return int((pages - free) * size)
