"""What the provider said in a recorded exchange, read again: every byte parsed, nothing shared with the product.

Slow and plain on purpose. Where this and the product differ, one of the two is wrong.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, unquote

from tests.recordings import counts
from tests.recordings.call_types import type_of
from tests.recordings.corpus import Recording
from tests.recordings.counts import Counts
from tests.recordings.documents import Documents, documents

Json = Any

_CHARGED = frozenset((
    "chat", "completion", "embedding", "image", "speech", "transcription", "translation", "moderation", "rerank",
))  # fmt: skip
_STREAMED_BY_PATH = (":streamGenerateContent", "/converse-stream", "/invoke-with-response-stream", "/text_stream")
_MODEL_IN_PATH = (
    r"/models?/([^/]+?)/(?:converse|converse-stream|invoke|invoke-with-response-stream|count-tokens)$",
    r"/models/([^/:]+):\w+$",
    r"/models/([^:]+)/predictions$",
    r"/deployments/([^/]+)/",
    r"/endpoints/([^/]+)/invocations$",
)


@dataclass(frozen=True, slots=True)
class Reported:
    """The facts of one exchange."""

    type: str
    requested_model: str | None
    answered: bool  # else the answer is about something made earlier, and may name its model or not
    model: str | None
    stream: bool
    unfinished: bool  # the answer tells of no end: neither a document nor a terminal event nor a reason to finish
    tokens: Counts | None  # None: nobody told, or it is no charge
    error: dict[str, str | None] | None
    cost_usd: Decimal | None  # the provider's own word
    background: str | None  # the id of a response that several exchanges tell of, of which one is a charge


def reported(recording: Recording, body: bytes) -> Reported:
    """Everything the exchange tells; `body` is the answer's, which may have been told more than was recorded."""
    answer = documents(body)
    request = _json(recording.request)
    type_ = type_of(recording.method, recording.path)
    if "/invoke" in recording.path and any("embedding" in value for value in holders(answer)):
        type_ = "embedding"  # of a profile, whose name does not tell it
    refused = recording.status >= 400
    background = None if refused else _background(recording, answer)
    work = type_ in _CHARGED or (recording.method == "POST" and recording.path == "/")  # of Hugging Face's endpoints
    charged = not refused and (work or (recording.method == "GET" and background is not None))
    error = None
    if refused:
        error = _error(answer.values[0] if answer.values else {}, body, recording)
    elif charged:
        failed = [value for value in holders(answer) if isinstance(value.get("error"), dict)]
        error = _error(failed[0], body, recording) if failed else None
    streams = isinstance(request, dict) and request.get("stream") is True
    streams = streams or recording.path.endswith(_STREAMED_BY_PATH)
    usage = usage_in(answer) if charged else None
    return Reported(
        type=type_,
        requested_model=_requested(recording, request),
        answered=charged or refused,
        model=_answered(answer) if charged else None,
        stream=streams or (answer.is_stream and (answer.kind != "lines" or type_ in _CHARGED)),
        unfinished=_is_unfinished(answer, body),
        tokens=_checked(_tokens(recording, answer, usage), answer) if charged else None,
        error=error,
        cost_usd=_cost(answer, usage, recording) if charged else None,
        background=background,
    )


def _background(recording: Recording, answer: Documents) -> str | None:
    """What was made in the background, as every run of an assistant is, once its usage is told: its POST may not have
    known it yet."""
    video = re.search(r"/videos/([^/]+)$", recording.path)
    if video and recording.method == "GET" and any(holder.get("usage") for holder in holders(answer)):
        return video[1]
    made = (one for one in holders(answer) if one.get("background") is True or one.get("object") == "thread.run")
    return next((str(holder["id"]) for holder in made if holder.get("usage")), None)


def behind_agent(answer: Documents) -> list[Json]:
    """What the models behind Groq's agents used, each; all of it is in the agent's own usage."""
    return [
        one
        for holder in holders(answer)
        for told in (holder, holder.get("x_groq") or {})
        for one in (told.get("usage_breakdown") or {}).get("models") or ()
    ]


def holders(answer: Documents) -> Iterable[Json]:
    """Whatever may carry a model, a usage or an error: the documents, and the objects that events carry."""
    for value in answer.values:
        yield value
        for name in ("response", "message", "session"):
            if isinstance(value.get(name), dict):
                yield value[name]


def _answered(answer: Documents) -> str | None:
    """The first that is not empty."""
    if answer.kind == "lines" and len(answer.values) and "custom_id" in answer.values[0]:
        return None  # a file of answers
    for holder in holders(answer):
        for name in ("model", "modelVersion", "model_id"):
            if isinstance(holder.get(name), str) and holder[name]:
                return str(holder[name])
    return None


_ENDS = (
    rb"\[DONE\]",
    rb"message_stop",
    rb'"(stop_?reason|finish_?reason|done_reason)": ?"[^"]',
    rb'"type": ?"\w+\.(completed|done|failed|incomplete)"',
)


def _is_unfinished(answer: Documents, body: bytes) -> bool:
    if answer.kind in ("whole", "array"):
        return False
    return not any(re.search(end, body, re.IGNORECASE) for end in _ENDS)


