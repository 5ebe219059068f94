"""An upstream that cannot be reached, keeps silent or breaks off is told apart, to the client and in the row."""

import asyncio
import socket
from typing import Any

import pytest

from proxy.refusal import Refusal, headers
from tests.conftest import OpenHouse
from tests.house import House
from tests.relay.conftest import Dial, OpenUpstream
from tests.relay.neighbours import CHUNKED, LAST, RawClient, Received, Visit, chunked, sized

OK = sized(b"{}", b"Content-Type: application/json")
CHAT = b'{"model":"gpt-4o","messages":[]}'


def refusing_url() -> str:
    """An address where nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{sock.getsockname()[1]}"


async def one_call(home: House, client: RawClient, name: str = "groq") -> tuple[Received, dict[str, Any]]:
    """A call's answer and its only row."""
    await client.ask(f"/{name}/v1/chat/completions", "POST", body=CHAT)
    return await client.answer(), await home.row()


async def test_why_there_is_no_connection_is_said_plainly(house: OpenHouse, dial: Dial) -> None:
    """Whose server is not running reads where it was looked for, and that nobody listens there."""
    url = refusing_url()
    home = await house(url)
    _, row = await one_call(home, await dial(home.proxy))
    assert row["error"]["message"] == f"groq could not be reached at {url.removeprefix('http://')}: Connection refused"


@pytest.mark.parametrize("url", ["refusing", "http://no-such-host.invalid"])
async def test_unreachable_upstream(house: OpenHouse, dial: Dial, url: str) -> None:
    """No connection, or no such host: a 502 that invites the SDKs to retry, and upstream_unreachable."""
    home = await house(refusing_url() if url == "refusing" else url)
    got, row = await one_call(home, await dial(home.proxy))
    assert (got.status, got.value(b"x-tollbook-error")) == (502, b"upstream_unreachable")
    assert got.value(b"x-should-retry") == b"true"
    assert (row["status"], row["outcome"], row["error"]["code"]) == (
        502,
        "upstream_unreachable",
        "upstream_unreachable",
    )
    assert row["cost"]["usd"] != "0"


@pytest.mark.parametrize(
    ("target", "shape"),
    [
        ("/groq/v1/chat/completions", b'"type":"server_error"'),
        ("/anthropic/v1/messages", b'{"type":"error","error":{"type":"api_error"'),
        ("/gemini/v1beta/models/m:generateContent", b'"status":"INTERNAL"'),
        ("/gemini/v1beta/cachedContents", b'"status":"INTERNAL"'),
        ("/gemini/v1beta/openai/chat/completions", b'"type":"server_error"'),
        ("/openai/v1/projects/p/locations/l/publishers/anthropic/models/m:rawPredict", b'{"type":"error","error":'),
        ("/openai/model/m/converse", b'{"message":"openai could not be reached'),
        ("/cohere/v2/chat", b'{"message":"cohere could not be reached'),
        ("/ollama/api/chat", b'{"error":"ollama could not be reached'),
        ("/ollama/v1/chat/completions", b'"type":"server_error"'),
    ],
)
async def test_fault_speaks_the_dialect(house: OpenHouse, dial: Dial, target: str, shape: bytes) -> None:
    """Tollbook's own errors have the error shape of the format that is spoken on the path."""
    home = await house(refusing_url())
    client = await dial(home.proxy)
    await client.ask(target, "POST", body=CHAT)
    got = await client.answer()
    assert shape in got.body
    assert got.value(b"content-type") == b"application/json"
    assert got.values(b"x-amzn-errortype") == ([b"InternalServerException"] if "/converse" in target else [])


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        (Refusal(401, "unknown_key", "m"), b"UnrecognizedClientException"),
        (Refusal(403, "model_not_allowed", "m"), b"AccessDeniedException"),
        (Refusal(429, "too_many_requests", "m"), b"ThrottlingException"),
        (Refusal(429, "insufficient_quota", "m"), b"ServiceQuotaExceededException"),
        (Refusal(400, "bad_target", "m"), b"ValidationException"),
    ],
)
def test_refusals_have_a_type_that_aws_knows(refusal: Refusal, kind: bytes) -> None:
    """A refusal in Bedrock's shape has its type in the header where AWS's clients look for it."""
    assert (b"x-amzn-ErrorType", kind) in headers(refusal, "bedrock")
    assert b"x-amzn-ErrorType" not in dict(headers(refusal, "openai"))


