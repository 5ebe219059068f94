"""What can be asked about calls afterwards, on the dashboard listener, agrees with what happened and with itself."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

import aiohttp
import anthropic
import openai
import orjson
import pytest
from google import genai
from google.genai import types

from tests.clients.ledger import FINGERPRINT, KEY, Ledger, check_cost

# google-genai's own aiohttp session class; nothing of ours can avoid it.
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")

SAID = "Which train is first? Gehört «ä» dazu? \N{STEAM LOCOMOTIVE}"
MESSAGES: Any = [{"role": "user", "content": SAID}]
TOOLS: Any = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string", "enum": ["Lisbon"]}}},
        },
    }
]


async def ask_openai(url: str, stream: bool, model: str = "gpt-4o-mini", **more: Any) -> str:
    """A chat; the text the client got."""
    async with openai.AsyncOpenAI(base_url=url + "/openai/v1", api_key=KEY, max_retries=0) as client:
        answer: Any = await client.chat.completions.create(
            model=model, messages=MESSAGES, temperature=0.25, stream=stream, **more
        )
        if not stream:
            return str(answer.choices[0].message.content)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in answer])


async def ask_anthropic(url: str, stream: bool, model: str = "claude-haiku-4-5") -> str:
    """A message; the text the client got."""
    async with anthropic.AsyncAnthropic(base_url=url + "/anthropic", api_key=KEY, max_retries=0) as client:
        asked: Any = {"model": model, "max_tokens": 300, "messages": MESSAGES, "extra_body": {"temperature": 0.25}}
        if not stream:
            message: Any = await client.messages.create(**asked)
            return str(message.content[0].text)
        async with client.messages.stream(**asked) as events:
            return str(await events.get_final_text())


async def ask_gemini(url: str, stream: bool, model: str = "gemini-2.5-flash") -> str:
    """Content; the text the client got."""
    async with genai.Client(api_key=KEY, http_options=types.HttpOptions(base_url=url + "/gemini")).aio as client:
        asked: Any = {
            "model": model, "contents": SAID, "config": types.GenerateContentConfig(temperature=0.25),
        }  # fmt: skip
        if not stream:
            return str((await client.models.generate_content(**asked)).text)
        return "".join([chunk.text or "" async for chunk in await client.models.generate_content_stream(**asked)])


ASKS = [ask_openai, ask_anthropic, ask_gemini]


@pytest.mark.parametrize("ask", ASKS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_call_can_be_read_in_full(ledger: Ledger, ask: Callable[..., Any], stream: bool) -> None:
    """One call tells its parameters, what was said both ways, its tokens, the arithmetic of its cost, key and group."""
    text = await ask(ledger.house.proxy, stream)
    row = await ledger.next()
    full = await ledger.details(row)
    assert full == orjson.loads(orjson.dumps(await ledger.house.details(row["id"])))
    assert {name: full[name] for name in row if name not in ("tokens", "cost")} == {
        name: row[name] for name in row if name not in ("tokens", "cost")
    }
    assert all(full[part][name] == value for part in ("tokens", "cost") for name, value in row[part].items())
    assert (full["key"], full["group"]) == (FINGERPRINT, "default")

    assert full["response"]["text"] == text != ""
    assert SAID in orjson.dumps(full["request"]["body"]).decode()
    settings = full["parameters"].get("generationConfig", full["parameters"])
    assert settings["temperature"] == 0.25
    assert full["request"]["truncated"] is full["response"]["truncated"] is False
    assert full["response"]["bytes"] > 0
    assert full["finish_reason"] in ("stop", "end_turn", "STOP")
    assert full["fault"] is None
    assert full["anomalies"] == []
    assert KEY not in orjson.dumps(full).decode()

    parts = sorted(count for count in full["tokens"]["parts"].values() if count)
    assert sorted(line["count"] for line in full["cost"]["lines"]) == parts
    assert sum(parts) == row["tokens"]["total"]
    assert full["tokens"]["raw"]
    check_cost(row, full, "priced")
    moments = [full["timings"][name] for name in ("asked_ms", "answered_ms", "duration_ms")]
    assert moments == sorted(moments)


@pytest.mark.parametrize("ask", ASKS)
async def test_a_failed_call_can_be_read_in_full(ledger: Ledger, ask: Callable[..., Any]) -> None:
    """A call the upstream refused tells what was asked, and the refusal in the upstream's words."""
    model = {ask_openai: "gpt-4o-mini", ask_anthropic: "claude-haiku-4-5", ask_gemini: "gemini-2.5-flash"}[ask]
    with pytest.raises(Exception, match=r"(?i)rate.limit|exhausted"):
        await ask(ledger.house.proxy, False, model + "+status=429")
    row = await ledger.next()
    full = await ledger.details(row)
    assert (full["status"], full["outcome"], full["fault"]) == (429, "completed", "client")
    assert full["error"]["message"] in orjson.dumps(full["response"]["body"]).decode()
    assert SAID in orjson.dumps(full["request"]["body"]).decode()
    assert (full["key"], full["group"]) == (FINGERPRINT, "default")
    assert full["cost"]["state"] == "free"
    assert full["cost"]["lines"] == []
    assert full["response"]["text"] is None
    assert full["requested_model"] == full["model"] == model + "+status=429"


