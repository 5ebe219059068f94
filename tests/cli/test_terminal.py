"""On a terminal: tables that fit, colours for what failed, and nothing a stranger wrote can reach it raw."""

import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from tests.books import a_book, a_call
from tests.cli.conftest import ROOT, Run, start
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


@pytest.mark.parametrize(
    "command",
    [("logs",), ("show", "last"), ("export", "--format", "csv"), ("prices", "gpt-4o"), ("logs", "--help"), ("-h",)],
)
def test_a_reader_that_leaves_ends_the_command_quietly(book: Path, command: tuple[str, ...]) -> None:
    """A closed pipe is no error and prints none, however much or little there is to say."""
    asking = () if "-h" in command or "--help" in command else ("--data-dir", book)
    assert status_without_a_reader(*command, *asking) == (0, b"")


def test_what_a_doctor_found_is_told_to_scripts_that_read_only_its_head(book: Path, tmp_path: Path) -> None:
    """The exit status of `doctor | head` is that of `doctor`."""
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("[proxy]\nworkers = 0\n")
    assert status_without_a_reader("doctor", "--data-dir", book, "--config", wrong) == (1, b"")
    assert status_without_a_reader("doctor", "--json", "--data-dir", book, "--config", wrong) == (1, b"")


def status_without_a_reader(*arguments: object) -> tuple[int, bytes]:
    process = start(*arguments)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    complaint = process.stderr.read()
    process.stderr.close()
    return process.wait(), complaint


@pytest.mark.parametrize("command", [("logs",), ("show", "last"), ("doctor",), ("stats", "--by", "model"), ("-h",)])
def test_any_encoding_will_do(book: Path, command: tuple[str, ...]) -> None:
    """What the encoding of the output does not know is a `?`, not the end of the command."""
    asking = () if command == ("-h",) else ("--data-dir", str(book))
    ran = subprocess.run(
        [sys.executable, "-m", "proxy.cli", *command, *asking],
        cwd=ROOT, capture_output=True, check=False, env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert b"Traceback" not in ran.stderr
    assert ran.stdout.isascii()
    assert ran.stdout


def test_json_is_whole_in_any_encoding(tmp_path: Path) -> None:
    """JSON escapes what the encoding of the output does not know, and so reads back equal."""
    data_dir = tmp_path / "names"
    data_dir.mkdir()
    a_book(data_dir, [a_call(user="Zoë 🙂 → 東")])
    ran = subprocess.run(
        [sys.executable, "-m", "proxy.cli", "logs", "--json", "--data-dir", str(data_dir)],
        cwd=ROOT, capture_output=True, check=True, env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert orjson.loads(ran.stdout)["logs"][0]["user"] == "Zoë 🙂 → 東"


def test_closed_output_is_no_accident(book: Path) -> None:
    """`tollbook logs >&-` says nothing, and that to nobody."""
    ran = subprocess.run(
        ["/bin/sh", "-c", f'exec "{sys.executable}" -m proxy.cli logs --data-dir "{book}" >&-'],
        cwd=ROOT, stderr=subprocess.PIPE, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, b"")
