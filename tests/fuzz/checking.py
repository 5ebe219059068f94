"""What must hold for every input: metering does not raise, the book takes what comes of it, and it can be shown and
searched."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import orjson

from proxy.config.model import Capture, Config
from store.book import Book, Entry, KeptBody
from store.dialects import Document
from store.metering import Meter, Noted
from store.questions import call
from store.reader import Reader
from store.search.texts import text_of
from tests.recordings.upstreams import upstreams_at

_FALLEN_BACK = "unreadable"
"""The anomaly of an exchange in which something raised and was caught."""


_SHOWN = 5
"""One of so many."""


def a_meter() -> Meter:
    """One that knows all upstreams of the recordings."""
    return Meter(Config(upstreams=upstreams_at("http://127.0.0.1:9", asks=False), capture=Capture(max_bytes=65_536)))


def metered(meter: Meter, noted: Noted) -> Entry:
    """The record of this call.

    Raises:
        AssertionError: it is none, or something raised on the way and was caught.
    """
    entry = meter.meter(noted)
    call = entry.call
    assert _FALLEN_BACK not in call.anomalies, "read by falling back"
    assert call.call_id == noted.started.call_id
    tokens = call.reading.tokens
    if tokens is not None:
        buckets = [getattr(tokens, name) for name in tokens.__struct_fields__ if name != "source"]
        assert all(count is None or 0 <= count < 2**53 for count in buckets), tokens
        assert (tokens.total or 0) < 2**63
    assert (call.cost.nano_usd is None) == (call.cost.state == "unknown")
    assert call.cost.nano_usd is None or 0 <= call.cost.nano_usd < 2**63
    return entry


def accepted(folder: Path, entries: Sequence[Entry]) -> None:
    """The book takes all of them, in one transaction; some of them are asked for in full, and indexed."""
    with Book(folder) as book:
        assert book.add(entries) == len(entries)
    some = entries[::_SHOWN]
    asyncio.run(_shown(folder, some))
    for one in some:
        made = one.call
        text_of(
            made.dialect,
            made.method,
            made.target,
            one.request_headers,
            _document(one.request),
            made.status,
            _document(one.response),
            () if made.error is None else (made.error.type, made.error.code, made.error.message),
        )


async def _shown(folder: Path, entries: Sequence[Entry]) -> None:
    async with Reader.open(folder) as reader:
        for one in entries:
            answer = await call(reader, str(UUID(bytes=one.call.call_id)))
            assert answer is not None
            orjson.dumps(dict(answer))


def _document(kept: KeptBody | None) -> Document | None:
    if kept is None:
        return None
    if kept.cut is None:
        return Document(kept.data)
    return Document(kept.data[: kept.cut], kept.data[kept.cut :], cut=True)
