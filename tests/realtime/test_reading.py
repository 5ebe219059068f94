"""What a session's messages mean: whose tokens, which model, and when an error is the session's."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.journal.notes import Close
from proxy.websocket.telling import tells
from proxy.websocket.transcript import excerpt, shortened
from store.call import Reading
from store.dialects import Document, Line, read_session, session_type
from tests.realtime.said import CREATED, audio, done

IN_ORDER = Close("client", 1000)


def read(
    *messages: str | Any,
    target: str = "/v1/realtime?model=asked",
    close: Close | None = IN_ORDER,
    broken: bool = False,
    asked: tuple[Any, ...] = (),
) -> Reading:
    """The reading of a session in which these were told, as far as the worker would have noted them."""
    told = [Line(True, _document(message)) for message in asked]
    told += [Line(False, _document(message)) for message in messages if tells(shortened(_bytes(message)))]
    return read_session(target, (), told, close=close, broken=broken, missing=False)


def _bytes(message: Any) -> bytes:
    return message.encode() if isinstance(message, str) else json.dumps(message).encode()


def _document(message: Any) -> Document:
    body = excerpt(shortened(_bytes(message)))
    return Document(body.head, body.tail, cut=body.truncated)


def turn(**usage: Any) -> dict[str, Any]:
    """The end of a turn of Gemini's."""
    return {"serverContent": {"turnComplete": True}, "usageMetadata": usage}


@pytest.mark.parametrize(
    ("path", "type_"),
    [
        ("/v1/realtime", "realtime"),
        ("/openai/realtime", "realtime"),
        ("/voice-live/realtime/", "realtime"),
        ("/v1/realtime/translations", "realtime"),
        ("/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent", "realtime"),
        ("/ws/google.ai.generativelanguage.v1alpha.GenerativeService.BidiGenerateContentConstrained", "realtime"),
        ("/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent", "realtime"),
        ("/ws/google.ai.generativelanguage.v1alpha.GenerativeService.BidiGenerateMusic", "realtime"),
        ("/v1/agent/converse", "realtime"),
        ("/v1/convai/conversation", "realtime"),
        ("/v1/responses", "chat"),
        ("/backend-api/codex/responses", "chat"),
        ("/v1/listen", "realtime"),
        ("/v3/ws", "realtime"),
        ("/v1/text-to-speech/voice1/stream-input", "realtime"),
        ("/v1/audio/transcriptions/realtime", "realtime"),
        ("/v1/audio/speech/realtime", "realtime"),
        ("/v1/live/sessions", "realtime"),
        ("/v1/live/sessions/live_1/attach", "realtime"),
        ("/v1beta/interactions/live", "realtime"),
        ("/v2/speak", "realtime"),
        ("/v1/elsewhere", "other"),
    ],
)
def test_types(path: str, type_: str) -> None:
    """The type of a session is told by its path."""
    assert session_type(path) == type_


def test_cached_audio_is_told_apart() -> None:
    """Text, audio and images, each cached or not, are buckets of their own that add up to the totals."""
    usage = {
        "total_tokens": 260, "input_tokens": 200, "output_tokens": 60,
        "input_token_details": {
            "text_tokens": 100, "audio_tokens": 70, "image_tokens": 30, "cached_tokens": 90,
            "cached_tokens_details": {"text_tokens": 50, "audio_tokens": 30, "image_tokens": 10},
        },
        "output_token_details": {"text_tokens": 20, "audio_tokens": 40, "reasoning_tokens": 5},
    }  # fmt: skip
    tokens = read({"type": "response.done", "response": {"usage": usage}}).tokens
    assert tokens is not None
    assert (tokens.input_uncached, tokens.input_audio, tokens.input_image) == (50, 40, 20)
    assert (tokens.cache_read, tokens.cache_read_audio, tokens.cache_read_image) == (50, 30, 10)
    assert (tokens.output_text, tokens.output_audio, tokens.reasoning) == (20, 40, 5)
    assert (tokens.input, tokens.output, tokens.total) == (200, 60, 260)


def test_cached_audio_beyond_all_audio_is_odd() -> None:
    """A part larger than its whole is noted, and the totals stay."""
    details = {"audio_tokens": 3, "cached_tokens": 9, "cached_tokens_details": {"audio_tokens": 9}}
    usage = {"total_tokens": 12, "input_tokens": 10, "output_tokens": 2, "input_token_details": details}
    reading = read({"type": "response.done", "response": {"usage": usage}})
    assert reading.anomalies == ("parts_over_total",)
    assert reading.tokens is not None
    assert (reading.tokens.input, reading.tokens.output) == (10, 2)


