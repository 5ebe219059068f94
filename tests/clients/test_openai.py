"""The official openai SDK, unchanged, through the house: each call is the row the client could have written itself."""

import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import openai
import pytest

from tests.clients.ledger import KEY, Ledger
from tests.clients.sample import Counts, Sample, counts, use_async, use_sync

QUESTION: Any = [{"role": "user", "content": "Which train is first?"}]  # 9 tokens in the sandbox
LATER: Any = [{"role": "user", "content": "a" * 8000}, {"role": "assistant", "content": "Yes."}, *QUESTION]
PICTURE: Any = [
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "What is it?"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
        ],
    }
]
CITY = {"type": "object", "properties": {"city": {"type": "string", "enum": ["Lisbon"]}}}
TOOLS: Any = [{"type": "function", "function": {"name": "get_weather", "parameters": CITY}}]
TOOL: Any = {"type": "function", "name": "get_weather", "parameters": CITY, "strict": False}
MODEL, DATED = "gpt-4o-mini", "gpt-4o-mini-2024-07-18"


def of_usage(usage: Any) -> Counts:
    """Chat completions' own words."""
    into, out = usage.prompt_tokens_details, usage.completion_tokens_details
    return counts(
        usage.prompt_tokens,
        usage.completion_tokens,
        read=into.cached_tokens if into else None,
        written=0 if into else None,
        reasoning=out.reasoning_tokens if out else None,
    )


def of_response(usage: Any) -> Counts:
    """The responses' own words."""
    read, reasoning = usage.input_tokens_details.cached_tokens, usage.output_tokens_details.reasoning_tokens
    return counts(usage.input_tokens, usage.output_tokens, read=read, reasoning=reasoning)


