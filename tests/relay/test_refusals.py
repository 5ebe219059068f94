"""What Tollbook itself refuses: with which status, in whose words, and what the book says of it."""

import asyncio
from dataclasses import replace

import orjson
import pytest

from proxy.busy import Busy
from proxy.config.builtin import BUILTIN
from tests.conftest import OpenHouse
from tests.house import House
from tests.relay.conftest import Dial, OpenUpstream
from tests.relay.neighbours import Visit, sized

OK = sized(b"{}", b"Content-Type: application/json")


async def malformed(home: House, count: int) -> int:
    """The number of malformed requests in the health numbers, once it is at least this."""
    for _ in range(6000):
        if home.ingest.live().malformed >= count:
            break
        await asyncio.sleep(0.01)
    return home.ingest.live().malformed


async def test_unknown_upstream(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """An unknown first segment is a 404 that names the upstreams, and a rejected call of type other."""
    upstream = await raw_upstream(OK)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.ask("/opnai/v1/chat/completions?key=sk-secret", "POST", body=b'{"model":"gpt-4o"}')
    got = await client.answer()
    assert (got.status, got.value(b"x-tollbook-error"), got.value(b"x-should-retry")) == (
        404, b"unknown_upstream", b"false",
    )  # fmt: skip
    message = orjson.loads(got.body)["error"]["message"]
    assert "'opnai'" in message
    assert all(name in message for name in home.config.upstreams)
    row = await home.row()
    assert (row["type"], row["upstream"], row["outcome"], row["status"]) == ("other", None, "rejected", 404)
    assert row["error"]["code"] == "unknown_upstream"
    assert b"sk-secret" not in got.body
    assert upstream.connections == 0


@pytest.mark.parametrize(
    ("lines", "status", "code"),
    [
        (("Authorization: Bearer a", "Authorization: Bearer b"), 400, b"duplicate_credential"),
        (("Authorization: Bearer a", "authorization: Bearer a"), 400, b"duplicate_credential"),
        (("x-api-key: a", "X-Api-Key: b"), 400, b"duplicate_credential"),
        (("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"), 400, b"bad_websocket"),
        (("Connection: keep-alive, Upgrade", "Upgrade: WebSocket"), 400, b"bad_websocket"),
        (("Expect: something",), 417, b"bad_request"),
    ],
)
async def test_wrong_headers(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, lines: tuple[str, ...], status: int, code: bytes
) -> None:
    """Headers that two parsers read differently, and what is not relayed, are refused: a rejected row, no call."""
    upstream = await raw_upstream(OK)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.ask("/openai/v1/realtime", "GET", *lines)
    got = await client.answer()
    assert (got.status, got.value(b"x-tollbook-error")) == (status, code)
    row = await home.row()
    assert (row["outcome"], row["status"], row["upstream"]) == ("rejected", status, "openai")
    assert upstream.connections == 0


async def test_call_after_a_refused_websocket(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """The connection on which a websocket was refused serves the next call."""
    upstream = await raw_upstream(OK)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.ask("/openai/v1/realtime", "GET", "Connection: Upgrade", "Upgrade: websocket")
    assert (await client.answer()).status == 400
    await client.ask()
    assert (await client.answer()).status == 200
    await home.rows(2)


@pytest.mark.parametrize("host", ["x/#@evil", "a b", "a,b", "evil@x", "x?y", "[::1", "x:port", "x:123456"])
async def test_bad_host(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, host: str) -> None:
    """A Host header that is no host is a 400 without a call upstream."""
    upstream = await raw_upstream(OK)
    client = await dial((await house(upstream.url)).proxy)
    await client.say(f"GET /groq/v1/models HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert (await client.answer()).status == 400
    assert upstream.connections == 0


@pytest.mark.parametrize("host", ["localhost", "localhost:8787", "127.0.0.1:1", "[::1]:8787", "my-proxy.example.com"])
async def test_good_host(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, host: str) -> None:
    """Any host is served: the proxy is reached under many names."""
    upstream = await raw_upstream(OK)
    client = await dial((await house(upstream.url)).proxy)
    await client.say(f"GET /groq/v1/models HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert (await client.answer()).status == 200


@pytest.mark.parametrize(
    "request_",
    [
        b"POST /groq/v1/x HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /groq/v1/x HTTP/0.9\r\nHost: x\r\n\r\n",
        b"GET /groq/v1/x HTTP/2.0\r\nHost: x\r\n\r\n",
        b"GET /groq/v1/x HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"POST /groq/v1/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /groq/v1/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
        b"POST /groq/v1/x HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\na",
        b"POST /groq/v1/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"POST /groq/v1/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"GET /groq/v1/x HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET /groq/v1/x HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n",
        b"GET /groq/v1/x HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
    ids=lambda raw: str(raw[:70]),
)
async def test_ambiguous_requests_reach_nobody(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, request_: bytes
) -> None:
    """What smuggling is made of is a 400 and reaches no upstream; it is counted as malformed or is a rejected call."""
    upstream = await raw_upstream(OK)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.say(request_)
    assert (await client.head()).status == 400
    for _ in range(6000):
        live = home.ingest.live()
        if live.malformed + live.stored == 1:
            break
        await asyncio.sleep(0.01)
    assert live.malformed + live.stored == 1
    assert upstream.connections == 0


async def test_nothing_of_a_malformed_request_is_repeated(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, caplog: pytest.LogCaptureFixture
) -> None:
    """A malformed request is counted and answered without an echo, and nothing of it is logged."""
    upstream = await raw_upstream(OK)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.say(b"GET /groq/v1/x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sk-canary\x01\r\n\r\n")
    answer = await client.rest()
    assert answer.split(b" ", 2)[1] == b"400"
    assert b"canary" not in answer
    assert b"aiohttp" not in answer
    assert "canary" not in caplog.text
    assert await malformed(home, 1) == 1
    assert home.ingest.live().received == 0


@pytest.mark.parametrize(
    "body",
    [b"zz\r\n", b"3\r\nabcd\r\n", b"-1\r\n", b"0x3\r\nabc\r\n0\r\n\r\n", b"ffffffffffffffffff\r\n", b"3\nabc\n0\n\n"],
)
async def test_broken_request_body(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, body: bytes) -> None:
    """A request body whose framing breaks is a 400 and a rejected row, and never a whole request upstream."""
    wholes: list[bytes] = []
    asked = asyncio.Event()

    async def script(visit: Visit) -> None:
        asked.set()
        wholes.append(await visit.read())
        await visit.say(OK)

    upstream = await raw_upstream(script)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.say(b"POST /groq/v1/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n")
    await asked.wait()
    await client.say(body)
    assert (await client.head()).status == 400
    row = await home.row()
    assert (row["status"], row["outcome"]) == (400, "rejected")
    assert wholes == []


async def test_too_many_calls(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """Past max_concurrent a call is a 503 with Retry-After, and served again once there is room."""
    enough, both = asyncio.Event(), asyncio.Event()

    async def script(visit: Visit) -> None:
        if len(upstream.visits) == 2:
            both.set()
        await enough.wait()
        await visit.say(OK)

    upstream = await raw_upstream(script)
    home = await house(upstream.url, max_concurrent=2)
    clients = [await dial(home.proxy) for _ in range(2)]
    for client in clients:
        await client.ask()
    await both.wait()
    third = await dial(home.proxy)
    await third.ask()
    got = await third.answer()
    assert (got.status, got.value(b"retry-after"), got.value(b"x-tollbook-error")) == (503, b"1", b"overloaded")
    enough.set()
    for client in clients:
        assert (await client.answer()).status == 200
    fourth = await dial(home.proxy)
    await fourth.ask()
    assert (await fourth.answer()).status == 200
    assert sorted(row["outcome"] for row in await home.rows(4)) == ["completed"] * 3 + ["rejected"]


async def test_a_busy_upstream(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """Past max_concurrent of an upstream its next call is a 503 with Retry-After; others are called meanwhile."""
    enough, there = asyncio.Event(), asyncio.Event()

    async def script(visit: Visit) -> None:
        if b"/slow" in visit.head.line:
            there.set()
            await enough.wait()
        await visit.say(OK)

    upstream = await raw_upstream(script)
    home = await house(upstream.url, upstream={"max_concurrent": 1})
    first, second = await dial(home.proxy), await dial(home.proxy)
    await first.ask("/groq/v1/slow")
    await there.wait()
    await second.ask("/groq/v1/models")
    got = await second.answer()
    assert (got.status, got.value(b"retry-after"), got.value(b"x-tollbook-error")) == (503, b"1", b"upstream_busy")
    assert len(upstream.visits) == 1
    await second.ask("/mistral/v1/models")
    assert (await second.answer()).status == 200
    enough.set()
    assert (await first.answer()).status == 200
    await second.ask("/groq/v1/models")
    assert (await second.answer()).status == 200
    refused, *_ = [row for row in await home.rows(4) if row["outcome"] != "completed"]
    assert (refused["outcome"], refused["status"], refused["error"]["code"]) == ("rejected", 503, "upstream_busy")
    assert (await home.details(refused["id"]))["fault"] == "policy"


def test_a_limit_of_an_upstream_is_shared_by_workers() -> None:
    """Each of three workers admits two calls of four, and of unlimited ones any number."""
    busy, few, any_number = Busy(3), replace(BUILTIN["groq"], max_concurrent=4), BUILTIN["openai"]
    for _ in range(2):
        assert busy.refusal(few) is None
        busy.begin(few)
    assert busy.refusal(few) is not None
    busy.end(few)
    assert busy.refusal(few) is None
    for _ in range(100):
        busy.begin(any_number)
    assert busy.refusal(any_number) is None


async def test_health_of_the_worker_is_no_call(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """/healthz is 200 while calls are accepted, and leaves no row."""
    upstream = await raw_upstream(OK)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.ask("/healthz")
    assert (await client.answer()).status == 200
    await client.ask()
    await client.answer()
    assert (await home.row())["upstream"] == "groq"


async def test_long_messages_do_not_break_a_refusal(house: OpenHouse, dial: Dial) -> None:
    """An upstream's name that cannot be printed or is very long is refused like any other."""
    home = await house("http://127.0.0.1:1")
    client = await dial(home.proxy)
    for name in ("x" * 20_000, "%00%ff", "'\"<script>", "%F0%9F%92%A9"):
        await client.ask(f"/{name}/v1")
        assert (await client.answer()).status == 404
    assert {row["outcome"] for row in await home.rows(4)} == {"rejected"}
