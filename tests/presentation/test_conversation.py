"""The conversation in a request is told in the same parts whichever dialect it is written in."""

import json
from typing import Any

import orjson
import pytest

from store.dialects import Document
from store.presentation import GAP, Exchanged, Message, Part, conversation_of, exchanged, tools_of
from store.presentation.said import readable
from tests.dialects.wire import Case, cases

CALL = Part("tool call", '{\n  "city": "Rome"\n}', "weather", "c1")
RESULT = "sunny"
SCHEMA = {"type": "object"}

OPENAI = {
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "How is Rome?"},
                                     {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]},
        {"role": "assistant", "content": None, "reasoning_content": "Ask.", "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Rome"}'}}]},
        {"role": "tool", "tool_call_id": "c1", "content": RESULT},
    ],
    "tools": [{"type": "function", "function": {"name": "weather", "description": "d", "parameters": SCHEMA}}],
}  # fmt: skip
RESPONSES = {
    "instructions": "Be brief.",
    "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "How is Rome?"},
                                     {"type": "input_image", "image_url": "data:image/png;base64,AAAA"}]},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Ask."}]},
        {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": '{"city":"Rome"}'},
        {"type": "function_call_output", "call_id": "c1", "output": RESULT},
    ],
    "tools": [{"type": "function", "name": "weather", "description": "d", "parameters": SCHEMA}],
}  # fmt: skip
ANTHROPIC = {
    "system": [{"type": "text", "text": "Be brief."}],
    "messages": [
        {"role": "user", "content": [
            {"type": "text", "text": "How is Rome?"},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}]},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "Ask.", "signature": "s"},
            {"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "Rome"}}]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text", "text": RESULT}]}]},
    ],
    "tools": [{"name": "weather", "description": "d", "input_schema": SCHEMA}],
}  # fmt: skip
GEMINI = {
    "systemInstruction": {"parts": [{"text": "Be brief."}]},
    "contents": [
        {"role": "user", "parts": [{"text": "How is Rome?"},
                                   {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]},
        {"role": "model", "parts": [{"text": "Ask.", "thought": True},
                                    {"functionCall": {"id": "c1", "name": "weather", "args": {"city": "Rome"}}}]},
        {"role": "user", "parts": [{"functionResponse": {"id": "c1", "name": "weather", "response": RESULT}}]},
    ],
    "tools": [{"functionDeclarations": [{"name": "weather", "description": "d", "parameters": SCHEMA}]}],
}  # fmt: skip


@pytest.mark.parametrize(
    "body", [OPENAI, RESPONSES, ANTHROPIC, GEMINI], ids=["chat", "responses", "anthropic", "gemini"]
)
def test_every_dialect_tells_the_same_conversation(body: Any) -> None:
    """System prompt, text, picture by type and size, thinking, tool call, its result and the tools are all found."""
    messages = conversation_of(body)
    parts = [part for message in messages for part in message.parts]
    assert messages[0] == Message("system", (Part("text", "Be brief."),))
    assert messages[1].role == "user"
    assert [(part.kind, part.text) for part in parts] == [
        ("text", "Be brief."), ("text", "How is Rome?"), ("data", "3 bytes"), ("thinking", "Ask."),
        ("tool call", CALL.text), ("tool result", RESULT),
    ]  # fmt: skip
    assert parts[2].name == "image/png"
    assert parts[4] == CALL
    assert parts[5].id == "c1"
    (tool,) = tools_of(body)
    assert (tool.name, tool.description, json.loads(tool.schema)) == ("weather", "d", SCHEMA)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"prompt": "once"}, [("user", "once")]),
        ({"input": ["a", "b"]}, [("user", "a"), ("user", "b")]),
        ({"input": [1, 2, 3]}, [("user", "3 tokens, as numbers")]),
        ({"content": {"parts": [{"text": "embed me"}]}}, [("user", "embed me")]),
        ({"requests": [{"content": {"parts": [{"text": "one"}]}}]}, [("user", "one")]),
        ({"query": "q", "documents": ["d"]}, [("query", "q"), ("documents", "d")]),
        ({"messages": []}, []),
        ([], []),
        (None, []),
    ],
)
def test_other_requests(body: Any, said: list[tuple[str, str]]) -> None:
    """Prompts, inputs, contents and documents are turns too."""
    assert [(one.role, "".join(part.text for part in one.parts)) for one in conversation_of(body)] == said


def test_a_hole_is_told_where_it_is() -> None:
    """Of a request with a hole the whole messages on both sides are told, and the gap between them."""
    turns = [{"role": "user", "content": f"turn {number} " + "x" * 50} for number in range(40)]
    body = orjson.dumps({"model": "m", "messages": turns, "temperature": 1})
    cut = Document(body[:300], body[-300:], cut=True)
    told = exchanged("openai", "POST", "/v1/chat/completions", cut, 200, Document(b"{}")).asked
    roles = [message.role for message in told]
    assert roles.count(GAP) == 1
    at = roles.index(GAP)
    assert told[0].parts[0].text.startswith("turn 0 ")
    assert told[-1].parts[0].text.startswith("turn 39 ")
    assert 1 < at < len(roles) - 2
    assert len(roles) < 12


def test_tools_after_a_hole_are_no_messages() -> None:
    """What follows the hole counts as messages only where it looks like the messages before it."""
    body = orjson.dumps({
        "messages": [{"role": "user", "content": "x" * 100}] * 9, "tools": [{"name": "t" * 100}] * 9,
    })  # fmt: skip
    cut = Document(body[:300], body[-300:], cut=True)
    told = exchanged("openai", "POST", "/v1/chat/completions", cut, 200, Document(b"{}")).asked
    assert {message.role for message in told} == {"user", GAP}
    assert told[-1].role == GAP


