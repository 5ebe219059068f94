"""No exchange, however damaged, keeps a call out of the book. `python -m tests.fuzz` goes on for as long as wanted."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.checking import a_meter, accepted, metered
from tests.fuzz.exchanges import sources
from tests.fuzz.inputs import drawn

SOURCES = sources()
METER = a_meter()


@given(st.integers(0, 2**48))
@settings(max_examples=400, deadline=None)
def test_damaged_exchange(seed: int) -> None:
    """A damaged exchange is metered, without anything that raises and is caught, and no count or cost is absurd."""
    metered(METER, drawn(SOURCES, seed))


def test_book_accepts_what_was_damaged(tmp_path: Path) -> None:
    """What comes of damaged exchanges is a row each."""
    accepted(tmp_path, [metered(METER, drawn(SOURCES, seed)) for seed in range(300)])
