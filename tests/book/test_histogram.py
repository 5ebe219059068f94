"""Histograms that are added without being unpacked are the same as those that are."""

from hypothesis import given
from hypothesis import strategies as st

from store import histogram

_COUNTS = st.one_of(st.integers(1, 3), st.sampled_from((127, 128, 254, 255, 256, 65_279, 65_280, 65_535, 2**31)))
_CALLS = st.dictionaries(st.integers(0, 60), _COUNTS, max_size=20)


@given(_CALLS, _CALLS)
def test_packed_histograms_add_up(left: dict[int, int], right: dict[int, int]) -> None:
    """The sum of two is packed as if it had been counted at once."""
    one, other = histogram.of(left), histogram.of(right)
    added = histogram.add_packed(histogram.pack(one), histogram.pack(other))
    assert added == histogram.pack(one + other)
    assert histogram.unpack(added) == one + other


@given(_CALLS.filter(bool), st.data())
def test_a_few_calls_more(many: dict[int, int], data: st.DataObject) -> None:
    """As a batch does it: calls in buckets that are there already."""
    packed = histogram.pack(histogram.of(many))
    first, last = min(many), max(many)
    few = data.draw(st.dictionaries(st.integers(first, last), st.integers(1, 300), min_size=1, max_size=5))
    added = histogram.add_packed(packed, histogram.pack(histogram.of(few)))
    assert added == histogram.pack(histogram.of(many) + histogram.of(few))