def answered(body: object, dialect: str = "openai", path: str = "/v1/x") -> Exchanged:
    return exchanged(dialect, "POST", path, Document(b""), 200, Document(orjson.dumps(body)))


def test_answers_are_told_in_parts() -> None:
    """Thinking, text, refusals and tool calls of several choices are apart."""
    told = answered({"choices": [
        {"index": 0, "message": {"reasoning": "hm", "content": "yes", "tool_calls": [
            {"function": {"name": "f", "arguments": '{"a":1}'}}]}},
        {"index": 1, "message": {"refusal": "no"}},
    ]}).answered  # fmt: skip
    assert told == [
        Message("choice 1", (
            Part("thinking", "hm"), Part("text", "yes"), Part("tool call", '{\n  "a": 1\n}', "f"))),
        Message("choice 2", (Part("refusal", "no"),)),
    ]  # fmt: skip


def test_products_are_told_by_type_and_size() -> None:
    """Embeddings are told by their length and first numbers, images by their size; neither as bytes."""
    (embedding,) = answered({"data": [{"embedding": [0.5] * 1536}]}).answered
    assert embedding.parts[0].text == "1,536 numbers: 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, ..."
    (image,) = answered({"data": [{"b64_json": "A" * 400, "revised_prompt": "a cat"}]}).answered
    assert image.parts[0].text == "300 bytes; a cat"
    assert answered({"data": [{"id": "gpt-4o", "object": "model"}]}).answered == []


NONSENSE: list[Any] = [
    None, 1, "", "x", [], {}, [[[[]]]], {"type": 1}, {"type": "image_url"}, {"type": "tool_use"}, {"text": {}},
    {"type": "input_audio", "input_audio": []}, {"type": "file", "file": 1}, {"inlineData": {}}, {"functionCall": {}},
    {"type": "document", "source": {"type": "content", "content": [{}]}}, {"type": "tool_result", "content": {"a": 1}},
]  # fmt: skip


@pytest.mark.parametrize("piece", NONSENSE)
@pytest.mark.parametrize("name", ["messages", "input", "contents", "system", "prompt", "tools", "requests"])
def test_nonsense_is_told_as_it_is(name: str, piece: Any) -> None:
    """Nothing that a body can hold breaks the telling."""
    for value in (piece, [piece], [{"role": piece, "content": piece}], [{"parts": piece, "tool_calls": piece}]):
        conversation_of({name: value})
        tools_of({name: value})


def test_depth_and_width_are_bounded() -> None:
    """A deep or wide body is told in a bounded length, whatever it would grow to over several lines."""
    deep: Any = "x"
    for _ in range(400):
        deep = [deep]
    assert len(readable([deep] * 50, 10_000)) < 20_000
    (message,) = conversation_of({"messages": [{"role": "user", "content": deep}]})
    assert message.parts == ()


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_every_recorded_exchange_is_told(case: Case) -> None:
    """Whatever is known to pass on the wire is told whole, and cut anywhere, without trouble."""

    def told(request: Document, response: Document) -> Exchanged:
        return exchanged(case.dialect, case.method, case.target, request, case.status, response)

    whole = told(Document(case.request), Document(case.response))
    asked = orjson.loads(case.request) if case.request[:1] == b"{" else {}
    if asked.get("messages") or asked.get("contents"):
        assert whole.asked
        assert all(part.text or part.name for message in whole.asked for part in message.parts)
    for at in range(0, len(case.request), 7):
        told(Document(case.request[:at], case.request[at + 5 :], cut=True), Document(b""))
    for at in range(0, len(case.response), 97):
        told(Document(b""), Document(case.response[:at], case.response[at + 50 :], cut=True))


def test_a_conversation_with_bedrock() -> None:
    """Bedrock's blocks are told in the same parts as everybody's: thoughts, tools, results, pictures by their size."""
    body = {
        "system": [{"text": "Be brief."}],
        "messages": [
            {
                "role": "user",
                "content": [{"text": "Weather?"}, {"image": {"format": "png", "source": {"bytes": "QUJD"}}}],
            },
            {
                "role": "assistant",
                "content": [
                    {"reasoningContent": {"reasoningText": {"text": "Hm."}}},
                    {"toolUse": {"toolUseId": "t1", "name": "weather", "input": {"city": "Oslo"}}},
                ],
            },
            {"role": "user", "content": [{"toolResult": {"toolUseId": "t1", "content": [{"text": "Snow"}]}}]},
        ],
        "toolConfig": {"tools": [{"toolSpec": {"name": "weather", "inputSchema": {"json": {"type": "object"}}}}]},
    }
    told = [(part.kind, part.name, part.id) for message in conversation_of(body) for part in message.parts]
    assert told == [
        ("text", None, None),
        ("text", None, None),
        ("data", "image/png", None),
        ("thinking", None, None),
        ("tool call", "weather", "t1"),
        ("tool result", None, "t1"),
    ]
    assert [tool.name for tool in tools_of(body)] == ["weather"]


@pytest.mark.parametrize("name", ["message", "inputText", "inputs", "prompt"])
def test_a_text_alone_is_the_users(name: str) -> None:
    """Where a format asks with one text, the user said it."""
    (message,) = conversation_of({"model": "m", name: "Say hello"})
    assert (message.role, message.parts[0].text) == ("user", "Say hello")
