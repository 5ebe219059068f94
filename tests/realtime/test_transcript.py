"""What is kept of messages: all that was said, and of audio how much there was."""

import json
from base64 import b64encode
from random import Random
from typing import Any

import pytest

from proxy.websocket.transcript import Transcript, excerpt, looks_like_json, shortened

AUDIO = b64encode(Random(3).randbytes(900)).decode()


def kept(*messages: tuple[bytes, bool], limit: int = 100_000) -> list[Any]:
    """The lines that are kept, without their times."""
    transcript = Transcript(limit, 0)
    for data, text in messages:
        transcript.message(data, text=text)
    body = transcript.body()
    assert body.size == sum(len(data) for data, _ in messages)
    assert body.decoded is not None
    assert body.truncated == (body.decoded > limit)
    read = [json.loads(line) for line in (body.head + body.tail).splitlines()]
    assert all(line.pop("ms") >= 0 for line in read)
    return read


@pytest.mark.parametrize("said", [AUDIO, f"data:audio/wav;base64,{AUDIO}", AUDIO.replace("+", "-").replace("/", "_")])
def test_audio_is_told_by_its_length(said: str) -> None:
    """Base64 is replaced by how long it is, wherever in a message it stands, and whatever stands around it."""
    numbers = [0.25] * 400
    message = {"a": "x", "n": numbers, "delta": said, "next": [said, "words " * 60, {"b": said}], "c": "\\" + '"' * 9}
    described = f"({len(said)} characters)"
    told = message | {"delta": described, "next": [described, "words " * 60, {"b": described}]}
    for data in (json.dumps(message), json.dumps(message, indent=1), json.dumps(message).replace("/", "\\/")):
        (line,) = kept((data.encode(), True))
        if "\\/" not in data:
            assert line == {"message": told}
        else:
            assert said not in json.dumps(line)
            assert AUDIO[:100] not in json.dumps(line)


def test_words_stay() -> None:
    """Text of any length stays as it is."""
    message = {"text": "Donaudampfschifffahrtsgesellschaft " * 50, "short": "a" * 150}
    assert json.loads(shortened(json.dumps(message).encode())) == message


def test_messages_that_are_no_json() -> None:
    """Other text is kept as text; bytes are counted, unless they are JSON, as Gemini's are."""
    pretty = json.dumps({"serverContent": {"turnComplete": True}}, indent=2).encode() + b"\n"
    assert kept((b"hello", True), (b"\0\1\2", False), (pretty, False), (b"", True)) == [
        {"text": "hello"}, {"binary": 3}, {"message": {"serverContent": {"turnComplete": True}}}, {"text": ""},
    ]  # fmt: skip
    assert not looks_like_json(b"{")
    assert not looks_like_json(b"[1]")
    assert not looks_like_json(b"")


def test_the_middle_of_a_long_session_is_not_kept() -> None:
    """Beginning and end are kept within the bound, however long it goes on; and of one huge message the beginning."""
    transcript = Transcript(4000, 0)
    for number in range(1000):
        transcript.message(b'{"number": %d}' % number, text=True)
    body = transcript.body()
    assert len(body.head) + len(body.tail) == 4000
    assert body.truncated
    assert b'{"number": 0}' in body.head
    assert b'{"number": 999}' in body.tail
    ((line),) = kept((b'{"a": "' + b"word " * 300_000 + b'"}', True))
    assert line["large"] == 1_500_009
    assert line["begins"].startswith('{"a": "word')


def test_of_a_large_message_that_tells_the_ends_are_noted() -> None:
    """What has to outlive the process is bounded, too."""
    body = excerpt(b'{"type":"response.done","text":"' + b"word " * 100_000 + b'","usage":{"total_tokens":3}}')
    assert body.truncated
    assert len(body.head) + len(body.tail) == 32 * 1024
    assert body.tail.endswith(b'"usage":{"total_tokens":3}}')
    whole = b'{"type":"response.done","audio":"%b"}' % AUDIO.encode()
    assert excerpt(shortened(whole)).head == b'{"type":"response.done","audio":"(1200 characters)"}'
