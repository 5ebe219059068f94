"""The sums kept beside the rows: written batch by batch, or made anew from the rows, they are the same."""

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from store import histogram, sums
from store.book import BOOK_FILE, Book, Entry, Progress, Repeat
from store.call import Call
from tests.books import a_book, a_call
from tests.questions import generated

TABLES = (*(table.name for table in sums.TABLES), "combinations")


def all_sums(connection: sqlite3.Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table of sums, in the order of its key."""
    return {name: connection.execute(f"select * from {name}").fetchall() for name in TABLES}


@given(st.lists(st.lists(generated.calls(), max_size=8), max_size=5))
@settings(max_examples=40, deadline=None)
def test_sums_made_anew_are_the_sums_that_were_written(batches: list[list[Call]]) -> None:
    """For any calls in any batches, the sums made from the rows are those that were written beside them."""
    with tempfile.TemporaryDirectory() as directory:
        with Book(Path(directory)) as book:
            for batch in batches:
                book.add([Entry(call) for call in batch])
        with closing(sqlite3.connect(Path(directory) / BOOK_FILE, isolation_level=None)) as connection:
            written = all_sums(connection)
            sums.rebuild(connection)
            assert all_sums(connection) == written


@given(st.lists(generated.calls(), min_size=1, max_size=12), st.data())
@settings(max_examples=40, deadline=None)
def test_repeats_are_summed_as_their_rows_say(calls: list[Call], data: st.DataObject) -> None:
    """For any rows that are repeated in any batches, the sums made anew from the rows are those that were written."""
    ids = [call.call_id for call in calls]
    batches = data.draw(st.lists(st.lists(st.sampled_from(ids), max_size=5), max_size=3))
    with tempfile.TemporaryDirectory() as directory:
        with Book(Path(directory)) as book:
            for number, batch in enumerate([*batches, []]):
                first = [Entry(call) for call in calls] if number == 0 else []
                book.add(first, Progress(repeats=[Repeat("boot", call_id) for call_id in batch]))
        with closing(sqlite3.connect(Path(directory) / BOOK_FILE, isolation_level=None)) as connection:
            written = all_sums(connection)
            sums.rebuild(connection)
            assert all_sums(connection) == written
            (counted,) = connection.execute("select sum(calls) from day_sums").fetchone()
            assert counted == len(calls) + sum(map(len, batches))


def test_a_rebuild_is_undone_with_the_transaction_it_is_in(tmp_path: Path) -> None:
    """Within a transaction of the caller, sums made anew are kept or not as that transaction is."""
    with closing(sqlite3.connect(a_book(tmp_path, [a_call()]) / BOOK_FILE, isolation_level=None)) as connection:
        before = all_sums(connection)
        connection.execute("begin")
        connection.execute("delete from calls")
        sums.rebuild(connection)
        assert not any(all_sums(connection).values())
        connection.execute("rollback")
        assert all_sums(connection) == before


def test_a_rebuild_that_fails_leaves_the_sums_alone(tmp_path: Path) -> None:
    """When rows cannot be summed, the sums stay as they were."""
    with closing(sqlite3.connect(a_book(tmp_path, [a_call()]) / BOOK_FILE, isolation_level=None)) as connection:
        before = all_sums(connection)
        connection.execute("alter table calls rename column cost to price")
        try:
            sums.rebuild(connection)
        except sqlite3.OperationalError:
            assert not connection.in_transaction
        else:
            raise AssertionError("it should have failed")
        assert all_sums(connection) == before


def test_combinations_tell_when_they_were_first_and_last_seen(tmp_path: Path) -> None:
    """Each combination has its number of calls and the times of the first and the last, over all batches."""
    with Book(tmp_path) as book:
        for started in (50_000_000, 20_000_000, 90_000_000):
            book.add([Entry(a_call(started_at_us=started)), Entry(a_call(started_at_us=started + 1, key="ci"))])
    with closing(sqlite3.connect(tmp_path / BOOK_FILE)) as connection:
        seen = connection.execute("select calls, first_at, last_at from combinations order by key_id").fetchall()
    assert seen == [(3, 20_000_000, 90_000_000), (3, 20_000_001, 90_000_001)]


_histograms = st.dictionaries(
    st.integers(0, 506), st.integers(1, 9) | st.integers(1, 70_000) | st.integers(1, 2**32 - 1), max_size=12
)


@given(_histograms)
@settings(max_examples=300, deadline=None)
def test_a_packed_histogram_is_the_same_when_unpacked(counts: dict[int, int]) -> None:
    """Any counts survive being packed, also joined as SQLite joins them."""
    whole = histogram.of(counts)
    packed = histogram.pack(whole)
    assert histogram.counts(histogram.unpack(packed)) == counts
    assert histogram.of_packed(packed.hex().upper()) == whole


@given(st.lists(st.dictionaries(st.integers(0, 300), st.integers(1, 70_000), max_size=8), max_size=6))
@settings(max_examples=200, deadline=None)
def test_histograms_add_up_and_can_be_taken_away(several: list[dict[int, int]]) -> None:
    """A sum has every bucket's calls; what is left after taking all but one away is that one."""
    packed = [histogram.pack(histogram.of(counts)) for counts in several]
    whole = histogram.of_packed(" ".join(one.hex() for one in packed))
    for number in range(301):
        assert histogram.counts(whole).get(number, 0) == sum(counts.get(number, 0) for counts in several)
    for counts in several:
        left = whole - sum(histogram.of(other) for other in several if other is not counts)
        assert histogram.counts(left) == counts


def test_an_empty_histogram_takes_no_room() -> None:
    """No calls are no bytes, and have no percentiles."""
    assert histogram.pack(0) == b""
    assert histogram.percentiles_us(0, (0.5, 0.95)) == [None, None]