def test_a_session_is_held_to_the_same_invariants() -> None:
    """A count below zero is left out and noted once, and so is a model of another family than was asked for."""
    usage = {"total_tokens": 2, "input_tokens": 5, "output_tokens": -3}
    answer = {"type": "response.done", "response": {"usage": usage}}
    reading = read(answer, answer, target="/v1/realtime?model=gpt-realtime")
    assert reading.anomalies.count("negative_count") == 1
    assert reading.tokens is not None
    assert (reading.tokens.output or 0) >= 0
    created = {"type": "session.created", "session": {"model": "grok-4-voice"}}
    told = {"type": "response.done", "response": {"usage": {"total_tokens": 8, "input_tokens": 5, "output_tokens": 3}}}
    assert read(created, told, target="/v1/realtime?model=gpt-realtime").anomalies == ("model_family_mismatch",)


def test_xai_tells_usage_beside_the_response() -> None:
    """xAI's usage stands at the top of the message, with the seconds of audio it bills."""
    usage = {"input_tokens": 5, "output_tokens": 42, "total_tokens": 47, "billable_audio_seconds": 2}
    message = {"type": "response.done", "response": {"id": "a", "usage": {}}, "usage": usage}
    reading = read(message, message | {"response": {"id": "b", "usage": {}}})
    assert reading.tokens is not None
    assert reading.tokens.total == 94
    assert reading.units.seconds == 4


def test_what_a_transcriber_heard_is_told_at_the_end() -> None:
    """Deepgram tells the length of what it heard, AssemblyAI that of the session, which is what it bills."""
    said = {"type": "Results", "metadata": {"request_id": "a"}, "duration": 1.5, "is_final": True}
    heard = read(said, {"type": "Metadata", "request_id": "a", "duration": 12.25}, target="/v1/listen?model=nova-3")
    assert (heard.type, heard.requested_model, heard.response_id) == ("realtime", "nova-3", "a")
    assert (heard.units.seconds, heard.tokens, heard.anomalies) == (Decimal("12.25"), None, ())
    end = {"type": "Termination", "audio_duration_seconds": 10, "session_duration_seconds": 14}
    session = read({"type": "Turn", "transcript": "Hello"}, end, target="/v3/ws?speech_model=universal-streaming")
    assert (session.units.seconds, session.requested_model) == (Decimal(14), "universal-streaming")


def test_a_transcript_tells_its_usage_at_the_end() -> None:
    """Mistral's realtime transcription tells seconds and tokens once."""
    created = {"type": "session.created", "session": {"request_id": "r", "model": "voxtral-mini-transcribe-realtime"}}
    usage = {"prompt_audio_seconds": 12, "prompt_tokens": 4, "completion_tokens": 30, "total_tokens": 184}
    reading = read(created, {"type": "transcription.done", "text": "Hello", "usage": usage})
    assert reading.model == "voxtral-mini-transcribe-realtime"
    assert reading.units.seconds == 12
    assert reading.tokens is not None
    assert (reading.tokens.input, reading.tokens.input_audio, reading.tokens.output) == (154, 150, 30)


def test_a_live_session_is_billed_by_its_length_and_what_it_delegated_by_tokens() -> None:
    """OpenAI's Live tells seconds that grow, and the usage of those it asked: portions of their models."""
    asked = {"type": "session.start", "session": {"model": "gpt-live-1"}}
    started = {"type": "session.started", "session": {"id": "live_1", "model": "gpt-live-1"}}
    usage = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
    completed = {"type": "response.completed", "response": {"id": "r1", "model": "gpt-5.6", "usage": usage}}
    decision = {"type": "decision.completed", "decision": {"model": "gpt-5.6-mini", "answers": [], "usage": usage}}
    closed = {"type": "session.closed", "reason": "close_requested", "session": {"id": "live_1"}}
    reading = read(
        started,
        {"type": "session.usage.updated", "usage": {"seconds": 30}},
        {"type": "response.event", "delegation_id": "d", "event": completed},
        {"type": "decision.event", "delegation_id": None, "event": decision},
        {"type": "error", "error": {"type": "invalid_request_error", "code": "unknown_parameter", "message": "no"}},
        closed | {"usage": {"seconds": 61.0, "active_seconds": 60, "paused_seconds": 1}},
        target="/v1/live/sessions",
        asked=(asked,),
        close=Close("upstream", 1000),
    )
    assert (reading.requested_model, reading.model, reading.response_id) == ("gpt-live-1", "gpt-live-1", "live_1")
    assert (reading.tokens, reading.units.seconds, reading.finish_reason) == (None, 61, "close_requested")
    assert [(one.model, one.tokens and one.tokens.total) for one in reading.portions] == [
        ("gpt-5.6", 15),
        ("gpt-5.6-mini", 15),
    ]
    assert (reading.error, reading.anomalies) == (None, ())


