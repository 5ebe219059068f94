"""Agents that a provider runs: the streams in which Bedrock's trace what they do, and which Anthropic's sessions show
to whoever watches.

Each request to a model is told by an event of its own, and the tokens of a call are the sum over them. So all of a
stream must be there: of one that ended early or was not kept whole, or in which a model was asked and nobody told what
it took, the tokens are unknown. Bedrock tells nothing at all unless `enableTrace` is set
(https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent-runtime_InvokeAgent.html).

A session of Anthropic's works whoever watches; who posts an event is told nothing of what follows. What a stream told
is charged to who watched it, once: two who saw the same request last have seen the same.
"""

from typing import Any

import msgspec

from store.call import CallType
from store.dialects import enveloped
from store.dialects.answer import Answer, Counted
from store.dialects.anthropic import ANTHROPIC
from store.dialects.counts import Counts, name
from store.dialects.dialect import Dialect
from store.dialects.errors import error_of
from store.dialects.shape import Shape

_SUMMED = ("input_tokens", "output_tokens")


class Usage(msgspec.Struct, rename="camel"):
    input_tokens: Any = None
    output_tokens: Any = None


class Metadata(msgspec.Struct):
    usage: Usage | None = None


class Asked(msgspec.Struct, rename="camel"):
    foundation_model: Any = None


class RawResponse(msgspec.Struct):
    content: Any = None  # what the model answered, as text


class Answered(msgspec.Struct):
    model: Any = None


_ANSWERED = Shape(Answered)


class Told(msgspec.Struct, rename="camel"):
    metadata: Metadata | None = None
    raw_response: RawResponse | None = None


class Observation(msgspec.Struct, rename="camel"):
    type: Any = None
    final_response: msgspec.Raw = msgspec.Raw()


class Step(msgspec.Struct, rename="camel"):
    model_invocation_input: Asked | None = None
    model_invocation_output: Told | None = None
    observation: Observation | None = None


class Steps(msgspec.Struct, rename="camel"):
    pre_processing_trace: Step | None = None
    routing_classifier_trace: Step | None = None
    orchestration_trace: Step | None = None
    post_processing_trace: Step | None = None


class Trace(msgspec.Struct):
    trace: Steps | None = None


class Piece(msgspec.Struct, rename="camel"):
    trace: Trace | None = None
    return_control: msgspec.Raw = msgspec.Raw()
    error: Any = None


def _take(answer: Answer, piece: Piece, _: CallType) -> None:
    if piece.trace is not None and (steps := piece.trace.trace) is not None:
        for step in (
            steps.pre_processing_trace,
            steps.routing_classifier_trace,
            steps.orchestration_trace,
            steps.post_processing_trace,
        ):
            if step is not None:
                _take_step(answer, step)
    if bytes(piece.return_control):
        answer.finish_reason, answer.ended = "returnControl", True
    if piece.error:
        answer.error = answer.error or error_of({"error": piece.error})
        answer.ended = True


def _take_step(answer: Answer, step: Step) -> None:
    """The requests so far, one after another, each with its model: as an application of DashScope tells them."""
    requests: list[dict[str, Any]] = answer.usage["models"] if answer.usage is not None else []
    if step.model_invocation_input is not None:
        requests = [*requests, {"model_id": name(step.model_invocation_input.foundation_model)}]
    if (told := step.model_invocation_output) is not None:
        usage = (told.metadata.usage if told.metadata is not None else None) or Usage()
        if not requests or len(requests[-1]) > 1:
            requests = [*requests, {"model_id": None}]
        requests[-1] |= {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
        if requests[-1]["model_id"] is None and told.raw_response is not None:
            requests[-1]["model_id"] = _model_in(told.raw_response.content)
    if requests:
        answer.take_counts(models=requests)
        models = {request["model_id"] for request in requests}
        answer.model = models.pop() if len(models) == 1 else None
    if step.observation is not None and bytes(step.observation.final_response):
        answer.finish_reason = name(step.observation.type)
        answer.ended = True


def _model_in(answered: Any) -> str | None:
    """Who answered, for a trace that does not tell who was asked, as in April 2025 none did."""
    told = _ANSWERED.parse(answered.encode()) if isinstance(answered, str) else None
    return name(told.model) if told is not None else None


def _count(usage: dict[str, Any], type_: CallType) -> Counted:
    """What each model took in all of its requests."""
    each: dict[str | None, dict[str, Any]] = {}
    for request in usage["models"]:
        counts = [Counts().of(request.get(key)) for key in _SUMMED]
        if None in counts:
            return Counted(None)
        sums = each.setdefault(request["model_id"], {"model_id": request["model_id"], **dict.fromkeys(_SUMMED, 0)})
        for key, count in zip(_SUMMED, counts, strict=True):
            sums[key] += count
    return enveloped.count_models(list(each.values()), type_)


BEDROCK_AGENT = Dialect(Shape(Piece), _take, _count, metered=False, adds_up=True)


class Reason(msgspec.Struct):
    type: Any = None


class Event(msgspec.Struct):
    """Of a session."""

    id: Any = None
    type: Any = None
    model_usage: dict[str, Any] | None = None
    stop_reason: Reason | None = None


_PARTS = (*_SUMMED, "cache_read_input_tokens", "cache_creation_input_tokens")


def _take_event(answer: Answer, event: Event, _: CallType) -> None:
    if event.type == "span.model_request_end" and event.model_usage is not None:
        before, of = answer.usage or {}, Counts().of
        answer.take_counts(
            **{key: (of(before.get(key)) or 0) + (of(event.model_usage.get(key)) or 0) for key in _PARTS}
        )
        answer.id = name(event.id)
        answer.background = True
    elif event.type == "session.status_running":
        answer.finish_reason, answer.ended = None, False
    elif event.type in ("session.status_idle", "session.status_terminated"):
        answer.finish_reason = name(event.stop_reason.type) if event.stop_reason is not None else None
        answer.ended = True


ANTHROPIC_SESSION = Dialect(Shape(Event), _take_event, ANTHROPIC.count, adds_up=True)
