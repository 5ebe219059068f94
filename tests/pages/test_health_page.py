"""/health says where every call is, what the disk holds, and what needs attention, in words."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pytest_aiohttp.plugin import AiohttpClient

from proxy.journal.ladder import MEANING, Step
from store.anomalies import CATALOGUE
from store.call import Cost
from store.pages.verdict import balance, findings, worst
from tests.api.listener import an_app
from tests.books import NOON_US, a_call
from tests.pages.reading import read

TODAY = date(2026, 12, 3)
GOOD: dict[str, Any] = {
    "received": 12, "stored": 9, "waiting": 2, "open": 1, "malformed": 0, "late_heads": 0, "turned_away": 0,
    "late_notes": 0, "stalls": 0, "longest_stall_ms": 0,
    "lost": {"total": 0}, "lag_ms": 10.0, "disk": {"free_bytes": 50_000_000_000}, "prices": {"date": "2026-11-01"},
    "budgets": [], "webhook": None, "ladder": {"step": "full", "means": "", "book_error": None},
}  # fmt: skip
STEADY: dict[str, Any] = {"full_in_days": None, "bytes_per_day": None, "days": []}


def _ladder(step: str, error: str | None = None) -> dict[str, Any]:
    return {"step": step, "means": MEANING[Step[step.upper()]], "book_error": error}


def _hook(pending: int, failed: int, error: str | None = "it broke") -> dict[str, Any]:
    return {"pending": pending, "failed": failed, "last_error": error}


async def test_the_equation_is_shown(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """The equation is written out with its numbers, and that it holds; what was lost is told with its reason."""
    client = await aiohttp_client(an_app(tmp_path, [a_call()]))
    page = read(await (await client.get("/health")).text())
    equation = page.one(class_="equation").text
    assert equation == "12 received = 5 stored + 2 waiting + 4 open + 1 lost holds"
    assert "1 call was lost" in page.one(class_="findings").text
    assert page.one(id="verdict").text.startswith("bad")


async def test_unknown_prices_lead_to_their_calls(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """A model without a price is told with its calls; its link lists exactly those of unknown cost."""
    unknown = {"cost": Cost("unknown", None), "usage_micro": None}
    calls = [a_call(started_at_us=NOON_US + n, model="new*" if n < 2 else "new", **unknown) for n in range(5)]
    calls.append(a_call(model="new"))
    client = await aiohttp_client(an_app(tmp_path, calls))
    page = read(await (await client.get("/health")).text())
    (row,) = [row for row in page.all("tr") if row.text.startswith("new openai 3")]
    listed = await client.get(row.all("a")[0].attributes["href"].replace("/logs", "/api/logs"))
    assert len((await listed.json())["logs"]) == 3
    assert "no price is known" in row.text
    (pattern,) = [row for row in page.all("tr") if row.text.startswith("new* openai 2")]
    assert pattern.all("a") == []  # no filter means this name alone
    assert "2 models have no price" in page.one(class_="findings").text


async def test_what_waits_for_a_price_is_told_with_a_table_to_copy(
    tmp_path: Path, aiohttp_client: AiohttpClient
) -> None:
    """Calls and tokens that wait, and tables for the configuration; those that wait for none stand apart."""
    price: dict[str, Any] = {"cost": Cost("unknown", missing="price:new"), "usage_micro": None}
    mute: dict[str, Any] = {"cost": Cost("unknown", missing="count:tokens:mute"), "usage_micro": None, "tokens": None}
    calls = [*(a_call(model="new", **price) for _ in range(3)), a_call(model="mute", **mute)]
    client = await aiohttp_client(an_app(tmp_path, calls))
    page = read(await (await client.get("/health")).text())
    (_, waiting) = page.one(id="waiting").all("tr")
    assert waiting.text.startswith("new openai 3 300 150 no price is known for new at this upstream")
    (_, untold) = page.one(id="untold").all("tr")
    assert untold.text.startswith("mute openai 1 nobody told its tokens")
    (table,) = page.one(id="stubs").all("pre")
    assert 'model = "new"' in table.text
    assert "mute" not in table.text
    care = await (await client.get("/api/health/care")).json()
    assert [(one["model"], one["waiting_calls"], one["tokens"]) for one in care["unpriced"]] == [
        ("new", 3, {"input": 300, "output": 150}), ("mute", 0, {"input": None, "output": None}),
    ]  # fmt: skip


async def test_anomalies_are_counted_and_explained(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """An anomaly is told with its meaning, its times and its number of calls, and leads to them."""
    client = await aiohttp_client(an_app(tmp_path, [a_call(anomalies=("no_usage",)), a_call(anomalies=("of_old",))]))
    page = read(await (await client.get("/health")).text())
    (row,) = [row for row in page.all("tr") if row.text.startswith("no_usage")]
    cells = [cell.text for cell in row.all("td")]
    assert (cells[0], cells[3]) == ("1", CATALOGUE["no_usage"])
    assert cells[1] == cells[2] != ""
    assert row.all("a")[0].attributes["href"] == "/logs?anomaly=no_usage"
    (other,) = [row for row in page.all("tr") if row.text.startswith("of_old")]
    assert other.all("a") == []  # no filter knows the name


async def test_a_page_of_an_empty_book_is_whole(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Before the first call nothing is missing from the page; a parameter is a mistake."""
    client = await aiohttp_client(an_app(tmp_path, book=False))
    page = read(await (await client.get("/health")).text())
    assert [heading.text for heading in page.all("h2")][1:] == ["Calls", "Disk", "Prices", "Anomalies", "Engines"]
    assert (await client.get("/health?from=1h")).status == 400