def test_a_live_session_that_lost_its_connection_is_no_success() -> None:
    """An error that a Live session did not survive stays its error, with the seconds told until then."""
    error = {"type": "error", "error": {"type": "server_error", "code": "upstream", "message": "lost"}}
    told = {"type": "session.usage.updated", "usage": {"seconds": 30}}
    lost = {"type": "session.closed", "reason": "connection_lost", "usage": {"seconds": 31}}
    for messages in ((told, error), (told, error, lost)):
        reading = read(*messages, target="/v1/live/sessions", close=Close("upstream", 1000))
        assert reading.error is not None
        assert (reading.error.message, reading.units.seconds) == ("lost", 30 if len(messages) == 2 else 31)


def test_nonsense_within_a_live_session_spoils_nothing() -> None:
    """Delegated events of odd types leave the session as it is."""
    odd = {"type": "response.event", "event": {"type": ["response.done"], "response": 7}}
    told = {"type": "session.usage.updated", "usage": {"seconds": 30}}
    reading = read(odd, told, odd | {"event": 3}, target="/v1/live/sessions")
    assert (reading.units.seconds, reading.anomalies) == (30, ())


def test_what_is_spoken_in_a_session_is_billed_by_characters() -> None:
    """Deepgram tells how many characters it bills after each text, and at the end for all of them."""
    first = {"type": "SpeechMetadata", "speech_id": "s1", "input_character_count": 9, "billable_character_count": 7}
    end = {"type": "SessionMetadata", "total_input_character_count": 20, "total_billable_character_count": 17}
    said = (first, first | {"speech_id": "s2", "billable_character_count": 10})
    for messages in ((*said, end), said):
        reading = read(*messages, target="/v2/speak?model=flux-tts")
        assert (reading.units.characters, reading.requested_model, reading.anomalies) == (17, "flux-tts", ())
    model = {"type": "Metadata", "request_id": "r", "model_name": "aura-2-thalia-en"}
    assert read(model, target="/v1/speak").model == "aura-2-thalia-en"


def test_an_error_of_deepgrams_is_described() -> None:
    """Deepgram writes the type of an error large, and calls the message a description."""
    error = read({"type": "Error", "code": "NET-0001", "description": "No audio"}, target="/v2/listen").error
    assert error is not None
    assert (error.type, error.code, error.message) == ("Error", "NET-0001", "No audio")


def test_an_interaction_over_a_websocket_tells_its_usage_when_it_is_completed() -> None:
    """Gemini's live interactions name their model when they are created, and add up."""
    usage = {"total_input_tokens": 100, "total_output_tokens": 20, "total_thought_tokens": 5, "total_tokens": 125}
    completed = {"event_type": "interaction.completed", "usage": usage}
    reading = read(
        {"event_type": "interaction.created", "interaction_id": "i1"},
        completed,
        completed,
        target="/v1beta/interactions/live",
        asked=({"event_type": "interaction.create", "model": "gemini-3.1-flash-live"},),
    )
    assert (reading.type, reading.requested_model) == ("realtime", "gemini-3.1-flash-live")
    assert reading.tokens is not None
    assert (reading.tokens.input, reading.tokens.output, reading.tokens.reasoning) == (200, 50, 10)


def test_tools_of_responses_over_a_websocket_are_counted_as_they_are_billed() -> None:
    """What a response says of its tools beats the items of its output; images are another model's."""
    usage = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
    made = {"input_tokens": 3, "output_tokens": 7, "total_tokens": 10}
    response = {
        "id": "r1",
        "model": "gpt-5.6",
        "status": "completed",
        "usage": usage,
        "output": [{"type": "web_search_call"}, {"type": "web_search_call"}],
        "tools": [{"type": "image_generation", "model": "gpt-image-2"}],
        "tool_usage": {"web_search": {"num_requests": 1}, "image_gen": made},
    }
    reading = read({"type": "response.completed", "response": response}, target="/v1/responses")
    assert (reading.units.web_searches, reading.tokens and reading.tokens.total) == (1, 15)
    assert [(one.model, one.tokens and one.tokens.output_image) for one in reading.portions] == [("gpt-image-2", 7)]


def test_a_response_that_has_begun_tells_nothing() -> None:
    """`usage` that is null or empty is no usage, and needs no note."""
    for usage in (None, {}):
        begun = {"type": "response.created", "response": {"id": "a", "usage": usage}}
        assert not tells(_bytes(begun))
    assert not tells(audio(100_000).encode())
    assert tells(CREATED.encode())


