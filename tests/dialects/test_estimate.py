"""The plain rule of estimates: what counts as text, and what is added for how it is put."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.dialects import Document
from store.dialects.estimate import Said, answered, asked, streamed


def document(value: Any) -> Document:
    return Document(json.dumps(value).encode())


def tokens_asked(value: Any, *, conversation: bool = True) -> int:
    return asked(document(value), conversation=conversation).tokens()


def test_text_is_four_bytes_to_a_token() -> None:
    """Rounded up, and in bytes: what is not ASCII takes more."""
    assert Said(["12345678"]).tokens() == 2
    assert Said(["123456789"]).tokens() == 3
    assert Said(["ééé"]).tokens() == 2
    assert Said().tokens() == 0


@pytest.mark.parametrize(
    ("request_", "text", "extra"),
    [
        ({"messages": [{"role": "user", "content": "abcd"}]}, 1, 7),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "abcd"}]}] * 2}, 2, 11),
        ({"input": "abcd"}, 1, 7),
        ({"instructions": "abcd", "input": [{"role": "user", "content": "abcd"}]}, 2, 11),
        ({"system": "abcd", "messages": [{"role": "user", "content": "abcd"}]}, 2, 11),
        ({"prompt": "abcd"}, 1, 0),
        ({"prompt": [1, 2, 3]}, 3, 0),
    ],
)
def test_a_conversation_takes_more_than_its_text(request_: dict[str, Any], text: int, extra: int) -> None:
    """Four tokens for each message, its instructions included, and three for the beginning of the answer."""
    assert tokens_asked(request_, conversation=False) == text
    assert tokens_asked(request_) == text + extra


def test_tools_and_schemas_are_five_bytes_to_a_token() -> None:
    """The JSON of what a model may call, or must answer in, is written shorter for it."""
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}]
    size = len(json.dumps(tools, separators=(",", ":")))
    assert tokens_asked({"tools": tools}, conversation=False) == -(-size // 5)
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    size = len(json.dumps(schema, separators=(",", ":")))
    wanted = {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}}
    assert tokens_asked(wanted, conversation=False) == -(-size // 5)


def test_a_call_of_a_tool_takes_more_than_its_arguments() -> None:
    """Its name counts, and ten tokens around it; whole or streamed it is the same."""
    call = {"id": "c", "type": "function", "function": {"name": "abcd", "arguments": '{"x":1}'}}
    whole = {"choices": [{"message": {"role": "assistant", "content": None, "tool_calls": [call]}}]}
    first = {"choices": [{"delta": {"tool_calls": [{"function": {"name": "abcd", "arguments": ""}}]}}]}
    then = {"choices": [{"delta": {"tool_calls": [{"function": {"arguments": '{"x":1}'}}]}}]}
    assert answered(document(whole)).tokens() == 10 + 3  # eleven bytes
    assert streamed([json.dumps(piece).encode() for piece in (first, then)]).tokens() == 10 + 3


_CHUNK = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "system_fingerprint": None}


def _chunk(**delta: Any) -> dict[str, Any]:
    return {**_CHUNK, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}]}


_PLAIN = [
    _chunk(role="assistant", content="", refusal=None), _chunk(content="ab"), _chunk(content="data:x"),
    _chunk(content="é\ud83d\ude00"), {**_chunk(), "usage": None, "obfuscation": "x" * 40},
    {**_CHUNK, "choices": [], "usage": {"prompt_tokens": 3, "prompt_tokens_details": {"cached_tokens": 1}}},
]  # fmt: skip
_OTHER = [
    _chunk(reasoning_content="thinking"), _chunk(refusal="I will not."), _chunk(content=None, audio={"id": "a"}),
    _chunk(tool_calls=[{"index": 0, "function": {"name": "f", "arguments": "{}"}}]), _chunk(content=["p"]),
    {**_CHUNK, "choices": [*_chunk(content="a")["choices"], *_chunk(content="b")["choices"]]},
    {"type": "response.output_text.delta", "delta": "abc"}, {"type": "response.completed", "output": "abc"},
    {**_CHUNK, "choices": [], "usage": {"content": "no text of a model, but found"}}, {"error": {"message": "no"}},
    {"choices": None}, {"choices": [{"text": "legacy"}]}, [], "text", 1, None,
]  # fmt: skip


@given(st.lists(st.sampled_from([*_PLAIN, *_OTHER, "broken", "[DONE]", "two"]), max_size=8), st.booleans())
def test_plain_chunks_are_read_at_once_as_they_are_one_by_one(pieces: list[Any], spaced: bool) -> None:
    """Whatever a stream is made of, what is read of it together is what is read of its events."""
    broken = {
        "broken": b'{"choices":[{"delta"',
        "[DONE]": b"[DONE]",
        "two": json.dumps(_chunk(content="x")).encode() * 2,
    }
    wire = [broken[one] if isinstance(one, str) and one in broken else json.dumps(one).encode() for one in pieces]
    wire = [b" " + one if spaced else one for one in wire]
    alone = Said()
    for payload in wire:
        said = streamed([b'{"x":[]}', payload])  # the first is no chunk: one by one, then
        alone = Said(alone.texts + said.texts, alone.tools + said.tools, 0, alone.calls + said.calls)
    together = streamed(wire)
    assert "".join(together.texts) == "".join(alone.texts)
    assert (together.tools, together.calls, together.tokens()) == (
        alone.tools, alone.calls, Said(["".join(alone.texts)], alone.tools, 0, alone.calls).tokens()
    )  # fmt: skip


def test_what_an_answer_repeats_of_the_request_is_not_its_own() -> None:
    """A response that has its instructions, tools and settings beside its output is as long as its output."""
    output = [{"type": "message", "content": [{"type": "output_text", "text": "abcdefgh"}]}]
    repeated = {"instructions": "long " * 99, "tools": [{"type": "function", "name": "f" * 99, "parameters": {}}]}
    assert answered(document({"output": output, **repeated})).tokens() == 2


def test_files_and_pictures_are_no_text() -> None:
    """What is told by its data is left out, however long."""
    content = [{"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 999}}]
    assert tokens_asked({"messages": [{"role": "user", "content": content}]}) == 7
    assert tokens_asked({"input": "data:text/plain;base64," + "A" * 999}, conversation=False) == 0


def test_of_a_body_that_is_not_whole_its_ends_count() -> None:
    """Text members are found in the head and in the tail."""
    cut = Document(b'{"messages":[{"role":"user","content":"abcd"},{"con', b'ent":"x"},{"content":"efgh"}]}', cut=True)
    assert asked(cut, conversation=True).tokens() == 2


@given(st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))
def test_anything_has_an_estimate(value: Any) -> None:
    """Whatever a body holds, its estimate is a count."""
    assert tokens_asked(value) >= 0
    assert answered(document(value)).tokens() >= 0
