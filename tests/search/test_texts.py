"""What is searched of a call is what somebody said in it, whatever shape the bodies have."""

import base64
import os
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.journal.notes import Headers
from store.dialects import Document
from store.search.texts import MOST_CHARACTERS, Text, text_of

RANDOM = bytes(range(256)) * 8
ENCODED = base64.b64encode(RANDOM).decode()


def text(
    request: bytes | Document | None = None,
    response: bytes | Document | None = None,
    *,
    dialect: str = "openai",
    headers: Headers = (),
    status: int | None = 200,
    target: str = "/v1/chat/completions",
) -> Text:
    asked, answered = (Document(body) if isinstance(body, bytes) else body for body in (request, response))
    return text_of(dialect, "POST", target, headers, asked, status, answered, (None, None, None))


def body(**members: Any) -> bytes:
    return orjson.dumps(members)


def test_messages_systems_tools_and_arguments_are_in_it() -> None:
    """Everything said is there; names of members, roles and types are not."""
    asked = text(body(
        model="claude", system=[{"type": "text", "text": "be brief"}],
        messages=[
            {"role": "user", "content": "weather in Oslo"},
            {"role": "assistant", "content": [{"type": "tool_use", "name": "look_up", "input": {"place": "Bergen"}}]},
        ],
        tools=[{"name": "look_up", "description": "finds weather", "input_schema": {"type": "object"}}],
    )).asked  # fmt: skip
    assert asked.split("\n") == ["be brief", "weather in Oslo", "look_up", "Bergen", "look_up", "finds weather"]


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{ENCODED}"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAECAwQ="}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAECAwQ="}},
        {"type": "input_audio", "input_audio": {"format": "wav", "data": "AAECAwQ="}},
        {"inlineData": {"mimeType": "image/png", "data": "AAECAwQ="}},
        {"type": "text", "text": ENCODED},
        {"type": "text", "text": base64.encodebytes(RANDOM).decode()},
    ],
)
def test_encoded_bytes_are_not_in_it(part: dict[str, Any]) -> None:
    """Images and sounds leave no text behind, and what is said beside them stays."""
    asked = text(body(messages=[{"role": "user", "content": [{"type": "text", "text": "look here"}, part]}])).asked
    assert asked.split() == ["look", "here"]


def test_long_words_and_code_stay() -> None:
    """Paths, hashes and addresses are text."""
    said = f"/usr/lib/python3.11/site-packages/store/search/strings.py {'ab' * 32} https://example.org/a/b?c=d#e"
    assert text(body(prompt=said)).asked == said


def test_a_body_without_its_middle_gives_what_is_kept() -> None:
    """The strings of both ends are there, also the one that the cut went through, and no names."""
    whole = body(messages=[{"role": "user", "content": f'the {word} "quoted" end'} for word in "abcdefgh"])
    asked = text(Document(whole[:120], whole[-150:], cut=True)).asked
    assert "the a " in asked
    assert 'the h "quoted" end' in asked
    assert "role" not in asked
    assert "content" not in asked


def test_a_stream_is_put_together() -> None:
    """A word that came in two pieces is one word."""
    events = b"".join(
        b"data: %b\n\n" % body(choices=[{"index": 0, "delta": {"content": piece}}]) for piece in ("zoo", "logy")
    )
    assert text(None, events).answered == "zoology"


def test_errors_and_plain_texts_are_in_it() -> None:
    """An error's message is there, and so is a page that is no JSON at all; binary answers are not."""
    assert "no such model" in text(None, body(error={"message": "no such model", "type": "x"}), status=404).answered
    assert text(None, b"<h1>Bad Gateway</h1>", status=502).answered == "<h1>Bad Gateway</h1>"
    assert text(None, os.urandom(64) + b"\0\xff\xfe", target="/v1/audio/speech").answered == ""


def test_fields_of_a_form_are_in_it() -> None:
    """The text of a form is there without its file."""
    form = (
        b'--XX\r\nContent-Disposition: form-data; name="prompt"\r\n\r\na lecture\r\n'
        b'--XX\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nRIFFdata\r\n--XX--\r\n'
    )
    headers = (("content-type", "multipart/form-data; boundary=XX"),)
    assert text(form, headers=headers, target="/v1/audio/transcriptions").asked == "a lecture"


def test_very_long_texts_are_bounded() -> None:
    """Of a very long side the beginning and the end are kept."""
    asked = text(body(prompt=f"first {'middle ' * 100_000} last")).asked
    assert asked.startswith("first")
    assert asked.endswith("last")
    assert len(asked) <= MOST_CHARACTERS + 1


def test_a_lone_surrogate_can_be_stored() -> None:
    """What is no Unicode in a body becomes text that a database takes."""
    text(b'{"prompt": "broken \\ud800 half"}').asked.encode()


@given(st.binary(max_size=300), st.binary(max_size=300), st.booleans())
def test_no_bytes_raise(head: bytes, tail: bytes, cut: bool) -> None:
    """Whatever a peer sends has some text or none."""
    for prefix in (b"", b'{"messages": ["', b"data: "):
        document = Document(prefix + head, tail if cut else b"", cut=cut)
        for dialect in ("openai", "anthropic", "gemini", "other"):
            found = text(document, document, dialect=dialect)
            (found.asked + found.answered).encode()
