"""The shapes of the answers, for the description of the query endpoint; a test compares them with real answers."""

from typing import Any, Final

from proxy.journal.ladder import Step
from store.anomalies import CATALOGUE

_Json = dict[str, Any]

_TEXT: Final[_Json] = {"type": "string"}
_TEXT_OR_NULL: Final[_Json] = {"type": ["string", "null"]}
_COUNT: Final[_Json] = {"type": "integer"}
_COUNT_OR_NULL: Final[_Json] = {"type": ["integer", "null"]}
_NUMBER: Final[_Json] = {"type": "number"}
_NUMBER_OR_NULL: Final[_Json] = {"type": ["number", "null"]}
_FLAG: Final[_Json] = {"type": "boolean"}
_ANYTHING: Final[_Json] = {}


def _object(**properties: _Json) -> _Json:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _list(items: _Json) -> _Json:
    return {"type": "array", "items": items}


def _map(values: _Json) -> _Json:
    return {"type": "object", "additionalProperties": values}


def _or_null(schema: _Json) -> _Json:
    return {**schema, "type": ["object", "null"]}


_HEADERS: Final = _list({"type": "array", "items": _TEXT, "description": "name and value"})
_PERCENTILES: Final = _object(p50=_NUMBER_OR_NULL, p95=_NUMBER_OR_NULL, p99=_NUMBER_OR_NULL)
_USD: Final[_Json] = {"type": ["string", "null"], "description": "decimal, nine places; null when unknown"}

_ANOMALY: Final[_Json] = {
    "type": "string",
    "description": "\n".join(f"{name}: {meaning}" for name, meaning in CATALOGUE.items()),
}

