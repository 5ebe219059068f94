"""Where the time within an answer went: silences of the upstream and waiting for the client are told apart."""

import asyncio
from typing import Any

from tests.conftest import OpenHouse
from tests.house import House
from tests.relay.conftest import Dial, OpenUpstream
from tests.relay.neighbours import CHUNKED, LAST, RawClient, Visit, chunked, sized

CHAT = b'{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"hi"}]}'
EVENT = b'data: {"object":"chat.completion.chunk","model":"gpt-4o","choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'
DONE = b"data: [DONE]\n\n"
PAUSE_MS = 600


async def timings(home: House) -> dict[str, Any]:
    row = await home.row()
    told: dict[str, Any] = (await home.details(row["id"]))["timings"]
    return told


async def to_the_end(client: RawClient) -> None:
    await client.head()
    while await client.chunk():
        pass


async def test_the_longest_pause_is_told(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """It is the longest of several, after the first piece of the answer; none of it was the client's doing."""

    async def script(visit: Visit) -> None:
        await visit.read()
        await visit.say(CHUNKED)
        for pause_ms in (3 * PAUSE_MS, 10, PAUSE_MS, 10):  # the first is no pause: the answer has not begun
            await asyncio.sleep(pause_ms / 1000)
            await visit.say(chunked(EVENT))
        await visit.say(chunked(DONE), LAST)

    upstream = await raw_upstream(script)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.ask("/groq/v1/chat/completions", "POST", body=CHAT)
    await to_the_end(client)
    told = await timings(home)
    assert PAUSE_MS <= told["longest_pause_ms"] <= told["duration_ms"] - 3 * PAUSE_MS
    assert told["client_wait_ms"] < told["longest_pause_ms"]


async def test_a_silence_that_nobody_sat_out_is_one(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """The client gave up while the upstream was silent: for how long is told."""
    left = asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.read()
        await visit.say(CHUNKED, chunked(EVENT))
        await left.wait()

    upstream = await raw_upstream(script)
    home = await house(upstream.url, on_client_gone="cancel")
    client = await dial(home.proxy)
    await client.ask("/groq/v1/chat/completions", "POST", body=CHAT)
    await client.head()
    await client.chunk()
    await asyncio.sleep(PAUSE_MS / 1000)
    client.leave()
    told = await timings(home)
    left.set()
    assert told["longest_pause_ms"] >= PAUSE_MS


async def test_a_client_that_reads_slowly_is_no_pause(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """While it does not read, the answer waits for the client, not for the upstream."""
    body = b"x" * 20_000_000
    upstream = await raw_upstream(sized(body))
    home = await house(upstream.url)
    client = await dial(home.proxy, receive_buffer=4096)
    await client.ask()
    await client.head()
    await asyncio.sleep(PAUSE_MS / 1000)
    received = 0
    while received < len(body):
        received += len(await client.reader.read(2**20))
    told = await timings(home)
    assert told["client_wait_ms"] >= PAUSE_MS / 2
    assert told["longest_pause_ms"] < told["client_wait_ms"]


async def test_a_client_that_never_reads_held_it_all_along(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial
) -> None:
    """Left because it read nothing for too long, it is what the answer waited for until the end."""
    upstream = await raw_upstream(sized(b"x" * 20_000_000))
    home = await house(upstream.url, write_timeout_s=PAUSE_MS / 1000)
    client = await dial(home.proxy, receive_buffer=4096)
    await client.ask()
    told = await timings(home)
    assert told["client_wait_ms"] >= PAUSE_MS
    assert told["longest_pause_ms"] < told["client_wait_ms"]


async def test_what_had_no_answer_had_no_pause(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """Without a body there is nothing to tell, not a pause of zero."""
    upstream = await raw_upstream(b"HTTP/1.1 204 No Content\r\n\r\n")
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.ask()
    await client.head()
    told = await timings(home)
    assert (told["longest_pause_ms"], told["client_wait_ms"]) == (None, None)


async def test_what_comes_after_the_client_left_is_no_pause(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial
) -> None:
    """An answer that is read to its end without its client was not silent while it came."""
    left = asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.read()
        await visit.say(CHUNKED, chunked(EVENT))
        await left.wait()
        for _ in range(40):
            await visit.say(chunked(EVENT))
            await asyncio.sleep(PAUSE_MS / 10_000)
        await visit.say(chunked(DONE), LAST)

    upstream = await raw_upstream(script)
    home = await house(upstream.url, on_client_gone="finish")
    client = await dial(home.proxy)
    await client.ask("/groq/v1/chat/completions", "POST", body=CHAT)
    await client.head()
    await client.chunk()
    client.leave()
    left.set()
    told = await timings(home)
    assert told["longest_pause_ms"] + PAUSE_MS <= told["duration_ms"]  # many short ones are no long one


async def test_the_end_of_a_request_that_is_passed_on_as_it_comes(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial
) -> None:
    """When all of it had been passed on is told; of one that was whole before the upstream was asked, nothing is."""
    upstream = await raw_upstream(sized(b"ok"))
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.ask("/groq/v1/x", "POST", "Transfer-Encoding: chunked")
    await client.say(chunked(b"x" * 70_000))
    await asyncio.sleep(PAUSE_MS / 1000)
    await client.say(chunked(b"y"), LAST)
    assert (await client.answer()).status == 200
    told = await timings(home)
    assert told["asked_ms"] + PAUSE_MS / 2 <= told["uploaded_ms"] <= told["answered_ms"]
    await client.ask("/groq/v1/chat/completions", "POST", body=CHAT)
    assert (await client.answer()).status == 200
    newest = (await home.rows(2))[0]
    assert (await home.details(newest["id"]))["timings"]["uploaded_ms"] is None
