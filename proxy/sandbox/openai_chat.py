"""OpenAI's chat completions and the older completions, whole and streamed.

A stream tells its usage only when `stream_options.include_usage` asks for it: then every chunk carries a `usage`
of null and one more chunk, with empty `choices`, holds the counts.
"""

from collections.abc import Callable, Iterator
from typing import Any

from proxy.sandbox.answer import Answer, Json, Request, event, stream, whole
from proxy.sandbox.behaviour import Behaviour, plain_model
from proxy.sandbox.counting import Counts
from proxy.sandbox.openai_prompt import prompt_of, required
from proxy.sandbox.reply import Prompt, Reply, Tool, reply_to

DONE = b"data: [DONE]\n\n"
_FINGERPRINT = "fp_5a4db0c81e"


def chat(request: Request, behaviour: Behaviour, dated: Callable[[str], str]) -> Answer:
    """`POST /v1/chat/completions`."""
    body = request.json()
    model = dated(plain_model(str(required(body, "model"))))
    reply = reply_to(_prompt(body))
    n = max(1, int(body.get("n") or 1))
    head: Json = {
        "id": "chatcmpl-" + request.token("chat", 29),
        "object": "chat.completion.chunk" if body.get("stream") else "chat.completion",
        "created": request.seconds,
        "model": model,
        "service_tier": "default" if body.get("service_tier") in (None, "auto") else body["service_tier"],
        "system_fingerprint": _FINGERPRINT,
    }
    if not body.get("stream"):
        choices = [_choice(request, reply, index) for index in range(n)]
        usage = {} if behaviour.no_usage else {"usage": _usage(reply.counts, n)}
        return whole({**head, "choices": choices, **usage})
    deltas = [(index, *delta) for index in range(n) for delta in _deltas(request, reply)]
    return stream(_chunks(head, deltas, _asked_usage(body, behaviour, reply, n)))


def completion(request: Request, behaviour: Behaviour, dated: Callable[[str], str]) -> Answer:
    """`POST /v1/completions`, where a list of prompts gets a list of choices."""
    body = request.json()
    model = dated(plain_model(str(required(body, "model"))))
    asked = required(body, "prompt")
    texts = [str(text) for text in asked] if isinstance(asked, list) else [str(asked)]
    limit = body.get("max_tokens") or 16
    replies = [reply_to(Prompt(texts=(text,), question=text, messages=0, limit=limit)) for text in texts]
    counts = Counts(
        sum(reply.counts.input for reply in replies), 0, sum(reply.counts.text for reply in replies), reasoning=0
    )
    head: Json = {
        "id": "cmpl-" + request.token("completion", 29),
        "object": "text_completion",
        "created": request.seconds,
        "model": model,
    }
    usage = {"prompt_tokens": counts.input, "completion_tokens": counts.output, "total_tokens": counts.total}
    if not body.get("stream"):
        choices = [_text_choice(index, reply.text, _finish(reply)) for index, reply in enumerate(replies)]
        return whole({**head, "choices": choices, **({} if behaviour.no_usage else {"usage": usage})})
    asks = (body.get("stream_options") or {}).get("include_usage") and not behaviour.no_usage
    null = {"usage": None} if asks else {}
    events = [
        event({**head, "choices": [_text_choice(index, text, finish)], **null})
        for index, reply in enumerate(replies)
        for text, finish in [*((each, None) for each in reply.fragments()), ("", _finish(reply))]
    ]
    if asks:
        events.append(event({**head, "choices": [], "usage": usage}))
    return stream([*events, DONE])


def _prompt(body: Json) -> Prompt:
    messages = required(body, "messages")
    form = body.get("response_format") or {}
    schema = (form.get("json_schema") or {}).get("schema") or {"properties": {"answer": {"type": "string"}}}
    functions = [tool.get("function") or {} for tool in body.get("tools") or ()]
    return prompt_of(
        body,
        [each for each in messages if isinstance(each, dict)] if isinstance(messages, list) else [],
        [Tool(str(each.get("name")), each.get("parameters") or {}) for each in functions],
        schema if form.get("type") in ("json_object", "json_schema") else None,
        body.get("max_completion_tokens") or body.get("max_tokens"),
        body.get("reasoning_effort"),
    )


def _choice(request: Request, reply: Reply, index: int) -> Json:
    message: Json = {"role": "assistant", "content": reply.text or None, "refusal": None, "annotations": []}
    if reply.tool is not None:
        message["tool_calls"] = [_call(request, reply.tool.name, reply.arguments)]
    return {"index": index, "message": message, "logprobs": None, "finish_reason": _finish(reply)}


def _call(request: Request, name: str, arguments: str) -> Json:
    function = {"name": name, "arguments": arguments}
    return {"id": "call_" + request.token("call"), "type": "function", "function": function}


def _deltas(request: Request, reply: Reply) -> Iterator[tuple[Json, str | None]]:
    if reply.tool is not None:
        first = {"index": 0, **_call(request, reply.tool.name, "")}
        yield {"role": "assistant", "content": None, "tool_calls": [first], "refusal": None}, None
        for part in reply.argument_fragments():
            yield {"tool_calls": [{"index": 0, "function": {"arguments": part}}]}, None
    else:
        yield {"role": "assistant", "content": "", "refusal": None}, None
        for text in reply.fragments():
            yield {"content": text}, None
    yield {}, _finish(reply)


def _chunks(head: Json, deltas: list[tuple[int, Json, str | None]], usage: Json | None) -> Iterator[bytes]:
    null = {"usage": None} if usage is not None else {}
    for index, delta, finish in deltas:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
        yield event({**head, "choices": [choice], **null})
    if usage is not None:
        yield event({**head, "choices": [], "usage": usage})
    yield DONE


def _asked_usage(body: Json, behaviour: Behaviour, reply: Reply, n: int) -> Json | None:
    asks = (body.get("stream_options") or {}).get("include_usage")
    return _usage(reply.counts, n) if asks and not behaviour.no_usage else None


def _usage(counts: Counts, n: int) -> Json:
    return {
        "prompt_tokens": counts.input,
        "completion_tokens": counts.output * n,
        "total_tokens": counts.input + counts.output * n,
        "prompt_tokens_details": {"cached_tokens": counts.cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": counts.reasoning * n,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _text_choice(index: int, text: str, finish: str | None) -> dict[str, Any]:
    return {"text": text, "index": index, "logprobs": None, "finish_reason": finish}


def _finish(reply: Reply) -> str:
    return "tool_calls" if reply.tool is not None else "length" if reply.cut else "stop"
