"""Clients' own labels are read from what they already send."""

import json

from store.dialects import Document, read
from store.dialects.labels import MOST_TAGS, labels_in


def test_own_headers_win() -> None:
    """Tollbook's own headers count before those of peers, and those before the body."""
    headers = (
        ("helicone-user-id", "helicone"),
        ("helicone-property-team", "blue"),
        ("helicone-property-app", "chat"),
        ("x-tollbook-user", "own"),
        ("x-tollbook-tag-team", "red"),
        ("baggage", "session.id=from%20baggage;p=1, team=green, region=eu"),
    )
    body = json.dumps({"model": "m", "user": "body", "metadata": {"app": "body", "feature": "f"}}).encode()
    reading = read("openai", "POST", "/v1/chat/completions", headers, Document(body), 200, (), Document(b"{}"))
    assert (reading.user, reading.session) == ("own", "from baggage")
    assert reading.tags == {"team": "red", "app": "chat", "region": "eu", "feature": "f"}


def test_json_headers() -> None:
    """Metadata headers hold a JSON object, of which user and session are taken out."""
    labels = labels_in(
        (
            ("x-portkey-metadata", '{"_user": "ada", "env": "prod", "n": 3}'),
            ("cf-aig-metadata", '{"session_id": "s", "deep": {"not": "kept"}, "flag": true}'),
        )
    )
    assert (labels.user, labels.session) == ("ada", "s")
    assert labels.tags == {"env": "prod", "n": "3", "flag": "true"}


def test_bounds() -> None:
    """No client can make a row grow without bounds."""
    labels = labels_in(tuple((f"x-tollbook-tag-{number}", "x" * 10_000) for number in range(1000)))
    assert len(labels.tags) == MOST_TAGS
    assert max(map(len, labels.tags.values())) <= 256


def test_multipart_model() -> None:
    """The model of a form is found after the file that goes before it."""
    form = (
        b'--b0\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n'
        b"RIFF\x00\r\n\r\nname=model\r\n--b0\r\n"
        b'Content-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n--b0--\r\n'
    )
    headers = (("content-type", 'multipart/form-data; boundary="b0"'),)
    reading = read("openai", "POST", "/v1/audio/transcriptions", headers, Document(form), 200, (), Document(b"{}"))
    assert reading.requested_model == "whisper-1"
    cut = Document(form[:150], form[-80:], cut=True)
    reading = read("openai", "POST", "/v1/audio/transcriptions", headers, cut, 200, (), Document(b"{}"))
    assert reading.requested_model == "whisper-1"
