"""OpenAI's responses, whole and streamed: the usage is in the last event's `response`, and no [DONE] follows."""

from collections.abc import Callable, Iterator

from proxy.sandbox.answer import Answer, Json, Request, event, stream, whole
from proxy.sandbox.behaviour import Behaviour, plain_model
from proxy.sandbox.openai_prompt import prompt_of, required
from proxy.sandbox.reply import Prompt, Reply, Tool, reply_to

# What of a finished item its beginning does not say yet.
_UNSAID: dict[str, Json] = {
    "reasoning": {},
    "message": {"status": "in_progress", "content": []},
    "function_call": {"status": "in_progress", "arguments": ""},
}


def respond(request: Request, behaviour: Behaviour, dated: Callable[[str], str]) -> Answer:
    """`POST /v1/responses`."""
    body = request.json()
    model = dated(plain_model(str(required(body, "model"))))
    reply = reply_to(_prompt(body))
    usage = None if behaviour.no_usage else _usage(reply)
    response = _response(request, body, model)
    items = _output(request, reply)
    done = {
        **response,
        "status": "incomplete" if reply.cut else "completed",
        "completed_at": request.seconds,
        "incomplete_details": {"reason": "max_output_tokens"} if reply.cut else None,
        "output": items,
        "usage": usage,
    }
    if not body.get("stream"):
        return whole(done)
    events = [
        *_opening(response),
        *_output_events(items, reply),
        {"type": f"response.{done['status']}", "response": done},
    ]
    numbered = ({**each, "sequence_number": number} for number, each in enumerate(events))
    return stream(event(each, str(each["type"])) for each in numbered)


def _prompt(body: Json) -> Prompt:
    asked = required(body, "input")
    items = asked if isinstance(asked, list) else [{"role": "user", "content": asked}]
    form = (body.get("text") or {}).get("format") or {}
    schema = form.get("schema") or {"properties": {"answer": {"type": "string"}}}
    tools = [tool for tool in body.get("tools") or () if tool.get("type") == "function"]
    return prompt_of(
        body,
        [item for item in items if isinstance(item, dict)],
        [Tool(str(each.get("name")), each.get("parameters") or {}) for each in tools],
        schema if form.get("type") in ("json_object", "json_schema") else None,
        body.get("max_output_tokens"),
        (body.get("reasoning") or {}).get("effort"),
    )


def _response(request: Request, body: Json, model: str) -> Json:
    return {
        "id": "resp_" + request.token("response", 48),
        "object": "response",
        "created_at": request.seconds,
        "status": "in_progress",
        "background": False,
        "completed_at": None,
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "model": model,
        "output": [],
        "parallel_tool_calls": True,
        "previous_response_id": body.get("previous_response_id"),
        "reasoning": {"effort": (body.get("reasoning") or {}).get("effort"), "summary": None},
        "service_tier": "default",
        "store": body.get("store", True),
        "temperature": body.get("temperature", 1.0),
        "text": body.get("text") or {"format": {"type": "text"}},
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": body.get("tools") or [],
        "top_p": body.get("top_p", 1.0),
        "truncation": "disabled",
        "usage": None,
        "user": body.get("user"),
        "metadata": body.get("metadata") or {},
    }


def _output(request: Request, reply: Reply) -> list[Json]:
    items: list[Json] = []
    if reply.counts.reasoning:
        items.append({"id": "rs_" + request.token("reasoning", 48), "type": "reasoning", "summary": []})
    if reply.tool is not None:
        items.append(
            {
                "id": "fc_" + request.token("function", 48),
                "type": "function_call",
                "status": "completed",
                "arguments": reply.arguments,
                "call_id": "call_" + request.token("call"),
                "name": reply.tool.name,
            }
        )
    else:
        items.append(
            {
                "id": "msg_" + request.token("message", 48),
                "type": "message",
                "status": "incomplete" if reply.cut else "completed",
                "content": [_part(reply.text)],
                "role": "assistant",
            }
        )
    return items


def _part(text: str) -> Json:
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}


def _opening(response: Json) -> Iterator[Json]:
    yield {"type": "response.created", "response": response}
    yield {"type": "response.in_progress", "response": response}


def _output_events(items: list[Json], reply: Reply) -> Iterator[Json]:
    for index, item in enumerate(items):
        at: Json = {"item_id": item["id"], "output_index": index}
        begun: Json = {**item, **_UNSAID[item["type"]]}
        yield {"type": "response.output_item.added", "output_index": index, "item": begun}
        if item["type"] == "message":
            yield from _text_events({**at, "content_index": 0}, reply)
        elif item["type"] == "function_call":
            for part in reply.argument_fragments():
                yield {"type": "response.function_call_arguments.delta", **at, "delta": part}
            done = {"name": item["name"], "arguments": reply.arguments}
            yield {"type": "response.function_call_arguments.done", **at, **done}
        yield {"type": "response.output_item.done", "output_index": index, "item": item}


def _text_events(at: Json, reply: Reply) -> Iterator[Json]:
    yield {"type": "response.content_part.added", **at, "part": _part("")}
    for text in reply.fragments():
        yield {"type": "response.output_text.delta", **at, "delta": text, "logprobs": []}
    yield {"type": "response.output_text.done", **at, "text": reply.text, "logprobs": []}
    yield {"type": "response.content_part.done", **at, "part": _part(reply.text)}


def _usage(reply: Reply) -> Json:
    return {
        "input_tokens": reply.counts.input,
        "input_tokens_details": {"cached_tokens": reply.counts.cached},
        "output_tokens": reply.counts.output,
        "output_tokens_details": {"reasoning_tokens": reply.counts.reasoning},
        "total_tokens": reply.counts.total,
    }
