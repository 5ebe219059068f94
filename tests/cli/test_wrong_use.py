"""What is wrong is said in one sentence on stderr, with the exit status that says whose fault it is."""

from pathlib import Path

import pytest

from store.filters import FILTERS, PAGING
from tests.cli.conftest import Run

COMMANDS = ("serve", "demo", "logs", "show", "stats", "tail", "prices", "doctor")


def one_sentence(text: str) -> bool:
    return text.startswith("tollbook: ") and text.count("\n") == 1 and "Traceback" not in text


@pytest.mark.parametrize(
    ("param", "value"),
    [
        ("from", "yesterdayish"), ("to", "2026-13-45"), ("tz", "Europe/Nowhere"), ("type", "chatter"),
        ("status", "4x"), ("outcome", "fine"), ("stream", "maybe"), ("min_duration_ms", "fast"),
        ("max_cost_usd", "-1"), ("min_tokens", "1.5"), ("cost_state", "cheap"), ("model", "!"),
        ("limit", "0"), ("limit", "1001"), ("sort", "size"), ("order", "up"), ("cursor", "nonsense"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named(run: Run, book: Path, param: str, value: str) -> None:
    """A wrong value ends in status 2 and a sentence that names its option."""
    ran = run("logs", "--data-dir", book, f"--{param}={value}")
    assert ran.status == 2
    assert one_sentence(ran.err)
    assert f"--{param}" in ran.err
    assert ran.out == ""


@pytest.mark.parametrize("value", ["flavour", "model,model", "model,key,type", ""])
def test_a_wrong_group_is_named(run: Run, book: Path, value: str) -> None:
    """A wrong --by ends in status 2."""
    ran = run("stats", "--data-dir", book, "--by", value)
    assert (ran.status, one_sentence(ran.err), "--by" in ran.err) == (2, True, True)


@pytest.mark.parametrize("command", COMMANDS)
def test_unknown_options(run: Run, command: str) -> None:
    """No command takes an option it does not know."""
    ran = run(command, "--no-such-option")
    assert (ran.status, one_sentence(ran.err)) == (2, True)
    assert "--no-such-option" in ran.err


def test_a_missing_choice(run: Run, book: Path) -> None:
    """What an export may be is said in the sentence that misses it."""
    ran = run("export", "--data-dir", book)
    assert (ran.status, one_sentence(ran.err)) == (2, True)
    assert "csv, jsonl, parquet" in ran.err


def test_a_file_that_cannot_be_made(run: Run, book: Path, tmp_path: Path) -> None:
    """An export that has no place is told about the file that was asked for."""
    wanted = tmp_path / "nowhere" / "calls.csv"
    ran = run("export", "--data-dir", book, "--format", "csv", "--output", wanted)
    assert (ran.status, ran.err) == (1, f"tollbook: {wanted}: No such file or directory.\n")


def test_a_wrong_command_and_none(run: Run) -> None:
    """An unknown command is wrong use; so is none, which shows what there is."""
    assert run("lgos").status == 2
    none = run()
    assert (none.status, "serve" in none.err) == (2, True)


@pytest.mark.parametrize("command", ["logs", "stats", "tail"])
def test_every_filter_has_its_option(run: Run, command: str) -> None:
    """The options are exactly the parameters of the query endpoint."""
    text = run(command, "--help").out
    wanted = [*FILTERS, *(PAGING if command == "logs" else ())]
    for name in wanted:
        assert f"--{name.replace('tag.NAME', 'tag.')}" in text
        assert f"--{name.replace('tag.NAME', 'tag.').replace('_', '-')}" in text


def test_an_option_that_is_not_a_tag(run: Run, book: Path) -> None:
    """A tag without a value is wrong use."""
    assert run("logs", "--data-dir", book, "--tag.app").status == 2
    assert run("logs", "--data-dir", book, "--tag.=x").status == 2


@pytest.mark.parametrize("arguments", [["logs"], ["stats"], ["tail"], ["show", "last"], ["prices"]])
def test_no_book_yet(run: Run, tmp_path: Path, arguments: list[str]) -> None:
    """Where nothing was ever recorded, the command says what to do."""
    ran = run(*arguments, "--data-dir", tmp_path / "nowhere")
    assert (ran.status, one_sentence(ran.err)) == (1, True)
    assert "tollbook serve" in ran.err
    assert not (tmp_path / "nowhere").exists()


def test_where_the_demos_book_is_is_said_where_there_is_no_other(run: Run, book: Path) -> None:
    """Who asks for the calls of the demo without saying where is told where."""
    beside = book.rename(book.with_name("mine-demo"))
    ran = run("logs", "--data-dir", beside.with_name("mine"))
    assert (ran.status, str(beside) in ran.err) == (1, True)
    assert "tollbook demo" not in run("logs", "--data-dir", beside.with_name("other")).err
    assert run("logs", "--data-dir", "/").status == 1


@pytest.mark.parametrize("command", ["serve", "demo", "logs", "stats", "tail", "prices"])
def test_a_wrong_configuration(run: Run, tmp_path: Path, command: str) -> None:
    """Every mistake is named, each on its line, and the status is 1."""
    file = tmp_path / "wrong.toml"
    file.write_text('[proxy]\nworkers = -3\nlissten = "x"\n[dashboard]\nlisten = 7\n')
    ran = run(command, "--config", file)
    assert ran.status == 1
    assert "Traceback" not in ran.err
    for key in ("proxy.workers", "lissten", "dashboard.listen"):
        assert key in ran.err


def test_wrong_flags_of_serve(run: Run) -> None:
    """Flags are judged as the configuration is: all at once, before anything starts."""
    ran = run("serve", "--listen", "nowhere", "--workers", 0)
    assert ran.status == 1
    assert "--listen" in ran.err
    assert "--workers" in ran.err


def test_a_damaged_book(run: Run, tmp_path: Path) -> None:
    """A file that is no database ends in one sentence."""
    (tmp_path / "book.db").write_bytes(b"not a database, but long enough to look at" * 100)
    ran = run("logs", "--data-dir", tmp_path)
    assert (ran.status, one_sentence(ran.err)) == (1, True)


def test_an_empty_answer_is_no_error(run: Run, book: Path) -> None:
    """Nothing found is an answer."""
    ran = run("logs", "--data-dir", book, "--model", "nobody-ever-used-this")
    assert (ran.status, ran.out) == (0, "")


def test_mistakes_name_the_file_they_are_in(run: Run) -> None:
    """A `tollbook.toml` that nobody named on the command line is named with the mistakes in it, once."""
    file = Path.cwd() / "tollbook.toml"
    file.write_text('[proxy]\nlisten = "x"\nworkers = "many"\n')
    ran = run("logs")
    assert ran.status == 1
    assert [line.split(" = ")[0] for line in ran.err.splitlines()] == [
        "tollbook: proxy.listen", "tollbook: proxy.workers", f"tollbook: the configuration is {file}",
    ]  # fmt: skip
