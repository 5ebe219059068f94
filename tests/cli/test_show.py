"""`tollbook show` finds a call by what a person has of its id, and tells everything about it."""

import asyncio
import re
from pathlib import Path
from uuid import UUID

import orjson

from store.questions.call import call
from store.reader import Reader
from tests.books import a_book, a_call
from tests.cli.conftest import Run


def ids(run: Run, book: Path) -> list[str]:
    return [row["id"] for row in orjson.loads(run("logs", "--data-dir", book, "--json").out)["logs"]]


def test_json_is_the_answer_of_the_question(run: Run, book: Path) -> None:
    """`show ID --json` is the document of the question, for every kind of call."""
    for one in ids(run, book):
        ran = run("show", one, "--data-dir", book, "--json")

        async def ask(public_id: str = one) -> object:
            async with Reader.open(book) as reader:
                return await call(reader, public_id)

        assert orjson.loads(ran.out) == orjson.loads(orjson.dumps(asyncio.run(ask())))


def test_last_is_the_newest(run: Run, book: Path) -> None:
    """`last` is the first row of `logs`."""
    assert orjson.loads(run("show", "last", "--data-dir", book, "--json").out)["id"] == ids(run, book)[0]


def test_the_beginning_of_an_id(run: Run, book: Path) -> None:
    """The shortest beginning that only one call has is enough, with or without hyphens; a shorter one is refused."""
    wanted, *others = ids(run, book)
    size = next(n for n in range(1, 37) if not any(other.startswith(wanted[:n]) for other in others))
    for told in (wanted[:size], wanted[:size].replace("-", ""), wanted.upper()):
        assert orjson.loads(run("show", told, "--data-dir", book, "--json").out)["id"] == wanted
    several = run("show", wanted[:8], "--data-dir", book)
    assert several.status == 1
    assert several.err.count("\n") == 1
    assert "Several calls" in several.err


def test_it_is_told_why_the_call_was_slow(run: Run, book: Path) -> None:
    """The reasons of the call's page stand beside its timings, in the same sentences."""
    for one in ids(run, book):
        wanted = [
            reason["sentence"]
            for reason in orjson.loads(run("show", one, "--data-dir", book, "--json").out)["pace"]["reasons"]
        ]
        told = run("show", one, "--data-dir", book).out
        assert wanted
        assert all(f"  {sentence}\n" in told for sentence in wanted)


def test_where_the_time_within_an_answer_went(run: Run, tmp_path: Path) -> None:
    """The longest pause of the upstream and the waiting for the client are told, where there was any."""
    slow, quick = a_call(pause_us=38_000_000, held_us=250_000), a_call(pause_us=400, held_us=0)
    a_book(tmp_path, [slow, quick])
    told = run("show", UUID(bytes=slow.call_id), "--data-dir", tmp_path).out
    assert re.search(r"Longest pause +38\.00 s", told)
    assert re.search(r"Waited for client +250 ms", told)
    told = run("show", UUID(bytes=quick.call_id), "--data-dir", tmp_path).out
    assert "Longest pause" not in told
    assert "Waited for client" not in told


def test_by_the_providers_id(run: Run, tmp_path: Path) -> None:
    """The provider's id of a request shows its call; of several calls that have it, none is chosen."""
    a_book(tmp_path, [a_call(upstream_request_id=one) for one in ("req_one", "req_two", "req_two")])
    found = orjson.loads(run("show", "req_one", "--data-dir", tmp_path, "--json").out)
    assert found["upstream_request_id"] == "req_one"
    several = run("show", "req_two", "--data-dir", tmp_path)
    assert (several.status, "Several calls" in several.err) == (1, True)


def test_no_such_call(run: Run, book: Path) -> None:
    """An id that nobody has ends in status 1 and one sentence."""
    for told in ("ffffffff", "no-id-at-all", "%"):
        ran = run("show", told, "--data-dir", book)
        assert (ran.status, ran.err.count("\n")) == (1, 1)


def test_everything_a_person_asks_is_told(run: Run, book: Path) -> None:
    """Facts, arithmetic, parameters, what was asked and what was answered."""
    told = run("show", "last", "--data-dir", book).out
    for words in (
        "gpt-4o-mini-2024-07-18 (asked for gpt-4o-mini)", "laptop (group default)", "1.23 s",
        "$0.15 per million  = $0.000015", "$0.60 per million  = $0.00003", "= $0.000045",
        "config, entry openai/gpt-4o-mini*, since 2024-07-18", "temperature", "Say hello\\x1b[2J", "Hello there",
        "req_1", "finish", "0.2",
    ):  # fmt: skip
        assert words.lower() in told.lower(), words


def test_an_error_is_told_in_words(run: Run, book: Path) -> None:
    """A failed call shows the reason, and an unknown cost shows as unknown."""
    (failed,) = orjson.loads(run("logs", "--data-dir", book, "--json", "--status", "429").out)["logs"]
    told = run("show", failed["id"], "--data-dir", book).out
    assert "You have no money" in told
    assert "insufficient_quota" in told
    assert "429" in told


def test_the_arithmetic_names_units_models_and_what_is_missing(run: Run, book: Path) -> None:
    """A line per unit says per what, a portion names its model and price, and an unknown cost says what it lacks."""
    rows = orjson.loads(run("logs", "--data-dir", book, "--json").out)["logs"]
    ids = {row["model"]: row["id"] for row in rows}
    told = " ".join(run("show", ids["claude-sonnet-4-5"], "--data-dir", book).out.split())
    for words in ("web_search (adviser)", "$0.01 per web search = $0.02", "Price of adviser config: prices[2] */a"):
        assert words in told
    assert "no price is known for nobody-knows-it" in run("show", ids["nobody-knows-it"], "--data-dir", book).out


def test_the_size_of_what_is_not_kept_stands_by_itself(run: Run, book: Path) -> None:
    """How large an answer was is said of the response, not of the cost or the error above it."""
    (failed,) = orjson.loads(run("logs", "--data-dir", book, "--json", "--status", "429").out)["logs"]
    told = run("show", failed["id"], "--data-dir", book).out
    assert "\nResponse (not kept)\n  Size  " in told
