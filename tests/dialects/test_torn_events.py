"""Streams whose middle was not kept, and whose last event begins in what is missing."""

import orjson

from store.dialects import Document, read


def _event(text: str, **more: object) -> bytes:
    candidate = {"content": {"parts": [{"text": text}]}, **({"finishReason": "STOP"} if more.pop("last", 0) else {})}
    return b"data: " + orjson.dumps({"candidates": [candidate], **more}) + b"\r\n\r\n"


def test_a_large_last_event_still_tells_its_usage() -> None:
    """Of a Gemini stream that ends in an event larger than what is kept, the last usage counts, not the first."""
    first = {"promptTokenCount": 44, "totalTokenCount": 44}
    last = {"promptTokenCount": 44, "candidatesTokenCount": 608, "thoughtsTokenCount": 902, "totalTokenCount": 1554}
    stream = _event("a", usageMetadata=first) + _event("b" * 9000, last=True, usageMetadata=last)
    kept = Document(stream[:2000], stream[-2000:], cut=True)
    path = "/v1beta/models/gemini-3-flash:streamGenerateContent"
    reading = read("gemini", "POST", path, (), Document(b"{}"), 200, (), kept)
    assert reading.tokens is not None
    assert (reading.tokens.input, reading.tokens.output, reading.tokens.source) == (44, 1510, "reported")
    assert reading.finish_reason is None  # it stands in the part that is missing


def test_a_torn_event_does_not_override_later_ones() -> None:
    """Counts of a torn event are those of its moment: what later events tell counts more."""
    told = [{"promptTokenCount": 44, "candidatesTokenCount": n, "totalTokenCount": 44 + n} for n in (1, 500, 900)]
    first, torn, last = (_event("b", safetyNote="b" * 3000, usageMetadata=usage) for usage in told)
    stream = first + torn + last  # that broke off: no event tells a finish reason
    kept = Document(stream[: len(first)], stream[len(first) + 100 :], cut=True)
    path = "/v1beta/models/gemini-3-flash:streamGenerateContent"
    reading = read("gemini", "POST", path, (), Document(b"{}"), 200, (), kept)
    assert reading.tokens is not None
    assert reading.tokens.output == 900
    assert not reading.finished
