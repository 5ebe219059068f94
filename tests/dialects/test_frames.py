"""The binary frames of AWS are undone wherever they are cut or damaged, and what they say is never made up."""

import random
from time import process_time

import pytest

from proxy.journal.notes import Body
from store.dialects import Document, read
from store.dialects.decoding import decode
from store.dialects.frames import unframed
from tests.dialects.framing import frame, framed
from tests.dialects.wire import Case, cases

FRAMED = [case for case in cases() if case.response[:2] == b"\0\0"]


def ids(case: Case) -> str:
    return case.name


def lines(document: Document) -> list[bytes]:
    return unframed(document)[0].head.splitlines()


def test_lines() -> None:
    """Each frame becomes a line: an event under its name, a chunk as what it carries, an exception as an error."""
    body = (
        frame("messageStart", {"role": "assistant"}) + frame("chunk", {"a": 1}) + frame("!throttled", {"message": "m"})
    )
    assert lines(Document(body)) == [
        b'{"messageStart":{"role": "assistant"}}',
        b'{"a": 1}',
        b'{"error":{"type":"throttled","message":"m"}}',
    ]


def test_errors_without_a_payload() -> None:
    """An error may stand in the headers alone."""
    body = framed({":message-type": "error", ":error-code": "InternalFailure", ":error-message": "m"}, b"")
    assert lines(Document(body)) == [b'{"error":{"type":"InternalFailure","message":"m"}}']


@pytest.mark.parametrize("body", [b"", b"\0", b"\0" * 5000, b'{"a": 1}', b"\0\0\0\x10abc", b"data: \0\n\n"])
def test_other_bodies_stay_as_they_are(body: bytes) -> None:
    """What does not begin with a frame is left alone."""
    document = Document(body)
    assert unframed(document) == (document, ())


@pytest.mark.parametrize("case", FRAMED, ids=ids)
def test_broken_off_at_every_byte(case: Case) -> None:
    """A stream that broke off has the reported counts, an estimate or none, and never an oddity of its frames."""
    known = case.read()
    for length in range(len(case.response)):
        reading = case.read(Document(case.response[:length]))
        assert "broken_frames" not in reading.anomalies
        if reading.tokens is not None and reading.tokens.source == "reported":
            assert reading.tokens == known.tokens, length


@pytest.mark.parametrize("case", FRAMED, ids=ids)
def test_middle_not_kept_from_any_byte_to_any_other(case: Case) -> None:
    """The last frames are found in the tail wherever it begins, so long as it has them whole."""
    known, whole = case.read(), case.response
    last = whole.rindex(b":event-type") if b"!" not in whole else len(whole)
    last = whole.rindex(b"\0\0", 0, last - 8) if known.error is None else len(whole)
    for start in range(0, len(whole), 3):
        reading = case.read(Document(whole[: start // 2], whole[start:], cut=True))
        assert "broken_frames" not in reading.anomalies
        assert reading.stream
        if reading.tokens is not None and reading.tokens.source == "reported" and known.tokens is not None:
            assert reading.tokens.output == known.tokens.output, start


@pytest.mark.parametrize("case", FRAMED, ids=ids)
def test_any_byte_damaged(case: Case) -> None:
    """A damaged frame is left out and named; those after it are found again."""
    known, whole = case.read(), case.response
    for at in range(200, len(whole), 7):
        damaged = whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :]
        document, anomalies = unframed(Document(damaged))
        kept = set(document.head.splitlines())
        everything = set(lines(Document(whole)))
        assert kept < everything
        assert len(kept) >= len(everything) - 1
        assert anomalies == ("broken_frames",) or at > len(whole) - 16
        reading = case.read(Document(damaged))
        if reading.tokens is not None and reading.tokens.source == "reported" and known.tokens is not None:
            assert reading.tokens.output in (known.tokens.output, None)


def test_the_very_first_frame_damaged() -> None:
    """A stream is recognised by the names in its first frame even when its lengths are wrong."""
    body = frame("messageStart", {"role": "assistant"})
    damaged = body[:3] + b"\x01" + body[4:] + frame("messageStop", {"stopReason": "end_turn"})
    assert lines(Document(damaged)) == [b'{"messageStop":{"stopReason": "end_turn"}}']


def test_absurd_lengths() -> None:
    """A frame that claims to be larger than any is none, and one that claims more than is there ends the body."""
    good = frame("metadata", {"usage": {"inputTokens": 1, "outputTokens": 2}})
    for absurd in (b"\x7f\xff\xff\xff", b"\0\0\0\x01", b"\0\xff\xff\xff"):
        document, _ = unframed(Document(good + absurd + good[4:] + good))
        assert document.head.splitlines() == [b'{"metadata":{"usage": {"inputTokens": 1, "outputTokens": 2}}}'] * 2


def test_garbage_takes_no_long_time() -> None:
    """Ten megabytes that look like beginnings of frames everywhere are given up on soon."""
    body = frame("messageStart", {}) + b"\0\0\0\x20\0\0\0\x04" * 1_250_000
    begun = process_time()
    document, anomalies = unframed(Document(body))
    assert document.head == b'{"messageStart":{}}\n'
    assert anomalies == ("broken_frames",)
    assert process_time() - begun < 5


def test_random_bytes_raise_nothing() -> None:
    """Whatever the bytes and wherever they are cut, there is a reading."""
    seed = random.Random(3)
    start = frame("messageStart", {"role": "assistant"})
    for _ in range(300):
        head = start + seed.randbytes(seed.randrange(200))
        document = Document(head, seed.randbytes(seed.randrange(200)), cut=seed.random() < 0.5)
        assert read("bedrock", "POST", "/model/m/converse-stream", (), Document(b"{}"), 200, (), document).stream


def test_frames_are_undone_before_anybody_looks() -> None:
    """Decoding a body undoes its frames like any other encoding, of which an oddity is named."""
    body = frame("messageStart", {"role": "assistant"}) + frame("messageStop", {"stopReason": "end_turn"})
    decoded = decode(Body(len(body), body), None)
    assert decoded.document.form == "lines"
    assert decoded.anomalies == ()
    assert decode(Body(len(body), body[:-9] + b"x" + body[-8:]), None).anomalies == ("broken_frames",)
