"""Failures through the house: each SDK raises the exception its users catch, and the row says what went wrong.

A client that cannot tell Tollbook's 502 from a dead network would retry and report the wrong thing.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import errors, types

from tests.clients.ledger import FINGERPRINT, KEY
from tests.conftest import OpenHouse
from tests.house import House

# google-genai's own aiohttp session class; nothing of ours can avoid it.
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")

QUESTION: Any = [{"role": "user", "content": "Which train is first?"}]
MODELS = {"openai": "gpt-4o-mini", "anthropic": "claude-haiku-4-5", "gemini": "gemini-2.5-flash"}
SDKS = list(MODELS)
STATUSES: dict[str, dict[int, type[Exception]]] = {
    "openai": {
        400: openai.BadRequestError, 401: openai.AuthenticationError, 403: openai.PermissionDeniedError,
        404: openai.NotFoundError, 413: openai.APIStatusError, 429: openai.RateLimitError,
        500: openai.InternalServerError, 502: openai.InternalServerError, 503: openai.InternalServerError,
        504: openai.InternalServerError,
    },
    "anthropic": {
        400: anthropic.BadRequestError, 401: anthropic.AuthenticationError, 403: anthropic.PermissionDeniedError,
        404: anthropic.NotFoundError, 413: anthropic.RequestTooLargeError, 429: anthropic.RateLimitError,
        500: anthropic.InternalServerError, 502: anthropic.InternalServerError, 503: anthropic.APIStatusError,
        504: anthropic.APIStatusError, 529: anthropic.APIStatusError,
    },
    "gemini": {
        400: errors.ClientError, 401: errors.ClientError, 403: errors.ClientError, 404: errors.ClientError,
        413: errors.ClientError,
        429: errors.ClientError, 500: errors.ServerError, 502: errors.ServerError, 503: errors.ServerError,
        504: errors.ServerError,
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asker:
    """One SDK, one manner."""

    sdk: str
    asynchronous: bool

    def __str__(self) -> str:
        return f"{self.sdk}-{'async' if self.asynchronous else 'sync'}"

    async def ask(self, base_url: str, model: str, *, stream: bool = False) -> Any:
        """One question; of a stream, all its events."""
        if not self.asynchronous:
            return await asyncio.to_thread(self._ask_sync, base_url, model, stream)
        async with self._client(base_url) as client:
            answer = await self._question(client, model, stream)
            return [event async for event in answer] if stream else answer

    def _ask_sync(self, base_url: str, model: str, stream: bool) -> Any:
        with self._client(base_url) as client:
            answer = self._question(client, model, stream)
            return list(answer) if stream else answer

    def _client(self, base_url: str) -> Any:
        made: Callable[..., Any]
        if self.sdk == "gemini":
            client = genai.Client(api_key=KEY, http_options=types.HttpOptions(base_url=base_url))
            return client.aio if self.asynchronous else client
        if self.sdk == "openai":
            made = openai.AsyncOpenAI if self.asynchronous else openai.OpenAI
            return made(base_url=base_url + "/v1", api_key=KEY, max_retries=0)
        made = anthropic.AsyncAnthropic if self.asynchronous else anthropic.Anthropic
        return made(base_url=base_url, api_key=KEY, max_retries=0)

    def _question(self, client: Any, model: str, stream: bool) -> Any:
        if self.sdk == "openai":
            return client.chat.completions.create(model=model, messages=QUESTION, stream=stream)
        if self.sdk == "anthropic":
            return client.messages.create(model=model, max_tokens=99, messages=QUESTION, stream=stream)
        use = client.models.generate_content_stream if stream else client.models.generate_content
        return use(model=model, contents="Which train is first?")


ASKERS = [Asker(sdk, asynchronous) for sdk in SDKS for asynchronous in (True, False)]
every_sdk = pytest.mark.parametrize("asker", ASKERS, ids=str)


def facts(row: dict[str, Any], details: dict[str, Any]) -> dict[str, Any]:
    """What a row says about a failure."""
    names = ("status", "outcome", "type", "upstream", "requested_model", "model", "key", "stream")
    return {name: row[name] for name in names} | {
        "fault": details["fault"],
        "error": row["error"],
        "cost": row["cost"]["state"],
    }


def raised_code(raised: Any) -> Any:
    """The status an SDK's exception carries."""
    return getattr(raised, "status_code", None) or getattr(raised, "code", None)