async def test_silence_before_the_headers(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """Silence for longer than read_timeout_s before the headers is a 504, and the upstream's connection is closed."""
    left = asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.read()
        await visit.left()
        left.set()

    upstream = await raw_upstream(script)
    home = await house(upstream.url, upstream={"read_timeout_s": 0.1})
    got, row = await one_call(home, await dial(home.proxy))
    assert (got.status, got.value(b"x-tollbook-error")) == (504, b"upstream_timed_out")
    assert got.value(b"x-should-retry") == b"true"
    assert (row["status"], row["outcome"]) == (504, "upstream_timed_out")
    await asyncio.wait_for(left.wait(), 60)


@pytest.mark.parametrize("begun", [sized(b"x" * 100)[:-50], chunked(b"half")])
async def test_silence_in_the_body(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, begun: bytes) -> None:
    """Silence in the middle of a body ends the client's answer visibly unfinished: upstream_timed_out."""

    async def script(visit: Visit) -> None:
        await visit.read()
        head = b"" if begun.startswith(b"HTTP") else b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        await visit.say(head + begun)
        await visit.left()

    upstream = await raw_upstream(script)
    home = await house(upstream.url, upstream={"read_timeout_s": 0.1})
    client = await dial(home.proxy)
    await client.ask("/groq/v1/chat/completions", "POST", body=CHAT)
    with pytest.raises(asyncio.IncompleteReadError):
        await client.answer()
    row = await home.row()
    assert (row["status"], row["outcome"]) == (200, "upstream_timed_out")


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        ("fin", "without answering"), ("reset", "without answering"),
        ("after half a head", "in the middle of its headers"),
    ],
)  # fmt: skip
async def test_broken_before_the_headers(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, ending: str, said: str
) -> None:
    """A connection that ends before the headers are whole is a 502 that invites a retry: upstream_broke_off."""

    async def script(visit: Visit) -> None:
        await visit.read()
        if ending == "after half a head":
            await visit.say(b"HTTP/1.1 200 OK\r\nContent-Le")
        if ending == "reset":
            visit.abort()
        else:
            visit.writer.close()

    upstream = await raw_upstream(script)
    home = await house(upstream.url)
    got, row = await one_call(home, await dial(home.proxy))
    assert (got.status, got.value(b"x-tollbook-error")) == (502, b"upstream_broke_off")
    assert got.value(b"x-should-retry") == b"true"
    assert (row["status"], row["outcome"]) == (502, "upstream_broke_off")
    assert row["error"]["message"].endswith(said)
    assert len(upstream.visits) == 1


