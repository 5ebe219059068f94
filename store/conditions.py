"""A filter as SQL: conditions with bound values, never values in the text.

Names of the five dimensions are looked up first, so that the calls are filtered by their ids and an index serves them.
The conditions on time and dimensions fit `calls` and the sums alike: "none" is NULL in the first and 0 in the second,
and no name has the id 0.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

import orjson

from store.filters import DIMENSIONS, Filter, Range, Words
from store.reader import Snapshot

TABLES = {"model": "models", "key": "keys", "group": "groups", "type": "types", "upstream": "upstreams"}
COLUMNS = {name: f"{name}_id" for name in DIMENSIONS}


@dataclass(frozen=True, slots=True)
class Condition:
    """A piece of a `where` clause and the values bound in it, in order."""

    text: str
    values: tuple[object, ...] = ()


ALWAYS = Condition("true")


def all_of(conditions: Iterable[Condition]) -> Condition:
    """One condition that holds where all of these hold."""
    kept = [condition for condition in conditions if condition != ALWAYS]
    if not kept:
        return ALWAYS
    return Condition(
        " and ".join(f"({condition.text})" for condition in kept),
        tuple(value for condition in kept for value in condition.values),
    )


def any_of(conditions: Iterable[Condition]) -> Condition:
    """One condition that holds where at least one of these holds."""
    kept = list(conditions)
    return Condition(
        " or ".join(f"({condition.text})" for condition in kept) or "false",
        tuple(value for condition in kept for value in condition.values),
    )


@dataclass(frozen=True, slots=True)
class Ids:
    """The ids that the names of one dimension stand for; `any_of` is None when there is no such restriction."""

    any_of: frozenset[int] | None = None
    none_of: frozenset[int] = frozenset()


async def look_up(snapshot: Snapshot, asked: Filter) -> dict[str, Ids]:
    """The ids behind every dimension the filter names."""
    found: dict[str, Ids] = {}
    for dimension in DIMENSIONS:
        words: Words = getattr(asked, dimension)
        if not words:
            continue
        none_of = await _ids(snapshot, dimension, words.none_of)
        # Exclusions are taken out of a list of ids at once, so that fewer conditions remain.
        any_of_ids = (await _ids(snapshot, dimension, words.any_of)) - none_of if words.any_of else None
        found[dimension] = Ids(any_of_ids, frozenset() if any_of_ids is not None else none_of)
    return found


async def _ids(snapshot: Snapshot, dimension: str, words: tuple[str, ...]) -> frozenset[int]:
    if not words:
        return frozenset()
    matching = any_of(_matches("name", word) for word in words)
    rows = await snapshot.rows(f"select id from {TABLES[dimension]} where {matching.text}", matching.values)  # noqa: S608 - names of ours
    return frozenset(number for (number,) in rows)


def between(column: str, first: int | None, stop: int | None) -> Condition:
    """first <= column < stop."""
    return all_of((
        ALWAYS if first is None else Condition(f"{column} >= ?", (first,)),
        ALWAYS if stop is None else Condition(f"{column} < ?", (stop,)),
    ))  # fmt: skip


def dimensions(ids: Mapping[str, Ids], *, unindexed: bool = False) -> Condition:
    """What the looked-up ids demand; `unindexed` keeps lists of ids from choosing the index."""
    return all_of(_dimension(COLUMNS[name], found, unindexed=unindexed) for name, found in ids.items())


def _dimension(column: str, ids: Ids, *, unindexed: bool) -> Condition:
    if ids.any_of is None:
        return _not_in(column, ids.none_of)
    if len(ids.any_of) == 1:
        return Condition(f"{column} = ?", tuple(ids.any_of))
    # A unary plus: rows come in the order of time from another index, instead of all at once to be sorted.
    plus = "+" if unindexed else ""
    return Condition(f"{plus}{column} in (select value from json_each(?))", (_listed(ids.any_of),))  # noqa: S608 - names of ours


def _not_in(column: str, ids: frozenset[int]) -> Condition:
    if not ids:
        return ALWAYS
    return Condition(f"{column} is null or {column} not in (select value from json_each(?))", (_listed(ids),))  # noqa: S608


def _listed(ids: frozenset[int]) -> str:
    return orjson.dumps(sorted(ids)).decode()


def beside_dimensions(asked: Filter) -> Condition:
    """What the filter asks of a row of `calls` beside time and dimensions."""
    return all_of((
        _words("status", asked.status, _status),
        _words("outcome", asked.outcome),
        _words("streamed", asked.stream, _truth),
        _words("user", asked.user),
        _words("session", asked.session),
        _words("upstream_request_id", asked.request_id, _id),
        _words("cost_state", asked.cost_state),
        _members(asked.anomaly),
        *(_tag(name, words) for name, words in asked.tags),
        _range("duration", asked.duration_us),
        _range("cost", asked.cost_nano),
        _range("total_tokens", asked.tokens),
    ))  # fmt: skip


def _matches(column: str, word: str) -> Condition:
    if "*" not in word:
        return Condition(f"{column} = ?", (word,))
    return Condition(f"{column} glob ?", (word.replace("[", "[[]").replace("?", "[?]"),))


def _status(column: str, word: str) -> Condition:
    if word == "error":
        return Condition("failed = 1")
    if word.endswith("xx"):
        return between(column, int(word[0]) * 100, int(word[0]) * 100 + 100)
    if "*" in word:
        return Condition(f"{column} is not null and cast({column} as text) glob ?", (word,))
    return Condition(f"{column} = ?", (int(word),))


def _id(column: str, word: str) -> Condition:
    """What looks like one of our ids may be one of the provider's, too: some of theirs are UUIDs."""
    theirs = _matches(column, word)
    try:
        ours = Condition("call_id = ?", (UUID(word).bytes,))
    except ValueError:
        return theirs
    return any_of((ours, theirs))


def _truth(column: str, word: str) -> Condition:
    return Condition(f"{column} = ?", (int(word),))


def _words(column: str, words: Words, matches: Callable[[str, str], Condition] = _matches) -> Condition:
    wanted = any_of(matches(column, word) for word in words.any_of) if words.any_of else ALWAYS
    return all_of((wanted, _none(any_of(matches(column, word) for word in words.none_of), words.none_of)))


def _none(unwanted: Condition, words: tuple[str, ...]) -> Condition:
    # Comparing NULL gives NULL, which counts as "does not match": rows without a value stay.
    return Condition(f"not coalesce({unwanted.text}, 0)", unwanted.values) if words else ALWAYS


def _members(words: Words) -> Condition:
    """Some member of the JSON array of anomalies matches; none does."""
    return _exists("json_each(anomalies)", ALWAYS, words)


def _tag(name: str, words: Words) -> Condition:
    return _exists("json_each(tags)", Condition("key = ?", (name,)), words)


def _exists(table: str, where: Condition, words: Words) -> Condition:
    def some(chosen: tuple[str, ...]) -> Condition:
        both = all_of((where, any_of(_matches("value", word) for word in chosen)))
        return Condition(f"exists (select 1 from {table} where {both.text})", both.values)  # noqa: S608 - names of ours

    return all_of((
        some(words.any_of) if words.any_of else ALWAYS,
        _none(some(words.none_of), words.none_of) if words.none_of else ALWAYS,
    ))  # fmt: skip


def _range(column: str, wanted: Range) -> Condition:
    return all_of((
        ALWAYS if wanted.lowest is None else Condition(f"{column} >= ?", (wanted.lowest,)),
        ALWAYS if wanted.highest is None else Condition(f"{column} <= ?", (wanted.highest,)),
    ))  # fmt: skip
