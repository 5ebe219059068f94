"""A call as one flat row: the fields of /api/logs, their names joined by `_`. Unknown is None in every column."""

from collections.abc import Callable
from typing import Any, Final, Literal

import orjson

Kind = Literal["id", "time", "text", "word", "count", "milliseconds", "credits", "usd", "flag", "json"]
"""What a column holds. `text` was written by strangers, `word` is one of a few of our own."""

COLUMNS: Final[dict[str, Kind]] = {
    "id": "id",
    "time": "time",
    "usage": "credits",
    "model": "text",
    "duration_ms": "milliseconds",
    "tokens_total": "count",
    "tokens_input": "count",
    "tokens_output": "count",
    "tokens_cache_read": "count",
    "tokens_cache_write": "count",
    "tokens_reasoning": "count",
    "tokens_source": "word",
    "cost_usd": "usd",
    "cost_state": "word",
    "key": "text",
    "group": "text",
    "type": "word",
    "upstream": "text",
    "requested_model": "text",
    "status": "count",
    "outcome": "word",
    "stream": "flag",
    "first_token_ms": "milliseconds",
    "overhead_ms": "milliseconds",
    "error_type": "text",
    "error_code": "text",
    "error_message": "text",
    "user": "text",
    "session": "text",
    "tags": "json",
    "repeats": "count",
}

Json = dict[str, Any]
_NO_ERROR: Final[Json] = {"type": None, "code": None, "message": None}


def flat(call: Json, plain: Callable[[Any], Any] = lambda value: value) -> tuple[Any, ...]:
    """The values of COLUMNS, in their order; `plain` is asked for what the text of strangers becomes."""
    tokens, cost, error = call["tokens"], call["cost"], call["error"] or _NO_ERROR
    return (
        call["id"], call["time"], call["usage"], plain(call["model"]), call["duration_ms"],
        tokens["total"], tokens["input"], tokens["output"],
        tokens["cache_read"], tokens["cache_write"], tokens["reasoning"], tokens["source"],
        cost["usd"], cost["state"],
        plain(call["key"]), plain(call["group"]), call["type"], plain(call["upstream"]), plain(call["requested_model"]),
        call["status"], call["outcome"], call["stream"], call["first_token_ms"], call["overhead_ms"],
        plain(error["type"]), plain(error["code"]), plain(error["message"]),
        plain(call["user"]), plain(call["session"]),
        orjson.dumps(call["tags"]).decode(), call["repeats"],
    )  # fmt: skip
