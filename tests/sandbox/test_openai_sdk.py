"""The official openai SDK, unchanged, against the sandbox."""

import asyncio
import io
from typing import Any

import openai
import pydantic
import pytest

TOOLS: Any = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string", "enum": ["Lisbon"]}}},
        },
    }
]
PICTURE = "data:image/png;base64,iVBORw0KGgo="
QUESTION: Any = [{"role": "user", "content": "Which train is first?"}]  # 21 characters: 6 tokens, 3 for the message


class Plan(pydantic.BaseModel):
    """A reply with a shape."""

    title: str
    steps: list[str]
    minutes: int


@pytest.fixture
async def client(sandbox_url: str) -> Any:
    """The asynchronous client."""
    async with openai.AsyncOpenAI(base_url=sandbox_url + "/v1", api_key="sk-test", max_retries=0) as client:
        yield client


def synchronous(sandbox_url: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=sandbox_url + "/v1", api_key="sk-test", max_retries=0)


async def test_chat_whole(client: openai.AsyncOpenAI) -> None:
    """A whole chat answers with the dated model, text and counts by the documented rule."""
    answer = await client.chat.completions.create(model="gpt-4o-mini", messages=QUESTION)
    assert answer.model == "gpt-4o-mini-2024-07-18"
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == 6 + 3
    assert answer.usage.completion_tokens == -(-len(answer.choices[0].message.content or "") // 4)
    assert answer._request_id is not None
    assert answer._request_id.startswith("req_")


async def test_chat_streams_without_usage_unless_asked(client: openai.AsyncOpenAI) -> None:
    """A stream that did not ask for usage has none in any chunk, and no chunk without choices."""
    stream = await client.chat.completions.create(model="gpt-4o", messages=QUESTION, stream=True)
    chunks = [chunk async for chunk in stream]
    assert all(chunk.choices for chunk in chunks)
    assert not any("usage" in chunk.model_fields_set for chunk in chunks)


async def test_chat_streams_usage_in_a_last_chunk_when_asked(client: openai.AsyncOpenAI) -> None:
    """A stream that asked has null usage in every chunk but one more at the end, and the text of the whole answer."""
    whole = await client.chat.completions.create(model="gpt-4o", messages=QUESTION)
    stream = await client.chat.completions.create(
        model="gpt-4o", messages=QUESTION, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    assert [bool(chunk.choices) for chunk in chunks] == [True] * (len(chunks) - 1) + [False]
    assert all(chunk.usage is None and "usage" in chunk.model_fields_set for chunk in chunks[:-1])
    assert chunks[-1].usage == whole.usage
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1])
    assert text == whole.choices[0].message.content


async def test_chat_calls_a_tool_whole_and_streamed(client: openai.AsyncOpenAI) -> None:
    """A tool is called with arguments that fit its schema, and not again once its result came."""
    whole = await client.chat.completions.create(model="gpt-4o", messages=QUESTION, tools=TOOLS)
    assert whole.choices[0].finish_reason == "tool_calls"
    calls: Any = whole.choices[0].message.tool_calls
    assert calls[0].function.arguments == '{"city":"Lisbon"}'
    async with client.chat.completions.stream(model="gpt-4o", messages=QUESTION, tools=TOOLS) as stream:
        streamed: Any = (await stream.get_final_completion()).choices[0].message.tool_calls
    assert streamed[0].function.arguments == calls[0].function.arguments
    result: Any = {"role": "tool", "tool_call_id": calls[0].id, "content": "Sunny"}
    after: Any = [*QUESTION, whole.choices[0].message.model_dump(exclude_none=True), result]
    told = await client.chat.completions.create(model="gpt-4o", messages=after, tools=TOOLS)
    assert told.choices[0].finish_reason == "stop"


async def test_chat_counts_images_and_fills_schemas(client: openai.AsyncOpenAI) -> None:
    """An image costs its tokens, and a reply parses into the asked type."""
    parts: Any = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": PICTURE}}]
    seen = await client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": parts}])
    assert seen.usage is not None
    assert seen.usage.prompt_tokens == 3 + 3 + 85
    parsed = await client.chat.completions.parse(model="gpt-4o", messages=QUESTION, response_format=Plan)
    assert isinstance(parsed.choices[0].message.parsed, Plan)


async def test_responses_whole_and_streamed(client: openai.AsyncOpenAI) -> None:
    """A streamed response ends in response.completed with the usage of the whole one."""
    whole = await client.responses.create(model="gpt-5-mini", input="Shorten this note")
    assert whole.usage is not None
    assert whole.usage.output_tokens_details.reasoning_tokens == 128
    stream = await client.responses.create(model="gpt-5-mini", input="Shorten this note", stream=True)
    events = [event async for event in stream]
    assert events[-1].type == "response.completed"
    assert events[-1].response.usage == whole.usage
    assert events[-1].response.output_text == whole.output_text != ""
    assert [event.sequence_number for event in events] == list(range(len(events)))
    tool: Any = {"type": "function", "strict": False, **TOOLS[0]["function"]}
    async with client.responses.stream(model="gpt-4.1", input="Weather?", tools=[tool]) as streamed:
        called = (await streamed.get_final_response()).output[0]
    assert called.type == "function_call"
    assert called.arguments == '{"city":"Lisbon"}'


async def test_completions(client: openai.AsyncOpenAI) -> None:
    """A completion is cut at its limit, whole and streamed alike."""
    whole = await client.completions.create(model="gpt-3.5-turbo-instruct", prompt="Once upon", max_tokens=5)
    assert len(whole.choices[0].text) == 20
    assert whole.choices[0].finish_reason == "length"
    stream = await client.completions.create(
        model="gpt-3.5-turbo-instruct", prompt="Once upon", max_tokens=5, stream=True
    )
    assert "".join([chunk.choices[0].text async for chunk in stream]) == whole.choices[0].text


