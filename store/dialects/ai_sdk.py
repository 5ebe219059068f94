"""The AI SDK's own format, as Vercel's gateway speaks it with its own clients: one path for each kind of model.

The model stands in a header of the request. Usage has names of its own, and since the third version of the format each
direction is an object of its parts; input includes what was cached and output what was reasoned. The gateway tells what
it charged.
"""

from typing import Any

import msgspec

from store.call import CallType, Tokens
from store.dialects.answer import Answer, Counted
from store.dialects.counts import Counts, name
from store.dialects.dialect import Dialect
from store.dialects.errors import error_of
from store.dialects.shape import Shape


class Answered(msgspec.Struct, rename="camel"):
    id: Any = None
    model_id: Any = None


class Gateway(msgspec.Struct):
    cost: Any = None


class Metadata(msgspec.Struct):
    gateway: Gateway | None = None


class Piece(Answered, rename="camel"):
    """A whole answer, or a part of a stream, of which each text has an id of its own."""

    type: Any = None
    model: Any = None  # of an evaluation
    finish_reason: Any = None
    usage: msgspec.Raw = msgspec.Raw()
    response: Answered | None = None
    provider_metadata: Metadata | None = None
    images: list[msgspec.Raw] | None = None
    error: Any = None


def _take(answer: Answer, piece: Piece, type_: CallType) -> None:
    answered = piece if piece.type == "response-metadata" else piece.response
    if answered is not None:
        answer.id = answer.id or name(answered.id)
        answer.model = answer.model or name(answered.model_id)
    answer.model = answer.model or name(piece.model)
    answer.take_usage(piece.usage)
    if piece.finish_reason is not None:
        told = piece.finish_reason
        answer.finish_reason = name(told.get("unified") if isinstance(told, dict) else told)
        answer.ended = True
    if piece.provider_metadata is not None and piece.provider_metadata.gateway is not None:
        answer.cost_usd = {"usd": piece.provider_metadata.gateway.cost}
    if type_ == "image" and piece.images is not None:
        answer.tell("images", len(piece.images))
    if piece.error:
        answer.error = answer.error or error_of({"error": piece.error})
        answer.ended = True


def _count(usage: dict[str, Any], _: CallType) -> Counted:
    counts = Counts()
    of = counts.of
    into: Any = usage.get("inputTokens", usage.get("tokens"))
    out: Any = usage.get("outputTokens")
    read, written, reasoning = of(usage.get("cachedInputTokens")), None, of(usage.get("reasoningTokens"))
    if isinstance(into, dict):
        into, read, written = into.get("total"), of(into.get("cacheRead")), of(into.get("cacheWrite"))
    if isinstance(out, dict):
        out, reasoning = out.get("total"), of(out.get("reasoning"))
    incoming, outgoing = of(into), of(out)
    anomalies = counts.anomalies
    if incoming is None and outgoing is None:
        return Counted(None, anomalies)
    uncached = incoming
    if uncached is not None:
        if (read or 0) + (written or 0) > uncached:
            anomalies = (*anomalies, "cached_over_input")
            read = min(read or 0, uncached)
            written = min(written or 0, uncached - read)
        uncached -= (read or 0) + (written or 0)
    if reasoning is not None and outgoing is not None and reasoning > outgoing:
        anomalies = (*anomalies, "parts_over_total")
        reasoning = outgoing
    tokens = Tokens(
        "reported",
        input_uncached=uncached,
        cache_read=read,
        cache_write_5m=written,
        output_text=outgoing,
        reasoning=reasoning,
    )
    return Counted(tokens, anomalies)


AI_SDK = Dialect(Shape(Piece), _take, _count)
