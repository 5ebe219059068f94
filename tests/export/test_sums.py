"""Whatever is asked for, the rows of a file, the pages and the statistics tell the same."""

import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from store.call import Call
from store.export import EXPORTING, FORMATS, settled
from store.filters import ORDERS, PAGING, SORTS, parse
from store.moments import at
from store.questions import logs, stats
from store.reader import Reader
from tests.books import NOON_US, a_book
from tests.export.reading import Rows, file_of, flattened, read_back
from tests.questions import generated

NOW = at(NOON_US)
_TOKENS = ("total", "input", "output", "cache_read", "cache_write", "reasoning")
Params = list[tuple[str, str]]


@st.composite
def questions(draw: st.DrawFn) -> Params:
    """A filter and an order."""
    order = {"sort": SORTS, "order": ORDERS}
    return [*draw(generated.filters), *((name, draw(st.sampled_from(values))) for name, values in order.items())]


def _sum(rows: Rows, column: str) -> Any:
    known = [row[column] for row in rows if row[column] is not None]
    return sum(known) if known or not rows else None


def summed(rows: Rows) -> dict[str, Any]:
    """The sums over these rows, each None where no row knows it."""
    return {
        "calls": len(rows),
        "usage": _sum(rows, "usage"),
        "usd": _sum(rows, "cost_usd"),
        "unknown_cost": sum(row["cost_usd"] is None for row in rows),
        **{name: _sum(rows, f"tokens_{name}") for name in _TOKENS},
    }


def told(total: dict[str, Any]) -> dict[str, Any]:
    """The same out of the statistics."""
    usage, usd = total["usage"], total["cost"]["usd"]
    return {
        "calls": total["calls"],
        "usage": None if usage is None else Decimal(repr(usage)),
        "usd": None if usd is None else Decimal(usd),
        "unknown_cost": total["cost"]["unknown_calls"],
        **{name: total["tokens"][name] for name in _TOKENS},
    }


@given(generated.books, st.lists(questions(), min_size=2, max_size=4))
@settings(max_examples=40, deadline=None)
async def test_files_pages_and_statistics_agree(calls: list[Call], several: list[Params]) -> None:
    """For any calls, filter and order, each format holds the rows of the pages, and sums to the statistics."""
    with tempfile.TemporaryDirectory() as directory:
        async with Reader.open(a_book(Path(directory), calls)) as reader:
            for params in several:
                page = await logs(reader, parse([*params, ("limit", "1000")], NOW, also=PAGING))
                expected = [flattened(call) for call in page["logs"]]
                filters = [pair for pair in params if pair[0] not in PAGING]
                total = told((await stats(reader, parse(filters, NOW)))["total"])
                for name in FORMATS:
                    asked = parse([*params, ("format", name)], NOW, also=EXPORTING)
                    rows = read_back(name, await file_of(reader, asked, name))
                    assert rows == expected
                    assert summed(rows) == total


@given(generated.books, generated.filters)
@settings(max_examples=40, deadline=None)
async def test_drawing_in_the_ends_leaves_no_call_out(calls: list[Call], params: Params) -> None:
    """A filter drawn in to the calls of the book means the same calls."""
    with tempfile.TemporaryDirectory() as directory:
        async with Reader.open(a_book(Path(directory), calls)) as reader:
            asked = parse(params, NOW)
            drawn_in = await settled(reader, asked)
            assert (await logs(reader, asked))["logs"] == (await logs(reader, drawn_in))["logs"]
            assert drawn_in.to_us is not None


def test_the_sums_can_differ() -> None:
    """Unknown and nothing are different sums."""
    empty = {f"tokens_{name}": None for name in _TOKENS} | {"usage": None, "cost_usd": None}
    assert summed([empty])["usd"] is None
    assert summed([])["usd"] == 0
    assert summed([{**empty, "cost_usd": Decimal(0)}])["unknown_cost"] == 0
