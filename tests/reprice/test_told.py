"""A call says what it cost before, since when it costs something else, and who changed that."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pytest_aiohttp.plugin import AiohttpClient

from proxy.config.model import PriceEntry
from store.book import Book, Entry
from store.call import Cost
from store.charging import Tariff
from store.questions.call import call
from store.reader import Reader
from tests.api.listener import an_app
from tests.books import a_call
from tests.cli.conftest import Run, run  # noqa: F401 - a fixture
from tests.reprice.test_repricing import PROVIDERS, charged, priced


@pytest.fixture
async def twice(tmp_path: Path) -> Path:
    """A book with one call: recorded without a price, charged anew, and corrected."""
    data_dir = tmp_path / "data"
    data_dir.mkdir(mode=0o700)
    with Book(data_dir) as book:
        book.add([Entry(a_call(model="new", cost=Cost("unknown", missing="price:new"), usage_micro=None))])
    await charged(data_dir, priced(input=Decimal(1), output=Decimal(1)))
    await charged(data_dir, Tariff((PriceEntry("*", "new", input=Decimal(3), output=Decimal(3)),), PROVIDERS))
    return data_dir


async def only_call(data_dir: Path) -> dict[str, Any]:
    async with Reader.open(data_dir) as reader:
        ((call_id,),) = await asked(reader)
        found = await call(reader, call_id)
    assert found is not None
    return found


async def asked(reader: Reader) -> list[Any]:
    async with reader.snapshot() as snapshot:
        return await snapshot.rows("select lower(hex(call_id)) from calls")


async def test_what_it_cost_before_is_told(twice: Path) -> None:
    """In order, with the lines of the time, the price that applied, when it was changed, and by whom."""
    cost = (await only_call(twice))["cost"]
    first, second = cost["repriced"]
    assert (cost["usd"], cost["price"]["entry"]) == ("0.000450000", "prices[1] */new")
    assert (first["usd"], first["state"], first["usage"], first["missing"]) == (None, "unknown", None, "price:new")
    assert first["lines"] == []
    assert (second["usd"], second["state"], second["usage"]) == ("0.000150000", "priced", 0.15)
    assert second["price"]["entry"] == "prices[1] */*"
    assert [line["usd"] for line in second["lines"]] == ["0.000100", "0.000050"]
    assert [one["by"] for one in cost["repriced"]] == ["ann", "ann"]
    assert first["at"] < second["at"]


async def test_a_call_that_was_never_charged_anew_says_so(tmp_path: Path) -> None:
    """Then there is nothing before."""
    with Book(tmp_path) as book:
        book.add([Entry(a_call())])
    assert (await only_call(tmp_path))["cost"]["repriced"] == []


async def test_the_page_shows_it(twice: Path, aiohttp_client: AiohttpClient) -> None:
    """The details of a call have a table of what it cost before."""
    found = await only_call(twice)
    client = await aiohttp_client(an_app(twice))
    async with client.get(f"/logs/{found['id']}") as answer:
        page = await answer.text()
    assert "Computed anew" in page
    table = page[page.index('class="repriced"') :].partition("</table>")[0]
    assert table.count("<tr>") == 3
    assert "unknown" in table
    assert "$0.00015" in table
    assert "ann" in table


def test_show_tells_it(twice: Path, run: Run) -> None:  # noqa: F811 - the fixture
    """On the command line there is a line for each time."""
    ran = run("show", "last", "--data-dir", twice, "--tz", "UTC")
    lines = [line for line in ran.out.splitlines() if "computed anew by ann" in line]
    assert len(lines) == 2
    assert "unknown" in lines[0]
    assert "$0.00015" in lines[1]
    assert lines[0].strip().startswith("Until 20")
