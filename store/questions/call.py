"""One call with everything: what was asked and answered, and the arithmetic of its cost."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson

from store.call import CostLine
from store.dialects.document import Document
from store.dialects.shape import NOT_JSON
from store.moments import rfc3339
from store.presentation import present
from store.presentation.value import value_of
from store.pricing.lines import lines_from_json
from store.questions.bodies import Bodies, Side, bodies_of
from store.questions.figures import in_credits, ms, usd
from store.questions.ids import id_of
from store.questions.pace import Paced, pace
from store.questions.row import Json, listed
from store.questions.statements import statement
from store.reader import Row, Source

_BUCKETS = (
    "input_uncached", "cache_read", "cache_write_5m", "cache_write_1h", "input_audio", "input_image",
    "cache_read_audio", "cache_read_image", "output_text", "output_audio", "output_image",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class InFull:
    """One call as it is told in JSON, and the two sides of its exchange as they were said."""

    told: Json
    request: Side
    response: Side


async def call(source: Source, public_id: str) -> Json | None:
    """The call with this id; None when there is none.

    Raises:
        NoAnswer: the book cannot be read in time.
    """
    found = await call_in_full(source, public_id)
    return None if found is None else found.told


async def call_in_full(source: Source, public_id: str) -> InFull | None:
    """The same with what is kept of its bodies, for whoever shows more of them than JSON does.

    Raises:
        NoAnswer: the book cannot be read in time.
    """
    call_id = id_of(public_id)
    if call_id is None:
        return None
    async with source.snapshot() as snapshot:
        found = await snapshot.rows(statement("call"), (call_id,))
        if not found:
            return None
        (row,) = found
        (answer,) = await listed(snapshot, [row[0]])
        paced = await pace(snapshot, row[0])
        repriced = await snapshot.rows(statement("repriced"), (row[0],))
        bodies = await bodies_of(snapshot, row[0], call_id)
    # Decompressing and reading two bodies can take milliseconds: not on the event loop.
    return await asyncio.to_thread(_complete, answer, row, bodies, paced, repriced)


def _complete(answer: Json, row: Row, bodies: Bodies, paced: Paced, repriced: Sequence[Row]) -> InFull:
    (
        _, boot_id, seq, dialect, method, target, client, user_agent,
        upstream_request_id, finish_reason, fault, service_tier, anomalies, raw_usage,
        *buckets,
        units, cost_lines, cost_missing, price_source, price_entry, price_since, cache_saved,
        asked, answered, first_token, duration, overhead, pause, held, uploaded,
        status, request_bytes, response_bytes, sent_bytes,
    ) = row  # fmt: skip
    request, response = bodies.unpacked()
    shown = present(
        dialect, method, target,
        request.headers, request.body or Document(b""), status, response.headers, response.body or Document(b""),
    )  # fmt: skip
    answer["tokens"] |= {
        "parts": dict(zip(_BUCKETS, buckets, strict=True)),
        "raw": _provider_usage(raw_usage),
    }
    answer["units"] = orjson.loads(units) if units else {}
    answer["cost"] |= {
        "lines": [_line(line) for line in lines_from_json(cost_lines)],
        "price": {"source": price_source, "entry": price_entry, "since": price_since},
        "cache_saved_usd": usd(cache_saved),
        "missing": cost_missing,
        "repriced": [_before(*one) for one in repriced],
    }
    told = answer | {
        "upstream_request_id": upstream_request_id,
        "finish_reason": finish_reason,
        "fault": fault,
        "anomalies": orjson.loads(anomalies) if anomalies else [],
        "service_tier": service_tier,
        "method": method,
        "target": target,
        "dialect": dialect,
        "client": client,
        "user_agent": user_agent,
        "worker": {"boot_id": boot_id, "seq": seq},
        "parameters": shown.parameters,
        "request": {
            "headers": request.headers,
            "body": shown.request if request.body else None,
            "bytes": request_bytes,
            "truncated": bool(request.body and request.body.cut),
        },
        "response": {
            "headers": response.headers,
            "body": shown.response if response.body else None,
            "text": shown.text,
            "bytes": response_bytes,
            "sent_bytes": sent_bytes,
            "truncated": bool(response.body and response.body.cut),
        },
        "timings": {
            "asked_ms": ms(asked),
            "uploaded_ms": ms(uploaded),
            "answered_ms": ms(answered),
            "first_token_ms": ms(first_token),
            "duration_ms": ms(duration),
            "overhead_ms": ms(overhead),
            "longest_pause_ms": ms(pause),
            "client_wait_ms": ms(held),
            "parts": paced.parts_as_json(),
        },
        "pace": paced.as_json(request.headers),
    }
    return InFull(told, request, response)


def _before(
    began_at: int, who: str, cost: int | None, state: str, usage: int | None, lines: str | None, missing: str | None,
    source: str | None, entry: str | None, since: str | None, cache_saved: int | None,
) -> Json:  # fmt: skip
    """What the call said of its cost before somebody changed it."""
    return {
        "at": rfc3339(began_at),
        "by": who,
        "usd": usd(cost),
        "state": state,
        "usage": in_credits(usage),
        "lines": [_line(line) for line in lines_from_json(lines)],
        "price": {"source": source, "entry": entry, "since": since},
        "cache_saved_usd": usd(cache_saved),
        "missing": missing,
    }


def _provider_usage(text: str | None) -> Any:
    try:
        return value_of(text.encode()) if text else None
    except NOT_JSON:
        return text


def _line(line: CostLine) -> dict[str, Any]:
    rate = "rate_usd" if line.per_unit else "rate_usd_per_million"
    told = {"kind": line.kind, "count": _count(line.count), rate: f"{line.rate:f}", "usd": f"{line.usd:f}"}
    return told if line.model is None else told | {"model": line.model, "price": line.entry}


def _count(count: Decimal) -> int | float:
    return int(count) if count == count.to_integral_value() else float(count)
