"""Answers reach the client byte for byte, however they are framed, and connections are used again when they may be."""

import gzip
import zlib

import brotli
import pytest
import zstandard

from tests.conftest import OpenHouse
from tests.relay.conftest import Dial, OpenUpstream
from tests.relay.neighbours import LAST, Visit, chunked, sized

OK = sized(b"{}", b"Content-Type: application/json")


async def test_head_is_answered_without_a_body(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """HEAD gets the headers with the length the body would have, no body, and the connection goes on."""
    upstream = await raw_upstream(b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n")
    home = await house(upstream.url)
    client = await dial(home.proxy)
    for _ in range(2):
        await client.ask(method="HEAD")
        got = await client.answer("HEAD")
        assert (got.status, got.value(b"content-length")) == (200, b"1234")
    assert {row["outcome"] for row in await home.rows(2)} == {"completed"}


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
async def test_statuses_without_a_body(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, status: bytes) -> None:
    """204 and 304 end with their headers, and the connection goes on."""
    upstream = await raw_upstream(b"HTTP/1.1 " + status + b"\r\nETag: x\r\n\r\n")
    home = await house(upstream.url)
    client = await dial(home.proxy)
    for _ in range(2):
        await client.ask()
        got = await client.answer()
        assert b"%d %b" % (got.status, got.reason) == status
        assert got.value(b"etag") == b"x"
        assert got.values(b"transfer-encoding") == []
    assert {row["outcome"] for row in await home.rows(2)} == {"completed"}


async def test_empty_answer(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """An answer of no bytes is complete."""
    upstream = await raw_upstream(sized(b""))
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.ask()
    got = await client.answer()
    assert (got.status, got.body, got.value(b"content-length")) == (200, b"", b"0")
    assert (await home.row())["outcome"] == "completed"


async def test_empty_chunked_answer(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """A chunked answer without chunks is complete."""
    upstream = await raw_upstream(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + LAST)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.ask()
    assert (await client.answer()).body == b""
    assert (await home.row())["outcome"] == "completed"


async def test_answer_that_ends_with_its_connection(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """A body that ends with the upstream's connection reaches the client chunked and whole."""

    async def script(visit: Visit) -> None:
        await visit.say(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n", b"to the ", b"end")
        visit.writer.close()

    upstream = await raw_upstream(script)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    for _ in range(2):
        await client.ask()
        got = await client.answer()
        assert (got.body, got.value(b"transfer-encoding")) == (b"to the end", b"chunked")
    assert {row["outcome"] for row in await home.rows(2)} == {"completed"}


async def test_old_client_gets_a_chunked_answer(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """An HTTP/1.0 client gets a chunked answer unchunked, up to the end of the connection."""
    upstream = await raw_upstream(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"a", b"b") + LAST)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.say(b"GET /groq/v1/models HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    got = await client.answer()
    assert (got.body, got.value(b"connection"), got.values(b"transfer-encoding")) == (b"ab", b"close", [])
    assert (await home.row())["outcome"] == "completed"


async def test_old_client_may_keep_its_connection(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """An HTTP/1.0 client that asks to keep its connection may, when the answer has a length."""
    upstream = await raw_upstream(OK)
    client = await dial((await house(upstream.url)).proxy)
    for _ in range(2):
        await client.say(b"GET /groq/v1/models HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert (await client.answer()).value(b"connection") == b"keep-alive"


async def test_connections_are_used_again(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """Calls one after another use one connection of the client and one to the upstream."""
    upstream = await raw_upstream(OK)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    for _ in range(5):
        await client.ask("/groq/v1/x", "POST", body=b"{}")
        assert (await client.answer()).status == 200
    assert upstream.connections == 1
    await home.rows(5)


async def test_close_is_obeyed(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """A client that asks for it finds its connection closed after the answer."""
    upstream = await raw_upstream(OK)
    client = await dial((await house(upstream.url)).proxy)
    await client.ask("/groq/v1/models", "GET", "Connection: close")
    got = await client.answer()
    assert got.value(b"connection") == b"close"
    assert await client.rest() == b""


@pytest.mark.parametrize("count", [3, 100])
async def test_pipelined_calls_are_answered_in_order(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, count: int
) -> None:
    """Calls sent without waiting are answered in their order, each once."""

    async def script(visit: Visit) -> None:
        await visit.read()
        await visit.say(sized(visit.head.line.split()[1]))

    upstream = await raw_upstream(script)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    asked = [b"/v1/%d" % number for number in range(count)]
    await client.say(b"".join(b"GET /groq%b HTTP/1.1\r\nHost: x\r\n\r\n" % target for target in asked))
    assert [(await client.answer()).body for _ in asked] == asked
    await home.rows(count)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("framing", ["sized", "chunked"])
@pytest.mark.parametrize("name", ["groq", "openai"])
async def test_compressed_answers_pass_as_they_are(
    house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, coding: str, framing: str, name: str
) -> None:
    """A compressed answer reaches the client byte for byte with its Content-Encoding, and is read for the row."""
    plain = b'{"object":"chat.completion","model":"gpt-4o-2024-08-06","choices":[{"index":0,"finish_reason":"stop",' \
        b'"message":{"role":"assistant","content":"hi"}}],"usage":{"prompt_tokens":7,"completion_tokens":3,' \
        b'"total_tokens":10}}'  # fmt: skip
    compress = {
        "gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress, "zstd": zstandard.compress,
    }[coding]  # fmt: skip
    body = compress(plain)
    lines = (b"Content-Type: application/json", b"Content-Encoding: " + coding.encode())
    whole = sized(body, *lines)
    pieces = b"HTTP/1.1 200 OK\r\n" + b"\r\n".join([*lines, b"Transfer-Encoding: chunked", b"", b""])
    pieces += chunked(body[:9], body[9:]) + LAST
    upstream = await raw_upstream(whole if framing == "sized" else pieces)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    asking = b'{"model":"gpt-4o","stream":true,"messages":[]}'
    await client.ask(f"/{name}/v1/chat/completions", "POST", "Accept-Encoding: gzip, br, zstd", body=asking)
    got = await client.answer()
    assert (got.body, got.value(b"content-encoding")) == (body, coding.encode())
    assert (got.value(b"content-length") is None) == (framing == "chunked")
    row = await home.row()
    assert (row["tokens"]["input"], row["tokens"]["output"], row["model"]) == (7, 3, "gpt-4o-2024-08-06")


async def test_interim_answers_are_not_relayed(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """103 and other interim answers of the upstream are swallowed; the final one arrives."""
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
    upstream = await raw_upstream(early + OK)
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.ask("/groq/v1/x", "POST", body=b"{}")
    got = await client.answer()
    assert (got.status, got.body, got.values(b"link")) == (200, b"{}", [])
    assert (await home.row())["outcome"] == "completed"


async def test_unasked_switch_is_a_502(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """An upstream that switches protocols unasked has broken off; the client gets a 502, not a 101."""
    upstream = await raw_upstream(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.ask()
    got = await client.answer()
    assert (got.status, got.value(b"x-tollbook-error")) == (502, b"upstream_broke_off")
    assert (await home.row())["outcome"] == "upstream_broke_off"


@pytest.mark.parametrize("line", [b"HTTP/1.1 999 Odd", b"HTTP/1.1 200 ", b"HTTP/1.1 302 Found", b"HTTP/1.1 500 Oh"])
async def test_any_status_passes(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial, line: bytes) -> None:
    """Whatever final status the upstream answers is the client's and the row's; redirects are not followed."""
    upstream = await raw_upstream(line + b"\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 2\r\n\r\n{}")
    home = await house(upstream.url)
    client = await dial(home.proxy)
    await client.ask()
    got = await client.answer()
    assert b"HTTP/1.1 %d %b" % (got.status, got.reason) == line
    row = await home.row()
    assert (row["status"], row["outcome"]) == (got.status, "completed")


async def test_leftovers_do_not_reach_the_next_call(house: OpenHouse, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """Bytes an upstream sends past the end of its answer never become part of the next one."""
    upstream = await raw_upstream(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")
    client = await dial((await house(upstream.url)).proxy)
    for _ in range(3):
        await client.ask()
        got = await client.answer()
        assert got.status == 502 or got.body == b"{}"
