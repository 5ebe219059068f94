"""A call as it is listed, and how rows of the book become that."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson

from store.moments import rfc3339
from store.questions.figures import in_credits, ms, usd
from store.questions.statements import statement
from store.reader import Row, Snapshot

Json = dict[str, Any]


async def listed(snapshot: Snapshot, ids: Sequence[int]) -> list[Json]:
    """These calls, in this order."""
    rows = await snapshot.rows(statement("rows"), (orjson.dumps(ids).decode(),))
    by_id = {row[0]: row for row in rows}
    return [as_json(by_id[number]) for number in ids]


def as_json(row: Row) -> Json:
    """One row of rows.sql."""
    (
        _, call_id, started_at, model, requested_model, key, group, call_type, upstream,
        status, outcome, streamed, error_type, error_code, error_message,
        duration, first_token, overhead,
        source, total, into, out, cache_read, cache_write, reasoning,
        cost, cost_state, usage, user, session, tags, repeats,
    ) = row  # fmt: skip
    error = {"type": error_type, "code": error_code, "message": error_message}
    return {
        "id": str(UUID(bytes=call_id)),
        "time": rfc3339(started_at),
        "usage": in_credits(usage),
        "model": model,
        "duration_ms": ms(duration),
        "tokens": {
            "total": total, "input": into, "output": out,
            "cache_read": cache_read, "cache_write": cache_write, "reasoning": reasoning, "source": source,
        },
        "cost": {"usd": usd(cost), "state": cost_state},
        "key": key,
        "group": group,
        "type": call_type,
        "upstream": upstream,
        "requested_model": requested_model,
        "status": status,
        "outcome": outcome,
        "stream": bool(streamed),
        "first_token_ms": ms(first_token),
        "overhead_ms": ms(overhead),
        "error": error if any(error.values()) else None,
        "user": user,
        "session": session,
        "tags": orjson.loads(tags) if tags else {},
        "repeats": repeats,
    }  # fmt: skip
