"""The stream of new calls: each once, in order, resumed where it stopped."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from aiohttp import ClientResponse
from pytest_aiohttp.plugin import AiohttpClient

from store.call import Call
from tests.api.listener import an_app, write_more
from tests.books import a_call


async def next_event(answer: ClientResponse) -> dict[str, Any]:
    """The next event with data: its id and the call in it."""
    event: dict[str, Any] = {}
    async with asyncio.timeout(60):
        while True:
            line = (await answer.content.readline()).decode().rstrip("\n")
            if line.startswith("id: "):
                event["id"] = line[4:]
            elif line.startswith("data: "):
                event["call"] = orjson.loads(line[6:])
            elif not line and "call" in event:
                return event


def text_id(call: Call) -> str:
    return str(UUID(bytes=call.call_id))


async def test_new_calls_of_the_filter_arrive_in_order(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """Only what enters the book from now on and matches is sent, as it would be listed."""
    client = await aiohttp_client(an_app(tmp_path, [a_call()]))
    async with client.get("/api/tail?status=error") as answer:
        assert (answer.status, answer.content_type) == (200, "text/event-stream")
        new = [a_call(status=status) for status in (500, 200, 404)]
        write_more(tmp_path, *new)
        events = [await next_event(answer), await next_event(answer)]
    assert [event["call"]["id"] for event in events] == [text_id(new[0]), text_id(new[2])]
    listed = (await (await client.get("/api/logs?status=error")).json())["logs"]
    assert [event["call"] for event in reversed(events)] == listed


async def test_a_stream_goes_on_after_its_last_event(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """With Last-Event-ID what came meanwhile is sent, and nothing twice."""
    client = await aiohttp_client(an_app(tmp_path))
    first, missed, fresh = a_call(), [a_call() for _ in range(600)], a_call()
    async with client.get("/api/tail") as answer:
        write_more(tmp_path, first)
        event = await next_event(answer)
    write_more(tmp_path, *missed)
    async with client.get("/api/tail", headers={"Last-Event-ID": event["id"]}) as answer:
        seen = [(await next_event(answer))["call"]["id"] for _ in missed]
        write_more(tmp_path, fresh)
        assert (await next_event(answer))["call"]["id"] == text_id(fresh)
    assert seen == [text_id(call) for call in missed]


async def test_the_id_of_no_event_is_refused(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """A wrong Last-Event-ID is a 400 that names the header."""
    client = await aiohttp_client(an_app(tmp_path))
    for wrong in ("5", "x", "YWZ0ZXIgeA", "é"):
        answer = await client.get("/api/tail", headers={"Last-Event-ID": wrong})
        assert answer.status == 400
        assert (await answer.json())["error"]["param"] == "Last-Event-ID"


async def test_stopping_ends_the_stream(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """An application that stops finishes its streams in an orderly way, and soon."""
    client = await aiohttp_client(an_app(tmp_path))
    async with client.get("/api/tail") as answer:
        async with asyncio.timeout(60):
            await client.server.runner.shutdown()
            assert (await answer.content.read()).endswith(b"\n\n")
