"""Every recorded exchange goes through the house and becomes the row it should be."""

import asyncio
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from proxy.config.model import Capture
from store.filters import parse
from store.questions import logs
from store.reader import Reader
from tests.conftest import REPLAYED, OpenHouse
from tests.house import House
from tests.recordings.client import Received, sent
from tests.recordings.corpus import Recording, recordings, where
from tests.recordings.reported import Reported, reported
from tests.recordings.table import Table
from tests.recordings.upstream import Replayed, replaying
from tests.recordings.upstreams import ASKED, upstreams_at

_LEAST_TOLD = 0.995
"""The share of exchanges whose tokens must be found though only the two ends of their bodies are kept."""

_ODDITIES = {
    "broken_json", "odd_usage", "odd_count", "negative_count", "cached_over_input", "parts_over_total",
    "total_mismatch", "undecodable_body", "broken_frames", "decompression_bomb", "unreadable",
}  # fmt: skip
"""What a row may only say of an exchange in which something is odd."""

_HOP_BY_HOP = {"keep-alive"}
_SET_BY_THE_PROXY = {b"content-length", b"transfer-encoding", b"connection", b"x-tollbook-call-id"}


@dataclass(frozen=True, slots=True)
class Beside:
    """What a listed row does not tell."""

    long_writes: int | None  # to a cache, for an hour
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
    asks: bool = False  # stream_usage as a user would have it, instead of "leave"
    max_bytes: int = Capture().max_bytes

    def cuts(self, recording: Recording, answer: bytes) -> bool:
        """Whether not all of an exchange is kept."""
        return max(len(recording.request), len(answer)) > self.max_bytes


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
            upstreams=upstreams_at(base_url, asks=way.asks),
            capture=Capture(max_bytes=way.max_bytes),
            journal_wait_ms=5000.0,  # on a busy machine a large body may be decoded late
        )
        received = await sent(opened.proxy, corpus, way.seed)
        rows, beside = await _rows(opened)
    pytestconfig.stash[REPLAYED] = pytestconfig.stash.get(REPLAYED, 0) + len(received)

    by_id = {row["id"]: row for row in rows}
    assert len(rows) == len(by_id) == len(received) == len(corpus)
    mistakes: list[str] = []
    table = Table(way.name)
    background: dict[str, list[bool]] = {}
    for number, recording in corpus.items():
        replayed, got = upstream.replayed[number], received[number]
        row, more = by_id[got.call_id], beside[got.call_id]
        told = reported(recording, replayed.response)
        if told.background is not None:
            background.setdefault(told.background, []).append("already_counted" in more.anomalies)
            if "already_counted" in more.anomalies:
                told = replace(told, tokens=None)
        wrong = _wrong_tokens(row, more, told)
        at_odds = told.tokens is not None and told.tokens.at_odds
        lost = way.cuts(recording, replayed.response) and (at_odds or row["tokens"]["source"] != "reported")
        table.count(recording, row, right=not wrong, contradicts=at_odds)
        if not at_odds and not way.cuts(recording, replayed.response):
            wrong += [f"nothing is odd about it, but its row says {name}" for name in _ODDITIES & set(more.anomalies)]
        found = [*_changes(recording, replayed, got, way)]
        found += [*([] if lost else wrong), *_wrong_facts(recording, row, told, way)]
        mistakes += [f"{recording.name}: {what}" for what in found]
    charges = {response: again.count(False) for response, again in background.items()}
    mistakes += [f"{response} is charged {times} times" for response, times in charges.items() if times != 1]
    with capsys.disabled():
        table.print(pytestconfig, whole=way.name == "leave")
    assert not mistakes, "\n".join(mistakes)
    assert table.share >= _LEAST_TOLD


async def _rows(opened: House) -> tuple[list[dict[str, Any]], dict[str, Beside]]:
    """All rows, as soon as the book has what the journal was told; and what stands beside them in the file itself."""
    async with asyncio.timeout(90):
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
            "select log.call_id, cache_write_1h, anomalies from calls join log on log.id = calls.id"
        )
        return {call_id: Beside(long, tuple(orjson.loads(anomalies or "[]"))) for call_id, long, anomalies in found}
    finally:
        connection.close()


def _changes(recording: Recording, replayed: Replayed, got: Received, way: Way) -> list[str]:
    """What the proxy changed between client and upstream that it had no business to change."""
    found = []
    asks = way.asks and recording.upstream in ASKED and _may_be_asked(recording)
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
    told = [header for header in recording.response_headers if header[0] not in _HOP_BY_HOP]
    meant_headers = [(name.encode(), value.encode()) for name, value in told]
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
    if recording.method != "POST" or not recording.path.endswith("/completions"):
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


def _wrong_tokens(row: dict[str, Any], beside: Beside, told: Reported) -> list[str]:
    """Where the row's tokens are not what the provider reported."""
    found = {name: count for name, count in row["tokens"].items() if name != "source"}
    if told.tokens is None:
        return [] if row["tokens"]["source"] != "reported" else [f"tokens that nobody reported: {found}"]
    meant: dict[str, int | None] = {name: getattr(told.tokens, name) for name in found}
    if row["tokens"]["source"] != "reported":
        return [f"{row['tokens']['source']} tokens, though reported: {meant}"]
    if meant["output"] is None and row["type"] in ("embedding", "rerank"):
        meant["output"] = found["output"] or None  # where there is no output, none and not told are the same
        found["output"] = found["output"] or None
    wrong = [f"{name} is {count}, reported was {meant[name]}" for name, count in found.items() if count != meant[name]]
    if (beside.long_writes or 0) != (told.tokens.cache_write_1h or 0):
        wrong.append(f"written for an hour were {beside.long_writes}, not {told.tokens.cache_write_1h}")
    if told.tokens.at_odds and not beside.anomalies:
        wrong.append(f"the provider contradicts itself, and nothing on the row says so: {found}")
    return wrong


def _wrong_facts(recording: Recording, row: dict[str, Any], told: Reported, way: Way) -> list[str]:
    """Where the rest of the row is not what happened."""
    requested = told.requested_model
    if len(recording.request) > way.max_bytes and row["requested_model"] is None:
        requested = None  # it stood in the middle, which was not kept
    meant: dict[str, Any] = {
        "status": recording.status,
        "outcome": "completed",
        "type": told.type,
        "upstream": recording.upstream,
        "requested_model": requested,
        "model": told.model or requested if told.answered else row["model"],
        "stream": told.stream,
        "error": told.error,
        "group": "default",
    }
    found = [f"{name} is {row[name]!r}, not {value!r}" for name, value in meant.items() if row[name] != value]
    if row["duration_ms"] is None or row["duration_ms"] <= 0:
        found.append("no duration")
    cost = row["cost"]
    if (cost["usd"] is None) != (cost["state"] == "unknown"):
        found.append(f"cost {cost}")
    if told.cost_usd is None and cost["state"] == "reported":
        found.append(f"a cost that nobody reported: {cost}")
    if told.cost_usd is not None and cost != {"usd": _nano(told.cost_usd), "state": "reported"}:
        found.append(f"cost is {cost}, reported was {told.cost_usd}")
    return found


def _nano(usd: Decimal) -> str:
    return f"{usd.quantize(Decimal('1e-9'), ROUND_HALF_UP):f}"
