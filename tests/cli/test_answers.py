"""`--json` prints what the questions answer."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from store.call import Cost, Tokens
from store.filters import GROUPING, PAGING, parse
from store.questions import logs, stats
from store.reader import Reader
from tests.books import a_book, a_call
from tests.cli.conftest import HOSTILE, Run


def asked(data_dir: Path, question: Callable[[Reader], Awaitable[Any]]) -> Any:
    async def ask() -> Any:
        async with Reader.open(data_dir) as reader:
            return await question(reader)

    # Through JSON, as the endpoint sends it: tuples are lists there.
    return orjson.loads(orjson.dumps(asyncio.run(ask())))


@pytest.mark.parametrize(
    ("options", "params"),
    [
        ([], []),
        (["--model", "gpt-*"], [("model", "gpt-*")]),
        (["--model=!gpt-*", "--limit", "2"], [("model", "!gpt-*"), ("limit", "2")]),
        (["--key", "phone", "--key", "laptop"], [("key", "phone"), ("key", "laptop")]),
        (["--status", "4xx"], [("status", "4xx")]),
        (["--status", "error", "--order", "asc"], [("status", "error"), ("order", "asc")]),
        (["--tag.app", "bot"], [("tag.app", "bot")]),
        (["--tag.app=!bot"], [("tag.app", "!bot")]),
        (["--min_tokens", "1000"], [("min_tokens", "1000")]),
        (["--min-tokens=1000", "--sort", "cost"], [("min_tokens", "1000"), ("sort", "cost")]),
        (["--from", "2026-11-21", "--to", "2026-11-21", "--tz", "Europe/Berlin"],
         [("from", "2026-11-21"), ("to", "2026-11-21"), ("tz", "Europe/Berlin")]),
        (["--model", "nobody-ever-used-this"], [("model", "nobody-ever-used-this")]),
    ],
)  # fmt: skip
def test_logs(run: Run, book: Path, options: list[str], params: list[tuple[str, str]]) -> None:
    """The options ask the same as the parameters of their names, and the answer is the same document."""
    ran = run("logs", "--data-dir", book, "--json", *options)
    expected = asked(book, lambda reader: logs(reader, parse(params, datetime.now(UTC), also=PAGING)))
    assert (ran.status, ran.err) == (0, "")
    assert orjson.loads(ran.out) == expected


def test_the_filters_of_the_cases_above_choose(run: Run, book: Path) -> None:
    """A filter leaves calls out, so agreeing on an answer says something."""
    whole, some = (
        run("logs", "--data-dir", book, "--json"),
        run("logs", "--data-dir", book, "--json", "--tag.app", "bot"),
    )
    assert len(orjson.loads(whole.out)["logs"]) == 8
    assert [call["key"] for call in orjson.loads(some.out)["logs"]] == ["phone"]


def test_pages_follow_each_other(run: Run, book: Path) -> None:
    """`next` of one page, given as --cursor, is the next page."""
    first = orjson.loads(run("logs", "--data-dir", book, "--json", "--limit", 5).out)
    second = orjson.loads(run("logs", "--data-dir", book, "--json", "--limit", 5, "--cursor", first["next"]).out)
    ids = [call["id"] for call in first["logs"] + second["logs"]]
    assert len(set(ids)) == 8
    assert second["next"] is None


@pytest.mark.parametrize("by", [None, "model", "day,type", "status"])
def test_stats(run: Run, book: Path, by: str | None) -> None:
    """`stats` answers as the question does, grouped or not."""
    options = ["--by", by] if by else []
    params = [("by", by)] if by else []
    ran = run("stats", "--data-dir", book, "--json", *options)
    assert ran.status == 0
    assert orjson.loads(ran.out) == asked(book, lambda r: stats(r, parse(params, datetime.now(UTC), also=GROUPING)))


def test_by_may_be_repeated(run: Run, book: Path) -> None:
    """Two --by are the same as two names joined by a comma."""
    joined = run("stats", "--data-dir", book, "--json", "--by", "day,model")
    assert run("stats", "--data-dir", book, "--json", "--by", "day", "--by", "model") == joined


def test_json_is_harmless_and_equal(run: Run, book: Path) -> None:
    """Control characters and bidi overrides are escaped in the JSON text, and the document still reads back whole."""
    ran = run("logs", "--data-dir", book, "--json")
    assert HOSTILE in [call["model"] for call in orjson.loads(ran.out)["logs"]]
    assert not set("\x1b\x07\x9b\u202e") & set(ran.out)


def test_stats_mark_what_is_estimated(run: Run, tmp_path: Path) -> None:
    """A cost that holds an estimate has a tilde, and a line says how much is one; without any there is neither."""
    guess = Tokens("estimated", input_uncached=900, output_text=50)
    for name in ("plain", "mixed"):
        (tmp_path / name).mkdir()
    a_book(tmp_path / "plain", [a_call(cost=Cost("priced", 2_000_000_000))])
    a_book(tmp_path / "mixed", [a_call(), a_call(tokens=guess, cost=Cost("estimated", 2_000_000_000))])
    mixed = run("stats", "--data-dir", tmp_path / "mixed")
    assert "~$2.00" in mixed.out
    assert mixed.err == "~: 950 tokens of 1 call are estimated, and $2.00 of the cost is by them\n"
    plain = run("stats", "--data-dir", tmp_path / "plain")
    assert "$2.00" in plain.out
    assert "~" not in plain.out + plain.err


def test_usage_is_marked_as_its_cost_is(run: Run, tmp_path: Path) -> None:
    """A sum of usage says what is estimated in it and of how many calls it is unknown; a whole one says neither."""
    for name in ("plain", "mixed"):
        (tmp_path / name).mkdir()
    a_book(tmp_path / "plain", [a_call(usage_micro=5_000_000)])
    unknown = [a_call(cost=Cost("unknown"), usage_micro=None), a_call(cost=Cost("unknown"), usage_micro=2_000_000)]
    guess = a_call(cost=Cost("estimated", 7), usage_micro=5_000_000)
    a_book(tmp_path / "mixed", [guess, *unknown])
    assert "  ~7 + 1 unknown  " in run("stats", "--data-dir", tmp_path / "mixed").out
    assert "  5  " in run("stats", "--data-dir", tmp_path / "plain").out


def test_what_could_not_be_read_in_time_is_told(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums and lists that need every row say how far back they go; whoever types a command waits longer than a page."""
    a_book(tmp_path, [a_call(user=f"someone-{number}") for number in range(3000)])
    for command in ("stats", "logs"):
        whole = run(command, "--data-dir", tmp_path, "--user", "*-1999")
        assert "left out" not in whole.err
        with monkeypatch.context() as hurried:
            hurried.setattr("proxy.cli.asking.READING_S", 0.0)
            part = run(command, "--data-dir", tmp_path, "--user", "*-1999")
        assert "are left out: there was no time to read them." in part.err


def test_a_search_says_what_it_could_not_look_into(run: Run, book: Path) -> None:
    """Words that no store has read yet are not said to be nowhere; a question without words says nothing of them."""
    for command in (["logs"], ["stats"], ["export", "--format", "jsonl"]):
        ran = run(*command, "--data-dir", book, "-q", "hello")
        assert (ran.status, "not searched yet" in ran.err) == (0, True)
    assert "searched" not in run("logs", "--data-dir", book).err
