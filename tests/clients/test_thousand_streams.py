"""A thousand streams of the official openai SDK are a thousand completed rows, however the upstream ends them.

The SDK closes each connection once it has read `[DONE]`, without waiting for the end of the HTTP message.
"""

import asyncio

import openai
import pytest

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
    rows = await opened.rows(_CALLS, patience_s=30)
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