async def test_tool_calls_are_in_the_text(ledger: Ledger) -> None:
    """The text of an answer that only calls a tool names the tool and its arguments, whole and streamed alike."""
    texts = []
    for stream in (False, True):
        await ask_openai(ledger.house.proxy, stream, tools=TOOLS)
        texts.append((await ledger.details(await ledger.next()))["response"]["text"])
    assert texts[0] == texts[1]
    assert "get_weather" in texts[0]
    assert "Lisbon" in texts[0]


async def test_facets_sums_and_tail_agree_with_the_rows(ledger: Ledger) -> None:
    """The tail tells each call once as it is listed; facets and sums are those of the rows."""
    told: dict[str, Any] = {}
    tail = asyncio.create_task(_listen(ledger, told))
    await asyncio.wait_for(_ready(told), 60)
    for ask in ASKS:
        for stream in (False, True):
            await ask(ledger.house.proxy, stream)
    with suppress(openai.APIStatusError, anthropic.APIStatusError):
        await ask_openai(ledger.house.proxy, False, "gpt-4o-mini+status=500")
    with suppress(openai.APIStatusError, anthropic.APIStatusError):
        await ask_anthropic(ledger.house.proxy, True, "claude-haiku-4-5+status=429")
    with suppress(openai.APIStatusError):
        await ask_openai(ledger.house.proxy + "/nowhere", False)
    async with ledger.asking.post(ledger.house.proxy + "/openai/v1/images/generations", json={}) as response:
        assert response.status == 400
    rows = await ledger.house.rows(10)
    listed = (await ledger.ask("/api/logs", limit="1000"))["logs"]
    assert listed == orjson.loads(orjson.dumps(rows))

    facets = await ledger.ask("/api/facets")
    assert facets.pop("complete")
    assert facets.pop("read_back_to") is None
    assert facets == {
        name: _by_count(Counter(row[name] for row in rows)) for name in ("model", "key", "group", "type", "upstream")
    }
    whole = await ledger.ask("/api/stats")
    _check_sums(whole["total"], rows)
    for by in ("model", "key", "group", "type", "upstream", "status", "outcome", "day", "model,type"):
        answer = await ledger.ask("/api/stats", by=by)
        assert answer["total"] == whole["total"]
        names = by.split(",")
        groups: defaultdict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
        for row in rows:
            groups[tuple(row["time"][:10] if name == "day" else row[name] for name in names)].append(row)
        assert len(answer["stats"]) == len(groups)
        for sums in answer["stats"]:
            _check_sums(sums, groups[tuple(sums[name] for name in names)])

    async with asyncio.timeout(60):
        while len(told) <= len(rows):  # noqa: ASYNC110 - the events come from a stream
            await asyncio.sleep(0.02)
    tail.cancel()
    del told["ready"]
    assert told == {row["id"]: row for row in listed}
    health = await ledger.ask("/api/health")
    assert (health["received"], health["stored"], health["waiting"], health["open"]) == (10, 10, 0, 0)
    assert health["lost"]["total"] == 0


async def _listen(ledger: Ledger, told: dict[str, Any]) -> None:
    """Collect what the tail tells; twice told fails the comparison of counts."""
    timeout = aiohttp.ClientTimeout(total=60)
    async with ledger.asking.get(ledger.house.dashboard + "/api/tail", timeout=timeout) as response:
        told["ready"] = True
        async for line in response.content:
            if line.startswith(b"data:"):
                call = orjson.loads(line[5:])
                assert call["id"] not in told
                told[call["id"]] = call


async def _ready(told: dict[str, Any]) -> None:
    while not told:  # noqa: ASYNC110 - another task fills it
        await asyncio.sleep(0.01)


def _by_count(counts: Counter[Any]) -> list[dict[str, Any]]:
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0] is None, pair[0] or ""))
    return [{"value": value, "calls": calls} for value, calls in ordered]


def _check_sums(sums: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """The sums are those of these rows."""
    failed = [
        row
        for row in rows
        if (row["status"] or 0) >= 400 or row["error"] or row["outcome"] not in ("completed", "client_left")
    ]
    assert (sums["calls"], sums["errors"]) == (len(rows), len(failed))
    for name in ("total", "input", "output", "cache_read", "reasoning"):
        known = [row["tokens"][name] for row in rows if row["tokens"][name] is not None]
        assert sums["tokens"][name] == (sum(known) if known else None)
    costs = [Decimal(row["cost"]["usd"]) for row in rows if row["cost"]["usd"] is not None]
    assert (None if sums["cost"]["usd"] is None else Decimal(sums["cost"]["usd"])) == (sum(costs) if costs else None)
    assert sums["cost"]["unknown_calls"] == len(rows) - len(costs)
    usages = [Decimal(str(row["usage"])) for row in rows if row["usage"] is not None]
    assert (None if sums["usage"] is None else Decimal(str(sums["usage"]))) == (sum(usages) if usages else None)
