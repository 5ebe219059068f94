"""A flood of refusals: the first have a row each, the rest are counted on the last, and nothing is counted twice."""

import asyncio

from proxy.floods import ROWS, Floods
from store.pages.log_row import trouble
from tests.conftest import OpenHouse
from tests.house import House
from tests.relay.conftest import Dial, OpenUpstream
from tests.relay.neighbours import RawClient, sized

OK = sized(b"{}", b"Content-Type: application/json")
FLOOD = 100


async def refused(client: RawClient, times: int, target: str = "/nowhere/v1/models") -> list[str]:
    """So many refusals; the ids that the answers carry."""
    ids = []
    for _ in range(times):
        await client.ask(target)
        got = await client.answer()
        assert got.status in (400, 404)
        ids.append((got.value(b"x-tollbook-call-id") or b"").decode())
    return ids


async def settled(home: House, received: int) -> None:
    """Wait until the book has so many calls, repeats among them."""
    for _ in range(3000):
        live = home.ingest.live()
        if live.stored == received:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(home.ingest.live())


async def test_a_flood_is_twenty_rows(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """Past the twentieth refusal in a minute the last row is raised, and the answers carry its id."""
    home = await house((await raw_upstream(OK)).url)
    ids = await refused(await dial(home.proxy), FLOOD)
    await settled(home, FLOOD)
    rows = await home.rows(ROWS)
    assert [row["repeats"] for row in rows] == [FLOOD - ROWS] + [0] * (ROWS - 1)
    assert ids[ROWS - 1 :] == [rows[0]["id"]] * (FLOOD - ROWS + 1)
    live = home.ingest.live()
    assert (live.received, live.stored, live.repeats, live.waiting, live.open) == (FLOOD, FLOOD, FLOOD - ROWS, 0, 0)


async def test_other_reasons_have_rows_of_their_own(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """A flood for one reason takes nothing from a refusal for another, and calls that are let in are never merged."""
    home = await house((await raw_upstream(OK)).url)
    client = await dial(home.proxy)
    await refused(client, FLOOD)
    await refused(client, 1, "/groq/../v1/models")
    for _ in range(ROWS + 2):
        caller = await dial(home.proxy)
        await caller.ask("/groq/v1/models")
        assert (await caller.answer()).status == 200
    await settled(home, FLOOD + 1 + ROWS + 2)
    rows = await home.rows(ROWS + 1 + ROWS + 2)
    assert sum(row["repeats"] for row in rows) == FLOOD - ROWS


def test_a_flood_that_goes_on_has_a_row_a_minute() -> None:
    """In each further minute of a flood one row is written; after a quiet minute there are twenty again."""
    now = [0.0]
    floods = Floods(clock=lambda: now[0])

    def rows(times: int) -> int:
        ids = [number.to_bytes(16, "big") for number in range(times)]
        return sum(floods.row_of(("10.0.0.1", "unknown_key", None, None), one) == one for one in ids)

    assert rows(1000) == ROWS
    now[0] = 61.0
    assert rows(1000) == 1
    now[0] = 122.0
    assert rows(1000) == 1
    now[0] = 300.0
    assert rows(1000) == ROWS


def test_a_row_says_how_often_it_was_repeated() -> None:
    """A row of Usage Logs that stands for a flood says of how many refusals."""
    call = {"outcome": "rejected", "status": 401, "error": None, "repeats": 80}
    found = trouble(call)
    assert found is not None
    assert found.word == "refused 401 81 times"
