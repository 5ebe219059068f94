"""The values of a call as the columns of the book have them, and the statements that write them."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter

import orjson

from proxy.journal.notes import Headers
from store import histogram, quantities
from store.call import Call
from store.names import Names
from store.pricing import lines_to_json
from store.sums import Countable

# Named, because a book that began with an earlier version has its newer columns at the end.
OF_A_CALL = (
    "id", "call_id", "boot_id", "seq", "started_at",
    "upstream_id", "dialect", "type_id", "model_id", "requested_model_id",
    "key_id", "group_id", "method", "target", "client", "user_agent",
    "status", "outcome", "failed", "fault", "error_type", "error_code", "error_message",
    "streamed", "finish_reason", "upstream_request_id", "service_tier",
    "duration", "asked", "answered", "first_token", "overhead", "pause", "held", "uploaded",
    "duration_bucket", "first_token_bucket",
    "tokens_source", "input_uncached", "cache_read", "cache_write_5m", "cache_write_1h",
    "input_audio", "input_image", "cache_read_audio", "cache_read_image",
    "output_text", "output_audio", "output_image", "reasoning",
    "input_tokens", "output_tokens", "total_tokens", "units", "portions", "raw_usage",
    "cost", "cost_state", "cost_lines", "cost_missing",
    "price_source", "price_entry", "price_since", "usage", "cache_saved",
    "user", "session", "tags", "anomalies", "request_bytes", "response_bytes", "sent_bytes",
)  # fmt: skip
OF_BODIES = (
    "id", "call_id", "request_headers", "request_size", "request_cut",
    "response_headers", "response_size", "response_cut", "content",
)  # fmt: skip


def row_of(number: int, call: Call, names: Mapping[str, Names]) -> tuple[tuple[object, ...], Countable]:
    """The values of `OF_A_CALL`, and what sums count of them. Names that are new get their ids."""
    reading, tokens, cost, error = call.reading, call.reading.tokens, call.cost, call.error
    model_id = names["models"].id(_text(reading.model or reading.requested_model))
    key_id = names["keys"].id(call.key)
    group_id = names["groups"].id(call.group) or 0
    type_id = names["types"].id(reading.type) or 0
    upstream_id = names["upstreams"].id(call.upstream)
    duration_bucket = None if call.duration_us is None else histogram.bucket(call.duration_us)
    first_token_bucket = None if call.first_token_us is None else histogram.bucket(call.first_token_us)
    counts = (None,) * 12 if tokens is None else (
        tokens.input_uncached, tokens.cache_read, tokens.cache_write_5m, tokens.cache_write_1h,
        tokens.input_audio, tokens.input_image, tokens.cache_read_audio, tokens.cache_read_image,
        tokens.output_text, tokens.output_audio, tokens.output_image, tokens.reasoning,
    )  # fmt: skip
    input_tokens = tokens.input if tokens else None
    output_tokens = tokens.output if tokens else None
    source = "none" if tokens is None or (input_tokens is None and output_tokens is None) else tokens.source
    lines = lines_to_json(cost.lines)
    row = (
        number, bytearray(call.call_id), call.boot_id, call.seq, call.started_at_us,
        upstream_id, call.dialect, type_id, model_id, names["models"].id(_text(reading.requested_model)),
        key_id, group_id, call.method, _text(call.target), call.client, _text(call.user_agent),
        call.status, call.outcome, int(call.failed), call.fault,
        _text(error.type) if error else None, _text(error.code) if error else None,
        _text(error.message) if error else None,
        int(reading.stream), _text(reading.finish_reason), _text(call.upstream_request_id),
        _text(reading.service_tier),
        call.duration_us, call.asked_us, call.answered_us, call.first_token_us, call.overhead_us,
        call.pause_us, call.held_us, call.uploaded_us,
        duration_bucket, first_token_bucket,
        source, *counts,
        input_tokens, output_tokens,
        None if input_tokens is None and output_tokens is None else (input_tokens or 0) + (output_tokens or 0),
        quantities.units_to_json(reading.units), quantities.portions_to_json(reading.portions),
        reading.raw_usage.decode("utf-8", "replace") if reading.raw_usage else None,
        cost.nano_usd, cost.state, lines.decode() if lines else None, _text(cost.missing),
        cost.source, cost.entry, cost.since, call.usage_micro, cost.cache_saved,
        _text(reading.user), _text(reading.session),
        orjson.dumps(reading.tags).decode() if reading.tags else None,
        orjson.dumps(call.anomalies).decode() if call.anomalies else None,
        call.request_bytes, call.response_bytes, call.sent_bytes,
    )  # fmt: skip
    counted = Countable(
        started_at_us=call.started_at_us,
        model_id=model_id or 0, key_id=key_id or 0, group_id=group_id, type_id=type_id,
        upstream_id=upstream_id or 0,
        errors=int(call.failed),
        input_tokens=input_tokens, output_tokens=output_tokens,
        cache_read=tokens.all_cache_read if tokens else None,
        cache_write=tokens.cache_write if tokens else None,
        reasoning=tokens.reasoning if tokens else None,
        estimated=source == "estimated",
        cost=cost.nano_usd, cost_state=cost.state, usage=call.usage_micro, cache_saved=cost.cache_saved,
        duration_bucket=duration_bucket, first_token_bucket=first_token_bucket,
    )  # fmt: skip
    return row, counted


def headers_json(headers: Headers) -> str:
    """As the bodies' file has them: `[[name, value], ...]`."""
    try:
        return orjson.dumps(headers).decode()
    except TypeError:  # a lone surrogate
        return orjson.dumps([[_text(name), _text(value)] for name, value in headers]).decode()


def filling(
    insert_into: str, columns: tuple[str, ...], rows: Sequence[tuple[object, ...]]
) -> tuple[str, Iterable[tuple[object, ...]]]:
    """The statement that writes these rows, and what it takes of each.

    It is without the columns that none of them fills: to bind a None takes eight times as long as to bind a number,
    because `sqlite3` first looks for somebody who can adapt it. So it does for `bytes`, and not for `bytearray`.
    """
    filled = [place for place, values in enumerate(zip(*rows, strict=True)) if not _nothing_in(values)]
    return _statement(insert_into, tuple(columns[place] for place in filled)), map(itemgetter(*filled), rows)


@lru_cache(maxsize=128)
def _statement(insert_into: str, columns: tuple[str, ...]) -> str:
    return f"{insert_into} ({', '.join(columns)}) values ({', '.join('?' * len(columns))})"


def _nothing_in(values: tuple[object, ...]) -> bool:
    return values[0] is None and values.count(None) == len(values)


def _text(value: str | None) -> str | None:
    """Text that SQLite takes and gives back: lone surrogates become question marks, NUL the symbol for it."""
    if value is None or (value.isascii() and "\0" not in value):
        return value
    return value.encode("utf-8", "replace").decode().replace("\0", "\N{SYMBOL FOR NULL}")