def test_transcription_is_another_models_work() -> None:
    """What transcribed the speech is a portion by the model the session says, in tokens or seconds."""
    heard = {"type": "conversation.item.input_audio_transcription.completed", "item_id": "i", "content_index": 0}
    tokens = {"type": "tokens", "total_tokens": 35, "input_tokens": 26, "output_tokens": 9,
              "input_token_details": {"text_tokens": 0, "audio_tokens": 26}}  # fmt: skip
    session = {"model": "gpt-realtime", "audio": {"input": {"transcription": {"model": "gpt-4o-transcribe"}}}}
    second = {"model": "gpt-realtime", "input_audio_transcription": {"model": "whisper-1"}}
    reading = read(
        {"type": "session.updated", "session": session},
        heard | {"usage": tokens},
        heard | {"usage": tokens},  # told again
        {"type": "session.updated", "session": second},
        heard | {"item_id": "j", "usage": {"type": "duration", "seconds": 2.5}},
        heard | {"item_id": "k", "usage": {"type": "duration", "seconds": 3}},
        done(),
    )
    first, other = reading.portions
    assert (first.model, first.tokens and first.tokens.total, first.tokens and first.tokens.input_audio) == (
        "gpt-4o-transcribe", 35, 26,
    )  # fmt: skip
    assert (other.model, other.tokens, other.units.seconds) == ("whisper-1", None, Decimal("5.5"))
    assert first.beside
    assert reading.tokens is not None
    assert reading.tokens.total == 15


def test_a_session_that_only_transcribes() -> None:
    """Without a model that answers, the one that transcribes is the session's."""
    session = {"type": "transcription", "audio": {"input": {"transcription": {"model": "gpt-4o-transcribe"}}}}
    usage = {"type": "tokens", "total_tokens": 35, "input_tokens": 26, "output_tokens": 9}
    heard = {"type": "conversation.item.input_audio_transcription.completed", "item_id": "i", "usage": usage}
    reading = read({"type": "session.created", "session": session}, heard, target="/v1/realtime?intent=transcription")
    assert (reading.model, reading.portions) == ("gpt-4o-transcribe", ())
    assert reading.tokens is not None
    assert reading.tokens.total == 35


def test_turns_are_added_and_within_a_turn_the_last_count_holds() -> None:
    """Gemini's counts grow within a turn and begin anew with the next; nobody told the model but the client."""
    details = [{"modality": "TEXT", "tokenCount": 10}, {"modality": "AUDIO", "tokenCount": 2}]
    reading = read(
        {"serverContent": {"modelTurn": {}}, "usageMetadata": {"promptTokenCount": 12, "responseTokenCount": 1}},
        turn(promptTokenCount=12, responseTokenCount=5, totalTokenCount=17, promptTokensDetails=details),
        {"toolCall": {}, "usageMetadata": {"promptTokenCount": 20, "candidatesTokenCount": 4, "totalTokenCount": 24}},
        turn(promptTokenCount=20, candidatesTokenCount=6, totalTokenCount=26),
        {"serverContent": {"turnComplete": True}},
        {"usageMetadata": {"promptTokenCount": 30, "responseTokenCount": 1, "totalTokenCount": 31}},
        asked=({"setup": {"model": "projects/p/locations/l/publishers/google/models/gemini-live"}},),
        target="/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent?model=not-asked-for",
    )
    assert reading.tokens is not None
    assert (reading.tokens.input, reading.tokens.output, reading.tokens.input_audio) == (62, 12, 2)
    assert (reading.model, reading.requested_model) == (None, "gemini-live")
    assert reading.anomalies == ()


def test_thoughts_outside_of_the_total() -> None:
    """Thoughts that the total leaves out are of the output, not beside it; those it includes are added."""
    outside = read(turn(promptTokenCount=10, responseTokenCount=37, totalTokenCount=47, thoughtsTokenCount=28)).tokens
    assert outside is not None
    assert (outside.output, outside.reasoning) == (37, 28)
    inside = read(turn(promptTokenCount=10, responseTokenCount=37, totalTokenCount=75, thoughtsTokenCount=28)).tokens
    assert inside is not None
    assert (inside.output, inside.reasoning) == (65, 28)


