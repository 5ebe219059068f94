"""The official anthropic SDK, unchanged, against the sandbox."""

import asyncio
from typing import Any

import anthropic
import pytest

TOOLS: Any = [
    {
        "name": "get_weather",
        "input_schema": {"type": "object", "properties": {"city": {"type": "string", "enum": ["Lisbon"]}}},
    }
]
QUESTION: Any = [{"role": "user", "content": "Which train is first?"}]  # 6 tokens, 3 for the message


@pytest.fixture
async def client(sandbox_url: str) -> Any:
    """The asynchronous client."""
    async with anthropic.AsyncAnthropic(base_url=sandbox_url, api_key="sk-ant-test", max_retries=0) as client:
        yield client


async def test_messages_whole_and_streamed(client: anthropic.AsyncAnthropic) -> None:
    """A streamed message adds up to the whole one: same text, model, stop reason and counts."""
    whole = await client.messages.create(model="claude-haiku-4-5", max_tokens=500, messages=QUESTION)
    assert whole.model == "claude-haiku-4-5-20251001"
    assert whole.usage.input_tokens == 6 + 3
    assert whole._request_id is not None
    async with client.messages.stream(model="claude-haiku-4-5", max_tokens=500, messages=QUESTION) as stream:
        streamed = await stream.get_final_message()
    assert streamed.content[0].type == whole.content[0].type == "text"
    assert streamed.content[0].text == whole.content[0].text
    assert streamed.usage == whole.usage
    assert (streamed.model, streamed.stop_reason) == (whole.model, "end_turn")


async def test_raw_events_come_in_order(client: anthropic.AsyncAnthropic) -> None:
    """A stream starts with message_start with one output token, and ends with message_delta and message_stop."""
    stream = await client.messages.create(model="claude-haiku-4-5", max_tokens=500, messages=QUESTION, stream=True)
    events = [event async for event in stream]
    assert events[0].type == "message_start"
    assert events[0].message.usage.output_tokens == 1
    assert [event.type for event in events[-2:]] == ["message_delta", "message_stop"]


async def test_tools_whole_and_streamed(client: anthropic.AsyncAnthropic) -> None:
    """A tool is called with arguments that fit its schema, and not again once its result came."""
    asked: Any = {"model": "claude-haiku-4-5", "max_tokens": 500, "tools": TOOLS}
    whole = await client.messages.create(**asked, messages=QUESTION)
    assert whole.stop_reason == "tool_use"
    assert whole.content[0].type == "tool_use"
    assert whole.content[0].input == {"city": "Lisbon"}
    async with client.messages.stream(**asked, messages=QUESTION) as stream:
        called = (await stream.get_final_message()).content[0]
    assert called.type == "tool_use"
    assert called.input == {"city": "Lisbon"}
    result = {"type": "tool_result", "tool_use_id": whole.content[0].id, "content": "Sunny"}
    after = [*QUESTION, {"role": "assistant", "content": whole.content}, {"role": "user", "content": [result]}]
    assert (await client.messages.create(**asked, messages=after)).stop_reason == "end_turn"


async def test_images_thinking_and_limits(client: anthropic.AsyncAnthropic) -> None:
    """An image costs its tokens, thinking comes first and is counted, and a limit cuts the text."""
    source = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
    parts: Any = [{"type": "image", "source": source}, {"type": "text", "text": "What is it?"}]
    seen = await client.messages.create(
        model="claude-opus-4-8", max_tokens=5, messages=[{"role": "user", "content": parts}]
    )
    assert seen.usage.input_tokens == 3 + 3 + 1334
    assert (seen.stop_reason, seen.usage.output_tokens) == ("max_tokens", 5)
    async with client.messages.stream(
        model="claude-sonnet-4-6",
        max_tokens=4000,
        messages=QUESTION,
        thinking={"type": "enabled", "budget_tokens": 2000},
    ) as stream:
        thought = await stream.get_final_message()
    assert [block.type for block in thought.content] == ["thinking", "text"]
    assert thought.usage.output_tokens > 96


async def test_cache_is_written_then_read(client: anthropic.AsyncAnthropic) -> None:
    """A marked prefix is written in a conversation's first call, read in later ones, and in no other count."""
    system: Any = [{"type": "text", "text": "a" * 4000, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    asked: Any = {"model": "claude-sonnet-4-6", "max_tokens": 100, "system": system}
    first = (await client.messages.create(**asked, messages=QUESTION)).usage
    assert (first.input_tokens, first.cache_creation_input_tokens, first.cache_read_input_tokens) == (9, 1000, 0)
    assert first.cache_creation is not None
    assert first.cache_creation.ephemeral_1h_input_tokens == 1000
    later = [*QUESTION, {"role": "assistant", "content": "The early one."}, *QUESTION]
    second = (await client.messages.create(**asked, messages=later)).usage
    assert (second.cache_creation_input_tokens, second.cache_read_input_tokens) == (0, 1000)


async def test_counting_and_models(client: anthropic.AsyncAnthropic) -> None:
    """Counting agrees with the input tokens of the call; models are listed."""
    counted = await client.messages.count_tokens(model="claude-sonnet-4-6", messages=QUESTION)
    assert counted.input_tokens == 9
    assert "claude-haiku-4-5-20251001" in [model.id async for model in client.models.list()]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, anthropic.BadRequestError),
        (401, anthropic.AuthenticationError),
        (429, anthropic.RateLimitError),
        (500, anthropic.InternalServerError),
        (529, anthropic.InternalServerError),
    ],
)
async def test_failures_raise_the_sdks_own_errors(client: anthropic.AsyncAnthropic, status: int, error: type) -> None:
    """A status on demand raises the SDK's exception for it, with the type in the body."""
    with pytest.raises(error) as raised:
        await client.messages.create(model=f"claude-sonnet-4-6+status={status}", max_tokens=9, messages=QUESTION)
    body: Any = raised.value
    assert body.body["type"] == "error"
    assert body.body["request_id"] == body.request_id


async def test_error_in_a_stream_raises(client: anthropic.AsyncAnthropic) -> None:
    """An error event in a running stream raises, with the service's words."""
    stream = await client.messages.create(
        model="claude-sonnet-4-6+error-in-stream", max_tokens=500, messages=QUESTION, stream=True
    )
    with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
        _ = [event async for event in stream]


async def test_synchronous_client(sandbox_url: str) -> None:
    """The synchronous client works as the asynchronous one does."""

    def use() -> tuple[str, str]:
        asked: Any = {"model": "claude-haiku-4-5", "max_tokens": 500, "messages": QUESTION}
        with anthropic.Anthropic(base_url=sandbox_url, api_key="sk-ant-test", max_retries=0) as client:
            whole: Any = client.messages.create(**asked).content[0]
            with client.messages.stream(**asked) as stream:
                return whole.text, "".join(stream.text_stream)

    whole, streamed = await asyncio.to_thread(use)
    assert whole == streamed != ""
