"""The official google-genai SDK, unchanged, through the house, and the array that people get who use curl."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from google import genai
from google.genai import types

from tests.clients.ledger import KEY, Ledger
from tests.clients.sample import Counts, Sample, counts, use_async, use_sync

# The SDK's own aiohttp session class; nothing of ours can avoid it.
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")

MODEL = "gemini-2.5-flash"
QUESTION = "Which train is first?"
LATER: Any = [
    types.Content(role="user", parts=[types.Part.from_text(text="a" * 8000)]),
    types.Content(role="model", parts=[types.Part.from_text(text="Yes.")]),
    types.Content(role="user", parts=[types.Part.from_text(text=QUESTION)]),
]
PICTURE: Any = [types.Part.from_bytes(data=b"\x89PNG", mime_type="image/png"), "What is it?"]
CITY = types.Schema(type=types.Type.OBJECT, properties={"city": types.Schema(type=types.Type.STRING, enum=["Lisbon"])})
WEATHER = types.GenerateContentConfig(
    tools=[types.Tool(function_declarations=[types.FunctionDeclaration(name="get_weather", parameters=CITY)])],
    automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
)
STREAM = f"/gemini/v1beta/models/{MODEL}:streamGenerateContent"


def of_usage(usage: Any) -> Counts:
    """Gemini's own words: thoughts stand beside the candidates."""
    thoughts = usage.thoughts_token_count or 0
    outgoing = (usage.candidates_token_count or 0) + thoughts
    read = usage.cached_content_token_count or 0
    assert usage.total_token_count == usage.prompt_token_count + outgoing
    return counts(usage.prompt_token_count, outgoing, read=read, written=None, reasoning=thoughts)


def of_answer(answer: Any) -> Counts:
    """A whole answer's."""
    return of_usage(answer.usage_metadata)


def of_chunks(chunks: Any) -> Counts:
    """The last chunk's."""
    return of_usage(chunks[-1].usage_metadata)


def of_plain(usage: Any) -> Counts:
    """The same from plain JSON."""
    thoughts = usage["thoughtsTokenCount"]
    return counts(usage["promptTokenCount"], usage["candidatesTokenCount"] + thoughts, written=None, reasoning=thoughts)


SAMPLES = [
    Sample(
        "content",
        lambda models: models.generate_content(model=MODEL, contents=QUESTION),
        "chat", MODEL, MODEL, of_answer,
    ),
    Sample(
        "content from a cache",
        lambda models: models.generate_content(model=MODEL, contents=LATER),
        "chat", MODEL, MODEL, of_answer,
    ),
    Sample(
        "content with a picture",
        lambda models: models.generate_content(model=MODEL, contents=PICTURE),
        "chat", MODEL, MODEL, of_answer,
    ),
    Sample(
        "content with tools",
        lambda models: models.generate_content(model=MODEL, contents=QUESTION, config=WEATHER),
        "chat", MODEL, MODEL, of_answer,
    ),
    Sample(
        "content streamed",
        lambda models: models.generate_content_stream(model=MODEL, contents=QUESTION),
        "chat", MODEL, MODEL, of_chunks, stream=True,
    ),
    Sample(
        "content streamed with tools",
        lambda models: models.generate_content_stream(model=MODEL, contents=QUESTION, config=WEATHER),
        "chat", MODEL, MODEL, of_chunks, stream=True,
    ),
    Sample(
        "embeddings",
        lambda models: models.embed_content(model="gemini-embedding-001", contents=["one", "twelve"]),
        "embedding", "gemini-embedding-001", "gemini-embedding-001",
        lambda _: counts(3, 0, written=None),  # the SDK drops what the sandbox told: 1 and 2 tokens
    ),
    Sample(
        "count",
        lambda models: models.count_tokens(model=MODEL, contents=QUESTION),
        "count_tokens", MODEL, MODEL, lambda _: None, cost="free",
    ),
    Sample("models", lambda models: models.list(), "model", None, None, lambda _: None, cost="free"),
]  # fmt: skip


@pytest.mark.parametrize("asynchronous", [True, False], ids=["async", "sync"])
async def test_calls_are_the_rows_they_should_be(ledger: Ledger, asynchronous: bool) -> None:
    """Whatever the SDK asks for, whole or streamed, is one completed row with what the client was told."""
    client = genai.Client(api_key=KEY, http_options=types.HttpOptions(base_url=ledger.house.proxy + "/gemini"))
    for sample in SAMPLES:
        began = datetime.now(UTC)
        answer = await (use_async if asynchronous else use_sync)(
            sample, client.aio.models if asynchronous else client.models
        )
        await ledger.check(sample, answer, began)
    await client.aio.aclose()
    client.close()


@pytest.mark.parametrize(
    ("path", "stream"),
    [(STREAM, True), (STREAM + "?alt=sse", True), (f"/gemini/v1beta/models/{MODEL}:generateContent", False)],
)
async def test_plain_requests_are_rows_too(ledger: Ledger, path: str, stream: bool) -> None:
    """What curl sends, with its key in the query and for an array instead of events, is read as what the SDK sends."""
    body = {"contents": [{"parts": [{"text": QUESTION}]}]}
    began = datetime.now(UTC)
    mark = "&" if "?" in path else "?"
    async with ledger.asking.post(f"{ledger.house.proxy}{path}{mark}key={KEY}", json=body) as response:
        assert response.status == 200
        text = await response.read()
    if "alt=sse" in path:
        pieces = [orjson.loads(event.removeprefix(b"data: ")) for event in text.split(b"\r\n\r\n") if event]
    else:
        pieces = orjson.loads(text) if stream else [orjson.loads(text)]
    sample = Sample(path, lambda _: None, "chat", MODEL, MODEL, of_plain, stream=stream)
    row = await ledger.check(sample, pieces[-1]["usageMetadata"], began)
    details = await ledger.details(row)
    assert KEY not in orjson.dumps(details).decode()
    assert details["target"].endswith("key=REDACTED")
