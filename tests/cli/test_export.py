"""`tollbook export`: whole files or none, a bar for people, and nothing that harms a terminal."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from store.book import BOOK_FILE
from store.export import FORMATS
from tests.cli.conftest import ROOT, Run
from tests.cli.terminal import seen_on_terminal, unstyled
from tests.export.reading import read_back

CALLS = 8


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_holds_every_call(run: Run, book: Path, tmp_path: Path, name: str) -> None:
    """All calls are in the file, nothing is on the screen of a pipe, and nothing else is left behind."""
    target = tmp_path / "out" / f"calls.{name}"
    target.parent.mkdir()
    ran = run("export", "--format", name, "--output", target, "--data-dir", book)
    assert (ran.status, ran.out, ran.err) == (0, "", "")
    assert len(read_back(name, target.read_bytes())) == CALLS
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("name", FORMATS)
def test_a_pipe_gets_the_same_bytes(book: Path, tmp_path: Path, name: str) -> None:
    """Without --output the file comes on stdout, and nothing else does."""
    command = [sys.executable, "-m", "proxy.cli", "export", "--format", name, "--data-dir", str(book), "--tag.app=bot"]
    piped = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    target = tmp_path / "calls"
    subprocess.run([*command, "--output", str(target)], cwd=ROOT, check=True)
    assert (piped.stdout, piped.stderr) == (target.read_bytes(), b"")
    assert len(read_back(name, piped.stdout)) == 1


def test_order_and_filters_are_those_of_the_endpoint(run: Run, book: Path) -> None:
    """Filters narrow, `--sort` and `--order` sort, as they do for logs."""
    listed = orjson.loads(
        run("logs", "--json", "--sort", "cost", "--order", "asc", "--key", "laptop", "--data-dir", book).out
    )
    ran = run("export", "--format", "jsonl", "--sort", "cost", "--order", "asc", "--key", "laptop", "--data-dir", book)
    assert [orjson.loads(line) for line in ran.out.splitlines()] == listed["logs"]
    assert len(listed["logs"]) == CALLS - 2


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--format", "xlsx"], "format"),
        ([], "format"),
        (["--format", "csv", "--status", "4x"], "status"),
        (["--format", "csv", "--limit", "5"], "limit"),
        (["--format", "csv", "--output", "."], "output"),
    ],
)
def test_wrong_use_is_named(run: Run, book: Path, arguments: list[str], named: str) -> None:
    """A wrong option is exit status 2 and a sentence that names it."""
    ran = run("export", *arguments, "--data-dir", book)
    assert (ran.status, ran.out) == (2, "")
    assert named in ran.err


def test_a_failed_export_leaves_no_file(run: Run, book: Path, tmp_path: Path) -> None:
    """When the book cannot be read, what stood under the name stays, nothing is left beside it, and it is said."""
    target = tmp_path / "out" / "calls.csv"
    target.parent.mkdir()
    target.write_text("before")
    (book / BOOK_FILE).write_bytes(b"this is not a database" * 1000)
    ran = run("export", "--format", "csv", "--output", target, "--data-dir", book)
    assert ran.status == 1
    assert f"{target} was not written" in ran.err
    assert (target.read_text(), list(target.parent.iterdir())) == ("before", [target])


def test_a_file_is_for_its_owner_unless_it_was_there(run: Run, book: Path, tmp_path: Path) -> None:
    """A new file is nobody else's, whatever the umask; one that is replaced keeps the mode it was given."""
    new, chosen = tmp_path / "new.csv", tmp_path / "chosen.csv"
    chosen.touch()
    chosen.chmod(0o664)
    before = os.umask(0o022)
    try:
        for target in (new, chosen):
            assert run("export", "--format", "csv", "--output", target, "--data-dir", book).status == 0
    finally:
        os.umask(before)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (new, chosen)] == [0o600, 0o664]
    assert new.read_bytes() == chosen.read_bytes()


def test_where_nothing_can_be_written_is_said(run: Run, book: Path, tmp_path: Path) -> None:
    """A directory that is not there is named in one sentence."""
    ran = run("export", "--format", "csv", "--output", tmp_path / "nowhere" / "x.csv", "--data-dir", book)
    assert (ran.status, len(ran.err.splitlines())) == (1, 1)
    assert "nowhere" in ran.err


def test_a_device_is_written_to_and_stays_one(run: Run, book: Path, tmp_path: Path) -> None:
    """What is no regular file is not replaced by one, and a link goes on leading where it led."""
    pipe, target = tmp_path / "pipe", tmp_path / "target.csv"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    assert run("export", "--format", "jsonl", "--output", pipe, "--data-dir", book).status == 0
    assert os.read(reader, 1 << 20).count(b"\n") == CALLS
    os.close(reader)
    assert pipe.is_fifo()
    link = tmp_path / "link.csv"
    link.symlink_to(target)
    assert run("export", "--format", "csv", "--output", link, "--data-dir", book).status == 0
    assert link.is_symlink()
    assert len(read_back("csv", target.read_bytes())) == CALLS


def test_ctrl_c_leaves_no_half_file(book: Path, tmp_path: Path) -> None:
    """An export that is ended in the middle removes its part and says so."""
    out = tmp_path / "out"
    out.mkdir()
    code = (
        "import sys, time; from proxy.cli import main; from store.export.csv import Csv; add = Csv.add;"
        "Csv.add = lambda self, calls: (print('ready', flush=True), time.sleep(1), add(self, calls))[2];"
        f"sys.exit(main(['export', '--format', 'csv', '--data-dir', {str(book)!r}, '--output', {str(out / 'x')!r}]))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    assert [path.name for path in out.iterdir()] == ["x.part"]
    process.send_signal(signal.SIGINT)
    _, complaint = process.communicate()
    assert process.returncode == 130
    assert "was not written" in complaint
    assert "Traceback" not in complaint
    assert list(out.iterdir()) == []


def test_parquet_is_not_for_a_terminal(book: Path) -> None:
    """A binary file is refused on a terminal, with what to do instead."""
    status, seen = seen_on_terminal(100, "export", "--format", "parquet", "--data-dir", book)
    assert status == 2
    assert "--output" in seen
    assert "PAR1" not in seen


@pytest.mark.parametrize("name", ["csv", "jsonl"])
def test_on_a_terminal_text_is_harmless(book: Path, name: str) -> None:
    """No control character of a stranger reaches the terminal, and no bar stands between the calls."""
    status, seen = seen_on_terminal(200, "export", "--format", name, "--data-dir", book)
    assert status == 0
    assert not {c for c in seen if (ord(c) < 32 and c != "\n") or 0x7F <= ord(c) < 0xA0 or c == "\u202e"}
    assert seen.count("0193a5f0-c0de-7000") == CALLS


def test_a_terminal_sees_how_far_it_is(book: Path, tmp_path: Path) -> None:
    """With a file as target there is a bar on the terminal that ends at the number of calls."""
    target = tmp_path / "calls.csv"
    status, seen = seen_on_terminal(100, "export", "--format", "csv", "--output", target, "--data-dir", book)
    assert status == 0
    assert f"{CALLS}/{CALLS}" in unstyled(seen)
    assert len(read_back("csv", target.read_bytes())) == CALLS