_TOKENS: Final = {
    "total": _COUNT_OR_NULL,
    "input": _COUNT_OR_NULL,
    "output": _COUNT_OR_NULL,
    "cache_read": _COUNT_OR_NULL,
    "cache_write": _COUNT_OR_NULL,
    "reasoning": _COUNT_OR_NULL,
}
_CALL: Final = {
    "id": {"type": "string", "format": "uuid"},
    "time": {"type": "string", "format": "date-time"},
    "usage": {**_NUMBER_OR_NULL, "description": "credits"},
    "model": _TEXT_OR_NULL,
    "duration_ms": _NUMBER_OR_NULL,
    "tokens": _object(**_TOKENS, source={"enum": ["reported", "estimated", "none"]}),
    "cost": _object(usd=_USD, state={"enum": ["reported", "priced", "estimated", "free", "unknown"]}),
    "key": _TEXT_OR_NULL,
    "group": _TEXT,
    "type": _TEXT,
    "upstream": _TEXT_OR_NULL,
    "requested_model": _TEXT_OR_NULL,
    "status": _COUNT_OR_NULL,
    "outcome": _TEXT,
    "stream": _FLAG,
    "first_token_ms": _NUMBER_OR_NULL,
    "overhead_ms": _NUMBER_OR_NULL,
    "error": _or_null(_object(type=_TEXT_OR_NULL, code=_TEXT_OR_NULL, message=_TEXT_OR_NULL)),
    "user": _TEXT_OR_NULL,
    "session": _TEXT_OR_NULL,
    "tags": _map(_TEXT),
    "repeats": {**_COUNT, "description": "refusals like this one that came too often to have a row each"},
}
_COST_LINE: Final = {
    "type": "object",
    "properties": {
        "kind": _TEXT,
        "count": _NUMBER,
        "rate_usd_per_million": _TEXT,
        "rate_usd": _TEXT,
        "usd": _TEXT,
        "model": {**_TEXT, "description": "another model than the call's, which did this part of it"},
        "price": {**_TEXT_OR_NULL, "description": "the price of that model: source, entry and day"},
    },
    "required": ["kind", "count", "usd"],
    "description": "count x rate = usd; the rate is per million tokens, or per unit (`rate_usd`)",
}
_SPREAD: Final = _or_null(_object(p10=_NUMBER, p50=_NUMBER, p90=_NUMBER))
_USUAL: Final = _object(
    first_token_ms=_SPREAD, tokens_per_second=_SPREAD, input_tokens=_SPREAD, output_tokens=_SPREAD, duration_ms=_SPREAD
)
_PACE: Final = {
    **_object(usual=_USUAL, reasons=_list(_object(reason=_TEXT, sentence=_TEXT)), compared_with=_COUNT),
    "description": "why it was slow: against the nearest calls of the same model, type and way of answering",
}
_PRICE: Final = _object(source=_TEXT_OR_NULL, entry=_TEXT_OR_NULL, since=_TEXT_OR_NULL)
_MISSING: Final[_Json] = {
    **_TEXT_OR_NULL,
    "description": "what an unknown cost lacks: model, price:MODEL, rate:KIND:MODEL, count:KIND:MODEL, "
    "tier:NAME:MODEL or amount",
}
_SAVED: Final[_Json] = {**_USD, "description": "what caching of the prompt spared; negative when it cost more"}
_CALL_IN_FULL: Final = {
    **_CALL,
    "tokens": _object(
        **_TOKENS,
        source={"enum": ["reported", "estimated", "none"]},
        parts={**_map(_COUNT_OR_NULL), "description": "counts that do not overlap"},
        raw={"description": "the provider's own usage object"},
    ),
    "cost": _object(
        usd=_USD,
        state=_TEXT,
        lines=_list(_COST_LINE),
        price=_PRICE,
        missing=_MISSING,
        cache_saved_usd=_SAVED,
        repriced={
            **_list(
                _object(
                    at={"type": "string", "format": "date-time"},
                    by=_TEXT,
                    usd=_USD,
                    state=_TEXT,
                    usage=_NUMBER_OR_NULL,
                    lines=_list(_COST_LINE),
                    price=_PRICE,
                    cache_saved_usd=_SAVED,
                    missing=_MISSING,
                )
            ),
            "description": "what it said before each time that its cost was computed anew, when, and by whom; "
            "oldest first",
        },
    ),
    "units": {
        "type": "object",
        "description": "what is billed by other than tokens, where it was counted: images, seconds, web_searches, ...",
    },
    "upstream_request_id": _TEXT_OR_NULL,
    "finish_reason": _TEXT_OR_NULL,
    "fault": {"enum": ["client", "policy", "upstream", "proxy", None]},
    "anomalies": _list(_ANOMALY),
    "service_tier": _TEXT_OR_NULL,
    "method": _TEXT,
    "target": _TEXT,
    "dialect": _TEXT,
    "client": _TEXT,
    "user_agent": _TEXT_OR_NULL,
    "worker": _object(boot_id=_TEXT, seq=_COUNT),
    "parameters": _ANYTHING,
    "request": _object(headers=_HEADERS, body=_ANYTHING, bytes=_COUNT, truncated=_FLAG),
    "response": _object(
        headers=_HEADERS, body=_ANYTHING, text=_TEXT_OR_NULL, bytes=_COUNT, sent_bytes=_COUNT, truncated=_FLAG
    ),
    "timings": _object(
        asked_ms=_NUMBER_OR_NULL,
        uploaded_ms=_NUMBER_OR_NULL,
        answered_ms=_NUMBER_OR_NULL,
        first_token_ms=_NUMBER_OR_NULL,
        duration_ms=_NUMBER_OR_NULL,
        overhead_ms=_NUMBER_OR_NULL,
        longest_pause_ms=_NUMBER_OR_NULL,
        client_wait_ms=_NUMBER_OR_NULL,
        parts={
            **_list(_object(part=_TEXT, ms=_NUMBER, means=_TEXT)),
            "description": "stretches that follow each other and together are the duration; empty when unknown",
        },
    ),
    "pace": _PACE,
}
_TOKEN_SHARE: Final = _object(calls=_COUNT, total=_COUNT_OR_NULL)
_COST_SHARE: Final = _object(calls=_COUNT, usd=_USD)
_SHARES: Final[_Json] = {
    "description": "how it is known, told apart: the shares add up to the calls, and to what is known of them"
}
_SUMS: Final = _object(
    calls=_COUNT,
    errors=_COUNT,
    tokens=_object(
        **_TOKENS,
        unknown_calls=_COUNT,
        estimated_calls=_COUNT,
        estimated_input={**_COUNT, "description": "of `input`: not told, but estimated from the text"},
        estimated_output={**_COUNT, "description": "of `output`: likewise"},
        shares={**_object(reported=_TOKEN_SHARE, estimated=_TOKEN_SHARE, unknown=_TOKEN_SHARE), **_SHARES},
    ),
    cost=_object(
        usd=_USD,
        unknown_calls=_COUNT,
        estimated_calls=_COUNT,
        cache_saved_usd=_USD,
        shares={
            **_object(
                reported=_COST_SHARE, priced=_COST_SHARE, estimated=_COST_SHARE, free=_COST_SHARE, unknown=_COST_SHARE
            ),
            **_SHARES,
        },
    ),
    usage=_NUMBER_OR_NULL,
    usage_unknown_calls=_COUNT,
    duration_ms=_PERCENTILES,
    first_token_ms=_PERCENTILES,
)
_VALUES: Final = _list(_object(value=_TEXT_OR_NULL, calls=_COUNT))
_HOW_FAR: Final[_Json] = {
    "complete": {
        "type": "boolean",
        "description": "false: the time was up before every call of the filter was read, or rows it needs are pruned",
    },
    "read_back_to": {
        "type": ["string", "null"],
        "format": "date-time",
        "description": "when not complete: the answer is of the calls from then on",
    },
}
_REACH: Final = {
    **_object(**{"from": _TEXT_OR_NULL}, to=_TEXT_OR_NULL, waiting=_COUNT),
    "description": "only where `q` is asked for: times of the oldest call whose text is indexed and of the newest call "
    "looked at, and how many calls are not looked at yet",
}


