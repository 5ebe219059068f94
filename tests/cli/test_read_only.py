"""A data directory that is there to be looked at only: on a disk that is mounted so, or locked away."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT, Ran

# Whoever runs the tests as root may write anywhere, and gives that up here.
_HUMBLE = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
pytestmark = pytest.mark.skipif(bool(_HUMBLE) and shutil.which("setpriv") is None, reason="root may write anywhere")


def humbly(*arguments: object) -> Ran:
    command = [*_HUMBLE, sys.executable, "-m", "proxy.cli", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def locked(book: Path) -> Iterator[Path]:
    """The book, where nothing can be written."""
    for place in (*book.iterdir(), book):
        place.chmod(0o500 if place.is_dir() else 0o400)
    yield book
    book.chmod(0o700)


@pytest.mark.parametrize(
    "command",
    [("logs",), ("stats",), ("show", "last"), ("export", "--format", "csv"), ("prices",), ("prune", "--dry-run")],
)
def test_it_can_be_asked(locked: Path, command: tuple[str, ...]) -> None:
    """Every question is answered, and nothing is left behind."""
    before = sorted(locked.iterdir())
    ran = humbly(*command, "--data-dir", locked)
    assert (ran.status, bool(ran.out or "Everything is kept" in ran.err)) == (0, True), ran.err
    assert sorted(locked.iterdir()) == before


def test_it_can_be_copied(locked: Path, tmp_path: Path) -> None:
    """A backup of it is a whole one."""
    assert humbly("backup", tmp_path / "copy.db", "--data-dir", locked).status == 0
    assert (tmp_path / "copy.db").stat().st_size > 0


@pytest.mark.parametrize("command", [("keys", "create", "a", "--group", "b"), ("reprice", "--apply"), ("serve",)])
def test_what_would_change_it_says_why_not(locked: Path, command: tuple[str, ...]) -> None:
    """One sentence, status 1."""
    more = ("--listen", "127.0.0.1:0", "--dashboard", "127.0.0.1:0") if command == ("serve",) else ()
    ran = humbly(*command, *more, "--data-dir", locked)
    assert (ran.status, ran.out, len(ran.err.splitlines())) == (1, "", 1)
    assert str(locked) in ran.err


def test_a_doctor_says_what_is_the_matter(locked: Path) -> None:
    """The directory cannot be written, and the remedy would help; the book itself is sound."""
    said = humbly("doctor", "--data-dir", locked).out
    assert f"{locked} cannot be written" in said
    assert f"chmod u+rwx {locked}" in said
    assert "book.db is whole" in said
    assert "cannot be read" not in said
