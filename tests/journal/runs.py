"""Runs of workers without the workers: journals written note by note, and the book that comes of them."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from proxy.call_id import CallIds
from proxy.config.model import Config, Store
from proxy.journal import segment
from proxy.journal.directory import OwnDirectory, claim, new_boot_id
from proxy.journal.notes import Asked, Body, Ended, Note, Numbered, Started, encode
from proxy.journal.tally import Tally
from store.book import Book
from store.filters import parse
from store.ingest import Ingest
from store.questions import logs
from store.reader import Reader

AT_US = 1_795_262_400_000_000
_ids = CallIds()


def started(seq: int) -> Started:
    """A chat call that began."""
    return Started(
        _ids.new(AT_US + seq * 1000), seq, AT_US + seq * 1000, "groq", "openai", "POST", "/v1/chat/completions", None,
        "default", "127.0.0.1", (("content-type", "application/json"),),
    )  # fmt: skip


def asked(call: Started, size: int = 40) -> Asked:
    """Its request body."""
    body = b'{"model":"gpt-4o","messages":[]}'.ljust(size)
    return Asked(call.call_id, Body(len(body), body))


def ended(call: Started) -> Ended:
    """Its good end."""
    body = (
        b'{"object":"chat.completion","model":"gpt-4o","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}'
    )
    return Ended(call.call_id, "completed", 200, 1000, 10, 500, 600, 20, (), Body(len(body), body), len(body))


def whole_call(seq: int) -> list[Note]:
    """All notes of a call."""
    call = started(seq)
    return [call, asked(call), ended(call)]


def framed(*notes: Note | Numbered) -> list[bytes]:
    """The records of these notes, as they stand in a segment."""
    return [segment.header(payload) + payload for payload in map(encode, notes)]


class HandWritten:
    """One run of a worker whose segments a test writes byte by byte."""

    def __init__(self, data_dir: Path) -> None:
        boot_id = new_boot_id()
        self.tally = Tally(data_dir, boot_id)
        self.directory: OwnDirectory = claim(data_dir, boot_id)

    def write(self, number: int, *records: bytes) -> None:
        """Write a segment anew."""
        self.directory.segment(number).write_bytes(b"".join(records))

    def die(self) -> None:
        """The lock goes, as it does however a process ends."""
        self.tally.close()
        self.directory.release()


def an_ingest(data_dir: Path) -> Ingest:
    """The thread that fills the book, begun."""
    ingest = Ingest(Config(store=Store(data_dir)))
    ingest.start()
    return ingest


async def ingested(data_dir: Path) -> dict[str, int]:
    """Let the store read everything there is, to its end; the counters of the book afterwards."""
    ingest = an_ingest(data_dir)
    await asyncio.to_thread(ingest.stop)
    with Book(data_dir) as book:
        return book.counters()


async def stored(ingest: Ingest, count: int) -> None:
    """Wait until so many calls are in the book."""
    for _ in range(3000):
        if ingest.live().stored >= count:
            break
        await asyncio.sleep(0.02)
    assert ingest.live().stored == count


async def rows(data_dir: Path) -> list[dict[str, Any]]:
    """All rows of the book, oldest first."""
    async with Reader.open(data_dir) as reader:
        found = await logs(
            reader, parse([("limit", "1000"), ("order", "asc")], datetime.now(UTC), also=("limit", "order"))
        )
    return list(found["logs"])