@every_sdk
async def test_an_upstreams_errors_are_raised_and_written_down(house: OpenHouse, asker: Asker) -> None:
    """A status of the upstream raises the SDK's exception for it, and the row has type, code and message."""
    opened = await house()
    statuses = [400, 401, 429, 500, 503, *([529] if asker.sdk == "anthropic" else [])]
    for count, status in enumerate(statuses, 1):
        model = f"{MODELS[asker.sdk]}+status={status}"
        with pytest.raises(STATUSES[asker.sdk][status]) as raised:
            await asker.ask(f"{opened.proxy}/{asker.sdk}", model, stream=status == 429)
        assert raised_code(raised.value) == status
        row = (await opened.rows(count))[0]
        details = await opened.details(row["id"])
        told = dict(row["error"])
        assert told.pop("message") in str(raised.value)
        assert any(told.values())
        assert facts(row, details) == {
            "status": status, "outcome": "completed", "type": "chat", "upstream": asker.sdk, "requested_model": model,
            "model": model, "key": FINGERPRINT, "stream": status == 429, "error": row["error"], "cost": "free",
            "fault": "client" if status < 500 else "upstream",
        }  # fmt: skip
        assert details["response"]["body"]


@every_sdk
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_an_unreachable_upstream_is_a_502(house: OpenHouse, asker: Asker, stream: bool) -> None:
    """No connection upstream raises the SDK's exception for 502, none about its own connection."""
    await _our_own(await house("http://127.0.0.1:9"), asker, 502, "upstream_unreachable", stream=stream)


@every_sdk
async def test_a_silent_upstream_is_a_504(house: OpenHouse, asker: Asker) -> None:
    """Silence for longer than the limit raises the SDK's exception for 504; what it cost is unknown."""
    opened = await house(upstream={"read_timeout_s": 0.3})
    await _our_own(opened, asker, 504, "upstream_timed_out", wish="+silence", cost="unknown")


@every_sdk
async def test_an_upstream_that_hangs_up_is_a_502(house: OpenHouse, asker: Asker) -> None:
    """A connection that closes without an answer raises the SDK's exception for 502; what it cost is unknown."""
    async with hanging_up() as url:
        await _our_own(await house(url), asker, 502, "upstream_broke_off", cost="unknown")


@every_sdk
async def test_too_many_calls_are_a_503(house: OpenHouse, asker: Asker) -> None:
    """A call beyond the limit of running ones raises the SDK's exception for 503 and is a rejected row."""
    await _our_own(await house(max_concurrent=0), asker, 503, "overloaded", outcome="rejected", fault="policy")


@every_sdk
async def test_too_many_connections_are_a_503(house: OpenHouse, asker: Asker) -> None:
    """A connection too many raises the SDK's exception for 503, none about its own connection, and is no call."""
    opened = await house(max_connections=0)
    with pytest.raises(STATUSES[asker.sdk][503]) as raised:
        await asker.ask(f"{opened.proxy}/{asker.sdk}", MODELS[asker.sdk])
    assert raised_code(raised.value) == 503
    assert "Too many connections" in str(raised.value)
    assert opened.ingest.live().received == 0


@every_sdk
async def test_a_body_that_is_too_large_is_a_413(house: OpenHouse, asker: Asker) -> None:
    """A question longer than a body may be raises the SDK's exception for 413, not one about its connection."""
    await _our_own(await house(max_body_bytes=10), asker, 413, "body_too_large", outcome="rejected", fault="client")