async def test_embeddings_as_numbers_and_base64(client: openai.AsyncOpenAI) -> None:
    """The SDK's base64 default and plain numbers give the same vectors."""
    packed = await client.embeddings.create(model="text-embedding-3-small", input=["one", "twelve"])
    plain = await client.embeddings.create(
        model="text-embedding-3-small", input=["one", "twelve"], encoding_format="float"
    )
    assert len(packed.data[0].embedding) == 1536
    assert packed.data[1].embedding == pytest.approx(plain.data[1].embedding, abs=1e-7)
    assert packed.usage.prompt_tokens == 1 + 2


async def test_images_moderations_models(client: openai.AsyncOpenAI) -> None:
    """gpt-image tells its usage and dall-e does not; nothing is flagged; models are listed and retrieved."""
    image = await client.images.generate(model="gpt-image-1", prompt="A blue cup", quality="low")
    assert image.usage is not None
    assert (image.usage.input_tokens, image.usage.output_tokens) == (3, 272)
    assert (await client.images.generate(model="dall-e-3", prompt="A blue cup")).usage is None
    assert not (await client.moderations.create(input="hello")).results[0].flagged
    assert "gpt-4o-mini" in [model.id async for model in client.models.list()]
    assert (await client.models.retrieve("gpt-4o")).id == "gpt-4o"


async def test_images_stream(client: openai.AsyncOpenAI) -> None:
    """A streamed picture ends in a completed event with the usage of the whole one."""
    stream = await client.images.generate(model="gpt-image-1", prompt="A blue cup", quality="low", stream=True)
    events = [event async for event in stream]
    assert events[-1].type == "image_generation.completed"
    assert events[-1].usage.total_tokens == 275


async def test_two_choices_and_plain_transcripts(client: openai.AsyncOpenAI) -> None:
    """Two choices cost two outputs and one input; a transcript as text is text alone."""
    one = await client.chat.completions.create(model="gpt-4o", messages=QUESTION)
    two = await client.chat.completions.create(model="gpt-4o", messages=QUESTION, n=2)
    assert one.usage is not None
    assert two.usage is not None
    assert [choice.index for choice in two.choices] == [0, 1]
    assert two.usage.completion_tokens == 2 * one.usage.completion_tokens
    assert two.usage.prompt_tokens == one.usage.prompt_tokens
    note = ("note.wav", io.BytesIO(bytes(2_000)))
    text: Any = await client.audio.transcriptions.create(model="whisper-1", file=note, response_format="text")
    assert text.startswith("This is what the sandbox heard")


async def test_speech_and_transcription(client: openai.AsyncOpenAI) -> None:
    """Speech is sound; a transcription counts seconds or tokens, and streams."""
    async with client.audio.speech.with_streaming_response.create(
        model="gpt-4o-mini-tts", voice="alloy", input="Good morning"
    ) as speech:
        sound = await speech.read()
    assert sound.startswith(b"\xff\xfb")
    wav = ("note.wav", io.BytesIO(bytes(70_000)))
    whisper: Any = await client.audio.transcriptions.create(model="whisper-1", file=wav)
    assert (whisper.usage.type, whisper.usage.seconds) == ("duration", 3)
    stream: Any = await client.audio.transcriptions.create(
        model="gpt-4o-mini-transcribe", file=("note.wav", io.BytesIO(bytes(70_000))), stream=True
    )
    events = [event async for event in stream]
    assert events[-1].type == "transcript.text.done"
    assert events[-1].usage.input_tokens == 30


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (404, openai.NotFoundError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
    ],
)
async def test_failures_raise_the_sdks_own_errors(client: openai.AsyncOpenAI, status: int, error: type) -> None:
    """A status on demand, in header or model name, raises the SDK's exception for it."""
    with pytest.raises(error):
        await client.chat.completions.create(model=f"gpt-4o+status={status}", messages=QUESTION)
    with pytest.raises(error):
        await client.responses.create(
            model="gpt-4o", input="hello", stream=True, extra_headers={"x-sandbox": f"status={status}"}
        )


async def test_broken_streams_raise(client: openai.AsyncOpenAI) -> None:
    """An error event and an aborted connection each end a stream with an exception, after some chunks."""
    stream = await client.chat.completions.create(model="gpt-4o+error-in-stream", messages=QUESTION, stream=True)
    with pytest.raises(openai.APIError, match="had an error"):
        _ = [chunk async for chunk in stream]
    stream = await client.chat.completions.create(model="gpt-4o+cut-stream", messages=QUESTION, stream=True)
    assert (await anext(aiter(stream))).choices
    with pytest.raises(openai.APIConnectionError):
        _ = [chunk async for chunk in stream]


async def test_synchronous_client(sandbox_url: str) -> None:
    """The synchronous client works as the asynchronous one does."""

    def use() -> tuple[str | None, str, int]:
        with synchronous(sandbox_url) as client:
            whole = client.chat.completions.create(model="gpt-4o", messages=QUESTION)
            stream = client.chat.completions.create(model="gpt-4o", messages=QUESTION, stream=True)
            text = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
            size = len(client.embeddings.create(model="text-embedding-3-large", input="one").data[0].embedding)
            return whole.choices[0].message.content, text, size

    whole, streamed, size = await asyncio.to_thread(use)
    assert whole == streamed
    assert size == 3072
