"""Comparison, movers, points, keys and care over HTTP: what they take, and answers for a book not there yet."""

from pathlib import Path

import pytest
from pytest_aiohttp.plugin import AiohttpClient

from tests.api.listener import an_app
from tests.books import a_call

ROUTES = ("/api/overview", "/api/movers", "/api/scatter", "/api/keys", "/api/health/care")


@pytest.mark.parametrize("path", ROUTES)
async def test_an_empty_book_is_no_error(tmp_path: Path, aiohttp_client: AiohttpClient, path: str) -> None:
    """Before the first call each of them answers, and refuses what it does not know by its name."""
    client = await aiohttp_client(an_app(tmp_path, book=False))
    assert (await client.get(path)).status == 200
    refused = await client.get(path, params={"modell": "x"})
    assert (refused.status, (await refused.json())["error"]["param"]) == (400, "modell")


@pytest.mark.parametrize("query", ["limit=0", "limit=5001", "limit=x", "limit=²", "limit=", "limit=1&limit=2"])
async def test_points_are_limited_to_what_a_chart_can_hold(
    tmp_path: Path, aiohttp_client: AiohttpClient, query: str
) -> None:
    """A limit is one whole number from 1 to 5000; anything else is refused by its name."""
    client = await aiohttp_client(an_app(tmp_path, [a_call(), a_call()]))
    refused = await client.get(f"/api/scatter?{query}")
    assert (refused.status, (await refused.json())["error"]["param"]) == (400, "limit")
    for limit in (1, 5000):
        told = await (await client.get(f"/api/scatter?limit={limit}")).json()
        assert len(told["points"]) == min(limit, 2)


async def test_the_overview_obeys_the_filter_and_the_forecast_its_dimensions_alone(
    tmp_path: Path, aiohttp_client: AiohttpClient
) -> None:
    """Time and status narrow the totals; the forecast is of the model's whole month."""
    client = await aiohttp_client(
        an_app(tmp_path, [a_call(model="a"), a_call(model="a", status=500), a_call(model="b")])
    )
    told = await (await client.get("/api/overview?model=a&status=200&from=2026-11-21")).json()
    assert (told["total"]["calls"], told["previous"]["total"]["calls"]) == (1, 0)
    assert told["forecast"]["month"] == "2026-12"
    assert told["forecast"]["so_far_usd"] == "0.000000000"
