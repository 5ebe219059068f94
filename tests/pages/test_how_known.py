"""/stats and /logs tell estimates apart from what was told, and no sum hides one."""

import csv
import io
from pathlib import Path

from pytest_aiohttp.plugin import AiohttpClient

from store.call import Call, Cost, Tokens
from tests.api.listener import an_app
from tests.books import a_call
from tests.pages.reading import read

GUESS = Tokens("estimated", input_uncached=900, output_text=50)


def told() -> list[Call]:
    """Calls whose costs the provider said, and that a list priced."""
    return [a_call(cost=Cost("reported", 2_000_000_000)), a_call(cost=Cost("priced", 1_000_000_000))]


def guessed() -> Call:
    return a_call(model="mute", tokens=GUESS, cost=Cost("estimated", 500_000_000))


async def test_shares_are_told_in_a_table(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Each way of knowing has a row with its calls, its share and its sum, and leads to its calls; others have none."""
    client = await aiohttp_client(an_app(tmp_path, [*told(), guessed(), a_call(cost=Cost("unknown"), tokens=None)]))
    page = read(await (await client.get("/stats?from=2026-11-01&model=*")).text())
    known = page.one(class_="known")
    rows = {row.all("th")[0].text.split()[0]: row for row in known.all("tr") if row.all("td")}
    shown = [tuple(cell.text for cell in row.all("td")) for row in known.all("tr") if row.all("td")]
    assert [(cells[0], cells[1].split()[0], cells[2]) for cells in shown] == [
        ("1", "25", "$2.000"), ("1", "25", "$1.000"), ("1", "25", "$0.500"), ("1", "25", "unknown"),
        ("2", "50", "300"), ("1", "25", "950"), ("1", "25", "unknown"),
    ]  # fmt: skip
    assert "Free" not in rows
    (link,) = known.all("tr")[3].all("a")
    listed = await (await client.get(link.attributes["href"].replace("/logs", "/api/logs"))).json()
    assert [call["model"] for call in listed["logs"]] == ["mute"]


async def test_a_sum_with_estimates_is_marked(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """A tilde stands before every cost that holds an estimate, and before no other."""
    client = await aiohttp_client(an_app(tmp_path, [*told(), guessed()]))
    page = read(await (await client.get("/stats?from=2026-11-01")).text())
    assert "~$3.50" in page.one(id="totals").text
    rows = {row.all("th")[0].text: row.text for row in page.one(id="breakdown").all("tr")[1:]}
    assert "~$0.500" in rows["mute"]
    assert "~" not in rows["gpt-4o-mini-2024-07-18"]
    without = read(await (await client.get("/stats?from=2026-11-01&model=!mute")).text())
    assert "~" not in without.one(id="totals").text
    whole = read(await (await client.get("/logs?from=2026-11-01")).text())
    assert "~$3.50" in whole.one(class_="totals-line").text


async def test_the_file_of_the_table_tells_estimates_apart(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """The CSV says of each line how many of its tokens, and how much of its cost, are estimates."""
    client = await aiohttp_client(an_app(tmp_path, [*told(), guessed()]))
    text = await (await client.get("/stats/table.csv?from=2026-11-01")).text()
    rows = {row["model"]: row for row in csv.DictReader(io.StringIO(text, newline=""))}
    assert (rows["mute"]["estimated_tokens"], rows["mute"]["estimated_cost_usd"]) == ("950", "0.500000000")
    assert rows["gpt-4o-mini-2024-07-18"]["estimated_tokens"] == "0"
