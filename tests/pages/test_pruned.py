"""The pages of a book whose old calls were pruned show what stays, and say what they cannot tell any more."""

from datetime import timedelta
from pathlib import Path

import pytest
from pytest_aiohttp.plugin import AiohttpClient

from store.book import Entry, KeptBody
from store.moments import at
from store.pruning import Limits
from tests.api.listener import an_app
from tests.books import NOON_US, a_book, a_call
from tests.prune.pruning import days, pruned

CALLS = 100


@pytest.fixture
async def data_dir(tmp_path: Path) -> Path:
    """A call a day for a hundred days, of which forty stay, and the bodies of ten of them."""
    a_book(
        tmp_path,
        (
            Entry(a_call(started_at_us=NOON_US - days(age), user="ann"), (), KeptBody(b"asked"), (), KeptBody(b"told"))
            for age in range(CALLS - 1, -1, -1)
        ),
    )
    done = await pruned(tmp_path, Limits(bodies_us=days(10), calls_us=days(40)), at(NOON_US) + timedelta(hours=1))
    assert (done.calls, done.bodies) == (CALLS - 41, CALLS - 11)
    return tmp_path


@pytest.mark.parametrize(
    "address", ["/logs", "/logs?user=ann", "/logs?from=365d", "/stats", "/stats?from=365d", "/stats?by=user", "/health"]
)
async def test_pages_are_there(data_dir: Path, aiohttp_client: AiohttpClient, address: str) -> None:
    """Every page is drawn, whatever time it is asked for."""
    client = await aiohttp_client(an_app(data_dir, book=False))
    answer = await client.get(address)
    assert answer.status == 200


async def test_sums_that_are_gone_are_said_to_be(data_dir: Path, aiohttp_client: AiohttpClient) -> None:
    """Sums by user say how far back they go; those by key have every call there ever was."""
    client = await aiohttp_client(an_app(data_dir, book=False))
    by_user = await (await client.get("/api/stats?by=user")).json()
    assert (by_user["complete"], by_user["total"]["calls"]) == (False, 41)
    assert by_user["read_back_to"] == "2026-10-12T00:00:00.000000Z"
    by_key = await (await client.get("/api/stats?by=key")).json()
    assert (by_key["complete"], by_key["total"]["calls"]) == (True, CALLS)
    page = await (await client.get("/stats?by=user&from=365d")).text()
    assert "its calls were pruned" in page


async def test_a_call_without_its_bodies(data_dir: Path, aiohttp_client: AiohttpClient) -> None:
    """It has its page, tokens and cost, and no text; one that is gone has none."""
    client = await aiohttp_client(an_app(data_dir, book=False))
    listed = await (await client.get("/api/logs?limit=100")).json()
    assert len(listed["logs"]) == 41
    oldest = listed["logs"][-1]["id"]
    assert (await client.get(f"/logs/{oldest}")).status == 200
    raw = await client.get(f"/logs/{oldest}/request")
    assert "is not kept" in await raw.text()
