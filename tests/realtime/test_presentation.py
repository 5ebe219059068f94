"""What people see of a session: who said what, the messages with their times, and no audio."""

import json
from typing import Any

import aiohttp
import pytest

from store.dialects import Document
from store.presentation import GAP, exchanged, present
from tests.conftest import OpenHouse
from tests.realtime.conftest import Dial, OpenUpstream
from tests.realtime.recorded import sessions, where
from tests.realtime.said import CREATED, audio, done
from tests.realtime.wire import Wire, until_closed

TARGET = "/v1/realtime?model=m"


def lines(*messages: tuple[float, Any]) -> Document:
    """What is kept of one direction."""
    return Document(b"".join(b'{"ms":%f,"message":%b}\n' % (ms, json.dumps(one).encode()) for ms, one in messages))


def said(request: Document, response: Document) -> list[tuple[str, str]]:
    """Who said what."""
    told = exchanged("openai", "GET", TARGET, request, 101, response)
    return [(one.role, "|".join(part.text for part in one.parts)) for one in [*told.asked, *told.answered]]


def test_both_directions_are_one_conversation() -> None:
    """Typed and spoken words of the user, tools and answers stand in the order in which they were said."""
    message = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "What is it like?"}]}
    output = {"type": "function_call_output", "call_id": "c1", "output": "fog"}
    tools = [{"type": "function", "name": "weather", "parameters": {}}]
    request = lines(
        (1, {"type": "session.update", "session": {"instructions": "Be short.", "tools": tools, "voice": "ara"}}),
        (2, {"type": "conversation.item.create", "item": message}),
        (3, {"type": "response.create"}),
        (6, {"type": "conversation.item.create", "item": output}),
        (6.5, {"type": "response.create"}),
        (9, {"type": "input_audio_buffer.append", "audio": "(9000 characters)"}),
    )
    call = {"type": "function_call", "name": "weather", "arguments": '{"city": "London"}', "call_id": "c1"}
    response = lines(
        (0.5, json.loads(CREATED)),
        (4, {"type": "response.output_item.done", "item": call}),
        (5, json.loads(done(1))),
        (7, {"type": "response.output_audio_transcript.delta", "item_id": "a", "content_index": 0, "delta": "It is "}),
        (7.1, {"type": "response.output_audio_transcript.delta", "item_id": "a", "content_index": 0, "delta": "fo"}),
        (7.2, {"type": "response.output_audio_transcript.done", "item_id": "a", "content_index": 0,
               "transcript": "It is foggy."}),
        (8, json.loads(done(2))),
        (10, {"type": "conversation.item.input_audio_transcription.completed", "transcript": "Thank you. "}),
        (11, {"type": "response.output_text.delta", "item_id": "b", "content_index": 0, "delta": "You are wel"}),
        (12, {"type": "error", "error": {"type": "server_error", "message": "No more."}}),
    )  # fmt: skip
    assert said(request, response) == [
        ("system", "Be short."),
        ("user", "What is it like?"),
        ("assistant", '{\n  "city": "London"\n}'),
        ("tool", "fog"),
        ("assistant", "It is foggy."),
        ("user", "Thank you."),
        ("error", "No more."),
        ("assistant", "You are wel"),
    ]
    told = exchanged("openai", "GET", TARGET, request, 101, response)
    assert [tool.name for tool in told.tools] == ["weather"]
    shown = present("openai", "GET", TARGET, (), request, 101, (), response)
    assert shown.parameters == {"voice": "ara"}
    assert shown.request[0]["message"]["type"] == "session.update"
    assert shown.text is not None
    assert shown.text.startswith("[system]\nBe short.\n\n[user]\nWhat is it like?\n\n[tool call] weather(")
    assert "\n\n[tool result]\nfog\n\nIt is foggy.\n\n[user]\nThank you." in shown.text


