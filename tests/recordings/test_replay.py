"""Every recorded exchange of OpenAI, Anthropic and Gemini goes through the house and becomes the row it should be."""

import asyncio
import random
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from yarl import URL

from proxy.config.model import Capture
from store.filters import parse
from store.questions import logs
from store.reader import Reader
from tests.conftest import REPLAYED, OpenHouse
from tests.house import House
from tests.recordings.corpus import Recording, recordings, where
from tests.recordings.reported import Reported, reported
from tests.recordings.transport import CODINGS
from tests.recordings.upstream import NUMBER, Replayed, replaying

_AT_ONCE = 16
_LEAST_RIGHT = 0.999
_TYPES = {
    "chat/completions": "chat", "completions": "completion", "responses": "chat", "responses/compact": "chat",
    "embeddings": "embedding", "images/generations": "image", "images/edits": "image", "moderations": "moderation",
    "messages": "chat", "messages/count_tokens": "count_tokens", "generateContent": "chat",
    "streamGenerateContent": "chat", "embedContent": "embedding", "batchEmbedContents": "embedding",
    "countTokens": "count_tokens",
}  # fmt: skip
Kind = tuple[str, str, bool]
"""Provider, endpoint, whether it streamed."""

_SET_BY_THE_CLIENT = {"accept-encoding", "content-length", "host", "connection", "transfer-encoding"}
_SET_BY_THE_PROXY = {b"content-length", b"transfer-encoding", b"connection", b"x-tollbook-call-id"}


@dataclass(frozen=True, slots=True)
class Received:
    """What the client got."""

    call_id: str
    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Beside:
    """What a listed row does not tell."""

    parts: dict[str, int | None]  # the lifetimes of what was written to a cache
    anomalies: tuple[str, ...]


@pytest.fixture
def corpus() -> Mapping[int, Recording]:
    """The recordings by number."""
    found = where()
    if found is None:
        pytest.skip("no recordings: TOLLBOOK_CORPUS names no folder with open.jsonl.xz")
    return {recording.number: recording for recording in recordings(found)}


@dataclass(frozen=True, slots=True)
class Way:
    """One way to set the house up for the replay."""

    name: str
    seed: int
    asks: bool = False  # stream_usage as it is by default, instead of "leave"
    max_bytes: int = Capture().max_bytes


@pytest.mark.parametrize(
    "way",
    [Way("leave", 1), Way("ask", 2, asks=True), Way("keep little", 3, max_bytes=8192)],
    ids=lambda way: way.name,
)
async def test_recordings_pass_unchanged_and_become_right_rows(
    corpus: Mapping[int, Recording],
    house: OpenHouse,
    pytestconfig: pytest.Config,
    capsys: pytest.CaptureFixture[str],
    way: Way,
) -> None:
    """Each exchange is one row with the provider's own tokens, and the client receives the provider's bytes."""
    async with replaying(corpus, way.seed) as (base_url, upstream):
        opened = await house(
            base_url,
            upstream={} if way.asks else {"stream_usage": "leave"},
            capture=Capture(max_bytes=way.max_bytes),
        )
        received = await _sent(opened, corpus, way.seed)
        rows, beside = await _rows(opened)
    pytestconfig.stash[REPLAYED] = pytestconfig.stash.get(REPLAYED, 0) + len(received)

    by_id = {row["id"]: row for row in rows}
    assert len(rows) == len(by_id) == len(received) == len(corpus)
    mistakes: list[str] = []
    exceptions: list[str] = []
    right: Counter[Kind] = Counter()
    seen: Counter[Kind] = Counter()
    for number, recording in corpus.items():
        replayed, got = upstream.replayed[number], received[number]
        row = by_id[got.call_id]
        told = reported(recording.endpoint, recording.status, replayed.response)
        wrong = _wrong_tokens(row, beside[got.call_id].parts, told)
        kind = (recording.provider, recording.endpoint, row["stream"])
        seen[kind] += 1
        right[kind] += not wrong
        exceptions += [f"{_name(recording)}: {what}" for what in wrong]
        found = [*_changes(recording, replayed, got, way), *_wrong_facts(recording, row, told, way)]
        if wrong and not beside[got.call_id].anomalies:
            found.append("its tokens are not those reported, and nothing on the row says so")
        mistakes += [f"{_name(recording)}: {what}" for what in found]
    with capsys.disabled():
        _print(pytestconfig, way, seen, right, exceptions)
    assert mistakes == []
    assert right.total() / seen.total() >= _LEAST_RIGHT, exceptions


