"""Times far from those of the book: every page that has a time range shows it, however long that is."""

from itertools import product
from pathlib import Path

import pytest
from pytest_aiohttp.plugin import AiohttpClient

from tests.api.listener import an_app
from tests.books import a_call

PATHS = ("/logs", "/logs/totals", "/logs/histogram", "/stats", "/stats/movers", "/api/overview")
TIMES = (None, "0002-01-01", "2026-11-21", "9996-12-31")
ZONES = ("Pacific/Kiritimati", "Etc/GMT+12", "America/St_Johns")


@pytest.mark.parametrize("path", PATHS)
async def test_times_at_the_ends_of_the_calendar_are_shown(
    path: str, tmp_path: Path, aiohttp_client: AiohttpClient
) -> None:
    """A range that begins or ends where times do is answered, in zones on either side of UTC."""
    client = await aiohttp_client(an_app(tmp_path, [a_call()]))
    for begin, end, tz in product(TIMES, TIMES, ZONES):
        params = {name: value for name, value in (("from", begin), ("to", end), ("tz", tz)) if value}
        answer = await client.get(path, params=params)
        assert answer.status == 200, (path, params, await answer.text())
