"""What the page of one call shows."""

import json

from store.dialects import Document
from store.presentation import Presented, present
from tests.dialects.wire import cases

CASES = {case.name.split(":")[0]: case for case in cases()}


def presented(name: str) -> Presented:
    case = CASES[name]
    return present(
        case.dialect, case.method, case.target, case.request_headers, Document(case.request),
        case.status, case.response_headers, Document(case.response),
    )  # fmt: skip


def show(dialect: str, target: str, response: bytes, content_type: str = "application/json") -> Presented:
    headers = (("content-type", content_type),)
    return present(dialect, "POST", target, (), Document(b""), 200, headers, Document(response))


def test_whole_and_streamed_answers_read_the_same() -> None:
    """The text of an answer does not depend on whether it was streamed."""
    assert presented("openai/chat_whole").text == presented("openai/chat_stream").text == "Hello, Ada."
    assert presented("openai/responses_whole").text == presented("openai/responses_stream").text == "Hello"
    assert presented("anthropic/whole").text == presented("anthropic/stream").text == "Hello, Ada."
    gemini = [presented(f"gemini/{name}").text for name in ("whole", "stream_events", "stream_array")]
    assert gemini == ["Hello"] * 3


def test_parameters() -> None:
    """Parameters are what was set, without what was said."""
    assert presented("anthropic/whole").parameters == {
        "model": "claude-sonnet-4-5", "max_tokens": 100, "metadata": {"user_id": "ada"},
    }  # fmt: skip


def test_bodies() -> None:
    """JSON is shown as JSON, a stream as its text, nothing as None."""
    assert presented("openai/chat_whole").request["messages"][0]["content"] == "Say hello to Ada"
    assert presented("openai/chat_stream").response.startswith("data: {")
    assert presented("openai/responses_poll").request is None


def test_errors_have_no_text() -> None:
    """An error is no answer."""
    assert presented("openai/error_429").text is None


def test_tool_calls() -> None:
    """A tool call is shown with its arguments, put together from its pieces."""
    deltas = [
        {"content": "Let me look."},
        {"tool_calls": [{"index": 0, "id": "c1", "function": {"name": "weather", "arguments": ""}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"city":'}}]},
        {"tool_calls": [{"index": 1, "id": "c2", "function": {"name": "time", "arguments": "{}"}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '"Oslo"}'}}]},
    ]
    stream = b"".join(
        b"data: %s\n\n" % json.dumps({"choices": [{"index": 0, "delta": delta}]}).encode() for delta in deltas
    )
    assert show("openai", "/v1/chat/completions", stream).text == (
        'Let me look.\n\n[tool call] weather({"city":"Oslo"})\n\n[tool call] time({})'
    )


def test_thinking_is_told_apart() -> None:
    """What was thought and what was answered are labelled."""
    content = [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Yes."}]
    answer = json.dumps({"type": "message", "content": content}).encode()
    assert show("anthropic", "/v1/messages", answer).text == "[thinking]\nHm.\n\n[answer]\nYes."


def test_several_choices() -> None:
    """Several answers are numbered."""
    choices = [{"index": index, "message": {"content": text}} for index, text in enumerate(("a", "b"))]
    answer = json.dumps({"choices": choices}).encode()
    assert show("openai", "/v1/chat/completions", answer).text == "[choice 1]\na\n\n[choice 2]\nb"


def test_gemini_parts() -> None:
    """Parts that are no text are shown as what they are."""
    parts = [{"text": "A", "thought": True}, {"functionCall": {"name": "f", "args": {"x": 1}}},
             {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]  # fmt: skip
    answer = json.dumps({"candidates": [{"content": {"parts": parts}}]}).encode()
    expected = '[thinking]\nA\n\n[tool call] f({"x":1})\n\n[data]\n(image/png)'
    assert show("gemini", "/v1beta/models/m:generateContent", answer).text == expected


def test_binary_is_described() -> None:
    """Bytes that nobody can read are described."""
    assert show("openai", "/v1/audio/speech", b"\xff\xfb\x00" * 100, "audio/mpeg").response == "audio/mpeg, 300 bytes"


def test_form_is_shown_by_fields() -> None:
    """A form shows its fields, and of a file its kind and size."""
    form = (
        b'--b0\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\nRIFF'
        b'\r\n--b0\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n--b0--\r\n'
    )
    headers = (("content-type", "multipart/form-data; boundary=b0"),)
    shown = present("openai", "POST", "/v1/audio/transcriptions", headers, Document(form), 200, (), Document(b""))
    assert shown.request == {"file": "audio/wav, 4 bytes", "model": "whisper-1"}
    assert shown.parameters == {"model": "whisper-1"}


def test_cut_bodies_say_so() -> None:
    """Where the middle of a body was not kept, the gap is shown."""
    document = Document(b'{"model": "m", "messages": ["a', b'z"], "stream": true}', cut=True)
    shown = present("openai", "POST", "/v1/chat/completions", (), document, 200, (), Document(b"{}"))
    assert "(not kept)" in shown.request
    assert shown.parameters == {"model": "m", "stream": True}
