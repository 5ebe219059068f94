"""Addresses that lead nowhere."""

from pathlib import Path

import pytest
from pytest_aiohttp.plugin import AiohttpClient

from tests.api.listener import an_app


@pytest.mark.parametrize("path", ["/nowhere", "/logs/a/b/c", "/stats/"])
async def test_a_person_is_told_by_a_page(tmp_path: Path, aiohttp_client: AiohttpClient, path: str) -> None:
    """Whoever looks at pages gets one, with a way to the calls; a program gets the error it can read."""
    client = await aiohttp_client(an_app(tmp_path))
    seen = await client.get(path, headers={"Accept": "text/html"})
    assert (seen.status, seen.content_type) == (404, "text/html")
    assert 'href="/logs"' in await seen.text()
    assert "script-src 'self'" in seen.headers["Content-Security-Policy"]
    told = await client.get(path)
    assert (told.status, told.content_type) == (404, "application/json")


async def test_what_is_not_in_the_api_is_json(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Beneath /api/ the answer is JSON, whoever asks."""
    client = await aiohttp_client(an_app(tmp_path))
    told = await client.get("/api/nothing", headers={"Accept": "text/html"})
    assert (told.status, told.content_type) == (404, "application/json")
