"""What the page of one call shows."""

import json

import pytest

from store.dialects import Document
from store.presentation import Presented, exchanged, present
from tests.dialects.framing import frame
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


SAID = {
    "elevenlabs/transcript": "Hello Ada",
    "vercel/language_model": "Hello Ada",
    "vercel/language_model_stream": "Hello Ada",
    "bedrock/converse": "Hello",
    "bedrock/converse_stream": "Hello",
    "bedrock/converse_stream_exception": "Hello wo",
    "bedrock/invoke_anthropic": "Hello",
    "bedrock/invoke_anthropic_stream": "Hello",
    "bedrock/invoke_nova_stream": "Hello",
    "bedrock/invoke_titan": "Hello",
    "bedrock/invoke_titan_stream": "Hello",
    "bedrock/invoke_llama_stream": "Hello",
    "bedrock/invoke_cohere": "Hello",
    "bedrock/invoke_mistral": "Hello",
    "bedrock/invoke_jamba": "Hello",
    "vertex/generate": "Hello",
    "vertex/anthropic_stream": "Hello",
    "vertex/mistral": "Hello",
    "gemini/interaction": "Hello",
    "gemini/interaction_stream": "Hello",
    "cohere/chat": "Hello",
    "cohere/chat_stream": "Hello",
    "cohere/chat_1": "Hello",
    "cohere/chat_1_stream": "Hello",
    "cohere/generate": "Hello",
    "ollama/chat_stream": "Hello",
    "ollama/generate_stream": "Hello",
    "ollama/compatible": "Hello",
    "generic/watsonx_stream": "Sun",
    "generic/aleph_alpha": "Hello",
    "generic/text_generation": "Hello",
    "generic/replicate": "Hello",
    "generic/openai_in_chat": "Hello",
}


@pytest.mark.parametrize("name", SAID)
def test_what_vendors_of_their_own_formats_say(name: str) -> None:
    """The text of an answer is found in every format, whole and put together from a stream."""
    assert presented(name).text == SAID[name]


def test_tools_and_thoughts_of_other_formats() -> None:
    """Thoughts and calls of tools are told apart in the formats of Bedrock, Cohere and Ollama, too."""
    pieces = [
        {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "Hm."}}}},
        {"contentBlockStart": {"contentBlockIndex": 1, "start": {"toolUse": {"name": "weather", "toolUseId": "t"}}}},
        {"contentBlockDelta": {"contentBlockIndex": 1, "delta": {"toolUse": {"input": '{"city":'}}}},
        {"contentBlockDelta": {"contentBlockIndex": 1, "delta": {"toolUse": {"input": '"Oslo"}'}}}},
    ]
    streamed = b"".join(frame(*next(iter(piece.items()))) for piece in pieces)
    expected = '[thinking]\nHm.\n\n[tool call] weather({"city":"Oslo"})'
    assert show("bedrock", "/model/m/converse-stream", streamed).text == expected
    call = {"function": {"name": "weather", "arguments": '{"city":"Oslo"}'}}
    whole = {"message": {"role": "assistant", "tool_plan": "Hm.", "tool_calls": [{"id": "t", **call}]}}
    assert show("cohere", "/v2/chat", json.dumps(whole).encode()).text == expected
    events = [
        {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "Hm."}}},
        {"type": "tool-call-start", "index": 0, "delta": {"message": {"tool_calls": {"id": "t", **call}}}},
    ]
    streamed = b"".join(b"data: %s\n\n" % json.dumps(event).encode() for event in events)
    assert show("cohere", "/v2/chat", streamed).text == expected
    arguments = {"function": {"name": "weather", "arguments": {"city": "Oslo"}}}
    line = {"model": "m", "message": {"content": "", "thinking": "Hm.", "tool_calls": [arguments]}, "done": True}
    assert show("ollama", "/api/chat", json.dumps(line).encode()).text == expected


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


def told(dialect: str, target: str, response: object, method: str = "POST") -> list[tuple[str, str, str | None]]:
    body = Document(response if isinstance(response, bytes) else json.dumps(response).encode())
    answered = exchanged(dialect, method, target, Document(b""), 200, body).answered
    return [(part.kind, part.text, part.name) for message in answered for part in message.parts]


def test_a_run_says_what_its_messages_say() -> None:
    """The text of an assistant's run is put together from the deltas of its messages, and from nothing else."""
    assert presented("openai/run_stream").text == "Hello."


def test_a_run_with_odd_places_is_shown() -> None:
    """Ids and indexes that are none keep nothing from being shown."""
    deltas = [
        {"id": {}, "object": "thread.message.delta", "delta": {"content": [{"index": [], "text": {"value": "Hi."}}]}},
        {"id": [], "object": "thread.run.step.delta", "delta": {"step_details": {"tool_calls": [{"index": {}}, None]}}},
    ]
    stream = "".join(f"data: {json.dumps(delta)}\n\n" for delta in deltas).encode()
    assert (show("openai", "/v1/threads/t/runs", stream).text or "").startswith("Hi.")


