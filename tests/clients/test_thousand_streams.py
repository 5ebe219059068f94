"""A thousand streams of the official openai SDK are a thousand completed rows, however the upstream ends them.

The SDK closes each connection once it has read `[DONE]`, without waiting for the end of the HTTP message.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import types

from tests.clients.ledger import KEY
from tests.clients.test_openai import DATED, MODEL, QUESTION
from tests.conftest import OpenHouse

_CALLS = 1000
_AT_ONCE = 50


@pytest.mark.parametrize(
    "wishes",
    [{}, {"x-sandbox": "delay-final=0.2"}],
    ids=["clean end", "delayed end"],
)
async def test_a_thousand_streams_are_completed_rows(house: OpenHouse, wishes: dict[str, str]) -> None:
    """Each of 1,000 streamed SDK calls is one completed row with tokens, also when the end comes late."""
    opened = await house()
    waiting = iter(range(_CALLS))
    answered: list[str] = []
    async with openai.AsyncOpenAI(base_url=opened.proxy + "/openai/v1", api_key=KEY, max_retries=0) as client:

        async def ask() -> None:
            for _ in waiting:
                stream = await client.chat.completions.create(
                    model=MODEL, messages=QUESTION, stream=True, extra_headers=wishes
                )
                answered.append("".join([chunk.choices[0].delta.content or "" async for chunk in stream]))

        await asyncio.gather(*(ask() for _ in range(_AT_ONCE)))
    rows = await opened.rows(_CALLS, patience_s=90)
    assert len(answered) == _CALLS
    assert set(answered) == {answered[0]}
    wrong = [
        row
        for row in rows
        if (row["outcome"], row["status"], row["model"], row["tokens"]["source"], row["cost"]["state"], row["stream"])
        != ("completed", 200, DATED, "reported", "priced", True)
    ]
    assert wrong == []
    assert len({row["id"] for row in rows}) == _CALLS


async def _openai(url: str, wishes: dict[str, str]) -> None:
    async with openai.AsyncOpenAI(base_url=url + "/openai/v1", api_key=KEY, max_retries=0) as client:
        for stream in (
            await client.chat.completions.create(model=MODEL, messages=QUESTION, stream=True, extra_headers=wishes),
            await client.responses.create(model=MODEL, input="Shorten", stream=True, extra_headers=wishes),
            await client.completions.create(
                model="gpt-3.5-turbo-instruct", prompt="Once", stream=True, extra_headers=wishes
            ),
        ):
            assert [event async for event in stream]


async def _anthropic(url: str, wishes: dict[str, str]) -> None:
    asked: Any = {"model": "claude-haiku-4-5", "max_tokens": 99, "messages": QUESTION, "extra_headers": wishes}
    async with anthropic.AsyncAnthropic(base_url=url + "/anthropic", api_key=KEY, max_retries=0) as client:
        async with client.messages.stream(**asked) as stream:
            assert await stream.get_final_text()
        assert [event async for event in await client.messages.create(**asked, stream=True)]


async def _gemini(url: str, wishes: dict[str, str]) -> None:
    options = types.HttpOptions(base_url=url + "/gemini", headers=wishes)
    async with genai.Client(api_key=KEY, http_options=options).aio as client:
        stream = await client.models.generate_content_stream(model="gemini-2.5-flash", contents="Which train?")
        assert [chunk async for chunk in stream]


@pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")
@pytest.mark.parametrize(("use", "count"), [(_openai, 3), (_anthropic, 2), (_gemini, 1)])
@pytest.mark.parametrize("wish", ["delay-final=0.5", "gzip, delay-final=0.5", "chunk=1, delay-final=0.5"])
async def test_every_stream_read_to_its_last_event_is_completed(
    house: OpenHouse, use: Callable[[str, dict[str, str]], Coroutine[Any, Any, None]], count: int, wish: str
) -> None:
    """A stream whose client closes after the last event is completed, compressed or cut to bytes as it may be."""
    opened = await house()
    await use(opened.proxy, {"x-sandbox": wish})
    rows = await opened.rows(count)
    assert {(row["outcome"], row["status"], row["tokens"]["source"]) for row in rows} == {
        ("completed", 200, "reported")
    }