def test_gemini_speaks_in_turns() -> None:
    """Gemini's transcripts of both sides, texts and tools are turns of the conversation."""
    request = lines(
        (1, {"setup": {"model": "models/m", "systemInstruction": {"parts": [{"text": "Be kind."}]}}}),
        (2, {"client_content": {"turns": [{"role": "user", "parts": [{"text": "Hello"}]}], "turnComplete": True}}),
        (4, {"toolResponse": {"functionResponses": [{"id": "1", "name": "look", "response": {"output": "ok"}}]}}),
        (6, {"realtimeInput": {"text": "And now?"}}),
    )
    response = lines(
        (3, {"toolCall": {"functionCalls": [{"id": "1", "name": "look", "args": {}}]}}),
        (5, {"serverContent": {"outputTranscription": {"text": "I "}}}),
        (5.1, {"serverContent": {"modelTurn": {"parts": [{"inlineData": {"data": "(99 characters)"}}]}}}),
        (5.2, {"serverContent": {"outputTranscription": {"text": "see."}}}),
        (5.3, {"serverContent": {"turnComplete": True}}),
        (7, {"serverContent": {"inputTranscription": {"text": " spoken"}}}),
        (8, {"serverContent": {"modelTurn": {"parts": [{"text": "Fine."}]}, "interrupted": True}}),
    )
    assert said(request, response) == [
        ("system", "Be kind."),
        ("user", "Hello"),
        ("assistant", "{}"),
        ("tool", '{\n  "output": "ok"\n}'),
        ("assistant", "I see."),
        ("user", "And now?"),
        ("user", "spoken"),
        ("assistant", "Fine."),
    ]


def test_a_session_with_a_hole_is_told_around_it() -> None:
    """Where messages are not kept, the conversation and the list of messages say so; torn ones are left out."""
    whole = lines(*((number, json.loads(done(number))) for number in range(20))).head
    user = {"type": "conversation.item.input_audio_transcription.completed", "transcript": "First."}
    last = {"type": "response.output_text.done", "text": "Last."}
    head, tail = lines((0, user)).head + whole[:130], whole[-130:] + lines((30, last)).head
    response = Document(head, tail, cut=True)
    assert said(Document(b""), response) == [("user", "First."), (GAP, ""), ("assistant", "Last.")]
    shown = present("openai", "GET", TARGET, (), Document(b""), 101, (), response)
    assert {"not_kept": "the messages between these two"} in shown.response
    assert shown.request is None


@pytest.mark.parametrize(
    "junk", [b"", b"\n\n", b"{", b'{"ms":1,"message":[]}\n', b"\xff\xfe\n", b'{"ms":"x","message":{}}\n']
)
def test_junk_says_nothing(junk: bytes) -> None:
    """Lines that are none do no harm."""
    assert said(Document(junk), Document(junk)) == []
    present("openai", "GET", TARGET, (), Document(junk), 101, (), Document(junk, junk, cut=True))


def test_every_recorded_session_can_be_read() -> None:
    """Of every recorded session there is something that the model said, or a tool that it called."""
    found = where()
    if found is None:
        pytest.skip("no recordings here")
    for session in sessions(found):
        both: dict[bool, list[tuple[float, Any]]] = {True: [], False: []}
        for number, (by_client, message) in enumerate(session.frames):
            both[by_client].append((number, message))
        told = said(lines(*both[True]), lines(*both[False]))
        assert any(role == "assistant" and text for role, text in told), session.origin
        assert any(role == "user" for role, _ in told) or "sideband" in session.origin, session.origin


async def test_the_page_and_the_search_show_it(house: OpenHouse, upstream: OpenUpstream, dial: Dial) -> None:
    """The page of a session shows what was said, its messages are in the answer as JSON, and words are found."""

    async def play(wire: Wire) -> None:
        await wire.send(CREATED)
        await wire.message()
        transcript = {
            "type": "response.output_audio_transcript.done",
            "item_id": "a",
            "transcript": "Marmalade, please.",
        }
        for message in (audio(40_000), json.dumps(transcript), done()):
            await wire.send(message)
        await until_closed(wire)

    up = await upstream(play)
    opened = await house(up.url)
    client = await dial(opened.proxy, "/openai/v1/realtime?model=gpt-realtime")
    item = {"role": "user", "type": "message", "content": [{"type": "input_text", "text": "What <b>else</b>?"}]}
    await client.send(json.dumps({"type": "conversation.item.create", "item": item}, indent=1))
    for _ in range(4):
        await client.message()
    await client.close()
    await client.end()
    row = await opened.row()
    details = await opened.details(row["id"])
    assert details["request"]["body"][0]["message"]["item"] == item
    types = [line["message"]["type"] for line in details["response"]["body"]]
    assert types[0] == "session.created"
    assert types[-1] == "response.done"
    assert details["response"]["text"] == "[user]\nWhat <b>else</b>?\n\nMarmalade, please."
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{opened.dashboard}/logs/{row['id']}") as page:
            text = await page.text()
        assert page.status == 200
        assert "Marmalade, please." in text
        assert "What &lt;b&gt;else&lt;/b&gt;?" in text
        assert "none of its messages" in text
        assert "The session was closed in order." in text
        for _ in range(2000):
            async with session.get(f"{opened.dashboard}/api/logs?q=marmalade") as answer:
                if (await answer.json())["logs"]:
                    break
        else:
            pytest.fail("not found")
