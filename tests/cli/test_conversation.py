"""What `tollbook show` says of a request."""

from typing import Any

import pytest

from proxy.cli.conversation import messages_of

PIXELS = "iVBORw0KGgo" * 40
BODIES: list[dict[str, Any]] = [
    {"messages": [{"role": "user", "content": [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXELS}"}},
    ]}]},
    {"messages": [{"role": "user", "content": [
        {"type": "text", "text": "What is this?"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXELS}},
    ]}]},
    {"contents": [{"role": "user", "parts": [
        {"text": "What is this?"}, {"inlineData": {"mimeType": "image/png", "data": PIXELS}},
    ]}]},
]  # fmt: skip


@pytest.mark.parametrize("body", BODIES, ids=["openai", "anthropic", "gemini"])
def test_an_image_is_told_by_type_and_size(body: dict[str, Any]) -> None:
    """The words of a prompt stand as they are; of an image there is its type and size, and none of its bytes."""
    ((role, words),) = messages_of(body)
    assert role == "user"
    first, image = words.splitlines()
    assert first == "What is this?"
    assert image == "(image/png, 330 bytes)"


def test_a_tool_is_called_and_answers() -> None:
    """A call of a tool and its result are labelled, and joined by the id."""
    body = {"messages": [
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '"Oslo"'}},
        ]},
        {"role": "tool", "tool_call_id": "call_1", "content": "rain"},
    ]}  # fmt: skip
    assert messages_of(body) == [("assistant", '[tool call] weather("Oslo")'), ("tool", "[tool result call_1] rain")]


def test_what_is_not_recognised_is_left() -> None:
    """A body without messages has none, so that it is shown as it is."""
    assert messages_of({"file": "text/plain, 3 bytes"}) == []
    assert messages_of("plain text") == []
