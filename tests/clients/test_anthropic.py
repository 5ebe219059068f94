"""The official anthropic SDK, unchanged, through the house: each call is the row the client could have written."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import anthropic
import pytest

from tests.clients.ledger import KEY, Ledger
from tests.clients.sample import Counts, Sample, counts, use_async, use_sync

MODEL, DATED = "claude-haiku-4-5", "claude-haiku-4-5-20251001"
QUESTION: Any = [{"role": "user", "content": "Which train is first?"}]
LATER: Any = [*QUESTION, {"role": "assistant", "content": "The early one."}, *QUESTION]
SOURCE = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
PICTURE: Any = [
    {"role": "user", "content": [{"type": "image", "source": SOURCE}, {"type": "text", "text": "What is it?"}]}
]
TOOLS: Any = [{"name": "get_weather", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}]
HOUR: Any = [{"type": "text", "text": "a" * 8000, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
ASKED: Any = {"model": MODEL, "max_tokens": 300}
THINKING: Any = {"type": "enabled", "budget_tokens": 1024}


def of_usage(usage: Any, reasoning: int | None = None) -> Counts:
    """Anthropic's own words: what was read from a cache and written to it stands beside the input."""
    read, written = usage.cache_read_input_tokens or 0, usage.cache_creation_input_tokens or 0
    return counts(
        usage.input_tokens + read + written, usage.output_tokens, read=read, written=written, reasoning=reasoning
    )


def of_message(message: Any) -> Counts:
    """A whole message's."""
    return of_usage(message.usage)


def of_events(events: Any) -> Counts:
    """A stream's last count."""
    (delta,) = [event for event in events if event.type == "message_delta"]
    return of_usage(delta.usage)


SAMPLES = [
    Sample(
        "message", lambda client: client.messages.create(**ASKED, messages=QUESTION), "chat", MODEL, DATED, of_message
    ),
    Sample(
        "message with a picture and a user",
        lambda client: client.messages.create(**ASKED, messages=PICTURE, metadata={"user_id": "ada"}),
        "chat", MODEL, DATED, of_message, more={"user": "ada"},
    ),
    Sample(
        "message with tools",
        lambda client: client.messages.create(**ASKED, messages=QUESTION, tools=TOOLS),
        "chat", MODEL, DATED, of_message,
    ),
    Sample(
        "message that writes a cache",
        lambda client: client.messages.create(**ASKED, messages=QUESTION, system=HOUR),
        "chat", MODEL, DATED, of_message,
    ),
    Sample(
        "message that reads a cache",
        lambda client: client.messages.create(**ASKED, messages=LATER, system=HOUR),
        "chat", MODEL, DATED, of_message,
    ),
    Sample(
        "message that thinks",
        lambda client: client.messages.create(
            model=MODEL, max_tokens=2000, messages=QUESTION, thinking=THINKING
        ),
        "chat", MODEL, DATED, lambda message: of_usage(message.usage, 96),
    ),
    Sample(
        "message compressed",
        lambda client: client.messages.create(**ASKED, messages=QUESTION, extra_headers={"x-sandbox": "gzip"}),
        "chat", MODEL, DATED, of_message,
    ),
    Sample(
        "message streamed",
        lambda client: client.messages.create(**ASKED, messages=QUESTION, stream=True),
        "chat", MODEL, DATED, of_events, stream=True,
    ),
    Sample(
        "message streamed with tools that writes a cache",
        lambda client: client.messages.create(
            **ASKED, messages=QUESTION, tools=TOOLS, system=HOUR, stream=True
        ),
        "chat", MODEL, DATED, of_events, stream=True,
    ),
    Sample(
        "message streamed and compressed",
        lambda client: client.messages.create(
            **ASKED, messages=QUESTION, stream=True, extra_headers={"x-sandbox": "gzip"}
        ),
        "chat", MODEL, DATED, of_events, stream=True,
    ),
    Sample(
        "count",
        lambda client: client.messages.count_tokens(model=MODEL, messages=QUESTION),
        "count_tokens", MODEL, MODEL, lambda _: None, cost="free",
    ),
    Sample("models", lambda client: client.models.list(), "model", None, None, lambda _: None, cost="free"),
]  # fmt: skip


@pytest.mark.parametrize("asynchronous", [True, False], ids=["async", "sync"])
async def test_calls_are_the_rows_they_should_be(ledger: Ledger, asynchronous: bool) -> None:
    """Whatever the SDK asks for, whole or streamed, is one completed row with what the client was told."""
    made: Callable[..., Any] = anthropic.AsyncAnthropic if asynchronous else anthropic.Anthropic
    client = made(base_url=ledger.house.proxy + "/anthropic", api_key=KEY, max_retries=0)
    for sample in SAMPLES:
        began = datetime.now(UTC)
        answer = await (use_async if asynchronous else use_sync)(sample, client)
        await ledger.check(sample, answer, began)
    if asynchronous:
        await client.close()
    else:
        client.close()


async def test_the_stream_helper_is_a_completed_row(ledger: Ledger) -> None:
    """`messages.stream` reads to the last event and closes; both clients leave a completed row with all tokens."""
    url = ledger.house.proxy + "/anthropic"
    sample = Sample("helper", lambda _: None, "chat", MODEL, DATED, of_message, stream=True)
    began = datetime.now(UTC)
    async with anthropic.AsyncAnthropic(base_url=url, api_key=KEY, max_retries=0) as client:
        async with client.messages.stream(**ASKED, messages=QUESTION) as stream:
            message = await stream.get_final_message()
        await ledger.check(sample, message, began)

    def use() -> Any:
        with (
            anthropic.Anthropic(base_url=url, auth_token=KEY, max_retries=0) as client,
            client.messages.stream(**ASKED, messages=QUESTION) as stream,
        ):
            return stream.get_final_message()

    began = datetime.now(UTC)
    await ledger.check(sample, await asyncio.to_thread(use), began)
