"""`tollbook reprice` shows what other prices change before it writes, and who changed what."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import orjson
import pytest

from store.lock import STORE_LOCK, take
from tests.cli.conftest import HOSTILE, Run
from tests.cli.terminal import seen_on_terminal, unstyled

PRICES = (
    '[[prices]]\nupstream = "openai"\nmodel = "nobody-knows-it"\ninput = 10\noutput = 20\n'
    '[[prices]]\nupstream = "openai"\nmodel = "gpt-4o-mini*"\nfrom = 2026-11-21\ninput = 1\noutput = 1\n'
)


@pytest.fixture
def configured(tmp_path: Path) -> Path:
    file = tmp_path / "tollbook.toml"
    file.write_text(PRICES)
    return file


def costs(book: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(book / "book.db")) as connection:
        return connection.execute("select id, cost, cost_state, usage from calls order by id").fetchall()


def test_a_dry_run_tells_and_writes_nothing(run: Run, book: Path, configured: Path) -> None:
    """It tells old and new sums by model, key and day, and what becomes known; the book stays as it was."""
    before = costs(book)
    ran = run("reprice", "--dry-run", "--data-dir", book, "--config", configured, "--json")
    told = orjson.loads(ran.out)
    assert (ran.status, ran.err) == (0, "")
    assert costs(book) == before
    assert (told["applied"], told["id"], told["finished"], told["looked_at"]) == (False, None, True, 8)
    (known,) = (row for row in told["by_model"] if row["model"] == "nobody-knows-it")
    assert known == {
        "model": "nobody-knows-it",
        "calls": 1,
        "cost_usd": {"before": "0.000000000", "after": "0.002000000", "difference": "0.002000000"},
        "unknown_calls": {"before": 1, "after": 0},
        "became_known": 1,
        "became_unknown": 0,
        "usage": {"before": 0.0, "after": 2.0, "difference": 2.0},
    }
    for name in ("by_model", "by_key", "by_day", "changes"):
        assert sum(row["calls"] for row in told[name]) == told["total"]["calls"]
    assert [row["day"] for row in told["by_day"]] == ["2026-11-21"]
    assert {"day", "model", "key"} <= told["changes"][0].keys()


def test_applying_writes_what_was_shown(run: Run, book: Path, configured: Path) -> None:
    """The amounts of the dry run are in the book afterwards, with who did it; once more changes nothing."""
    where = ("--data-dir", book, "--config", configured, "--json")
    shown = orjson.loads(run("reprice", "--dry-run", *where).out)
    done = orjson.loads(run("reprice", "--apply", *where).out)
    assert (done["applied"], done["id"]) == (True, 1)
    same = ("looked_at", "stays", "total", "by_model", "by_key", "by_day", "changes", "prices", "filter")
    assert {name: shown[name] for name in same} == {name: done[name] for name in same}
    after = costs(book)
    again = orjson.loads(run("reprice", "--apply", *where).out)
    assert (again["id"], again["total"]["calls"]) == (None, 0)
    assert costs(book) == after
    with closing(sqlite3.connect(book / "book.db")) as connection:
        ((who, filter_, calls),) = connection.execute("select who, filter, calls from repricings").fetchall()
    assert who
    assert (filter_, calls) == ("[]", done["total"]["calls"])


def test_only_what_is_asked_for(run: Run, book: Path, configured: Path) -> None:
    """Filters are those of every question; a moment is kept as it was meant."""
    asked = ("--cost-state", "unknown", "--model", "nobody*", "--to", "2026-11-21")
    ran = run("reprice", "--apply", *asked, "--data-dir", book, "--config", configured, "--json")
    told = orjson.loads(ran.out)
    assert [row["model"] for row in told["by_model"]] == ["nobody-knows-it"]
    assert ["to", "2026-11-22T00:00:00.000000Z"] in told["filter"]
    assert told["total"]["calls"] == 1


def test_for_a_person(run: Run, book: Path, configured: Path) -> None:
    """Tables by model, key and day; unknown is no zero; what strangers wrote does no harm."""
    ran = run("reprice", "--dry-run", "--data-dir", book, "--config", configured)
    assert "would change" in ran.out
    assert "nothing was written" in ran.out
    (line,) = (line for line in ran.out.splitlines() if line.startswith("nobody-knows-it"))
    assert line.split()[1:4] == ["1", "unknown", "$0.0020"]
    assert {"Model", "Key", "Day", "Total"} <= {line.split()[0] for line in ran.out.splitlines() if line}
    assert HOSTILE not in ran.out
    assert "\x1b" not in ran.out


@pytest.mark.parametrize("how", [(), ("--dry-run", "--apply")], ids=["neither", "both"])
def test_one_of_the_two_must_be_said(run: Run, book: Path, how: tuple[str, ...]) -> None:
    """Neither is the default, and both at once mean nothing: wrong use."""
    before = costs(book)
    ran = run("reprice", *how, "--data-dir", book)
    assert (ran.status, ran.out) == (2, "")
    assert "--dry-run" in ran.err
    assert costs(book) == before


def test_a_wrong_filter_is_wrong_use(run: Run, book: Path) -> None:
    """As with every question."""
    assert run("reprice", "--dry-run", "--cost-state", "dear", "--data-dir", book).status == 2


def test_mistakes_of_the_configuration_are_all_told(run: Run, book: Path, tmp_path: Path) -> None:
    """A price that is wrong stops it before anything is computed, every mistake on a line of its own."""
    file = tmp_path / "wrong.toml"
    file.write_text('[[prices]]\nupstream = "nobody"\nmodel = "x"\ninput = -1\n[[prices]]\nmodel = "y"\n')
    before = costs(book)
    ran = run("reprice", "--apply", "--data-dir", book, "--config", file)
    assert ran.status == 1
    assert ran.err.count("\n") >= 2
    assert costs(book) == before


def test_a_book_that_somebody_else_writes(book: Path, configured: Path, run: Run) -> None:
    """A process that holds the book and takes no errands keeps it as it is, and the command says so."""
    before = costs(book)
    lock = take(book / STORE_LOCK)
    try:
        ran = run("reprice", "--apply", "--data-dir", book, "--config", configured)
    finally:
        os.close(lock)
    assert ran.status == 1
    assert "in use by another process" in ran.err
    assert costs(book) == before


def test_there_is_a_bar_on_a_terminal(book: Path, configured: Path) -> None:
    """Whoever looks sees how far it is, and at the end all calls."""
    status, seen = seen_on_terminal(140, "reprice", "--apply", "--data-dir", book, "--config", configured)
    assert status == 0
    assert "8/8" in unstyled(seen)
