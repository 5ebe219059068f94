"""Members are found in whatever is left of a JSON object."""

import json
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.dialects import cut_json
from store.dialects.document import Document

text = st.text(alphabet=st.sampled_from('ab"\\{}[],: é'), max_size=12)
values = st.recursive(
    st.none() | st.integers() | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=10,
)
objects = st.dictionaries(text, values, min_size=1, max_size=6)


@given(objects)
def test_whole_object(value: dict[str, object]) -> None:
    """Of a whole object every member is found."""
    found = cut_json.members(Document(json.dumps(value).encode()))
    assert {name: json.loads(member) for name, member in found.items()} == value


@given(objects, st.data(), st.booleans())
@settings(max_examples=500, deadline=None)
def test_cut_object(value: dict[str, object], data: st.DataObject, ascii_only: bool) -> None:
    """Of a cut object every member that is whole in head or tail is found, and nothing else."""
    items = list(value.items())
    body = json.dumps(value, ensure_ascii=ascii_only).encode()
    head = data.draw(st.integers(0, len(body)))
    tail = data.draw(st.integers(0, len(body) - head))
    found = cut_json.members(Document(body[:head], body[len(body) - tail :], cut=True))
    assert {name: json.loads(member) for name, member in found.items()}.items() <= value.items()
    assert set(found) >= _whole(items, body, head, len(body) - tail, ascii_only)


def _whole(items: list[tuple[str, object]], body: bytes, head: int, tail: int, ascii_only: bool) -> set[str]:
    """The members that stand wholly, with the mark after or before them, on one side of the gap."""
    names = set()
    at = 1
    for name, value in items:
        end = at + len(json.dumps({name: value}, ensure_ascii=ascii_only).encode()) - 2
        # A backslash at the very start of the tail makes the next character uncertain.
        if end < head or (tail < at - 1 and body[tail : tail + 1] != b"\\"):
            names.add(name)
        at = end + len(", ")
    return names


def test_escaped_quotes_at_the_cut() -> None:
    """A tail that begins inside a string, even inside an escape, is understood from its end."""
    body = rb'{"a": "x \\\" y, \"model\": \"no\", z", "model": "yes"}'
    for start in range(body.index(b'", "model": "yes"')):
        assert cut_json.members(Document(b"{", body[start:], cut=True))["model"] == b'"yes"'


def test_levels_of_a_torn_event() -> None:
    """The members of each object that a cut went through are found, the outermost first."""
    tail = b'ck", "n": [1]}], "usage": {"n": 1}, "user": null}, "sequence_number": 9}'
    found = list(cut_json.levels(tail))
    assert found[0] == {"sequence_number": b"9"}
    assert found[1] == {"user": b"null", "usage": b'{"n": 1}'}


@pytest.mark.parametrize("filling", [b"[],", b"[", b'{"a":1},', b"]"])
def test_body_of_nothing_but_structure(filling: bytes) -> None:
    """What it takes to look through a tail is a few times the tail, whatever it consists of."""
    tail = filling * (200_000 // len(filling)) + b'"usage":{"a":[1]}}'
    tracemalloc.start()
    try:
        cut_json.members(Document(b'{"model":"m",', tail, cut=True))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 60 * len(tail)


def test_members_far_from_the_end() -> None:
    """A member is found that begins long before the end of a tail."""
    value = {"usage": {"input": [1, {"a": 2}]}, "data": [["x,]}"] * 9, {"b": []}] * 3_000, "model": "m"}
    body = json.dumps(value).encode()
    found = cut_json.members(Document(b"{", b"," + body[1:], cut=True))
    assert {name: json.loads(member) for name, member in found.items()} == value
