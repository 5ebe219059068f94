"""AWS Bedrock: converse, whole and streamed. Nova's own format is the same one.

Input is the uncached remainder, and cache reads and writes stand beside it; the total is the sum of all. No answer
names its model: the path does, and where a router is asked, the trace of what it chose.

`invoke` answers in the format of whoever made the model (`recognised.py`), and `invoked` adds to each of these formats
the counts that Bedrock itself puts into the last chunk of a stream. A profile of somebody's own has a name that tells
no model, so there the answer tells whether it is an embedding. A guardrail that stops a prompt answers in its stead and
tells no counts, where the format has none that could be zero.
"""

from dataclasses import replace
from typing import Any

import msgspec

from proxy.journal.notes import Headers
from store.anomalies import Anomaly
from store.call import CallType, Tokens
from store.dialects.answer import Answer, Counted
from store.dialects.beside import OPTIMIZED, metrics_in
from store.dialects.call_types import model_in_path, without_arn
from store.dialects.counts import Counts, name
from store.dialects.dialect import Asked, Dialect
from store.dialects.document import Document
from store.dialects.errors import error_of
from store.dialects.labels import Labels
from store.dialects.shape import Shape


class _Made(msgspec.Struct):
    """What tells that an answer is no text."""

    embedding: msgspec.Raw = msgspec.Raw()
    embeddings: msgspec.Raw = msgspec.Raw()
    images: msgspec.Raw = msgspec.Raw()


_made = Shape(_Made)
_COUNT = "x-amzn-bedrock-"


def type_behind(path: str, headers: Headers, response: Document) -> CallType | None:
    """The type of a call by its answer, where the path names no model of a maker but a profile or a deployment."""
    if not path.rstrip("/").endswith("/invoke") or "." in (model_in_path(path) or ".") or response.form != "json":
        return None
    made = _made.read(response)[0]
    if made is not None and (bytes(made.embedding) or bytes(made.embeddings)):
        return "embedding"
    if made is not None and bytes(made.images):
        return "image"
    # An answer that was not kept whole may miss them; then the counts tell, of which an embedding has one.
    counted = {name.removeprefix(_COUNT) for name, _ in headers if name.startswith(_COUNT)} if response.cut else set()
    return "embedding" if "input-token-count" in counted and "output-token-count" not in counted else None


class Stop(msgspec.Struct, rename="camel"):
    stop_reason: Any = None


class Router(msgspec.Struct, rename="camel"):
    invoked_model_id: Any = None


class Trace(msgspec.Struct, rename="camel"):
    prompt_router: Router | None = None


class Performance(msgspec.Struct):
    latency: Any = None


class Metadata(msgspec.Struct, rename="camel"):
    usage: msgspec.Raw = msgspec.Raw()
    service_tier: Any = None
    performance_config: Performance | None = None
    trace: Trace | None = None


class Text(msgspec.Struct):
    """In Mistral's own format."""

    stop_reason: Any = None


class Piece(Metadata, rename="camel"):
    """A whole answer, or the event of a stream under its name."""

    stop_reason: Any = None
    message_stop: Stop | None = None
    metadata: Metadata | None = None
    error: Any = None
    outputs: list[Text] | None = None
    images: list[msgspec.Raw] | None = None  # Amazon's and Stability's
    artifacts: list[msgspec.Raw] | None = None  # likewise, of Stability's first models
    cohere_id: Any = msgspec.field(name="response_id", default=None)
    cohere_reason: Any = msgspec.field(name="finish_reason", default=None)
    refused: Any = msgspec.field(name="Output", default=None)  # of a service that does not know the operation


def _take(answer: Answer, piece: Piece, type_: CallType) -> None:
    for told in (piece, piece.metadata):
        if told is not None:
            answer.take_usage(told.usage)
            tier = told.service_tier
            answer.service_tier = name(tier.get("type") if isinstance(tier, dict) else tier) or answer.service_tier
            if told.performance_config is not None and told.performance_config.latency == OPTIMIZED:
                answer.service_tier = OPTIMIZED  # priced like a tier, and the tier beside it stays "default"
            if told.trace is not None and told.trace.prompt_router is not None:
                answer.model = name(without_arn(name(told.trace.prompt_router.invoked_model_id) or ""))
    if piece.metadata is not None:
        answer.ended = True
    reason = piece.message_stop.stop_reason if piece.message_stop is not None else piece.stop_reason
    if piece.outputs:
        reason = piece.outputs[0].stop_reason
    elif reason is None:
        reason = piece.cohere_reason
    if reason is not None:
        answer.finish_reason = name(reason)
        answer.ended = True
    answer.id = answer.id or name(piece.cohere_id)
    images = piece.artifacts if piece.images is None else piece.images
    if type_ == "image" and images is not None:
        answer.tell("images", len(images))
    if piece.error:
        answer.error = answer.error or error_of({"error": piece.error})
        answer.ended = True
    elif isinstance(piece.refused, dict) and "__type" in piece.refused:
        kind = name(piece.refused["__type"])
        answer.error = answer.error or error_of({"error": {"type": kind, "message": kind}})


def _label(labels: Labels, asked: Asked) -> None:
    labels.tag_all(asked.request_metadata)


def _count(usage: dict[str, Any], _: CallType) -> Counted:
    get, counts = usage.get, Counts()
    of = counts.of
    anomalies: list[Anomaly] = []
    uncached, outgoing, total = of(get("inputTokens")), of(get("outputTokens")), of(get("totalTokens"))
    read = of(get("cacheReadInputTokens", get("cacheReadInputTokenCount")))
    written = of(get("cacheWriteInputTokens", get("cacheWriteInputTokenCount")))
    long = 0
    details = get("cacheDetails")
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict) and detail.get("ttl") == "1h":
            long += of(detail.get("inputTokens")) or 0
    if long > (written or 0):
        anomalies.append("parts_over_total")
        long = written or 0
    anomalies += counts.anomalies
    if uncached is None and outgoing is None:
        return Counted(None, tuple(anomalies))
    if total is not None and total != (uncached or 0) + (outgoing or 0) + (read or 0) + (written or 0):
        anomalies.append("total_mismatch")
    tokens = Tokens(
        "reported",
        input_uncached=uncached,
        cache_read=read,
        cache_write_5m=None
        if written is None
        else written - long,  # what no detail covers was written for five minutes
        cache_write_1h=None if written is None else long,
        output_text=outgoing,
    )
    searches = get("serverToolUsage")
    told = of(searches.get("webSearchRequests")) if isinstance(searches, dict) else None
    return Counted(tokens, tuple(anomalies), units=None if told is None else {"web_searches": told})


BEDROCK = Dialect(Shape(Piece), _take, _count, _label)


def invoked(native: Dialect) -> Dialect:
    """The same format, in chunks of which the last may carry Bedrock's own counts."""
    struct = msgspec.defstruct(
        "Piece",
        [
            ("counted", Any, msgspec.field(name="amazon-bedrock-invocationMetrics", default=None)),
            ("guarded", Any, msgspec.field(name="amazon-bedrock-guardrailAction", default=None)),
        ],
        bases=(native.piece.struct,),
    )

    def take(answer: Answer, piece: Any, type_: CallType) -> None:
        native.take(answer, piece, type_)
        if piece.counted is not None:
            answer.beside = metrics_in(piece.counted)
            answer.ended = True
        if piece.guarded == "INTERVENED":
            answer.instead = True
            answer.finish_reason = answer.finish_reason or "guardrail_intervened"  # as a conversation tells it

    return replace(native, piece=Shape(struct), take=take, metered=True)