def test_all_in_order_is_good() -> None:
    """When everything balances and there is room, the verdict is good, with reasons."""
    found = findings(GOOD, STEADY, [], TODAY)
    assert worst(found) == "good"
    assert len(found) >= 4


@pytest.mark.parametrize(
    ("changes", "growth", "unpriced", "state", "words"),
    [
        ({"stored": 8}, {}, [], "bad", "differ by 1"),
        ({"lost": {"total": 2, "disk": 2}, "stored": 7}, {}, [], "bad", "the disk could not be written"),
        ({"lag_ms": 7_000.0}, {}, [], "attention", "behind"),
        ({"lag_ms": 90_000.0}, {}, [], "bad", "behind"),
        ({"ladder": _ladder("bodies_off")}, {}, [], "attention", "answers of new calls are not kept"),
        ({"ladder": _ladder("metadata_only")}, {}, [], "bad", "tokens and costs are unknown"),
        ({"ladder": _ladder("losing")}, {}, [], "bad", "calls are being lost"),
        ({"ladder": _ladder("full", "database is locked")}, {}, [], "bad", "cannot be written (database is locked)"),
        ({"late_notes": 3}, {}, [], "attention", "too slow 3 times"),
        ({"disk": {"free_bytes": 10}}, {}, [], "bad", "Only"),
        ({"disk": {"free_bytes": None}}, {}, [], "attention", "unknown"),
        ({}, {"full_in_days": 20.0}, [], "attention", "full in 20 days"),
        ({}, {"full_in_days": 3.0}, [], "bad", "full in 3 days"),
        ({}, {}, [{"missing": "price"}], "attention", "1 model has no price, so what its calls cost is"),
        ({"prices": {"date": "2026-01-01"}}, {}, [], "attention", "336 days old"),
        ({"prices": {}}, {}, [], "attention", "unknown"),
        ({"webhook": _hook(2, 0)}, {}, [], "attention", "2 messages about budgets wait to be sent again: it broke."),
        ({"webhook": _hook(0, 1)}, {}, [], "attention", "1 message about a budget was not taken by the webhook"),
    ],
)
def test_what_is_not_in_order_is_said(
    changes: dict[str, Any], growth: dict[str, Any], unpriced: list[dict[str, Any]], state: str, words: str
) -> None:
    """Each trouble alone decides the verdict, comes first, and says in words what it is."""
    found = findings(GOOD | changes, STEADY | growth, unpriced, TODAY)
    assert worst(found) == state == found[0].state
    assert words in found[0].text


def test_messages_that_never_failed_need_no_attention() -> None:
    """A message that is on its way is nothing to be told of."""
    assert worst(findings(GOOD | {"webhook": _hook(1, 0, None)}, STEADY, [], TODAY)) == "good"


def test_the_difference_of_a_balance() -> None:
    """What is missing on the right of the equation is its difference."""
    assert balance(GOOD).difference == 0
    assert balance(GOOD | {"waiting": 0}).difference == 2


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("ok", []),
        ("warned", ["84% of the budget of 50,000 credits a month of the group lab are used."]),
        ("used_up", ["Calls are refused: the budget of 50,000 credits a month of the group lab is used up."]),
    ],
)
def test_budgets_that_are_nearly_used_need_attention(state: str, words: list[str]) -> None:
    """A budget whose warned share is used, or which is used up, is told in a sentence; any other is not."""
    budget = {"of": "group", "name": "lab", "credits": 50_000.0, "period": "month", "share": 0.84, "state": state}
    found = findings(GOOD | {"budgets": [budget]}, STEADY, [], TODAY)
    assert [one.text for one in found if "budget" in one.text] == words
    assert worst(found) == ("attention" if words else "good")
