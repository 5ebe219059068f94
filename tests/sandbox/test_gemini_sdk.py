"""The official google-genai SDK, unchanged, against the sandbox."""

import asyncio
from typing import Any

import pytest
from google import genai
from google.genai import errors, types

# The SDK's own aiohttp session class; nothing of ours can avoid it.
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")

QUESTION = "Which train is first?"  # 6 tokens, 3 for the message
WEATHER = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(
            name="get_weather",
            parameters=types.Schema(
                type=types.Type.OBJECT,
                properties={"city": types.Schema(type=types.Type.STRING, enum=["Lisbon"])},
            ),
        )
    ]
)


def client_of(sandbox_url: str) -> genai.Client:
    return genai.Client(api_key="test", http_options=types.HttpOptions(base_url=sandbox_url))


@pytest.fixture
async def client(sandbox_url: str) -> Any:
    """The asynchronous client."""
    async with client_of(sandbox_url).aio as client:
        yield client


async def test_generate_whole_and_streamed(client: Any) -> None:
    """A streamed answer adds up to the whole one, and its last usage is the whole one's."""
    whole = await client.models.generate_content(model="gemini-2.5-flash", contents=QUESTION)
    usage = whole.usage_metadata
    assert usage.prompt_token_count == 6 + 3
    assert usage.total_token_count == 9 + usage.candidates_token_count + usage.thoughts_token_count
    stream = await client.models.generate_content_stream(model="gemini-2.5-flash", contents=QUESTION)
    chunks = [chunk async for chunk in stream]
    assert "".join(chunk.text for chunk in chunks) == whole.text
    assert chunks[-1].usage_metadata == usage
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP


async def test_tools_images_and_schemas(client: Any) -> None:
    """A function is called with fitting arguments, an image costs its tokens, a schema is filled."""
    manual = types.AutomaticFunctionCallingConfig(disable=True)
    config = types.GenerateContentConfig(tools=[WEATHER], automatic_function_calling=manual)
    called = await client.models.generate_content(model="gemini-2.5-flash", contents=QUESTION, config=config)
    assert called.function_calls[0].args == {"city": "Lisbon"}
    picture = types.Part.from_bytes(data=b"\x89PNG", mime_type="image/png")
    seen = await client.models.generate_content(model="gemini-2.0-flash", contents=[picture, "What is it?"])
    assert seen.usage_metadata.prompt_token_count == 3 + 3 + 258
    shaped = types.GenerateContentConfig(response_mime_type="application/json", response_schema=list[str])
    parsed = await client.models.generate_content(model="gemini-2.5-flash", contents=QUESTION, config=shaped)
    assert parsed.parsed == ["sandbox"]


async def test_embedding_counting_models(client: Any) -> None:
    """Vectors have the asked size, counting agrees with the call, models are listed."""
    size = types.EmbedContentConfig(output_dimensionality=12)
    embedded = await client.models.embed_content(
        model="gemini-embedding-001", contents=["one", "two words"], config=size
    )
    assert [len(each.values) for each in embedded.embeddings] == [12, 12]
    counted = await client.models.count_tokens(model="gemini-2.5-flash", contents=QUESTION)
    assert counted.total_tokens == 9
    assert "models/gemini-2.5-pro" in [model.name async for model in await client.models.list()]


@pytest.mark.parametrize(
    ("status", "error"), [(400, errors.ClientError), (401, errors.ClientError), (429, errors.ClientError),
                          (500, errors.ServerError), (503, errors.ServerError)]
)  # fmt: skip
async def test_failures_raise_the_sdks_own_errors(client: Any, status: int, error: type) -> None:
    """A status on demand raises the SDK's exception with that code, whole and streamed."""
    with pytest.raises(error) as raised:
        await client.models.generate_content(model=f"gemini-2.5-flash+status={status}", contents=QUESTION)
    assert raised.value.code == status  # type: ignore[attr-defined]
    stream = await client.models.generate_content_stream(model=f"gemini-2.5-flash+status={status}", contents=QUESTION)
    with pytest.raises(error):
        await anext(stream)


async def test_error_in_a_stream_raises(client: Any) -> None:
    """An error chunk in a running stream raises, after the chunks before it."""
    stream = await client.models.generate_content_stream(model="gemini-2.5-flash+error-in-stream", contents=QUESTION)
    assert (await anext(stream)).text
    with pytest.raises(errors.APIError):
        _ = [chunk async for chunk in stream]


async def test_synchronous_client(sandbox_url: str) -> None:
    """The synchronous client works as the asynchronous one does."""

    def use() -> tuple[str | None, str]:
        with client_of(sandbox_url) as client:
            whole = client.models.generate_content(model="gemini-2.0-flash", contents=QUESTION)
            stream = client.models.generate_content_stream(model="gemini-2.0-flash", contents=QUESTION)
            return whole.text, "".join(chunk.text or "" for chunk in stream)

    whole, streamed = await asyncio.to_thread(use)
    assert whole == streamed