async def _sent(opened: House, corpus: Mapping[int, Recording], seed: int) -> dict[int, Received]:
    """Send every request, a few at once, as a client that looks at nothing."""
    received: dict[int, Received] = {}
    waiting = iter(corpus.values())

    async def send_all(session: aiohttp.ClientSession) -> None:
        for recording in waiting:
            received[recording.number] = await _one(session, opened.proxy, recording, seed)

    skipped = {"User-Agent", "Accept", "Accept-Encoding", "Content-Type"}
    async with aiohttp.ClientSession(auto_decompress=False, skip_auto_headers=skipped) as session:
        await asyncio.gather(*(send_all(session) for _ in range(_AT_ONCE)))
    return received


async def _one(session: aiohttp.ClientSession, proxy: str, recording: Recording, seed: int) -> Received:
    dice = random.Random(f"{seed} client {recording.number}")
    headers = [(name, value) for name, value in recording.request_headers if name not in _SET_BY_THE_CLIENT]
    headers.append((NUMBER, str(recording.number)))
    if offered := [coding for coding in CODINGS if dice.random() < 0.5]:
        headers.append(("Accept-Encoding", ", ".join(offered)))
    chunked = dice.random() < 0.2
    async with session.request(
        recording.method,
        URL(f"{proxy}/{recording.provider}{recording.target}", encoded=True),
        headers=headers,
        data=_in_pieces(recording.request, dice) if chunked else recording.request,
        allow_redirects=False,
    ) as response:
        body = await response.read()
        return Received(response.headers["x-tollbook-call-id"], response.status, response.raw_headers, body)


async def _in_pieces(body: bytes, dice: random.Random) -> AsyncIterator[bytes]:
    while body:
        size = dice.randint(1, 50_000)
        yield body[:size]
        body = body[size:]


async def _rows(opened: House) -> tuple[list[dict[str, Any]], dict[str, Beside]]:
    """All rows, as soon as the book has what the journal was told; and what stands beside them in the file itself."""
    async with asyncio.timeout(30):
        while (live := opened.ingest.live()).waiting or live.open:  # noqa: ASYNC110 - another thread fills the book
            await asyncio.sleep(0.02)
    rows: list[dict[str, Any]] = []
    cursor: str | None = None
    async with Reader.open(opened.config.store.data_dir) as reader:
        while cursor or not rows:
            params = [("limit", "1000"), *([("cursor", cursor)] if cursor else [])]
            page = await logs(reader, parse(params, datetime.now(UTC), also=("limit", "cursor")))
            rows += page["logs"]
            cursor = page["next"]
    return rows, await asyncio.to_thread(_beside, opened.config.store.data_dir / "book.db")


def _beside(book: Path) -> dict[str, Beside]:
    connection = sqlite3.connect(f"file:{book}?mode=ro", uri=True)
    try:
        found = connection.execute(
            "select log.call_id, cache_write_5m, cache_write_1h, anomalies from calls join log on log.id = calls.id"
        )
        return {
            call_id: Beside({"cache_write_5m": short, "cache_write_1h": long}, tuple(orjson.loads(anomalies or "[]")))
            for call_id, short, long, anomalies in found
        }
    finally:
        connection.close()


def _changes(recording: Recording, replayed: Replayed, got: Received, way: Way) -> list[str]:
    """What the proxy changed between client and upstream that it had no business to change."""
    found = []
    asks = way.asks and recording.provider == "openai" and _may_be_asked(recording)
    sent = orjson.loads(replayed.request) if asks else replayed.request
    meant = _with_question(recording.request) if asks else recording.request
    if sent != meant:
        found.append(f"the upstream got another body: {sent!r:.200}")
    if (replayed.method, replayed.target) != (recording.method, recording.target):
        found.append(f"the upstream got {replayed.method} {replayed.target}")
    expected = replayed.wire.body
    if asks and recording.status < 400 and replayed.wire.coding == "identity":
        expected = _without_extra(expected)
        if recording.response != replayed.response and expected != recording.response:
            found.append("the recording itself is not what is left")
    if got.body != expected:
        found.append(f"the client got {len(got.body)} bytes, not the {len(expected)} expected ({replayed.wire.coding})")
    kept = [(name.lower(), value) for name, value in got.headers if name.lower() not in _SET_BY_THE_PROXY]
    meant_headers = [(name.encode(), value.encode()) for name, value in recording.response_headers]
    if replayed.wire.coding != "identity":
        meant_headers.append((b"content-encoding", replayed.wire.coding.encode()))
    if kept != meant_headers:
        found.append(f"the client got other headers: {set(kept) ^ set(meant_headers)}")
    if got.status != recording.status:
        found.append(f"the client got status {got.status}")
    return found


