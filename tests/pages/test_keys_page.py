"""/keys shows who called, since when, and what that cost, lately and in all."""

from pathlib import Path

from pytest_aiohttp.plugin import AiohttpClient

from store.call import Cost
from tests.api.listener import an_app
from tests.books import NOON_US, a_call
from tests.pages.reading import read

DAY_US = 86_400_000_000
NOW_US = NOON_US + 10**12


async def test_keys_are_told_with_their_sums(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """A key has its calls, errors and cost of the last 30 days beside those of all time; the last used comes first."""
    calls = [
        a_call(key="laptop", started_at_us=NOW_US - DAY_US, cost=Cost("priced", 1_500_000_000)),
        a_call(key="laptop", started_at_us=NOW_US - 50 * DAY_US, cost=Cost("priced", 2_000_000_000), status=500),
        a_call(
            key="1a2b3c4d-wxyz",
            group="research",
            started_at_us=NOW_US - 2 * DAY_US,
            cost=Cost("unknown", None),
            usage_micro=None,
        ),
    ]
    client = await aiohttp_client(an_app(tmp_path, calls))
    rows = read(await (await client.get("/keys")).text()).one(id="keys").rows()
    laptop, unnamed = rows
    assert laptop[0].startswith("laptop")
    assert (laptop[3], laptop[4], laptop[7]) == ("1", "0", "$1.500")
    assert (laptop[8], laptop[9], laptop[12]) == ("2", "1", "$3.500")
    assert unnamed[0].startswith("1a2b3c4d-wxyz")
    assert ("research" in unnamed[0], unnamed[7]) == (True, "unknown")


async def test_a_key_leads_to_its_calls_and_sums(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """The links of a key, and of calls without one, list exactly those calls."""
    calls = [a_call(key=key, started_at_us=NOW_US - number) for number, key in enumerate(["a", "a", "b", None])]
    client = await aiohttp_client(an_app(tmp_path, calls))
    page = read(await (await client.get("/keys")).text())
    for row in page.one(id="keys").one("tbody").all("tr"):
        to_logs, to_stats = (link.attributes["href"] for link in row.all("a")[:2])
        listed = (await (await client.get(to_logs.replace("/logs", "/api/logs"))).json())["logs"]
        assert len(listed) == int(row.all("td", class_="number")[0].text)
        assert (await client.get(to_stats)).status == 200


async def test_how_unnamed_keys_are_called_is_said(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """The page says what the name of an unnamed key is made of, and takes no filters."""
    client = await aiohttp_client(an_app(tmp_path, book=False))
    text = read(await (await client.get("/keys")).text()).text
    assert "eight characters of its hash and its last four" in text
    assert "No calls yet" in text
    assert (await client.get("/keys?model=x")).status == 400


async def test_more_keys_than_a_page_holds_are_counted(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Of 1003 keys the page lists the 1000 last used, and says that there are 3 more."""
    calls = [a_call(key=f"key{number}", started_at_us=NOW_US - number) for number in range(1003)]
    client = await aiohttp_client(an_app(tmp_path, calls))
    page = read(await (await client.get("/keys")).text())
    rows = page.one(id="keys").rows()
    assert (len(rows), rows[0][0].split()[0]) == (1000, "key0")
    assert "3 more, used longer ago" in page.text