def _searching(answer: _Json) -> _Json:
    return {**answer, "properties": {**answer["properties"], "searched": _REACH}}


SCHEMAS: Final[_Json] = {
    "Call": _object(**_CALL),
    "CallInFull": _object(**_CALL_IN_FULL),
    "Page": {
        **_searching(_object(logs=_list({"$ref": "#/components/schemas/Call"}), next=_TEXT_OR_NULL, **_HOW_FAR)),
        "description": "a page that is not complete can be short or empty; `next` goes on from where it has read to, "
        "which in ascending order of time is an end, not a beginning",
    },
    "Sums": _SUMS,
    "Stats": {
        "type": "object",
        "properties": {
            "stats": _list({"$ref": "#/components/schemas/Sums"}),
            "total": _SUMS,
            **_HOW_FAR,
            "searched": _REACH,
        },
        "required": ["total", *_HOW_FAR],
        "description": "each row of stats also has what it is grouped by; without `by` only the total",
    },
    "Facets": _searching(
        _object(model=_VALUES, key=_VALUES, group=_VALUES, type=_VALUES, upstream=_VALUES, **_HOW_FAR)
    ),
    "Health": _object(
        received=_COUNT,
        stored=_COUNT,
        waiting=_COUNT,
        open=_COUNT,
        repeats={**_COUNT, "description": "of those stored: refusals counted on the row of another"},
        malformed={**_COUNT, "description": "requests that were not understood, or whose headers were too large"},
        late_heads={**_COUNT, "description": "requests whose headers did not come in time"},
        turned_away={**_COUNT, "description": "connections of clients past max_connections"},
        stalls={**_COUNT, "description": "how often the loop of a worker stood still, for a tenth of a second or more"},
        longest_stall_ms={**_COUNT, "description": "the longest of them in the workers that run now"},
        late_notes=_COUNT,
        lost={**_map(_COUNT), "description": "total, and one count for each reason"},
        ladder={
            **_object(
                step={"type": "string", "enum": [step.label for step in Step]},
                since={"type": ["string", "null"], "format": "date-time"},
                means=_TEXT,
                low_bytes=_COUNT_OR_NULL,
                ballast_bytes=_COUNT,
                book_error=_TEXT_OR_NULL,
            ),
            "description": "how much is kept while the disk fills or fails: the lowest step that a worker or the book "
            "stands on, and why the book could not be written at the last try",
        },
        lag_ms=_NUMBER,
        drained_through={"type": "string", "format": "date-time"},
        disk=_map(_COUNT_OR_NULL),
        prices=_map(_ANYTHING),
        search={
            **_or_null(_object(to=_TEXT_OR_NULL, waiting=_COUNT)),
            "description": "the index of words: the newest call in it, and how many are not yet; null without bodies",
        },
        budgets=_list(
            _object(
                of={"type": "string", "enum": ["key", "group"]},
                name=_TEXT,
                credits=_NUMBER,
                period={"type": "string", "enum": ["total", "day", "week", "month"]},
                used=_NUMBER,
                share=_NUMBER,
                state={"type": "string", "enum": ["ok", "warned", "used_up"]},
                until=_TEXT_OR_NULL,
            )
        ),
        webhook={
            **_or_null(_object(pending=_COUNT, failed=_COUNT, last_error=_TEXT_OR_NULL)),
            "description": "messages about budgets that wait, and that were given up since the start; null without one",
        },
        sandbox={"type": "boolean", "description": "what is in the book are the sample calls of a demo"},
        engine=_map(_TEXT),
    ),
    "Error": _object(error=_object(message=_TEXT, param=_TEXT_OR_NULL)),
}
