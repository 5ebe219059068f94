"""Whatever a peer sends is read as something."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.dialects import Document, read
from store.presentation import present
from tests.dialects.wire import cases

CASES = cases()
TARGETS = sorted({(case.dialect, case.method, case.target) for case in CASES})

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(10**30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def mutated(draw: st.DrawFn) -> tuple[tuple[str, str, str], bytes, bytes]:
    """A case with members replaced by others, bytes flipped, or both."""
    case = draw(st.sampled_from(CASES))
    bodies = []
    for body in (case.request, case.response):
        if body[:1] in (b"{", b"[") and body.count(b"\n") == 0:  # else it is one value for each line
            value = json.loads(body)
            for _ in range(draw(st.integers(0, 3))):
                value = _replaced(draw, value)
            body = json.dumps(value).encode()
        changed = bytearray(body)
        for _ in range(draw(st.integers(0, 3))):
            if changed:
                changed[draw(st.integers(0, len(changed) - 1))] = draw(st.integers(0, 255))
        bodies.append(bytes(changed))
    return (case.dialect, case.method, case.target), bodies[0], bodies[1]


def _replaced(draw: st.DrawFn, value: object) -> object:
    """The value with something somewhere within replaced."""
    if isinstance(value, dict) and value and draw(st.integers(0, 4)):
        key = draw(st.sampled_from(sorted(value)))
        return {**value, key: _replaced(draw, value[key])}
    if isinstance(value, list) and value and draw(st.integers(0, 4)):
        return [_replaced(draw, value[0]), *value[1:]]
    return draw(json_values)


def check(route: tuple[str, str, str], request: Document, status: int | None, response: Document) -> None:
    dialect, method, target = route
    headers = (("content-type", "multipart/form-data; boundary=x"), ("x-portkey-metadata", "{"), ("baggage", "=,a=%"))
    reading = read(dialect, method, target, headers, request, status, (), response)
    assert "unreadable" not in reading.anomalies
    if reading.tokens is not None:
        buckets = (getattr(reading.tokens, name) for name in reading.tokens.__slots__ if name != "source")
        assert all(count is None or 0 <= count < 2**63 for count in buckets)
        assert (reading.tokens.total or 0) < 2**63
    present(dialect, method, target, headers, request, status, (), response)


@given(mutated(), st.sampled_from([200, 200, 429, None]))
@settings(max_examples=400, deadline=None)
def test_mutated_exchange(exchange: tuple[tuple[str, str, str], bytes, bytes], status: int | None) -> None:
    """An exchange with anything wrong in it is read without falling back, and no count is negative or too large."""
    route, request, response = exchange
    check(route, Document(request), status, Document(response))


@given(mutated(), st.integers(0, 400), st.integers(0, 400))
@settings(max_examples=200, deadline=None)
def test_mutated_cut_exchange(exchange: tuple[tuple[str, str, str], bytes, bytes], head: int, tail: int) -> None:
    """The same holds for bodies whose middle is missing."""
    route, request, response = exchange
    tail_of_request = request[len(request) - min(tail, len(request)) :]
    tail_of_response = response[len(response) - min(tail, len(response)) :]
    check(
        route,
        Document(request[:head], tail_of_request, cut=True),
        200,
        Document(response[:head], tail_of_response, cut=True),
    )


@given(st.sampled_from(TARGETS), st.binary(max_size=200), st.binary(max_size=200), st.booleans())
@settings(max_examples=300, deadline=None)
def test_arbitrary_bytes(route: tuple[str, str, str], request: bytes, response: bytes, cut: bool) -> None:
    """Bytes that mean nothing are read as nothing."""
    check(route, Document(request, request, cut), 200, Document(response, response, cut))


@pytest.mark.parametrize("start", [b"[", b'{"a":', b'{"messages":[', b'data: {"usage":'])
@pytest.mark.parametrize("route", [TARGETS[0], *(target for target in TARGETS if target[0] == "gemini")])
def test_deep_nesting(route: tuple[str, str, str], start: bytes) -> None:
    """Nesting deeper than any stack is read as nothing."""
    body = Document(start * 20_000)
    check(route, body, 200, body)
    check(route, body, 500, body)


def test_numbers_larger_than_any_word() -> None:
    """Numbers that can be read but not written everywhere are no reason to give up."""
    big = b"9" * 30
    usage = b'{"prompt_tokens": 3, "completion_tokens": %s, "total_tokens": %s}' % (big, big)
    stream = b'data: {"choices": [], "usage": %s}\n\n' % usage
    tool = b'data: {"choices": [{"delta": {"tool_calls": [{"function": {"name": "f", "arguments": {"n": %s}}}]}}]}\n\n'
    response = Document(stream + tool % big + stream)
    request = Document(b'{"tools": [{"n": %s}]}' % big)
    check(("openai", "POST", "/v1/chat/completions"), request, 200, response)
    check(("openai", "POST", "/v1/chat/completions"), request, 200, Document(tool % big))
