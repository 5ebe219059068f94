"""`tollbook keys budgets`: what of them is used, out of the book, as the running store counts it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from proxy.config.load import load
from proxy.keys.register import Register
from store.book import Book
from store.budgets import Budgets
from store.call import Cost
from store.moments import epoch_us
from tests.books import a_book, a_call
from tests.cli.conftest import Run


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Calls of a renamed key and its group, today and two months ago, one of unknown usage."""
    (tmp_path / "tollbook.toml").write_text(
        f'[store]\ndata_dir = "{tmp_path}"\n[credits]\ntz = "Asia/Kolkata"\n[groups.lab]\nbudget = ["10/month", "40"]\n'
    )
    now = datetime.now(UTC)
    register = Register(tmp_path)
    register.create("old", "lab")
    register.rename("old", "laptop")
    register.limit("laptop", budgets=tuple(load(tmp_path / "tollbook.toml").groups["lab"].budgets[:1]))
    a_book(
        tmp_path,
        [
            a_call(key="old", group="lab", started_at_us=epoch_us(now) - 1, usage_micro=8_500_001),
            a_call(key="laptop", group="lab", started_at_us=epoch_us(now), usage_micro=2_000_000),
            a_call(key="laptop", group="lab", started_at_us=epoch_us(now), usage_micro=None, cost=Cost("unknown")),
            a_call(key="other", group="lab", started_at_us=epoch_us(now - timedelta(days=62)), usage_micro=7_000_000),
            a_call(key="other", group="other", started_at_us=epoch_us(now), usage_micro=99_000_000),
        ],
    )
    return tmp_path


def test_they_are_those_the_store_counts(run: Run, place: Path) -> None:
    """Each budget of a key or group, with what its holder used under all its names, as the store has it."""
    told = orjson.loads(run("keys", "budgets", "--config", place / "tollbook.toml", "--json").out)["budgets"]
    counted = Budgets(load(place / "tollbook.toml"))
    with Book(place) as book:
        counted.count(book)
    unknown = [one.pop("usage_unknown_calls") for one in told]
    assert sorted(told, key=repr) == sorted((one.as_json() for one in counted.states()), key=repr)
    assert [(one["of"], one["name"], one["used"]) for one in told] == [
        ("group", "lab", 10.500001), ("key", "laptop", 10.500001), ("group", "lab", 17.500001),
    ]  # fmt: skip
    assert unknown == [1, 1, 1]
    counted.close()


def test_they_are_told_to_a_person(run: Run, place: Path) -> None:
    """The fullest comes first, says how much is used and what is not known; without any there is a word about it."""
    lines = run("keys", "budgets", "--config", place / "tollbook.toml").out.splitlines()
    assert lines[1].split()[:10] == ["group", "lab", "10/month", "10.50", "+", "1", "unknown", "105.0%", "used", "up"]
    assert lines[3].split()[2:8] == ["40/total", "17.50", "+", "1", "unknown", "43.8%"]
    assert lines[3].endswith("never")
    Register(place).limit("laptop", budgets=())
    none = run("keys", "budgets", "--data-dir", place)
    assert (none.status, none.out, "No budgets" in none.err) == (0, "", True)