def usage_in(answer: Documents) -> Json:
    """Told once, or cumulatively: the last value of each field that is not null."""
    usage: Json = None
    for holder in holders(answer):
        if holder.get("object") == "thread.run.step":
            continue  # the run that it is a step of tells it again
        delta = holder.get("delta") if isinstance(holder.get("delta"), dict) else {}
        metrics = holder.get("amazon-bedrock-invocationMetrics")
        nova = holder.get("metadata") if isinstance(holder.get("metadata"), dict) else {}
        for told in (
            (holder.get("x_groq") or {}).get("usage"),
            holder.get("usage"),
            holder.get("usageMetadata"),
            holder.get("meta"),
            delta.get("usage"),
            nova.get("usage"),
            {name: metrics[name] for name in metrics if name.endswith("TokenCount")} if metrics else None,
        ):
            if told:
                usage = _merged(usage or {}, told)
    return usage


def _merged(below: Json, above: Json) -> Json:
    if not isinstance(below, dict) or not isinstance(above, dict):
        return below if above is None else above
    return {key: _merged(below.get(key), above.get(key)) for key in below | above}


def _tokens(recording: Recording, answer: Documents, usage: Json) -> Counts | None:
    """By what the usage looks like, never by who sent it; Bedrock's headers where the body has none."""
    told = usage or {}
    last = answer.values[-1] if answer.values else {}
    if any("usageMetadata" in value for value in answer.values):
        return counts.gemini(told)
    if _is_anthropic(recording, told):
        return counts.anthropic(told)
    return (
        counts.converse(told)
        or counts.metrics(told)
        or counts.cohere(told)
        or counts.openai(told)
        or counts.count_headers(dict(recording.response_headers))
        or counts.titan(answer.values)
        or counts.llama(last)
        or counts.predictions(last.get("predictions") or ())
        or counts.ollama(last)
        or counts.aleph_alpha(last)
        or counts.watsonx(answer.values)
    )


def _checked(tokens: Counts | None, answer: Documents) -> Counts | None:
    parts = behind_agent(answer)
    if tokens is None or not parts or sum(one["usage"]["prompt_tokens"] for one in parts) == tokens.input:
        return tokens
    return replace(tokens, at_odds=True)


def _is_anthropic(recording: Recording, usage: Json) -> bool:
    exclusive = "cache_creation_input_tokens" in usage or "claude" in unquote(recording.path)
    exclusive = exclusive or recording.path.endswith("/messages")
    return "input_tokens" in usage and "total_tokens" not in usage and exclusive


def _cost(answer: Documents, usage: Json, recording: Recording) -> Decimal | None:
    told = usage or {}
    cost = told.get("cost")
    if isinstance(cost, dict):
        return Decimal(cost["total_cost"])
    if cost is not None:
        own = (told.get("cost_details") or {}).get("upstream_inference_cost")
        return Decimal(cost) + (Decimal(own) if told.get("is_byok") and own is not None else 0)
    if told.get("cost_in_usd_ticks") is not None:
        return Decimal(told["cost_in_usd_ticks"]) / 10**10
    for holder in answer.values:
        if isinstance(holder.get("cost"), dict) and "usd" in holder["cost"]:
            return Decimal(holder["cost"]["usd"])
    header = dict(recording.response_headers).get("x-litellm-response-cost")
    return None if header is None else Decimal(header)


def _requested(recording: Recording, request: Json) -> str | None:
    """In the body, a field of a form, the path or the query of what was posted."""
    if recording.method != "POST":
        return None
    for holder in (request, request.get("session") if isinstance(request, dict) else None):
        if isinstance(holder, dict):
            for name in ("model", "model_id"):
                if isinstance(holder.get(name), str):
                    return str(holder[name])
    if not isinstance(request, dict) and (form := _form_fields(recording.request)):
        session = _json(form.get("session", "").encode())
        return form.get("model") or (session.get("model") if isinstance(session, dict) else None)
    for pattern in _MODEL_IN_PATH:
        if found := re.search(pattern, recording.path):
            model = unquote(found[1])
            return model.rpartition("/")[2] if model.startswith("arn:") else model
    if found := re.match(r'\s*{\s*"model"\s*:\s*"([^"]+)"', recording.request.decode("utf-8", "replace")):
        return found[1]  # of a body that is no JSON in the end
    named = parse_qs(recording.target.partition("?")[2]).get("model")
    return named[0] if named else None


def _form_fields(body: bytes) -> dict[str, str]:
    fields = {}
    for name, value in re.findall(rb'form-data; name="(\w+)"(?:\r\n[^\r\n]+)*\r\n\r\n([^\r]*)\r\n', body):
        fields.setdefault(name.decode(), value.decode("utf-8", "replace"))
    return fields


def _json(body: bytes) -> Json:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _error(told: Json, body: bytes, recording: Recording) -> dict[str, str | None]:
    """`error.message`, `error`, `message`, `detail`, else the text; `error.type`, `error.status`, `type`; `code`.

    A status that is a number (Azure's) is no type.
    """
    inner = told["error"] if isinstance(told.get("error"), dict) else {}
    message = inner.get("message") or told.get("error") or told.get("message") or told.get("detail")
    if isinstance(message, list):
        message = "; ".join(item["msg"] for item in message)
    code = inner.get("code") if inner.get("code") is not None else told.get("code")
    kind = (
        inner.get("type")
        or (word if isinstance(word := inner.get("status"), str) else None)
        or told.get("type")
        or told.get("error_type")
    )
    header = dict(recording.response_headers).get("x-amzn-errortype")
    return {
        "type": str(kind) if kind else header.partition(":")[0] if header else None,
        "code": None if code is None else str(code),
        "message": message or body.decode()[:200],
    }
