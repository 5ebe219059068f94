"""Which values there are of model, key, group, type and upstream, and how many calls have each."""

from collections import Counter

from store.conditions import TABLES, all_of, beside_dimensions, dimensions, look_up
from store.filters import DIMENSIONS, Filter
from store.questions.covering import CALLS, cover
from store.questions.row import Json
from store.questions.statements import statement
from store.reader import Source


async def facets(source: Source, asked: Filter = Filter()) -> Json:  # noqa: B008 - frozen
    """{"model": [{"value": name or None, "calls": n}, ...], ...}, the most used first.

    Raises:
        NoAnswer: the book cannot be read in time.
    """
    counts: dict[str, Counter[int]] = {name: Counter() for name in DIMENSIONS}
    names: dict[str, dict[int, str]] = {}
    async with source.snapshot() as snapshot:
        ids = dimensions(await look_up(snapshot, asked))
        for piece in cover(asked, DIMENSIONS):
            rows = piece.table is CALLS
            where = all_of((piece.condition, ids, *((beside_dimensions(asked),) if rows else ())))
            calls = "count(*)" if rows else "sum(calls)"
            text = statement("facets", calls=calls, table=piece.table.name, conditions=where.text)
            for *numbers, amount in await snapshot.rows(text, where.values):
                for name, number in zip(DIMENSIONS, numbers, strict=True):
                    counts[name][number] += amount
        for name in DIMENSIONS:
            found = await snapshot.rows(f"select id, name from {TABLES[name]}")  # noqa: S608 - a name of ours
            names[name] = dict(found)
    return {name: _listed(counts[name], names[name]) for name in DIMENSIONS}


def _listed(counts: Counter[int], names: dict[int, str]) -> list[Json]:
    named = [(names.get(number), calls) for number, calls in counts.items()]
    named.sort(key=lambda pair: (-pair[1], pair[0] is None, pair[0] or ""))
    return [{"value": value, "calls": calls} for value, calls in named]
