"""`tollbook prices` says which price applies, and admits where there is none."""

from pathlib import Path

import orjson

from store.call import Cost
from tests.books import a_book, a_call
from tests.cli.conftest import HOSTILE, Run


def configured(tmp_path: Path) -> Path:
    file = tmp_path / "tollbook.toml"
    file.write_text(
        '[[prices]]\nupstream = "openai"\nmodel = "gpt-4o-mini*"\nfrom = 2024-07-18\ninput = 0.2\noutput = 0.7\n'
    )
    return file


def test_the_configuration_goes_first(run: Run, tmp_path: Path) -> None:
    """A [[prices]] table that matches is the price, with its day and its rates."""
    ran = run("prices", "gpt-4o-mini-2024-07-18", "--upstream", "openai", "--config", configured(tmp_path), "--json")
    (price,) = orjson.loads(ran.out)["prices"]
    assert (price["source"], price["since"], price["upstreams"]) == ("config", "2024-07-18", ["openai"])
    assert price["usd_per_million"] == [{"above_tokens": None, "rates": {"input": "0.2", "output": "0.7"}}]


def test_the_published_lists_come_next(run: Run) -> None:
    """Without a table the published price applies, and its source is named."""
    ran = run("prices", "gpt-4o-mini", "--upstream", "openai")
    assert ran.status == 0
    assert "from genai-prices, entry openai/gpt-4o-mini" in ran.out
    assert "per million tokens" in ran.out


def test_what_is_billed_by_the_piece(run: Run) -> None:
    """Rates of searches, pages and citations say for how many of what they are."""
    for model, rate, words in (
        ("gpt-5", "$10.00", "per 1,000 web searches"),
        ("mistral-ocr-2505", "$3.00", "per 1,000 annotated pages"),
        ("sonar-deep-research", "$2.00", "per 1,000,000 tokens of citations"),
    ):
        told = " ".join(run("prices", model).out.split())
        assert f"{rate} {words}" in told, model


def test_a_band_of_ones_own(run: Run, tmp_path: Path) -> None:
    """A table for long prompts is shown beside the one for the others."""
    file = configured(tmp_path)
    file.write_text(file.read_text() + '[[prices]]\nmodel = "gpt-4o*"\nabove = 1000\ninput = 9.5\noutput = 9.7\n')
    told = " ".join(run("prices", "gpt-4o-mini", "--upstream", "openai", "--config", file).out.split())
    assert "input $0.20 per million tokens" in told
    assert "input $9.50 per million tokens above 1,000 tokens" in told


def test_prices_of_tiers_are_shown_beside_the_standard_one(run: Run, tmp_path: Path) -> None:
    """A tier with a price of its own is named, from whichever list it comes; others are not repeated."""
    file = tmp_path / "tollbook.toml"
    file.write_text(
        '[[prices]]\nupstream = "openai"\nmodel = "gpt-4o-mini"\ntier = "Own-Tier"\ninput = 7.5\noutput = 8\n'
    )
    ask = ("prices", "gpt-4o-mini", "--upstream", "openai", "--config", file)
    told = {price["tier"]: price for price in orjson.loads(run(*ask, "--json").out)["prices"]}
    assert {None, "own-tier", "batch", "priority"} <= set(told)
    assert "optimized" not in told
    assert (told[None]["source"], told["own-tier"]["source"]) == ("genai-prices", "config")
    assert "gpt-4o-mini at openai, tier own-tier\n" in run(*ask).out


def test_a_pattern_means_models_of_the_book(run: Run, book: Path) -> None:
    """`*` matches as it does elsewhere, among the models that were called; none of them is no failure of the lists."""
    ran = run("prices", "*-4*", "--data-dir", book, "--json")
    assert {row["model"] for row in orjson.loads(ran.out)["models"]} == {"gpt-4o-mini-2024-07-18", "claude-sonnet-4-5"}
    none = run("prices", "no-such-*", "--data-dir", book)
    assert (none.status, none.out, none.err) == (0, "", "No calls match.\n")


def test_an_unknown_model(run: Run) -> None:
    """No price is an answer in one sentence, status 1."""
    ran = run("prices", "no-such-model-anywhere")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.count("\n") == 1


def test_an_unknown_upstream(run: Run) -> None:
    """An upstream that is not configured is wrong use."""
    assert run("prices", "gpt-4o", "--upstream", "nobody").status == 2


def test_models_of_the_book(run: Run, book: Path, tmp_path: Path) -> None:
    """Every model of the book is listed with its price; --unknown leaves those without one."""
    file = configured(tmp_path)
    every = orjson.loads(run("prices", "--data-dir", book, "--config", file, "--json").out)["models"]
    prices = {row["model"]: row["price"] and row["price"]["source"] for row in every}
    assert prices == {
        "gpt-4o-mini-2024-07-18": "config",
        "text-embedding-3-small": "genai-prices",
        "claude-sonnet-4-5": "genai-prices",
        "nobody-knows-it": None,
        HOSTILE: None,
    }
    assert "unknown" in run("prices", "--data-dir", book).out


def test_what_waits_for_a_price(run: Run, book: Path, tmp_path: Path) -> None:
    """--unknown tells how many calls and tokens wait, since when, and has a table to copy; given one, that is said."""
    told = orjson.loads(run("prices", "--unknown", "--data-dir", book, "--json").out)
    assert {row["model"] for row in told["models"]} == {"nobody-knows-it", HOSTILE}
    (row,) = (row for row in told["models"] if row["model"] == "nobody-knows-it")
    assert (row["waiting_calls"], row["tokens"], row["upstream"]) == (1, {"input": 100, "output": 50}, "openai")
    assert row["first_seen"].startswith("2026-11-21T12:00:00")
    assert row["has_price_now"] is False
    ran = run("prices", "--unknown", "--data-dir", book)
    assert row["stub"] in ran.out
    assert "\x1b" not in ran.out
    file = tmp_path / "given.toml"
    file.write_text(row["stub"].replace("# input = 0.0", "input = 1"))
    told = orjson.loads(run("prices", "--unknown", "--data-dir", book, "--config", file, "--json").out)
    assert {row["model"]: row["has_price_now"] for row in told["models"]} == {"nobody-knows-it": True, HOSTILE: False}


def test_calls_that_told_nothing_wait_for_no_price(run: Run, tmp_path: Path) -> None:
    """Where nobody told the tokens no price would help, and that is told apart."""
    unknown = {"cost": Cost("unknown", missing="count:tokens:mute"), "usage_micro": None, "tokens": None}
    a_book(tmp_path, [a_call(model="mute", **unknown)])
    told = orjson.loads(run("prices", "--unknown", "--data-dir", tmp_path, "--json").out)
    assert told["models"] == []
    assert [(row["model"], row["untold_calls"], row["lacks"]) for row in told["others"]] == [
        ("mute", 1, ["nobody told its tokens"])
    ]
    ran = run("prices", "--unknown", "--data-dir", tmp_path)
    assert "Unknown for another reason" in ran.out
    assert "No call waits" in ran.err
