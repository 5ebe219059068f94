"""The conversation in a request: who said what, and which tools were offered, whichever dialect it is written in.

It only rearranges what the body says. Of a body with a hole it gives the messages that are there, and says where the
hole is; a body it does not recognise gives nothing and is left to be shown as it is.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from store.dialects import Document, cut_json
from store.dialects.shape import NOT_JSON
from store.presentation.parts import parts_of, result
from store.presentation.said import Message, Part, Tool, arguments_of, readable

GAP = "gap"
"""The role of what was not kept."""

_SYSTEM = ("system", "systemInstruction", "system_instruction", "instructions")
_SPOKEN = (
    "messages", "additional_messages", "contents", "content", "input", "inputs", "prompt", "query", "document",
    "documents", "texts", "requests", "instances", "message", "inputText",
)  # fmt: skip
_OF_THE_USER = frozenset(("messages", "contents", "content", "input", "prompt", "message", "inputText", "inputs"))
_TOOLS = ("tools", "functions")
_MOST = 2000  # messages, or tools


def members_of(request: Document) -> dict[str, Any]:
    """The members of a JSON object; of one with a hole those that are whole, and lists as far as they are kept."""
    if request.form != "json":
        return {}
    if not request.cut:
        try:
            whole = msgspec.json.decode(request.head)
        except NOT_JSON:
            pass
        else:
            return whole if isinstance(whole, dict) else {}
    found = {name: _loaded(value) for name, value in cut_json.members(request).items()}
    if (torn := cut_json.torn(request)) is not None:
        name, before, after = torn[0], [_loaded(one) for one in torn[1]], [_loaded(one) for one in torn[2]]
        found[name] = [*before, {"role": GAP}, *(one for one in after if not before or _alike(one, before[0]))]
    return found


def _alike(one: Any, other: Any) -> bool:
    """Whether both can be of the same list: messages have roles, tools have none."""
    return isinstance(one, dict) == isinstance(other, dict) and (
        not isinstance(one, dict) or ("role" in one) == ("role" in other)
    )


def conversation_of(body: Any) -> list[Message]:
    """Who said what, in order."""
    if not isinstance(body, dict):
        return []
    messages = [Message("system", parts) for name in _SYSTEM if (parts := tuple(parts_of(body.get(name))))]
    thread = body.get("thread")  # that an assistant's run begins with
    if isinstance(thread, dict) and "messages" in thread:
        messages += list(_turns("messages", thread["messages"]))[:_MOST]
    for name in _SPOKEN:
        if name in body and len(messages) < _MOST:
            messages += list(_turns(name, body[name]))[:_MOST]
    return messages


def tools_of(body: Any) -> list[Tool]:
    """The tools that were offered."""
    if not isinstance(body, dict):
        return []
    bedrock = body.get("toolConfig")
    offered = [one for name in _TOOLS for one in _list(body.get(name))]
    offered += _list(bedrock.get("tools")) if isinstance(bedrock, dict) else []
    return [tool for one in offered[:_MOST] for tool in _tools(one)]


def _turns(name: str, value: Any) -> Iterator[Message]:
    if isinstance(value, list) and not all(isinstance(item, (int, float)) for item in value):
        for item in value:
            yield _turn(name, item)
    elif isinstance(value, list):
        if value:
            yield Message("user", (Part("other", f"{len(value):,} tokens, as numbers", name),))
    elif value is not None:
        yield _turn(name, value)


def _turn(name: str, item: Any) -> Message:
    if not isinstance(item, dict):
        role = "user" if name in _OF_THE_USER else name
        return Message(role, tuple(parts_of(item)))
    if item.get("role") == GAP and len(item) == 1:
        return Message(GAP, ())
    kind = item.get("type")
    if name == "document":
        return Message("user", tuple(parts_of(item)))
    if isinstance(kind, str) and kind != "message" and "role" not in item:
        return _item(kind, item)
    if "content" not in item and "parts" not in item and "role" not in item:
        return Message("user" if name in ("contents", "content") else name, tuple(parts_of(item)))
    role = str(item.get("role") or "user")
    return Message(f"{role} ({item['name']})" if isinstance(item.get("name"), str) else role, tuple(_said(role, item)))


def _said(role: str, item: dict[str, Any]) -> Iterator[Part]:
    """The pieces of one message: what was thought, what was said, which tools were called."""
    content = item.get("content", item.get("parts"))
    if isinstance(content, dict) and "parts" in content:
        content = content["parts"]  # one of the requests of a batch
    if role in ("tool", "function"):
        yield result(content, None, item.get("tool_call_id"))
        return
    thinking = item.get("reasoning_content") or item.get("reasoning")
    if isinstance(thinking, str):
        yield Part("thinking", thinking)
    yield from parts_of(content)
    if isinstance(item.get("refusal"), str):
        yield Part("refusal", item["refusal"])
    if isinstance(item.get("audio"), dict):
        yield Part("data", str(item["audio"].get("id", "")), "audio")
    calls = [*_list(item.get("tool_calls")), item.get("function_call")]
    for call in calls:
        if isinstance(call, dict):
            function = call.get("function") or call.get("custom") or call
            if isinstance(function, dict):
                arguments = arguments_of(function.get("arguments", function.get("input")))
                yield Part("tool call", arguments, _name(function.get("name")), _name(call.get("id")))


def _item(kind: str, item: dict[str, Any]) -> Message:
    """One item of a response's input that is no message."""
    call_id = _name(item.get("call_id"))
    if kind.endswith("_call_output"):
        return Message("tool", (result(item.get("output"), None, call_id),))
    if kind.endswith("_call"):
        given = item.get("arguments", item.get("input", item.get("action", item.get("queries"))))
        return Message("assistant", (Part("tool call", arguments_of(given), _name(item.get("name")) or kind, call_id),))
    return Message("assistant" if kind == "reasoning" else "user", tuple(parts_of(item)))


def _tools(offered: Any) -> Iterator[Tool]:
    if not isinstance(offered, dict):
        return
    declared = offered.get("functionDeclarations", offered.get("function_declarations"))
    if isinstance(declared, list):
        for one in declared:
            yield from _tools(one)
        return
    inside = offered.get("function") or offered.get("custom") or offered.get("toolSpec")
    tool = inside if isinstance(inside, dict) else offered
    schema = next((tool[name] for name in _SCHEMAS if name in tool), None)
    if schema is None:
        schema = {name: value for name, value in tool.items() if name not in ("name", "description", "type")}
    name = _name(tool.get("name")) or _name(tool.get("type")) or ", ".join(map(str, tool)) or "?"
    yield Tool(name, _name(tool.get("description")) or "", readable(schema) if schema else "")


_SCHEMAS = ("parameters", "input_schema", "parametersJsonSchema", "inputSchema", "format")


def _loaded(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except NOT_JSON:
        return data.decode("utf-8", "replace")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _name(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
