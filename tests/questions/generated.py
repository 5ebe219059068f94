"""Strategies: calls of every kind, and the parameters someone may ask with."""

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from hypothesis import strategies as st

from store.call import Call, CallError, Cost, CostState, Tokens
from store.moments import epoch_us
from tests.books import a_call

MODELS = (None, "gpt-4o", "gpt-4o-mini", "claude?[x]", "Gpt-4o", "ünïcode")
KEYS = (None, "laptop", "ci", "1a2b3c4d-wxyz")
GROUPS = ("default", "research")
TYPES = ("chat", "embedding", "other")
UPSTREAMS = (None, "openai", "anthropic")
STATUSES = (None, 200, 204, 404, 429, 500)
OUTCOMES = ("completed", "client_left", "upstream_timed_out", "rejected")
LABELS = (None, "ann", "bob", "a*b")
ZONES = (
    "UTC", "Europe/Berlin", "Asia/Kathmandu", "America/New_York", "America/St_Johns", "Australia/Lord_Howe",
    "Pacific/Chatham", "Pacific/Kiritimati", "Etc/GMT+12",
)  # fmt: skip

# Europe/Berlin turns its clocks back on the 25th, St John's on the 1st of November, Lord Howe forward on the 4th.
FIRST = datetime(2026, 10, 3, tzinfo=UTC)
_SPAN = timedelta(days=31)
_counts = st.none() | st.integers(0, 5000)


@st.composite
def moments(draw: st.DrawFn) -> int:
    """Microseconds since the epoch, often on a boundary or beside one."""
    minutes = draw(st.integers(0, int(_SPAN / timedelta(minutes=1))))
    coarse = draw(st.sampled_from((1, 15, 60, 1440)))
    beside = draw(st.sampled_from((0, -1, 1, 123_456)))
    return epoch_us(FIRST + timedelta(minutes=minutes // coarse * coarse, microseconds=beside))


@st.composite
def calls(draw: st.DrawFn) -> Call:
    """One call."""
    tokens = draw(
        st.none()
        | st.builds(
            Tokens, st.sampled_from(("reported", "estimated")),
            input_uncached=_counts, cache_read=_counts, cache_write_5m=_counts, cache_write_1h=_counts,
            cache_read_audio=_counts, output_text=_counts, output_audio=_counts, reasoning=_counts,
        )
    )  # fmt: skip
    state: CostState = draw(st.sampled_from(get_args(CostState)))
    nano = {"unknown": None, "free": 0}.get(state, draw(st.integers(0, 10**10)))
    # What costs something known is charged; what does not, by a rate of its group, or by nobody knows what.
    micro = draw(st.none() | st.integers(0, 10**7)) if nano is None else nano // 3
    saved = draw(st.none() | st.integers(-(10**6), 10**9))
    return a_call(
        started_at_us=draw(moments()),
        model=draw(st.sampled_from(MODELS)),
        requested_model=draw(st.sampled_from(MODELS)),
        key=draw(st.sampled_from(KEYS)),
        group=draw(st.sampled_from(GROUPS)),
        type=draw(st.sampled_from(TYPES)),
        upstream=draw(st.sampled_from(UPSTREAMS)),
        status=draw(st.sampled_from(STATUSES)),
        outcome=draw(st.sampled_from(OUTCOMES)),
        error=draw(st.none() | st.just(CallError("t", None, "m"))),
        stream=draw(st.booleans()),
        user=draw(st.sampled_from(LABELS)),
        session=draw(st.sampled_from(LABELS)),
        tags=draw(
            st.dictionaries(st.sampled_from(("team", 'q"uote', "a.b")), st.sampled_from(("x", "yy")), max_size=2)
        ),
        anomalies=tuple(draw(st.sets(st.sampled_from(("cached_over_input", "parts_over_total")), max_size=2))),
        duration_us=draw(st.none() | st.integers(1, 10**9)),
        first_token_us=draw(st.none() | st.integers(1, 10**7)),
        tokens=tokens,
        cost=Cost(
            state,
            nano,
            cache_saved=saved,
        ),
        usage_micro=micro,
    )


books = st.lists(calls(), max_size=3) | st.lists(calls(), min_size=10, max_size=25)


def _words(name: str, values: tuple[Any, ...]) -> st.SearchStrategy[tuple[str, str]]:
    known = [str(value) for value in values if value is not None]
    words = st.sampled_from([*known, *(word[:2] + "*" for word in known), *("*" + word[-2:] for word in known), "*"])
    return st.tuples(st.just(name), st.builds(str.__add__, st.sampled_from(("", "!")), words))


DIMENSION_WORDS = st.one_of(
    _words("model", (*MODELS, "nobody")), _words("key", (*KEYS, "nobody")), _words("group", GROUPS),
    _words("type", TYPES), _words("upstream", UPSTREAMS),
)  # fmt: skip
OTHER_WORDS = st.one_of(
    st.tuples(st.just("status"), st.sampled_from(("200", "4xx", "error", "!error", "!4xx", "2*", "!*"))),
    _words("outcome", OUTCOMES), _words("user", LABELS), _words("session", LABELS),
    st.tuples(st.just("stream"), st.sampled_from(("true", "false", "!true", "0"))),
    st.tuples(st.just("cost_state"), st.sampled_from(("unknown", "!free", "p*"))),
    st.tuples(st.just("anomaly"), st.sampled_from(("cached_over_input", "!cached*", "parts*", "!*"))),
    _words("tag.team", ("x", "yy")), _words('tag.q"uote', ("x", "yy")),
)  # fmt: skip


_NUMBERS = {
    "duration_ms": ("0.5", "1000", "250000.0005"),
    "cost_usd": ("0", "0.0000000005", "5"),
    "tokens": ("0", "2000"),
}


@st.composite
def ranges(draw: st.DrawFn) -> list[tuple[str, str]]:
    """A bound on a number, perhaps between two whole ones."""
    name = draw(st.sampled_from(sorted(_NUMBERS)))
    return [(f"{draw(st.sampled_from(('min', 'max')))}_{name}", draw(st.sampled_from(_NUMBERS[name])))]


@st.composite
def spans(draw: st.DrawFn) -> list[tuple[str, str]]:
    """A beginning, an end or both."""
    ends = draw(st.sampled_from((("from",), ("to",), ("from", "to"))))
    moment = [draw(moments()) for _ in ends]
    return [(name, f"{us // 1_000_000}.{us % 1_000_000:06d}") for name, us in zip(ends, sorted(moment), strict=True)]


def _filters(most: int, *aspects: st.SearchStrategy[list[tuple[str, str]]]) -> st.SearchStrategy[list[tuple[str, str]]]:
    """A zone and a few aspects: one at a time finds most calls and most mistakes."""
    chosen = st.lists(st.sampled_from(aspects), min_size=0, max_size=most, unique_by=id).flatmap(
        lambda several: st.tuples(*several)
    )
    zones = st.sampled_from(ZONES)
    return st.builds(lambda tz, parts: [("tz", tz), *(pair for part in parts for pair in part)], zones, chosen)


_some_dimensions = st.lists(DIMENSION_WORDS, min_size=1, max_size=2)
dimension_filters = _filters(2, spans(), _some_dimensions)
filters = _filters(2, spans(), _some_dimensions, st.lists(OTHER_WORDS, min_size=1, max_size=2), ranges())
