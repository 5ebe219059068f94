"""The shapes of what store/api/insight.py answers, for the description of the query endpoint."""

from typing import Any, Final

from store.api import shapes as s

_Json = dict[str, Any]

_COMPLETE: Final = {"complete": s._FLAG, "read_back_to": s._TEXT_OR_NULL}
_RATIO: Final = {**s._NUMBER_OR_NULL, "description": "0.25: a quarter more than before; null when not to be told"}
_SHARE: Final = {**s._NUMBER_OR_NULL, "description": "0 to 1"}
_MOVER: Final = s._object(
    value=s._TEXT_OR_NULL,
    usd=s._TEXT,
    previous_usd=s._TEXT,
    change_usd=s._TEXT,
    change=_RATIO,
    calls=s._COUNT,
    previous_calls=s._COUNT,
)
_MOVERS: Final = s._object(up=s._list(_MOVER), down=s._list(_MOVER))
_KEY_SUMS: Final = s._object(
    calls=s._COUNT,
    errors=s._COUNT,
    tokens=s._object(
        total=s._COUNT_OR_NULL,
        input=s._COUNT_OR_NULL,
        output=s._COUNT_OR_NULL,
        unknown_calls=s._COUNT,
        estimated_calls=s._COUNT,
    ),
    cost=s._object(usd=s._USD, unknown_calls=s._COUNT, estimated_calls=s._COUNT),
    usage=s._NUMBER_OR_NULL,
    usage_unknown_calls=s._COUNT,
)
_BUDGET: Final = {
    **s._object(
        of={"enum": ["key", "group"]}, credits=s._NUMBER, period={"enum": ["total", "day", "week", "month"]},
        used=s._NUMBER_OR_NULL, left=s._NUMBER_OR_NULL, share=_SHARE, state=s._TEXT_OR_NULL, until=s._TEXT_OR_NULL,
    ),
    "description": "null until it is counted, a moment after it was made; `until` is null for a total, too",
}  # fmt: skip

INSIGHT_SCHEMAS: Final[_Json] = {
    "Overview": s._object(
        **{"from": s._TEXT_OR_NULL, "to": s._TEXT},
        total={"$ref": "#/components/schemas/Sums"},
        previous=s._or_null(s._object(**{"from": s._TEXT, "to": s._TEXT}, total={"$ref": "#/components/schemas/Sums"})),
        change=s._object(
            calls=_RATIO, errors=_RATIO, tokens=_RATIO, cost=_RATIO, usage=_RATIO,
            duration_p50=_RATIO, duration_p95=_RATIO, first_token_p50=_RATIO,
        ),
        per_minute=s._object(calls=s._NUMBER_OR_NULL, tokens=s._NUMBER_OR_NULL),
        cache=s._object(
            read_tokens=s._COUNT_OR_NULL, of_input_tokens=s._COUNT_OR_NULL, hit_share=_SHARE, saved_usd=s._USD
        ),
        uncertain=s._object(
            estimated_tokens_calls=s._COUNT, unknown_tokens_calls=s._COUNT,
            estimated_cost_calls=s._COUNT, unknown_cost_calls=s._COUNT,
            estimated_tokens_share=_SHARE, unknown_tokens_share=_SHARE,
            estimated_cost_share=_SHARE, unknown_cost_share=_SHARE,
        ),
        forecast=s._object(
            month=s._TEXT, usd=s._USD, so_far_usd=s._USD, per_day_usd=s._USD, averaged_days=s._COUNT,
            days_left=s._NUMBER, unknown_calls=s._COUNT, method=s._TEXT, **_COMPLETE,
        ),
        **_COMPLETE,
    ),
    "Movers": s._object(model=_MOVERS, key=_MOVERS, group=_MOVERS, **_COMPLETE),
    "Scatter": s._object(
        points=s._list(
            s._object(
                id={"type": "string", "format": "uuid"},
                time={"type": "string", "format": "date-time"},
                model=s._TEXT_OR_NULL, type=s._TEXT, stream=s._FLAG, duration_ms=s._NUMBER_OR_NULL,
                tokens=s._object(input=s._COUNT_OR_NULL, output=s._COUNT_OR_NULL),
                first_token_ms=s._NUMBER_OR_NULL, tokens_per_second=s._NUMBER_OR_NULL, reasons=s._list(s._TEXT),
            )
        ),
        usual=s._list(
            s._object(
                model=s._TEXT_OR_NULL, type=s._TEXT, stream=s._FLAG, calls=s._COUNT, **s._USUAL["properties"]
            )
        ),
        more=s._FLAG,
        **_COMPLETE,
    ),
    "Keys": s._object(
        keys=s._list(
            s._object(
                key=s._TEXT_OR_NULL, groups=s._list(s._TEXT), calls=s._COUNT, first_seen=s._TEXT, last_seen=s._TEXT,
                all_time=_KEY_SUMS, last_30_days=_KEY_SUMS,
            )
        ),
        register={
            **s._list(
                s._object(
                    name=s._TEXT, group=s._TEXT, kind={"enum": ["issued", "named"]},
                    state={"enum": ["active", "disabled", "expired", "deleted"]}, fingerprint=s._TEXT_OR_NULL,
                    models=s._list(s._TEXT), upstreams=s._list(s._TEXT), budgets=s._list(_BUDGET),
                    per_minute=s._COUNT_OR_NULL, concurrent=s._COUNT_OR_NULL, created_at=s._TEXT,
                    expires_at=s._TEXT_OR_NULL, previous_until=s._TEXT_OR_NULL, former_names=s._list(s._TEXT),
                )
            ),
            "type": ["array", "null"],
            "description": "the keys that were issued or named, used or not; null when the register cannot be read",
        },
        groups=s._list(s._object(name=s._TEXT, ratio=s._TEXT, keys=s._COUNT, budgets=s._list(_BUDGET))),
    ),
    "Care": s._object(
        unpriced=s._list(
            s._object(
                model=s._TEXT_OR_NULL, upstream=s._TEXT_OR_NULL, calls=s._COUNT,
                waiting_calls={**s._COUNT, "description": "of these: they wait for a price that can be given"},
                tokens={
                    **s._object(input=s._COUNT_OR_NULL, output=s._COUNT_OR_NULL),
                    "description": "of the calls that wait",
                },
                untold_calls={**s._COUNT, "description": "of these: their cost is unknown for another reason"},
                first_seen=s._TEXT_OR_NULL, last_seen=s._TEXT_OR_NULL, last_day=s._TEXT,
                missing={"enum": ["price", "tokens", "both", None]},
                lacks=s._list(s._TEXT),
                stub={**s._TEXT_OR_NULL, "description": "a [[prices]] table to be filled in"},
            )
        ),
        unpriced_read_back_to={
            **s._TEXT_OR_NULL,
            "description": "not null: the time was up, and what is told of calls is of those from then on",
        },
        anomalies=s._object(
            anomalies=s._list(s._object(anomaly=s._ANOMALY, calls=s._COUNT, first_seen=s._TEXT, last_seen=s._TEXT)),
            **_COMPLETE,
        ),
        growth=s._object(
            days=s._list(
                s._object(
                    day=s._TEXT, book_bytes=s._COUNT, bodies_bytes=s._COUNT, search_bytes=s._COUNT,
                    total_bytes=s._COUNT, grew_bytes=s._COUNT_OR_NULL,
                )
            ),
            bytes_per_day=s._COUNT_OR_NULL,
            full_in_days=s._NUMBER_OR_NULL,
        ),
    ),
}  # fmt: skip