def test_a_run_that_waits_says_for_what() -> None:
    """The tools that a run waits for are shown as calls."""
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Oslo"}'}}
    action = {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": [call]}}
    run = {"object": "thread.run", "status": "requires_action", "required_action": action}
    assert show("openai", "/v1/threads/t/runs", json.dumps(run).encode()).text == '[tool call] weather({"city":"Oslo"})'


def test_a_conversation_says_what_its_outputs_say() -> None:
    """Mistral's conversations tell messages, tools and calls as entries of their outputs, whole or streamed."""
    outputs = [
        {"type": "tool.execution", "name": "web_search", "arguments": "{}"},
        {"type": "message.output", "content": [{"type": "text", "text": "It rains."}]},
        {"type": "function.call", "name": "umbrella", "arguments": '{"open":true}'},
    ]
    whole = show("openai", "/v1/conversations", json.dumps({"outputs": outputs}).encode()).text
    assert whole == '[tool call] web_search({})\n\nIt rains.\n\n[tool call] umbrella({"open":true})'
    deltas = [
        {"type": "message.output.delta", "output_index": 0, "content": "It "},
        {"type": "message.output.delta", "output_index": 0, "content": "rains."},
    ]
    streamed = "".join(f"data: {json.dumps(delta)}\n\n" for delta in deltas).encode()
    assert show("openai", "/v1/conversations", streamed).text == "It rains."


def test_pages_that_were_read() -> None:
    """The text of pages is shown page by page."""
    pages = {"pages": [{"index": 0, "markdown": "# One"}, {"index": 1, "markdown": "Two"}]}
    assert told("openai", "/v1/ocr", pages) == [("text", "# One", None), ("text", "Two", None)]


def test_a_document_to_read_is_told_by_its_size() -> None:
    """The bytes of a document are not shown, its address is."""
    for url, shown in (
        ("data:application/pdf;base64,QUJD", "3 bytes"),
        ("https://a.example.com/b", "https://a.example.com/b"),
    ):
        request = {"model": "mistral-ocr-latest", "document": {"type": "document_url", "document_url": url}}
        asked = exchanged("openai", "POST", "/v1/ocr", Document(json.dumps(request).encode()), 200, Document(b"")).asked
        assert [part.text for message in asked for part in message.parts] == [shown]


def test_verdicts() -> None:
    """What moderation found, and how documents rank, is said in a line each."""
    results = [{"flagged": True, "categories": {"violence": True, "hate": False}}, {"flagged": False, "categories": {}}]
    assert told("openai", "/v1/moderations", {"results": results}) == [
        ("other", "violence", "found"), ("other", "nothing", "found"),
    ]  # fmt: skip
    ranks = [{"index": 1, "relevance_score": 0.828125}, {"index": 0, "relevance_score": 0.3}]
    assert told("openai", "/v1/rerank", {"results": ranks}) == [
        ("other", "0.8281", "document 1"), ("other", "0.3", "document 0"),
    ]  # fmt: skip


def test_an_image_within_a_response_is_told_by_its_size() -> None:
    """The base64 of an image that a tool made is not shown."""
    item = {"type": "image_generation_call", "status": "completed", "output_format": "jpeg", "result": "QUJDRA=="}
    assert told("openai", "/v1/responses", {"output": [item]}) == [("data", "(image/jpeg, 4 bytes)", "data")]


def test_a_whole_answer_with_an_empty_delta_beside_it() -> None:
    """Perplexity tells a whole message beside an empty delta, and in streams both; nothing is told twice."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": "Hi"},
        "delta": {"role": "assistant", "content": ""},
    }
    whole = {"object": "chat.completion", "choices": [choice]}
    assert show("openai", "/chat/completions", json.dumps(whole).encode()).text == "Hi"
    chunk = {"object": "chat.completion.chunk"}
    pieces = [
        {**chunk, "choices": [{"delta": {"content": more}, "message": {"content": said}}]}
        for more, said in (("H", "H"), ("i", "Hi"))
    ]
    end = {"object": "chat.completion.done", "choices": [choice]}
    stream = "".join(f"data: {json.dumps(piece)}\n\n" for piece in [*pieces, end])
    assert show("openai", "/chat/completions", stream.encode()).text == "Hi"


def test_a_response_that_is_fetched_is_shown() -> None:
    """What was made in the background is shown where it is fetched."""
    assert presented("openai/responses_background_get").text == "News."


def test_segments_of_a_transcription_have_their_speakers() -> None:
    """Who said what is shown line by line."""
    events = [
        {"type": "transcript.text.segment", "text": " Hello.", "speaker": "A"},
        {"type": "transcript.text.segment", "text": " Hi.", "speaker": "B"},
        {"type": "transcript.text.done", "text": "Hello. Hi."},
    ]
    stream = "".join(f"data: {json.dumps(event)}\n\n" for event in events).encode()
    assert show("openai", "/v1/audio/transcriptions", stream).text == "A: Hello.\nB: Hi.\n"