@every_sdk
async def test_an_unknown_upstream_is_a_404(house: OpenHouse, asker: Asker) -> None:
    """A first path segment that names no upstream raises the SDK's exception for 404, which names those there are."""
    opened = await house()
    with pytest.raises(STATUSES[asker.sdk][404], match=r"no upstream .*anthropic, .*openai"):
        await asker.ask(f"{opened.proxy}/nowhere", MODELS[asker.sdk])
    row = await opened.row()
    details = await opened.details(row["id"])
    model = MODELS["gemini"] if asker.sdk == "gemini" else None  # the others name it in a body nobody waits for
    assert facts(row, details) == {
        "status": 404, "outcome": "rejected", "type": "other", "upstream": None, "requested_model": model,
        "model": model, "key": FINGERPRINT, "stream": False, "error": row["error"], "cost": "free", "fault": "client",
    }  # fmt: skip
    assert row["error"]["code"] == "unknown_upstream"


@every_sdk
async def test_an_error_inside_a_stream_is_raised_and_written_down(house: OpenHouse, asker: Asker) -> None:
    """An error event after half a stream raises, and the row is a 200 that counts as an error."""
    opened = await house()
    model = MODELS[asker.sdk] + "+error-in-stream"
    with pytest.raises((openai.APIError, anthropic.APIStatusError, errors.APIError)) as raised:
        await asker.ask(f"{opened.proxy}/{asker.sdk}", model, stream=True)
    row = await opened.row()
    assert (row["status"], row["outcome"], row["stream"]) == (200, "completed", True)
    assert row["error"]["message"] in str(raised.value)
    assert (await opened.details(row["id"]))["fault"] == "upstream"


@every_sdk
async def test_a_stream_that_breaks_off_is_no_complete_answer(house: OpenHouse, asker: Asker) -> None:
    """An upstream that aborts a stream leaves its client without an end, and a row with that outcome."""
    opened = await house()
    with pytest.raises(Exception, match=r"(?i)connection|incomplete|peer|payload|chunked"):
        await asker.ask(f"{opened.proxy}/{asker.sdk}", MODELS[asker.sdk] + "+cut-stream", stream=True)
    row = await opened.row()
    assert (row["status"], row["outcome"], row["stream"]) == (200, "upstream_broke_off", True)
    assert row["error"]["code"] == "upstream_broke_off"
    assert (await opened.details(row["id"]))["fault"] == "upstream"


async def _our_own(
    opened: House,
    asker: Asker,
    status: int,
    code: str,
    *,
    wish: str = "",
    stream: bool = False,
    outcome: str = "",
    fault: str = "upstream",
    cost: str = "free",
) -> None:
    """A failure that Tollbook answers itself raises the SDK's exception and is one row that says why."""
    model = MODELS[asker.sdk] + wish
    with pytest.raises(STATUSES[asker.sdk][status]) as raised:
        await asker.ask(f"{opened.proxy}/{asker.sdk}", model, stream=stream)
    assert not isinstance(raised.value, (openai.APIConnectionError, anthropic.APIConnectionError))
    assert raised_code(raised.value) == status
    row = await opened.row()
    details = await opened.details(row["id"])
    assert row["error"]["message"] in str(raised.value)
    response: Any = getattr(raised.value, "response", None)
    assert response.headers["x-tollbook-error"] == row["error"]["code"] == code
    assert response.headers["x-tollbook-call-id"] == row["id"]
    known = None if outcome == "rejected" else model  # a refusal does not wait for the body
    assert facts(row, details) == {
        "status": status, "outcome": outcome or code, "type": "chat", "upstream": asker.sdk,
        "requested_model": known or row["requested_model"], "model": known or row["model"], "key": FINGERPRINT,
        "stream": row["stream"] if known is None else stream or row["stream"], "fault": fault, "error": row["error"],
        "cost": cost,
    }  # fmt: skip


@asynccontextmanager
async def hanging_up() -> AsyncIterator[str]:
    """An upstream that reads a request and closes the connection."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