def test_responses_of_several_models() -> None:
    """In a responses session the first model is the row's, and what another did is its portion."""
    usage = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}
    messages = [
        {"type": "response.completed", "response": {"id": f"r{number}", "model": model, "usage": usage}}
        for number, model in enumerate(("gpt-4o-2024-08-06", "gpt-4o-2024-08-06", "gpt-4o-mini-2024-07-18"))
    ]
    reading = read(*messages, asked=({"type": "response.create", "model": "gpt-4o"},), target="/v1/responses")
    assert (reading.type, reading.requested_model, reading.model) == ("chat", "gpt-4o", "gpt-4o-2024-08-06")
    assert reading.tokens is not None
    assert reading.tokens.total == 10
    ((portion),) = reading.portions
    assert (portion.model, portion.tokens and portion.tokens.total) == ("gpt-4o-mini-2024-07-18", 5)


def test_a_message_too_large_to_be_noted_whole() -> None:
    """Of a large message the ends are noted; its model and usage are found in them."""
    output = [{"type": "message", "content": [{"type": "output_text", "text": 'word { "usage": { ' * 9000}]}]
    response = {"id": "r", "object": "response", "model": "gpt-4o-2024-08-06", "output": output, "status": "completed",
                "usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}, "metadata": {}}  # fmt: skip
    tools = [{"name": "t", "description": "d" * 10_000 + " "} for _ in range(10)]
    setup = {"setup": {"model": "models/gemini-live", "tools": tools}}
    reading = read({"type": "response.completed", "response": response}, asked=(setup,), target="/v1/responses")
    assert (reading.model, reading.requested_model) == ("gpt-4o-2024-08-06", "gemini-live")
    assert reading.tokens is not None
    assert reading.tokens.total == 5
    assert reading.finish_reason == "completed"


ERROR = {"type": "error", "error": {"type": "invalid_request_error", "code": "bad", "message": "No."}}


def test_an_error_that_ends_nothing_is_none() -> None:
    """An error after which the upstream answered, or with which the client went on, is not the session's."""
    assert read(ERROR, done()).error is None
    assert read(done(), ERROR, close=Close("client", 1000)).error is None


def test_an_error_that_ends_the_session() -> None:
    """The last word of an upstream that then closes or breaks off is the session's error."""
    for end in ({"close": Close("upstream", 1000)}, {"close": None, "broken": True}):
        error = read(done(), ERROR, **end).error  # type: ignore[arg-type]
        assert error is not None
        assert (error.type, error.code, error.message) == ("invalid_request_error", "bad", "No.")
    assert read(ERROR).error is not None  # nothing but an error, and the client gave up


def test_a_close_can_be_the_error() -> None:
    """Gemini tells what is wrong by the reason of its close."""
    error = read(close=Close("upstream", 1008, "API key not valid.")).error
    assert error is not None
    assert (error.type, error.code, error.message) == ("websocket_close", "1008", "API key not valid.")
    assert read(done(), close=Close("upstream", 1000, "bye")).error is None
    assert read(done(), close=Close("client", 4000, "I am cross")).error is None


def test_a_response_that_failed() -> None:
    """A failed response is an error like an error event."""
    failed = {"id": "r", "status": "failed", "status_details": {"error": {"type": "server_error", "message": "Oh."}}}
    error = read({"type": "response.done", "response": failed}).error
    assert error is not None
    assert (error.type, error.message) == ("server_error", "Oh.")


def test_answers_without_usage() -> None:
    """A session in which something was answered and no usage told says so; one without answers is not odd."""
    assert read({"type": "response.done", "response": {"id": "r", "status": "completed"}}).anomalies == ("no_usage",)
    assert read(CREATED).anomalies == ()
    assert read(CREATED).tokens is None


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["type", "response", "usage", "session", "usageMetadata", "serverContent", "input_tokens",
                         "input_token_details", "cached_tokens_details", "audio_tokens", "promptTokenCount",
                         "turnComplete", "error", "status", "model", "audio", "input", "transcription", "id",
                         "output", "seconds", "setup"]),
        inner, max_size=5),
    max_leaves=20,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.booleans(), _json | st.binary(max_size=30)), max_size=6), st.sampled_from([
    "response.done", "response.completed", "session.created", "error", "x.completed",
    "conversation.item.input_audio_transcription.completed"]))  # fmt: skip
def test_nothing_is_unreadable(messages: list[tuple[bool, Any]], kind: str) -> None:
    """Whatever a peer sends, the session is read; nothing in it makes the reading fail."""
    lines = []
    for by_client, message in messages:
        told = {"type": kind, **message} if isinstance(message, dict) else message
        data = told if isinstance(told, bytes) else json.dumps(told).encode()
        lines += [Line(by_client, Document(data)), Line(by_client, Document(data[:9], data[5:], cut=True))]
    reading = read_session("/v1/realtime", (), lines, close=None, broken=False, missing=False)
    assert "unreadable" not in reading.anomalies
