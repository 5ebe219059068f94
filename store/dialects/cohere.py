"""Cohere: chat (version 1 in lines, version 2 in events), generate, embed and rerank.

It tells two counts: `tokens`, what the model saw, with the words of its own templates; and `billed_units`, what is
charged for. Tokens here are the billed ones, so that they can be multiplied by a price; the others stay in the raw
usage.
Cached and reasoning tokens are told of the unbilled counts (448 cached of 505, where 10 are billed), so of the billed
ones they are unknown; they are read only where nothing is said to be billed. Reranking is charged by searches, parsing
by pages. No answer names its model.
"""

from typing import Any

import msgspec

from store.anomalies import Anomaly
from store.call import CallType, Tokens
from store.dialects.answer import Answer, Counted
from store.dialects.counts import Counts, name
from store.dialects.dialect import Dialect
from store.dialects.errors import error_of
from store.dialects.shape import Shape


class Generation(msgspec.Struct):
    finish_reason: Any = None


class Told(msgspec.Struct):
    """What a whole answer tells, and what the end of a stream does."""

    finish_reason: Any = None
    usage: msgspec.Raw = msgspec.Raw()
    meta: msgspec.Raw = msgspec.Raw()
    error: Any = None


class Piece(Told):
    id: Any = None
    response_id: Any = None
    generation_id: Any = None
    model: Any = None
    type: Any = None
    is_finished: Any = None
    delta: Told | None = None  # version 2
    response: Told | None = None  # version 1
    generations: list[Generation] | None = None


def _take(answer: Answer, piece: Piece, _: CallType) -> None:
    answer.id = answer.id or name(piece.id) or name(piece.response_id) or name(piece.generation_id)
    answer.model = answer.model or name(piece.model)
    for told in (piece, piece.delta, piece.response):
        if told is not None:
            answer.take_usage(told.usage)
            answer.take_usage(told.meta)
            answer.finish_reason = name(told.finish_reason) or answer.finish_reason
            if told.error:
                answer.error = answer.error or error_of({"error": told.error})
                answer.ended = True
    if piece.generations:
        answer.finish_reason = name(piece.generations[0].finish_reason) or answer.finish_reason
    if piece.is_finished is True or piece.type == "message-end":
        answer.ended = True


_UNKNOWN = (None, None)
_COUNTS = frozenset(("input_tokens", "text_tokens", "output_tokens", "image_tokens"))


def _count(usage: dict[str, Any], _: CallType) -> Counted:
    counts = Counts(whole_floats=True)
    of = counts.of
    billed, seen = _object(usage.get("billed_units")), _object(usage.get("tokens"))
    charged = seen if _COUNTS.isdisjoint(billed) else billed
    incoming, outgoing = of(charged.get("input_tokens", charged.get("text_tokens"))), of(charged.get("output_tokens"))
    pictures = of(charged.get("image_tokens"))
    cached, reasoning = (
        (of(usage.get("cached_tokens")), of(seen.get("reasoning_tokens"))) if charged is seen else _UNKNOWN
    )
    anomalies: list[Anomaly] = []
    if cached is not None and incoming is not None and cached > incoming:
        anomalies.append("cached_over_input")
        cached = incoming
    if charged is seen and pictures is not None and incoming is not None:
        pictures = min(pictures, incoming - (cached or 0))  # a part of them; of billed units they stand apart
        incoming -= pictures
    if reasoning is not None and outgoing is not None:
        reasoning = min(reasoning, outgoing)
    units = {unit: of(billed.get(unit)) for unit in ("search_units", "images", "pages")}
    anomalies += counts.anomalies
    tokens = None
    if incoming is not None or outgoing is not None or pictures is not None:
        tokens = Tokens(
            "reported",
            input_uncached=incoming if incoming is None else incoming - (cached or 0),
            cache_read=cached,
            input_image=pictures,
            output_text=outgoing,
            reasoning=reasoning,
        )
    told = {unit: count for unit, count in units.items() if count is not None}
    return Counted(tokens, tuple(anomalies), units=told or None)


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


COHERE = Dialect(Shape(Piece), _take, _count)