def of_text(chunks: Any) -> Counts:
    """What the sandbox counts for a stream whose client saw no usage: one token per four letters."""
    assert all(chunk.choices for chunk in chunks)
    letters = sum(len(chunk.choices[0].delta.content or "") for chunk in chunks)
    return counts(9, -(-letters // 4))


def nobody(_: Any) -> None:
    """No tokens are told."""


SAMPLES = [
    Sample(
        "chat",
        lambda client: client.chat.completions.create(model=MODEL, messages=QUESTION),
        "chat", MODEL, DATED, lambda answer: of_usage(answer.usage),
    ),
    Sample(
        "chat from a cache",
        lambda client: client.chat.completions.create(model=MODEL, messages=LATER),
        "chat", MODEL, DATED, lambda answer: of_usage(answer.usage),
    ),
    Sample(
        "chat with a picture",
        lambda client: client.chat.completions.create(model=MODEL, messages=PICTURE),
        "chat", MODEL, DATED, lambda answer: of_usage(answer.usage),
    ),
    Sample(
        "chat with tools",
        lambda client: client.chat.completions.create(model=MODEL, messages=QUESTION, tools=TOOLS),
        "chat", MODEL, DATED, lambda answer: of_usage(answer.usage),
    ),
    Sample(
        "chat that reasons",
        lambda client: client.chat.completions.create(model="o4-mini", messages=QUESTION, user="ada"),
        "chat", "o4-mini", "o4-mini-2025-04-16", lambda answer: of_usage(answer.usage), more={"user": "ada"},
    ),
    Sample(
        "chat streamed",
        lambda client: client.chat.completions.create(model=MODEL, messages=QUESTION, stream=True),
        "chat", MODEL, DATED, of_text, stream=True,
    ),
    Sample(
        "chat streamed with usage",
        lambda client: client.chat.completions.create(
            model=MODEL, messages=QUESTION, stream=True, stream_options={"include_usage": True}
        ),
        "chat", MODEL, DATED, lambda chunks: of_usage(chunks[-1].usage), stream=True,
    ),
    Sample(
        "chat streamed with tools and usage",
        lambda client: client.chat.completions.create(
            model=MODEL, messages=QUESTION, tools=TOOLS, stream=True, stream_options={"include_usage": True}
        ),
        "chat", MODEL, DATED, lambda chunks: of_usage(chunks[-1].usage), stream=True,
    ),
    Sample(
        "chat compressed",
        lambda client: client.chat.completions.create(
            model=MODEL, messages=QUESTION, extra_headers={"x-sandbox": "gzip"}
        ),
        "chat", MODEL, DATED, lambda answer: of_usage(answer.usage),
    ),
    Sample(
        "completion",
        lambda client: client.completions.create(model="gpt-3.5-turbo-instruct", prompt="Once", max_tokens=9),
        "completion", "gpt-3.5-turbo-instruct", "gpt-3.5-turbo-instruct:20230824-v2",
        lambda answer: of_usage(answer.usage),
    ),
    Sample(
        "completion streamed",
        lambda client: client.completions.create(
            model="gpt-3.5-turbo-instruct", prompt="Once", max_tokens=9, stream=True
        ),
        "completion", "gpt-3.5-turbo-instruct", "gpt-3.5-turbo-instruct:20230824-v2",
        lambda _: counts(1, 9, read=None, written=None, reasoning=None), stream=True,
    ),
    Sample(
        "response",
        lambda client: client.responses.create(model="gpt-5-mini", input="Shorten this note"),
        "chat", "gpt-5-mini", "gpt-5-mini-2025-08-07", lambda answer: of_response(answer.usage),
    ),
    Sample(
        "response with tools",
        lambda client: client.responses.create(model=MODEL, input="Weather?", tools=[TOOL]),
        "chat", MODEL, DATED, lambda answer: of_response(answer.usage),
    ),
    Sample(
        "response streamed",
        lambda client: client.responses.create(model="gpt-5-mini", input="Shorten this note", stream=True),
        "chat", "gpt-5-mini", "gpt-5-mini-2025-08-07", lambda events: of_response(events[-1].response.usage),
        stream=True,
    ),
    Sample(
        "embeddings",
        lambda client: client.embeddings.create(model="text-embedding-3-small", input=["one", "twelve"]),
        "embedding", "text-embedding-3-small", "text-embedding-3-small",
        lambda answer: counts(answer.usage.prompt_tokens, 0, read=None, written=None, reasoning=None),
    ),
    Sample(
        "image",
        lambda client: client.images.generate(model="gpt-image-1", prompt="A blue cup", quality="low"),
        "image", "gpt-image-1", "gpt-image-1",
        lambda answer: counts(answer.usage.input_tokens, answer.usage.output_tokens),
    ),
    Sample(
        "image streamed",
        lambda client: client.images.generate(model="gpt-image-1", prompt="A blue cup", quality="low", stream=True),
        "image", "gpt-image-1", "gpt-image-1",
        lambda events: counts(events[-1].usage.input_tokens, events[-1].usage.output_tokens), stream=True,
    ),
    Sample(
        "image without usage",
        lambda client: client.images.generate(model="dall-e-3", prompt="A blue cup"),
        "image", "dall-e-3", "dall-e-3", nobody, cost="unknown",
    ),
    Sample(
        "moderation",
        lambda client: client.moderations.create(input="hello", model="omni-moderation-latest"),
        "moderation", "omni-moderation-latest", "omni-moderation-latest", nobody, cost="free",
    ),
    Sample(
        "models", lambda client: client.models.list(), "model", None, None, nobody, cost="free",
    ),
]  # fmt: skip
MEDIA = [
    Sample(
        "speech",
        lambda client: client.audio.speech.create(model="tts-1", voice="alloy", input="Good morning"),
        "speech", "tts-1", "tts-1", nobody,
    ),
    Sample(
        "transcription",
        lambda client: client.audio.transcriptions.create(
            model="gpt-4o-mini-transcribe", file=("note.wav", io.BytesIO(bytes(70_000)))
        ),
        "transcription", "gpt-4o-mini-transcribe", "gpt-4o-mini-transcribe", nobody,
    ),
]  # fmt: skip


@pytest.mark.parametrize("asynchronous", [True, False], ids=["async", "sync"])
async def test_calls_are_the_rows_they_should_be(ledger: Ledger, asynchronous: bool) -> None:
    """Whatever the SDK asks for, whole or streamed, is one completed row with what the client was told."""
    made: Callable[..., Any] = openai.AsyncOpenAI if asynchronous else openai.OpenAI
    client = made(base_url=ledger.house.proxy + "/openai/v1", api_key=KEY, max_retries=0)
    for sample in SAMPLES:
        began = datetime.now(UTC)
        answer = await (use_async if asynchronous else use_sync)(sample, client)
        await ledger.check(sample, answer, began)
    for sample in MEDIA:
        await (use_async if asynchronous else use_sync)(sample, client)
        row = await ledger.next()
        assert (row["type"], row["status"], row["outcome"]) == (sample.type, 200, "completed")
        assert (row["requested_model"], row["model"]) == (sample.requested_model, sample.model)
    if asynchronous:
        await client.close()
    else:
        client.close()
