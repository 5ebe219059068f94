"""`GET /api/export`: refusals before a byte is sent, and no short file that looks whole."""

import asyncio
import logging
import sqlite3
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import ClientPayloadError, web
from pytest_aiohttp.plugin import AiohttpClient

from store.api.parts import PARTS
from store.book import BOOK_FILE
from store.export import FORMATS
from store.filters import MAX_LIMIT
from store.questions.statements import statement
from tests.api.listener import an_app, write_more
from tests.books import NOON_US, a_book, a_call
from tests.export.reading import read_back

MANY = 12 * MAX_LIMIT  # more than what fits into the buffers between two sockets


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A book of many pages; only read."""
    message = "x" * 500
    return a_book(tmp_path_factory.mktemp("large"), [a_call(user=f"{n:0300}", session=message) for n in range(MANY)])


async def reader_of(client: Any, query: str, version: str = "1.1") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection that has asked, and read the head of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port, limit=2**14)
    writer.write(f"GET /api/export?{query} HTTP/{version}\r\nHost: localhost\r\n\r\n".encode())
    assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
    return reader, writer


def breaks_after(app: web.Application, statements: int) -> list[int]:
    """Let the book of this application fail from a page on; returns a list that grows with the pages read."""
    source, read = app[PARTS].source, []

    class Failing:
        def snapshot(self) -> Any:
            read.append(1)
            if len(read) > statements:
                raise sqlite3.OperationalError("disk I/O error")
            return source.snapshot()

    app[PARTS].source = Failing()
    return read


@pytest.mark.parametrize("name", FORMATS)
async def test_every_call_is_in_the_file(large: Path, aiohttp_client: AiohttpClient, name: str) -> None:
    """All pages of the filter arrive, each call once, newest first, under a name and a type."""
    client = await aiohttp_client(an_app(large, book=False))
    answer = await client.get(f"/api/export?format={name}&user=!*7")
    rows = read_back(name, await answer.read())
    users = [int(row["user"]) for row in rows]
    assert users == [number for number in reversed(range(MANY)) if number % 10 != 7]
    assert answer.headers["Content-Disposition"] == f'attachment; filename="tollbook-2026-11-21.{name}"'
    assert answer.content_type == {
        "csv": "text/csv", "jsonl": "application/x-ndjson", "parquet": "application/vnd.apache.parquet",
    }[name]  # fmt: skip
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("sort", ["time", "duration", "cost"])
async def test_orders_are_those_of_the_page(tmp_path: Path, aiohttp_client: AiohttpClient, sort: str) -> None:
    """`sort` and `order` mean the same as for a page."""
    calls = [a_call(duration_us=n * 7919 % 100 + 1, started_at_us=NOON_US + n * 104_729 % 1000) for n in range(50)]
    client = await aiohttp_client(an_app(tmp_path, calls))
    query = f"sort={sort}&order=asc"
    page = await (await client.get(f"/api/logs?limit=1000&{query}")).json()
    lines = (await (await client.get(f"/api/export?format=jsonl&{query}")).read()).splitlines()
    assert [orjson.loads(line) for line in lines] == page["logs"]


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("", "format"), ("format=xlsx", "format"), ("format=", "format"), ("format=CSV", "format"),
        ("format=csv&format=csv", "format"), ("format=csv&limit=5", "limit"), ("format=csv&cursor=x", "cursor"),
        ("format=csv&from=soon", "from"), ("format=csv&sort=id", "sort"), ("format=parquet&modell=x", "modell"),
    ],
)  # fmt: skip
async def test_wrong_parameters_are_named_before_anything_is_sent(
    tmp_path: Path, aiohttp_client: AiohttpClient, query: str, param: str
) -> None:
    """A wrong parameter is a 400 in JSON that names it, not a broken file."""
    client = await aiohttp_client(an_app(tmp_path, [a_call()]))
    answer = await client.get(f"/api/export?{query}")
    assert (answer.status, (await answer.json())["error"]["param"]) == (400, param)
    assert "Content-Disposition" not in answer.headers


async def test_a_broken_book_is_told_before_the_file_begins(tmp_path: Path, aiohttp_client: AiohttpClient) -> None:
    """When the book cannot be read at all the answer is a 503, not an empty file."""
    (tmp_path / BOOK_FILE).write_bytes(b"this is not a database" * 1000)
    client = await aiohttp_client(an_app(tmp_path, book=False))
    assert (await client.get("/api/export?format=csv")).status == 503


@pytest.mark.parametrize("name", FORMATS)
async def test_head_tells_what_would_come(tmp_path: Path, aiohttp_client: AiohttpClient, name: str) -> None:
    """HEAD has the headers of the file, and no body; the connection goes on."""
    client = await aiohttp_client(an_app(tmp_path, [a_call()]))
    head = await client.head(f"/api/export?format={name}")
    answer = await client.get(f"/api/export?format={name}")
    assert (head.status, await head.read()) == (200, b"")
    for header in ("Content-Type", "Content-Disposition"):
        assert head.headers[header] == answer.headers[header]
    assert (await client.head("/api/export?format=x")).status == 400


@pytest.mark.parametrize("name", FORMATS)
async def test_a_failure_on_the_way_cannot_be_overlooked(
    large: Path, aiohttp_client: AiohttpClient, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """When the book fails after some pages the client gets an error, not the end of a file; the log says why."""
    app = an_app(large, book=False)
    client = await aiohttp_client(app)
    breaks_after(app, 5)
    with caplog.at_level(logging.WARNING, "tollbook.api"), pytest.raises((ClientPayloadError, ConnectionError)):
        await (await client.get(f"/api/export?format={name}")).read()
    assert "an export broke off" in caplog.text


async def test_also_an_old_client_notices(
    large: Path, aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    """HTTP/1.0 knows the end of a file by the end of the connection: it is reset, not ended."""
    app = an_app(large, book=False)
    client = await aiohttp_client(app)
    breaks_after(app, 5)
    reader, writer = await reader_of(client, "format=jsonl", version="1.0")
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.transport.abort()
    assert "an export broke off" in caplog.text


async def test_a_stop_of_the_store_is_no_end_of_the_file(large: Path, aiohttp_client: AiohttpClient) -> None:
    """An export that a stopping store cannot finish breaks off."""
    app = an_app(large, book=False)
    client = await aiohttp_client(app)
    reader, writer = await reader_of(client, "format=jsonl")
    app[PARTS].stopping = True
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.transport.abort()


async def test_a_reader_that_does_not_read_is_waited_for(large: Path, aiohttp_client: AiohttpClient) -> None:
    """While nobody takes what was made, no more of the book is read; once somebody does, all of it comes."""
    app = an_app(large, book=False)
    client = await aiohttp_client(app)
    read = breaks_after(app, 10**6)
    reader, writer = await reader_of(client, "format=jsonl", version="1.0")
    before = -1
    while before != len(read):
        before = len(read)
        await asyncio.sleep(0.3)
    assert before < MANY / MAX_LIMIT / 2
    assert (await reader.read()).count(b"\n") == MANY
    assert len(read) == MANY / MAX_LIMIT + 1
    writer.close()
    await writer.wait_closed()


async def test_a_client_that_leaves_ends_the_export(large: Path, aiohttp_client: AiohttpClient) -> None:
    """Nothing more is read for someone who is gone, and nothing is left open."""
    app = an_app(large, book=False)
    client = await aiohttp_client(app)
    read = breaks_after(app, 10**6)
    _, writer = await reader_of(client, "format=jsonl")
    writer.transport.abort()
    before = -1
    while before != len(read):
        before = len(read)
        await asyncio.sleep(0.3)
    assert before < MANY / MAX_LIMIT
    assert (await client.get("/api/logs?limit=1")).status == 200


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_calls_that_arrive_meanwhile_neither_repeat_nor_prolong(
    tmp_path: Path, aiohttp_client: AiohttpClient, order: str
) -> None:
    """Calls received after the export began are not in it, in whichever direction it goes."""
    old = [a_call(session="x" * 1000, user=str(n)) for n in range(8 * MAX_LIMIT)]
    client = await aiohttp_client(an_app(tmp_path, old))
    reader, writer = await reader_of(client, f"format=jsonl&order={order}", version="1.0")
    write_more(tmp_path, *(a_call(user="new") for _ in range(10)))
    users = [orjson.loads(line)["user"] for line in (await reader.read()).splitlines()]
    assert sorted(users, key=int) == [str(n) for n in range(8 * MAX_LIMIT)]
    writer.close()
    await writer.wait_closed()


async def test_no_snapshot_is_held_while_the_client_reads(large: Path, aiohttp_client: AiohttpClient) -> None:
    """While an export waits for its reader the write-ahead log can be shortened."""
    app = an_app(large, book=False)
    client = await aiohttp_client(app)
    read = breaks_after(app, 10**6)
    _, writer = await reader_of(client, "format=csv")
    before = -1
    while before != len(read):
        before = len(read)
        await asyncio.sleep(0.3)
    with sqlite3.connect(large / BOOK_FILE) as book:
        assert book.execute("pragma wal_checkpoint(truncate)").fetchone()[0] == 0
    book.close()
    writer.transport.abort()


def test_the_ends_of_the_book_are_looked_up_in_an_index(large: Path) -> None:
    """Finding the first and the last call does not go through all of them."""
    with sqlite3.connect(large / BOOK_FILE) as book:
        plan = [row[3] for row in book.execute("explain query plan " + statement("extent"))]
    book.close()
    assert sum("SEARCH calls USING COVERING INDEX calls_by_time" in step for step in plan) == 2
