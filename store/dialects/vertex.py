"""Vertex AI's `predict`: embeddings, images, and the text models from before Gemini.

The counts stand with each prediction. Everything else on Vertex is another format behind a longer path: Gemini's,
Anthropic's, OpenAI's.
"""

from typing import Any

import msgspec

from store.call import CallType, Tokens
from store.dialects.answer import Answer, Counted
from store.dialects.counts import Counts
from store.dialects.dialect import Dialect
from store.dialects.errors import error_of
from store.dialects.shape import Shape


class Statistics(msgspec.Struct):
    token_count: Any = None


class Embeddings(msgspec.Struct):
    statistics: Statistics | None = None


class Prediction(msgspec.Struct):
    embeddings: Embeddings | None = None
    image: msgspec.Raw = msgspec.field(name="bytesBase64Encoded", default=msgspec.Raw())
    image_at: msgspec.Raw = msgspec.field(name="gcsUri", default=msgspec.Raw())


class Direction(msgspec.Struct, rename="camel"):
    total_tokens: Any = None


class TokenMetadata(msgspec.Struct, rename="camel"):
    input_token_count: Direction | None = None
    output_token_count: Direction | None = None


class Metadata(msgspec.Struct, rename="camel"):
    billable_character_count: Any = None
    token_metadata: TokenMetadata | None = None


class Piece(msgspec.Struct):
    predictions: list[Prediction] | None = None
    metadata: Metadata | None = None
    error: Any = None


def _take(answer: Answer, piece: Piece, type_: CallType) -> None:
    counts = Counts(whole_floats=True)
    predictions = piece.predictions or []
    if type_ == "image":
        answer.tell("images", sum(1 for one in predictions if bytes(one.image) or bytes(one.image_at)))
    statistics = [one.embeddings.statistics for one in predictions if one.embeddings is not None]
    told = [counts.of(one.token_count) for one in statistics if one is not None]
    answer.take_counts(token_count=sum(filter(None, told)) if told and None not in told else None)
    if piece.metadata is not None:
        characters = counts.of(piece.metadata.billable_character_count)
        answer.take_counts(billableCharacterCount=characters)
        answer.tell("characters", characters)
        if (directions := piece.metadata.token_metadata) is not None:
            into, out = directions.input_token_count, directions.output_token_count
            answer.take_counts(
                inputTokenCount=None if into is None else into.total_tokens,
                outputTokenCount=None if out is None else out.total_tokens,
            )
    if counts.odd:
        answer.note("odd_count")
    if piece.error:
        answer.error = answer.error or error_of({"error": piece.error})


def _count(usage: dict[str, Any], _: CallType) -> Counted:
    counts = Counts(whole_floats=True)
    incoming = counts.of(usage.get("token_count", usage.get("inputTokenCount")))
    outgoing = counts.of(usage.get("outputTokenCount"))
    if incoming is None and outgoing is None:
        return Counted(None, counts.anomalies)
    return Counted(Tokens("reported", input_uncached=incoming, output_text=outgoing), counts.anomalies)


VERTEX = Dialect(Shape(Piece), _take, _count)
