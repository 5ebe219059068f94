"""Long addresses: all state of a page is in its address, so it may be long."""

import aiohttp

from tests.conftest import OpenHouse


async def test_hundreds_of_names_can_be_asked_for(house: OpenHouse) -> None:
    """A filter of as many values as people tick or programs send is answered, and so is a page that comes from it."""
    listening = await house()
    address = f"{listening.dashboard}/logs?" + "&".join(f"model=some-vendor/some-model-{n:03}" for n in range(900))
    async with aiohttp.ClientSession(max_line_size=65536) as session:
        async with session.get(address) as answer:
            assert (answer.status, answer.content_type) == (200, "text/html")
        async with session.get(f"{listening.dashboard}/logs", headers={"Referer": address}) as answer:
            assert answer.status == 200