@pytest.mark.parametrize("ending", ["fin", "reset"])
@pytest.mark.parametrize("begun", ["length", "chunk", "between chunks"])
async def test_broken_in_the_body(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, begun: str, ending: str
) -> None:
    """A body that breaks off reaches the client as far as it came and visibly unfinished: upstream_broke_off."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    parts = {
        "length": sized(b"x" * 100)[:-50],
        "chunk": head + chunked(b"x" * 100)[:-52],
        "between chunks": head + chunked(b"x" * 50),
    }
    received = asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.read()
        await visit.say(parts[begun])
        await received.wait()
        if ending == "reset":
            visit.abort()
        else:
            visit.writer.close()

    upstream = await raw_upstream(script)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.ask("/groq/v1/chat/completions", "POST", body=CHAT)
    got = await client.head()
    assert await client.reader.readexactly(50 if begun == "length" else 56)
    received.set()
    assert await client.rest() == b""  # no last chunk, no more bytes
    row = await home.row()
    assert (got.status, row["status"], row["outcome"]) == (200, 200, "upstream_broke_off")
    assert row["error"]["code"] == "upstream_broke_off"


@pytest.mark.parametrize(
    "answer",
    [
        b"garbage\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nX-Nul: a\0b\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nX-Large: " + b"v" * 70_000 + b"\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: v\r\n" % n for n in range(300)) + b"Content-Length: 2\r\n\r\n{}",
        b"SSH-2.0-OpenSSH\r\n\r\n",
    ],
    ids=lambda answer: answer[:40].decode(errors="replace"),
)
async def test_what_is_not_http_is_a_502(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, answer: bytes
) -> None:
    """An answer that is not HTTP, or has an oversized head, is a 502 and one row: upstream_broke_off."""
    upstream = await raw_upstream(answer)
    home = await house(upstream.url)
    got, row = await one_call(home, await dial(home.proxy))
    assert (got.status, got.value(b"x-tollbook-error")) == (502, b"upstream_broke_off")
    assert (row["status"], row["outcome"]) == (502, "upstream_broke_off")
    assert ("headers, or 64 KB of them" in row["error"]["message"]) is (len(answer) > 2000)


async def test_bad_chunk_in_the_body(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """A chunk size that is no number ends the answer visibly unfinished: upstream_broke_off."""
    received = asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.read()
        await visit.say(CHUNKED + chunked(b"fine"))
        await received.wait()
        await visit.say(b"zz\r\nbad\r\n" + LAST)

    upstream = await raw_upstream(script)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.ask("/groq/v1/chat/completions", "POST", body=CHAT)
    await client.head()
    assert await client.chunk() == b"fine"
    received.set()
    assert await client.rest() == b""
    assert (await home.row())["outcome"] == "upstream_broke_off"


async def test_fault_leaves_the_connection_to_the_next_call(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial
) -> None:
    """After a 502 the client's connection serves the next call."""

    async def script(visit: Visit) -> None:
        await visit.read()
        await visit.say(OK if visit.head.line.startswith(b"GET") else b"garbage\r\n\r\n")

    upstream = await raw_upstream(script)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.ask("/groq/v1/x", "POST", body=CHAT)
    assert (await client.answer()).status == 502
    await client.ask()
    assert (await client.answer()).status == 200
    await home.rows(2)


@pytest.mark.parametrize(
    ("method", "size"), [("GET", 0), ("POST", 30), ("POST", 200_000), ("PUT", 200_000), ("DELETE", 200_000)]
)
async def test_nothing_is_sent_twice(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, method: str, size: int
) -> None:
    """A request whose pooled connection turns out closed is never sent again with another body: a 502 at most."""
    closing = False

    async def script(visit: Visit) -> None:
        if closing:
            visit.abort()  # the request arrived on a connection that is just being closed
            return
        await visit.read()
        await visit.say(OK)

    upstream = await raw_upstream(script)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    body = b"b" * size
    await client.ask("/groq/v1/x", method, body=body)
    assert (await client.answer()).status == 200
    closing = True
    await client.ask("/groq/v1/x", method, body=body)
    got = await client.answer()
    assert (got.status, got.value(b"x-should-retry")) == (502, b"true")
    seen = [visit for visit in upstream.visits if visit.head.line.startswith(method.encode())]
    assert len(seen) == 2
    assert {row["outcome"] for row in await home.rows(2)} == {"completed", "upstream_broke_off"}


async def test_a_pooled_connection_that_was_closed_is_not_used(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial
) -> None:
    """When the upstream has closed an idle connection, the next request goes out on a fresh one, and is one row."""

    async def script(visit: Visit) -> None:
        await visit.read()
        await visit.say(OK)
        visit.abort()

    upstream = await raw_upstream(script)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    for _ in range(5):
        await client.ask("/groq/v1/x", "POST", body=CHAT)
        assert (await client.answer()).status == 200
        await asyncio.sleep(0.01)  # the reset arrives; whether anybody has looked at it is another matter
    assert len(upstream.visits) == 5
    assert {row["outcome"] for row in await home.rows(5)} == {"completed"}
