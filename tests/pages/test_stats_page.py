"""/stats shows the sums that /api/stats tells, by whatever it is divided, and says what it does not know."""

import csv
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp.test_utils import TestClient
from pytest_aiohttp.plugin import AiohttpClient

from store.api.parts import PARTS
from store.call import Cost
from store.pages.figures import count, usd
from store.pages.visible import visible
from store.reader import Reader
from tests.api.listener import an_app
from tests.api.slow_book import SlowBook
from tests.books import NOON_US, a_call
from tests.pages.reading import Element, read

DAY_US = 86_400_000_000
HOSTILE = "=cmd|'/c calc'!A1<img src=x onerror=alert(1)>\u202e"
UNKNOWN = Cost("unknown", None)


def some_calls() -> list[Any]:
    """Three models on three days, some failed, some of unknown cost, one with a name that means harm."""
    return [
        a_call(
            started_at_us=NOON_US - day * DAY_US + number,
            model=("m0", "m1", HOSTILE)[number % 3],
            key=None if number % 4 == 0 else f"key{number % 2}",
            user=f"user{number % 5}" if number % 2 else None,
            cost=UNKNOWN if number % 7 == 0 else Cost("priced", 1_000_000 * number + day),
            usage_micro=None if number % 7 == 0 else 1000 * number,
            status=500 if number % 5 == 0 else 200,
            duration_us=200_000 + 10_000 * number,
        )
        for day in range(3)
        for number in range(24)
    ]


async def ask(client: TestClient[Any, Any], path: str) -> Element:
    answer = await client.get(path)
    assert answer.status == 200, await answer.text()
    return read(await answer.text())


async def told(client: TestClient[Any, Any], path: str) -> Any:
    answer = await client.get(path)
    assert answer.status == 200, await answer.text()
    return await answer.json()


