"""A book of an earlier version becomes one of this version when it is opened to be written, or stays as it was."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from store import schema, sums
from store.book import BOOK_FILE, Book, Entry
from store.call import Cost
from store.filters import GROUPING, parse
from store.moments import at
from store.questions import facets, stats
from store.reader import NoAnswer, Reader
from tests.book.test_sums import all_sums
from tests.books import NOON_US, a_book, a_call, call_id

VERSION_1 = Path(__file__).with_name("version_1.sql")


@pytest.fixture
def old_book(tmp_path: Path) -> Path:
    """A data directory with a book of version 1."""
    with closing(sqlite3.connect(tmp_path / BOOK_FILE)) as connection:
        connection.executescript(VERSION_1.read_text())
    return tmp_path


def shape(data_dir: Path) -> set[tuple[str, str]]:
    with closing(sqlite3.connect(data_dir / BOOK_FILE)) as connection:
        return set(connection.execute("select type, name from sqlite_schema"))


def test_an_old_book_gets_the_shape_of_a_new_one(old_book: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """After it was opened it has every table, index, view and column of a new book, and no other."""
    Book(old_book).close()
    new = a_book(tmp_path_factory.mktemp("new"), [])
    assert shape(old_book) == shape(new)
    columns = []
    for data_dir in (old_book, new):
        with closing(sqlite3.connect(data_dir / BOOK_FILE)) as connection:
            (version,) = connection.execute("pragma user_version").fetchone()
            assert version == schema.BOOK_VERSION
            columns.append({name for _, name, *_ in connection.execute("pragma table_info(calls)")})
    assert columns[0] == columns[1]


def test_an_old_book_keeps_its_rows_and_its_place_in_the_journal(old_book: Path) -> None:
    """Every row has the values it had; runs and counters are kept; what came with this version is unknown or none, and
    it is noted up to which call nobody kept units."""
    with closing(sqlite3.connect(old_book / BOOK_FILE)) as connection:
        before = [connection.execute(f"select * from {name}").fetchall() for name in ("calls", "runs", "counters")]
    Book(old_book).close()
    with closing(sqlite3.connect(old_book / BOOK_FILE)) as connection:
        after = [connection.execute(f"select * from {name}").fetchall() for name in ("calls", "runs", "counters")]
    rows = [(*row, None, 0, None, None, None, None, None, None, None) for row in before[0]]
    assert after == [rows, before[1], [("calls_without_units", 24), *before[2]]]


def test_an_old_book_takes_a_usage_without_a_cost(old_book: Path) -> None:
    """The rule that there is none is gone from an old book; the other rules are still there."""
    with Book(old_book) as book:
        unknown = a_call(call_id=call_id(9000), cost=Cost("unknown"), usage_micro=5)
        assert book.add([Entry(unknown)]) == 1
        with pytest.raises(sqlite3.IntegrityError):
            book.add([Entry(a_call(call_id=call_id(9001), cost=Cost("priced")))])
    with closing(sqlite3.connect(old_book / BOOK_FILE)) as connection:
        assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]


async def test_sums_of_an_old_book_are_those_of_its_rows(old_book: Path) -> None:
    """Calls of before and after the change are summed alike, from sums and from rows."""
    with Book(old_book) as book:
        new = [a_call(call_id=call_id(9000 + number), key=key) for number, key in enumerate(("laptop", "new"))]
        book.add([Entry(call) for call in new])
    async with Reader.open(old_book) as reader:
        for by in ("model", "key", "day,group", "hour", "model,key"):
            asked = [("by", by)]
            from_sums = await stats(reader, parse(asked, at(NOON_US), also=GROUPING))
            from_rows = await stats(reader, parse([*asked, ("outcome", "*")], at(NOON_US), also=GROUPING))
            assert from_sums == from_rows
            assert from_sums["total"]["calls"] == 26
        assert sum(value["calls"] for value in (await facets(reader))["key"]) == 26


def test_an_old_book_is_brought_up_to_date_once(old_book: Path) -> None:
    """Opening it again changes nothing."""
    Book(old_book).close()
    with closing(sqlite3.connect(old_book / BOOK_FILE)) as connection:
        before = list(connection.iterdump())
    Book(old_book).close()
    with closing(sqlite3.connect(old_book / BOOK_FILE)) as connection:
        assert list(connection.iterdump()) == before


async def test_a_reader_says_that_the_book_is_of_another_version(old_book: Path) -> None:
    """Before it was brought up to date, a question is answered with a sentence that names both versions."""
    async with Reader.open(old_book) as reader:
        with pytest.raises(NoAnswer, match=rf"version 1.*version {schema.BOOK_VERSION}"):
            await facets(reader)


def test_a_book_that_cannot_be_changed_stays_as_it_was(old_book: Path) -> None:
    """When a step fails, even the last, every row, table and the version are as before."""
    with closing(sqlite3.connect(old_book / BOOK_FILE)) as connection:
        connection.executescript(
            "drop view log; drop view spending_by_day; alter table calls rename column cost to price"
        )
        before = list(connection.iterdump())
    with pytest.raises(sqlite3.OperationalError, match="cost"):
        Book(old_book)
    with closing(sqlite3.connect(old_book / BOOK_FILE)) as connection:
        assert list(connection.iterdump()) == before
        assert connection.execute("pragma user_version").fetchone() == (1,)


def test_a_book_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    """A book that a newer program wrote is refused, in a sentence, and not changed."""
    a_book(tmp_path, [a_call()])
    with closing(sqlite3.connect(tmp_path / BOOK_FILE)) as connection:
        connection.execute(f"pragma user_version = {schema.BOOK_VERSION + 1}")
        before = all_sums(connection)
    with pytest.raises(schema.WrongVersion, match=str(schema.BOOK_VERSION + 1)):
        Book(tmp_path)
    with closing(sqlite3.connect(tmp_path / BOOK_FILE)) as connection:
        assert all_sums(connection) == before


def test_sums_of_an_old_book_are_in_every_table(old_book: Path) -> None:
    """None of the tables of sums is empty after the change, and each sums every call."""
    Book(old_book).close()
    with closing(sqlite3.connect(old_book / BOOK_FILE)) as connection:
        for table in sums.TABLES:
            assert connection.execute(f"select sum(calls) from {table.name}").fetchone() == (24,)


@pytest.mark.parametrize(
    ("column", "known", "unknown"),
    [
        ("outcome", ("completed", "client_left", "interrupted"), "finished"),
        ("fault", ("client", "policy", "upstream", "proxy", None), "nobody"),
        ("tokens_source", ("reported", "estimated", "none"), "guessed"),
        ("cost_state", ("priced", "reported", "estimated", "free"), "cheap"),
    ],
)
@pytest.mark.parametrize("old", [True, False])
def test_books_old_and_new_take_the_same_values(
    old: bool,
    column: str,
    known: tuple[str | None, ...],
    unknown: str,
    old_book: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Every value that has a name here can be in a row of either, and no other."""
    data_dir = old_book if old else tmp_path_factory.mktemp("new")
    Book(data_dir).close()
    if not old:
        a_book(data_dir, [a_call()])
    with closing(sqlite3.connect(data_dir / BOOK_FILE)) as connection:
        priced = "from calls where cost is not null"
        (before,) = connection.execute(f"select count(*) {priced}").fetchone()
        assert before
        for value in known:
            connection.execute(f"update calls set {column} = ? where cost is not null", (value,))
        with pytest.raises(sqlite3.IntegrityError, match=column):
            connection.execute(f"update calls set {column} = ? where cost is not null", (unknown,))
