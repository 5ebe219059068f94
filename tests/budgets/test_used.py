"""What a key or group used in a period, out of the book, is what its rows say."""

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from store.book import Book, Entry
from store.budgets.used import used
from store.budgets.window import Window
from store.call import Call
from tests.questions import generated


@given(
    generated.books,
    st.sampled_from(("key", "group")),
    st.none() | generated.moments(),
    st.none() | generated.moments(),
)
@settings(max_examples=60, deadline=None)
def test_sums_and_edges_make_the_rows(calls: list[Call], of: Any, start: int | None, stop: int | None) -> None:
    """For any calls and any two moments, the sums of days and hours and the rows at the edges add up to the rows."""
    within = Window(start, stop)
    expected: Counter[str] = Counter()
    for call in calls:
        name = call.key if of == "key" else call.group
        if name is not None and call.usage_micro and within.holds(call.started_at_us):
            expected[name] += call.usage_micro
    with tempfile.TemporaryDirectory() as directory, Book(Path(directory)) as book:
        book.add([Entry(call) for call in calls])
        assert book.by_name(of, used(book.ask, of, within).micro) == expected