async def test_usage_that_leaves_calls_out_says_so(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Where the usage of calls is unknown, the tile, the cells, the totals and the file say so."""
    calls = [
        a_call(key="some", cost=UNKNOWN, usage_micro=None),
        a_call(key="some", cost=Cost("estimated", 9), usage_micro=5_000_000),
        a_call(key="charged", cost=UNKNOWN, usage_micro=3_000_000),  # by a rate of its group
    ]
    client = await aiohttp_client(an_app(tmp_path, calls))
    page = await ask(client, "/stats?from=2026-01-01&by=key")
    usage = next(card for card in page.one("dl", id="totals").all("div") if card.all("dt")[0].text == "Usage")
    assert [one.text for one in usage.all("dd")] == ["~8.00", "credits; 1 call of unknown usage"]
    assert {cells[0]: cells[4] for cells in page.one(id="breakdown").rows()} == {"some": "~5.00 + ?", "charged": "3.00"}
    sums = await ask(client, "/logs/totals?from=2026-01-01")
    assert "~8.00 credits" in sums.text
    assert "Usage unknown of 1 call." in sums.text
    file = (await (await client.get("/stats/table.csv?by=key&from=2026-01-01")).text()).splitlines()
    assert [line.rpartition(",")[2] for line in file] == ["unknown_usage_calls", "1", "0"]


def figures(page: Element) -> dict[str, str]:
    cards = page.one("dl", id="totals").all("div")
    return {card.all("dt")[0].text: card.all("dd")[0].text for card in cards}


def chart(page: Element) -> Any:
    return orjson.loads(page.one(id="chart").attributes["data-chart"])


@pytest.mark.parametrize("by", ["model", "key", "group", "type", "upstream", "user", "status"])
async def test_the_table_is_that_of_the_endpoint(tmp_path: Path, aiohttp_client: AiohttpClient, by: str) -> None:
    """Every group of /api/stats is a line of the table, with its calls, errors and cost; the cards are the total."""
    client = await aiohttp_client(an_app(tmp_path, some_calls()))
    page = await ask(client, f"/stats?by={by}&sort=calls&rows=all")
    answer = await told(client, f"/api/stats?from=30d&by={by}")
    lines = {cells[0]: cells for cells in page.one(id="breakdown").rows()}
    assert len(lines) == len(answer["stats"])
    for row in answer["stats"]:
        name = f"no {by}" if row[by] is None else visible(row[by])
        calls, errors, cost = (lines[name][place] for place in (1, 5, 2))
        assert (calls, errors) == (count(row["calls"]), count(row["errors"]))
        assert cost.startswith("unknown" if row["cost"]["usd"] is None else usd(row["cost"]["usd"]))
    total = answer["total"]
    assert (figures(page)["Calls"], figures(page)["Cost"]) == (count(total["calls"]), usd(total["cost"]["usd"]))


@pytest.mark.parametrize("metric", ["cost", "usage", "tokens", "calls", "errors"])
async def test_what_is_drawn_adds_up(tmp_path: Path, aiohttp_client: AiohttpClient, metric: str) -> None:
    """With more groups than colours the series and "all others" add up, in each bucket, to the endpoint's total."""
    many = [
        a_call(
            started_at_us=NOON_US - number % 5 * DAY_US,
            model=f"m{number % 13}",
            status=500 if number % 2 else 200,
            cost=Cost("priced", 10**6 * (number + 1)),
        )
        for number in range(100)
    ]
    client = await aiohttp_client(an_app(tmp_path, many))
    drawn = chart(await ask(client, f"/stats?metric={metric}&tz=Europe/Berlin"))
    days = (await told(client, "/api/stats?from=30d&by=day&tz=Europe/Berlin"))["stats"]
    assert drawn["buckets"] == [day["day"] for day in days]
    assert len(drawn["series"]) == 9
    assert drawn["series"][-1]["name"] == "all others"
    of = {
        "cost": lambda row: row["cost"]["usd"], "usage": lambda row: repr(row["usage"]),
        "tokens": lambda row: row["tokens"]["total"], "calls": lambda row: row["calls"],
        "errors": lambda row: row["errors"],
    }[metric]  # fmt: skip
    for place, day in enumerate(days):
        assert sum(Decimal(one["values"][place] or 0) for one in drawn["series"]) == Decimal(of(day))


async def test_tokens_can_be_drawn_by_kind(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """By kind, tokens are cached input, other input and output, and add up to all."""
    client = await aiohttp_client(an_app(tmp_path, some_calls()))
    drawn = chart(await ask(client, "/stats?metric=tokens&tokens=kinds"))
    total = (await told(client, "/api/stats?from=30d"))["total"]["tokens"]["total"]
    assert sum(sum(one["values"]) for one in drawn["series"]) == total
    assert len(drawn["series"]) == 3


async def test_latency_is_drawn_as_lines(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Latency has p50 and p95 of all calls as the endpoint tells them, and nothing called other."""
    client = await aiohttp_client(an_app(tmp_path, some_calls()))
    drawn = chart(await ask(client, "/stats?metric=latency"))
    days = (await told(client, "/api/stats?from=30d&by=day"))["stats"]
    everything = drawn["latencies"][0]
    assert everything["p95"] == [day["duration_ms"]["p95"] for day in days]
    assert "all others" not in {one["name"] for one in drawn["latencies"]}


async def test_thirty_days_are_shown_until_told_otherwise(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """A call of 40 days ago is not in the default, and the page says which time it shows; it is in all time."""
    now = NOON_US + 10**12
    calls = [a_call(started_at_us=now - 40 * DAY_US), a_call(started_at_us=now - DAY_US)]
    client = await aiohttp_client(an_app(tmp_path, calls))
    page = await ask(client, "/stats")
    assert figures(page)["Calls"] == "1"
    assert "last 30 days" in page.one("main").text
    (all_time,) = [link for link in page.all("a") if link.text == "All time"]
    everything = await ask(client, all_time.attributes["href"])
    assert figures(everything)["Calls"] == "2"
    assert "All time" in everything.one(class_="heading").text


async def test_it_is_compared_with_the_time_before(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Three calls after two are 50 % more, in words; with nothing before nothing is compared."""
    now = NOON_US + 10**12
    calls = [a_call(started_at_us=now - hours * 3_600_000_000) for hours in (1, 2, 3, 30, 40)]
    client = await aiohttp_client(an_app(tmp_path, calls))
    assert "▲ 50 % more" in (await ask(client, "/stats?from=24h")).one("dl", id="totals").text
    alone = await ask(client, "/stats?from=7d")
    assert "more" not in alone.one("dl", id="totals").text
    assert "no calls in the 7 days before" in alone.one("main").text


async def test_those_who_moved_are_named(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Whoever cost more or less than before is told with the difference, and leads to the page of it alone."""
    now = NOON_US + 10**12
    calls = [
        a_call(model="up", started_at_us=now - 3_600_000_000, cost=Cost("priced", 3 * 10**9)),
        a_call(model="up", started_at_us=now - 30 * 3_600_000_000, cost=Cost("priced", 10**9)),
        a_call(model="down", started_at_us=now - 30 * 3_600_000_000, cost=Cost("priced", 5 * 10**9)),
    ]
    client = await aiohttp_client(an_app(tmp_path, calls))
    page = await ask(client, "/stats?from=24h")
    piece = await ask(client, page.one(id="moved").attributes["data-src"])
    down, up = (item for item in piece.all("li") if item.text.split()[0] in ("up", "down"))
    assert down.text == "down -$5.000 (▼ 100 % less)"
    assert up.text == "up +$2.000 (▲ 200 % more)"
    assert figures(await ask(client, up.one("a").attributes["href"]))["Cost"] == "$3.000"


async def test_a_line_leads_to_its_calls(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Following the link of a line lists exactly its calls, for values and for those without one."""
    client = await aiohttp_client(an_app(tmp_path, some_calls()))
    page = await ask(client, "/stats?by=key&group=default")
    for row in page.one(id="breakdown").all("tbody")[0].all("tr"):
        address = row.all("a")[0].attributes["href"]
        listed = await told(client, address.replace("/logs?", "/api/logs?limit=1000&"))
        assert len(listed["logs"]) == int(row.all("td")[0].text)


@pytest.mark.parametrize("sort", ["calls", "cost", "p95", "name", "error_share"])
async def test_it_can_be_sorted(tmp_path: Path, aiohttp_client: AiohttpClient, sort: str) -> None:
    """A column sorts both ways, the heading says so, and unknown comes last either way."""
    calls = [*some_calls(), a_call(model="dear", cost=UNKNOWN, usage_micro=None)]
    client = await aiohttp_client(an_app(tmp_path, calls))
    pages = [await ask(client, f"/stats?sort={sort}&order={order}") for order in ("asc", "desc")]
    names = [[row[0] for row in page.one(id="breakdown").rows()] for page in pages]
    if sort == "cost":
        assert [one[-1] for one in names] == ["dear", "dear"]
        assert names[0][:-1] == names[1][:-1][::-1]
    else:
        assert sorted(names[0]) == sorted(names[1])
        assert names[0] != names[1]
    sorted_by = [[head.attributes.get("aria-sort") for head in page.one(id="breakdown").all("th")] for page in pages]
    assert "ascending" in sorted_by[0]
    assert "descending" in sorted_by[1]


async def test_the_file_has_the_table_and_no_formulas(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """The CSV has every group with exact figures; a name that begins like a formula is text; unknown is empty."""
    calls = [*some_calls(), a_call(model="dear", cost=UNKNOWN, usage_micro=None)]
    client = await aiohttp_client(an_app(tmp_path, calls))
    answer = await client.get("/stats/table.csv?sort=calls")
    assert "attachment" in answer.headers["Content-Disposition"]
    rows = {row["model"]: row for row in csv.DictReader(io.StringIO(await answer.text(), newline=""))}
    assert rows.keys() == {"m0", "m1", "dear", "'" + HOSTILE}
    answered = (await told(client, "/api/stats?from=30d&by=model"))["stats"]
    for row in answered:
        name = "'" + row["model"] if row["model"] == HOSTILE else row["model"]
        assert rows[name]["cost_usd"] == (row["cost"]["usd"] or "")
        assert rows[name]["calls"] == str(row["calls"])
    assert rows["dear"]["usage_credits"] == ""


async def test_names_of_strangers_are_text(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """A name made of markup and direction marks makes no element, and its marks are visible."""
    client = await aiohttp_client(an_app(tmp_path, some_calls()))
    answer = await client.get("/stats")
    assert "<img src=x" not in await answer.text()
    assert "\u202e" not in read(await answer.text()).one(id="breakdown").text


async def test_unknown_is_a_word(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Without a known cost the cards, the table and the forecast say unknown, never $0."""
    client = await aiohttp_client(
        an_app(tmp_path, [a_call(started_at_us=NOON_US + 10**12 - 1, cost=UNKNOWN, usage_micro=None, tokens=None)])
    )
    page = await ask(client, "/stats")
    assert figures(page)["Cost"] == figures(page)["Usage"] == figures(page)["Input tokens"] == "unknown"
    assert "$0" not in page.one("main").text


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("by=tokens", "by"), ("by=model,key", "by"), ("metric=money", "metric"), ("per=week", "per"),
        ("per=minute", "per"), ("sort=size", "sort"), ("order=up", "order"), ("tokens=all", "tokens"),
        ("rows=some", "rows"),
        ("metric=cost&metric=calls", "metric"), ("from=soon", "from"), ("colour=red", "colour"), ("from=-1d", "from"),
    ],
)  # fmt: skip
async def test_what_means_nothing_is_named(
    tmp_path: Path, aiohttp_client: AiohttpClient, query: str, param: str
) -> None:
    """A parameter that cannot be used is a page with status 400 that names it."""
    client = await aiohttp_client(an_app(tmp_path, some_calls()))
    answer = await client.get(f"/stats?{query}")
    assert answer.status == 400
    assert param in [code.text for code in read(await answer.text()).all("code")]


async def test_an_empty_book_is_a_page_too(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Before the first call every figure is there and no chart is."""
    client = await aiohttp_client(an_app(tmp_path, book=False))
    page = await ask(client, "/stats")
    assert figures(page)["Calls"] == "0"
    assert not page.all(id="chart")
    assert "No calls in the last 30 days" in page.one("main").text


async def test_only_pages_with_a_chart_allow_style_attributes(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """/stats allows style attributes, which plotly sets; /keys and /health do not; none allows inline scripts."""
    client = await aiohttp_client(an_app(tmp_path, some_calls()))
    policies = {
        path: (await client.get(path)).headers["Content-Security-Policy"] for path in ("/stats", "/keys", "/health")
    }
    assert "style-src-attr" in policies["/stats"]
    assert "style-src-attr" not in policies["/keys"] + policies["/health"]
    for policy in policies.values():
        assert "script-src 'self';" in policy
        assert "style-src 'self';" in policy


async def test_what_could_not_be_read_in_time_is_said(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """On a slow disk sums by user say how far back they go, compare nothing, draw whole days only, and make no file."""
    calls = [a_call(started_at_us=NOON_US - number * 60_000_000, user=f"u{number % 3}") for number in range(12_000)]
    app = an_app(tmp_path, calls)
    patient = Reader(tmp_path, deadline_s=60)
    app[PARTS].source = SlowBook(patient, 0.33)
    app.on_cleanup.append(lambda _: patient.close())
    client = await aiohttp_client(app)
    page = await ask(client, "/stats?by=user&metric=calls&per=day")
    assert "Not everything could be read in time" in page.text
    assert 0 < int(figures(page)["Calls"].replace(",", "")) < len(calls)
    drawn = chart(page)
    assert len(drawn["buckets"]) > 1
    for place in range(len(drawn["buckets"]) - 1):  # but for the last, which begins at midnight and ends at noon
        assert sum(one["values"][place] for one in drawn["series"]) == 24 * 60
    assert (await client.get("/stats/table.csv?by=user")).status == 503
