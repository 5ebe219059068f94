"""On a terminal: tables that fit, colours for what failed, and nothing a stranger wrote can reach it raw."""

from pathlib import Path

import pytest

from tests.cli.conftest import Run, start
from tests.cli.terminal import seen_on_terminal, unstyled


@pytest.mark.parametrize("width", [80, 100, 140])
def test_logs_fit(book: Path, width: int) -> None:
    """The six columns people ask for are there at every width, and no line is longer than the terminal."""
    status, seen = seen_on_terminal(width, "logs", "--data-dir", book)
    lines = unstyled(seen).splitlines()
    assert status == 0
    assert lines[0].split()[:6] == ["Time", "Usage", "Model", "Duration", "Tokens", "Cost"]
    assert len(lines) == 9
    assert max(map(len, lines)) <= width


@pytest.mark.parametrize("command", ["logs", "stats", "show"])
def test_hostile_text_is_harmless(book: Path, command: str) -> None:
    """Apart from our own colours no control character and no bidi override reaches the terminal."""
    extra = {"logs": [], "stats": ["--by", "model"], "show": ["last"]}[command]
    status, seen = seen_on_terminal(200, command, *extra, "--data-dir", book)
    assert status == 0
    assert not {c for c in unstyled(seen) if (ord(c) < 32 and c != "\n") or 0x7F <= ord(c) < 0xA0 or c == "\u202e"}
    assert "\\x1b[" in seen
    if command != "show":
        assert "[bold]x[/bold]" in seen


def test_a_pipe_gets_everything_and_no_colour(run: Run, book: Path) -> None:
    """In a pipe nothing is cut: whole ids, whole names, whole counts."""
    ran = run("logs", "--data-dir", book)
    assert "\x1b" not in ran.out
    assert "…" not in ran.out
    assert "2,100 (2,000 cached) → 7" in ran.out
    assert "0193a5f0-c0de-7000-8000-" in ran.out


def test_unknown_is_not_zero(run: Run, book: Path) -> None:
    """What nobody knows is called unknown: cost, usage, tokens and duration."""
    (interrupted,) = (line for line in run("logs", "--data-dir", book).out.splitlines() if "interrupted" in line)
    assert interrupted.count("unknown") == 2  # duration, tokens
    (left,) = (line for line in run("logs", "--data-dir", book).out.splitlines() if "client left" in line)
    assert left.count("unknown") == 2  # usage, cost


def test_a_reader_that_leaves_ends_the_command_quietly(book: Path) -> None:
    """A closed pipe is no error and prints none."""
    process = start("logs", "--data-dir", book)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    complaint = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), complaint) == (0, b"")