def _with_question(request: bytes) -> Any:
    return {"stream_options": {"include_usage": True}} | orjson.loads(request)


def _may_be_asked(recording: Recording) -> bool:
    if not recording.endpoint.endswith("completions"):
        return False
    request = orjson.loads(recording.request)
    return request.get("stream") is True and "stream_options" not in request


def _without_extra(body: bytes) -> bytes:
    """The stream without the event that has usage and no choices."""
    kept = []
    for event in body.split(b"\n\n"):
        data = event.removeprefix(b"data: ")
        chunk = orjson.loads(data) if data.startswith(b"{") else {}
        if not (chunk.get("choices") == [] and chunk.get("usage")):
            kept.append(event)
    return b"\n\n".join(kept)


def _wrong_tokens(row: dict[str, Any], parts: dict[str, int | None], told: Reported) -> list[str]:
    """Where the row's tokens are not what the provider reported."""
    counts = {name: count for name, count in row["tokens"].items() if name != "source"}
    if told.tokens is None:
        return [] if row["tokens"]["source"] != "reported" else [f"tokens that nobody reported: {counts}"]
    if row["tokens"]["source"] != "reported":
        return [f"{row['tokens']['source']} tokens, though reported: {told.tokens}"]
    found = [
        f"{name} is {count}, reported was {told.tokens[name]}"
        for name, count in counts.items()
        if count != told.tokens[name]
    ]
    if told.parts is not None and parts != told.parts:
        found.append(f"cache writes are {parts}, reported were {told.parts}")
    return found


def _wrong_facts(recording: Recording, row: dict[str, Any], told: Reported, way: Way) -> list[str]:
    """Where the rest of the row is not what happened."""
    requested = _requested_model(recording)
    if len(recording.request) > way.max_bytes and row["requested_model"] is None:
        requested = None  # it stood in the middle, which was not kept
    stream = told.stream or recording.endpoint == "streamGenerateContent" or _asks_for_stream(recording)
    meant: dict[str, Any] = {
        "status": recording.status,
        "outcome": "completed",
        "type": _TYPES[recording.endpoint],
        "upstream": recording.provider,
        "requested_model": requested,
        "model": told.model or requested,
        "stream": stream,
        "error": told.error,
        "group": "default",
    }
    found = [f"{name} is {row[name]!r}, not {value!r}" for name, value in meant.items() if row[name] != value]
    if row["duration_ms"] is None or row["duration_ms"] <= 0:
        found.append("no duration")
    if (row["cost"]["usd"] is None) != (row["cost"]["state"] == "unknown"):
        found.append(f"cost {row['cost']}")
    return found


def _requested_model(recording: Recording) -> str | None:
    if "/models/" in recording.path:
        return recording.path.partition("/models/")[2].partition(":")[0]
    if recording.request.startswith(b"{"):
        model = orjson.loads(recording.request).get("model")
        return None if model is None else str(model)
    field = recording.request.partition(b'name="model"')[2].partition(b"\r\n\r\n")[2].partition(b"\r\n")[0]
    return field.decode() or None


def _asks_for_stream(recording: Recording) -> bool:
    return recording.request.startswith(b"{") and orjson.loads(recording.request).get("stream") is True


def _name(recording: Recording) -> str:
    return f"{recording.provider} {recording.endpoint} {recording.number} ({recording.origin})"


def _print(
    config: pytest.Config, way: Way, seen: Counter[Kind], right: Counter[Kind], exceptions: Iterable[str]
) -> None:
    """The table of what was replayed."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    assert terminal is not None
    lines = [f"{'replayed: ' + way.name:31} {'':6} right/all"]
    for kind, count in sorted(seen.items()):
        provider, endpoint, stream = kind
        lines.append(f"{provider:9} {endpoint:21} {'stream' if stream else 'whole':6} {right[kind]}/{count}")
    for line in ("", *lines, f"{'all':38} {right.total()}/{seen.total()}", *exceptions):
        terminal.write_line(line)
