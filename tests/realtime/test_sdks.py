"""The official SDKs open their sessions through the proxy, with nothing but the address changed."""

import json
from pathlib import Path
from typing import Any

import pytest
from google import genai
from google.genai import types
from openai import AsyncOpenAI
from openai.resources.responses import AsyncResponses

from proxy.config.model import Secret
from proxy.keys.register import Register
from tests.conftest import OpenHouse
from tests.realtime.conftest import OpenUpstream
from tests.realtime.said import CREATED, audio, done
from tests.realtime.tls import tls_before
from tests.realtime.wire import Wire, until_closed


async def answer_each(wire: Wire) -> None:
    """A realtime API, as much of it as a client needs."""
    await wire.send(CREATED)
    number = 0
    while isinstance(told := await wire.next(), str):
        if json.loads(told)["type"] == "response.create":
            number += 1
            await wire.send(audio(4000))
            await wire.send(done(number))
    await wire.close(1000)


async def test_openai_realtime(house: OpenHouse, upstream: OpenUpstream) -> None:
    """`client.realtime.connect` works with `base_url` alone, and a key that was issued here is swapped."""
    up = await upstream(answer_each)
    opened = await house(up.url, upstream={"api_key": Secret("sk-of-the-house-0123456789")})
    _, key = Register(opened.config.store.data_dir).create("laptop", "lab", models=("gpt-realtime*",))
    opened.worker.keyring.refresh()
    client = AsyncOpenAI(api_key=key, base_url=f"{opened.proxy}/openai/v1")
    async with client.realtime.connect(model="gpt-realtime") as connection:
        for _ in range(2):
            await connection.response.create()
            async for event in connection:
                if event.type == "response.done":
                    assert event.response.usage is not None
                    assert event.response.usage.total_tokens == 15
                    break
    (visit,) = up.visits
    assert visit.head.values(b"authorization") == [b"Bearer sk-of-the-house-0123456789"]
    row = await opened.row()
    assert (row["key"], row["type"], row["outcome"], row["tokens"]["total"]) == ("laptop", "realtime", "completed", 30)
    assert row["model"] == "gpt-realtime-2025-08-28"
    await client.close()


async def test_openai_realtime_is_refused(house: OpenHouse, upstream: OpenUpstream) -> None:
    """A refusal reaches the SDK's user as a status, before there is a session."""
    up = await upstream(until_closed)
    opened = await house(up.url, upstream={"access": "keys"})
    client = AsyncOpenAI(api_key="sk-nobody-knows-this-one", base_url=f"{opened.proxy}/openai/v1")
    with pytest.raises(Exception, match="401"):
        async with client.realtime.connect(model="gpt-realtime"):
            pass
    assert (await opened.row())["status"] == 401
    await client.close()


async def answer_responses(wire: Wire) -> None:
    """The responses API over a websocket."""
    number = 0
    while isinstance(told := await wire.next(), str):
        asked = json.loads(told)
        number += 1
        response: dict[str, Any] = {
            "id": f"resp_{number}", "object": "response", "created_at": 1, "model": f"{asked['model']}-2025-01-01",
            "status": "in_progress", "output": [], "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
        }  # fmt: skip
        await wire.send(json.dumps({"type": "response.created", "sequence_number": 0, "response": response}))
        usage = {"input_tokens": 7, "input_tokens_details": {"cached_tokens": 2}, "output_tokens": 3,
                 "output_tokens_details": {"reasoning_tokens": 1}, "total_tokens": 10}  # fmt: skip
        response |= {"status": "completed", "usage": usage}
        await wire.send(json.dumps({"type": "response.completed", "sequence_number": 1, "response": response}))
    await wire.close(1000)


@pytest.mark.skipif(not hasattr(AsyncResponses, "connect"), reason="an older SDK")
async def test_openai_responses(house: OpenHouse, upstream: OpenUpstream) -> None:
    """`client.responses.connect` is a chat of one row; a second model in it is a portion of its own."""
    up = await upstream(answer_responses)
    opened = await house(up.url)
    client = AsyncOpenAI(api_key="sk-0123456789abcdef", base_url=f"{opened.proxy}/openai/v1")
    async with client.responses.connect() as connection:
        for model in ("gpt-4o", "gpt-4o", "gpt-4o-mini"):
            await connection.response.create(model=model, input="Hello")
            async for event in connection:
                if event.type == "response.completed":
                    break
    row = await opened.row()
    assert (row["type"], row["stream"], row["outcome"]) == ("chat", True, "completed")
    assert (row["requested_model"], row["model"]) == ("gpt-4o", "gpt-4o-2025-01-01")
    tokens = row["tokens"]
    assert (tokens["input"], tokens["output"], tokens["cache_read"], tokens["reasoning"]) == (14, 6, 4, 2)
    await client.close()


async def answer_live(wire: Wire) -> None:
    """Gemini's Live API, which sends its JSON as bytes."""
    assert isinstance(setup := await wire.next(), str)
    assert json.loads(setup)["setup"]["model"].endswith("gemini-live-2.5-flash")
    await wire.send(b'{\n  "setupComplete": {}\n}\n')
    turn = 0
    while isinstance(await wire.next(), str):
        turn += 1
        text = {"serverContent": {"modelTurn": {"parts": [{"text": "Hello"}]}}}
        await wire.send(json.dumps(text).encode())
        details = [{"modality": "TEXT", "tokenCount": 3}, {"modality": "AUDIO", "tokenCount": 20}]
        usage = {"promptTokenCount": 10 * turn, "responseTokenCount": 23, "totalTokenCount": 10 * turn + 23,
                 "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 10 * turn}],
                 "responseTokensDetails": details}  # fmt: skip
        over = {"serverContent": {"turnComplete": True}, "usageMetadata": usage}
        await wire.send(json.dumps(over, indent=2).encode())
    await wire.close(1000)


async def test_google_live(house: OpenHouse, upstream: OpenUpstream, tmp_path: Path) -> None:
    """`client.aio.live.connect` works; each turn is charged with the whole conversation, so turns are added up."""
    up = await upstream(answer_live)
    opened = await house(up.url)
    async with tls_before(opened.proxy, tmp_path) as (url, trust):
        options = types.HttpOptions(base_url=f"{url}/gemini", async_client_args={"ssl": trust})
        client = genai.Client(api_key="AIza0123456789abcdefg", http_options=options)
        async with client.aio.live.connect(model="gemini-live-2.5-flash") as session:
            for _ in range(2):
                await session.send_client_content(turns=types.Content(role="user", parts=[types.Part(text="Hi")]))
                heard = [message async for message in session.receive()]
                assert heard[-1].usage_metadata is not None
        row = await opened.row()
        await client.aio.aclose()
        client.close()
    assert (row["type"], row["outcome"], row["model"]) == ("realtime", "completed", "gemini-live-2.5-flash")
    assert (row["tokens"]["input"], row["tokens"]["output"]) == (30, 46)
    details = await opened.details(row["id"])
    assert details["tokens"]["parts"]["output_audio"] == 40
    assert str(details["key"]).endswith("defg")
