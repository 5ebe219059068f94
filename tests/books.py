"""Calls and books for tests: a call with every field filled, and a book on disk that holds the calls given."""

import itertools
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec.structs import fields, replace

from store.book import Book, Entry
from store.call import Call, Cost, CostLine, Reading, Tokens

NOON_US = 1_795_262_400_000_000  # 2026-11-21T12:00:00Z

_READING = {field.name for field in fields(Reading)} - {"error", "anomalies"}
_numbers = itertools.count(1)


def call_id(number: int) -> bytes:
    """A well-formed UUIDv7 that carries this number."""
    return bytes.fromhex("0193a5f0c0de7000") + (0x8000_0000_0000_0000 | number).to_bytes(8, "big")


def a_call(**changes: Any) -> Call:
    """A completed chat call with tokens and a price; names of `Call` and of its `Reading` are changed alike."""
    number = next(_numbers)
    reading = Reading(
        type="chat",
        requested_model="gpt-4o-mini",
        model="gpt-4o-mini-2024-07-18",
        tokens=Tokens(source="reported", input_uncached=100, cache_read=0, output_text=50, reasoning=0),
        raw_usage=b'{"prompt_tokens":100,"completion_tokens":50}',
        finish_reason="stop",
        finished=True,
    )
    call = Call(
        call_id=call_id(number),
        boot_id="boot",
        seq=number,
        started_at_us=NOON_US + number,
        upstream="openai",
        dialect="openai",
        method="POST",
        target="/v1/chat/completions",
        key="laptop",
        group="default",
        client="127.0.0.1",
        user_agent="tests/1",
        status=200,
        outcome="completed",
        fault=None,
        duration_us=1_234_567,
        asked_us=200,
        answered_us=200_000,
        first_token_us=210_400,
        overhead_us=410,
        pause_us=320_000,
        held_us=0,
        reading=reading,
        error=None,
        upstream_request_id="req_1",
        cost=Cost(
            state="priced",
            nano_usd=45_000,
            lines=(
                CostLine("input", Decimal(100), Decimal("0.15"), Decimal("0.000015")),
                CostLine("output", Decimal(50), Decimal("0.6"), Decimal("0.00003")),
            ),
            source="config",
            entry="openai/gpt-4o-mini*",
            since="2024-07-18",
        ),
        usage_micro=45_000,
        request_bytes=120,
        response_bytes=480,
        sent_bytes=480,
    )
    read = {name: changes.pop(name) for name in list(changes) if name in _READING}
    read_whole = replace(changes.pop("reading", reading), **read)
    return replace(call, reading=read_whole, **changes)


def a_book(data_dir: Path, calls: Iterable[Call | Entry]) -> Path:
    """Write these calls, in this order, into the book of a data directory; the book is closed again."""
    with Book(data_dir) as book:
        book.add([entry if isinstance(entry, Entry) else Entry(entry) for entry in calls])
    return data_dir
