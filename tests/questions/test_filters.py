"""Query parameters mean what the documentation says, and whatever means nothing is refused by name."""

from datetime import UTC, datetime
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.call import CallType
from store.filters import FILTERS, GROUPING, PAGING, Range, Words, WrongFilter, parse, refuse_all
from store.moments import at, epoch_us, moment_us, rfc3339, zone

NOW = datetime(2026, 11, 22, 14, 23, tzinfo=UTC)


def us(text: str) -> int:
    return epoch_us(datetime.fromisoformat(text))


@pytest.mark.parametrize(
    ("text", "tz", "means"),
    [
        ("2026-11-22T14:00:00Z", "UTC", "2026-11-22T14:00:00+00:00"),
        ("2026-11-22t14:00:00z", "UTC", "2026-11-22T14:00:00+00:00"),
        ("2026-11-22T14:00:00.123456+01:00", "UTC", "2026-11-22T13:00:00.123456+00:00"),
        ("2026-11-22T14:00:00 01:00", "UTC", "2026-11-22T13:00:00+00:00"),
        ("2026-11-22T14:00:00-03:30", "Asia/Tokyo", "2026-11-22T17:30:00+00:00"),
        ("2026-11-22 14:00:00", "Europe/Berlin", "2026-11-22T13:00:00+00:00"),
        ("2026-11-22T14:00", "Europe/Berlin", "2026-11-22T13:00:00+00:00"),
        ("1795356000", "UTC", "2026-11-22T14:00:00+00:00"),
        ("1795356000.25", "Europe/Berlin", "2026-11-22T14:00:00.250000+00:00"),
        ("0", "UTC", "1970-01-01T00:00:00+00:00"),
        ("90s", "UTC", "2026-11-22T14:21:30+00:00"),
        ("15m", "UTC", "2026-11-22T14:08:00+00:00"),
        ("24h", "UTC", "2026-11-21T14:23:00+00:00"),
        ("7d", "Europe/Berlin", "2026-11-15T14:23:00+00:00"),
        ("2w", "UTC", "2026-11-08T14:23:00+00:00"),
        ("2026-11-22", "UTC", "2026-11-22T00:00:00+00:00"),
        ("2026-11-22", "Europe/Berlin", "2026-11-21T23:00:00+00:00"),
        ("2026-10-25", "Europe/Berlin", "2026-10-24T22:00:00+00:00"),
    ],
)
def test_times_are_read_in_every_promised_way(text: str, tz: str, means: str) -> None:
    """RFC 3339, epoch seconds, ages and dates all give the same kind of moment."""
    assert parse([("from", text), ("tz", tz)], NOW).from_us == us(means)


@pytest.mark.parametrize(
    ("text", "tz", "means"),
    [
        ("2026-11-22", "UTC", "2026-11-23T00:00:00+00:00"),
        ("2026-10-25", "Europe/Berlin", "2026-10-25T23:00:00+00:00"),  # a day of 25 hours
        ("2026-03-29", "Europe/Berlin", "2026-03-29T22:00:00+00:00"),  # a day of 23
        ("2026-11-22T00:00:00Z", "UTC", "2026-11-22T00:00:00+00:00"),
        ("1h", "UTC", "2026-11-22T13:23:00+00:00"),
    ],
)
def test_a_date_in_to_includes_that_day(text: str, tz: str, means: str) -> None:
    """Only a bare date is moved to its end, by the length the day has in its zone."""
    assert parse([("to", text), ("tz", tz)], NOW).to_us == us(means)


@pytest.mark.parametrize(
    "text",
    [
        "", "yesterday", "now", "2026-13-01", "2026-02-30", "2026-11-22T25:00:00Z", "2026-11-22T14:00:00+99:00", "-1h",
        "1y", "1.5h", "h", "1e9", "12345678901234", "999999999w", "2026-W47", "20261122T14", "0x10", "\u0661\u0662",
        "2026-11-22T14", " 2026-11-22", "1h ", "0000-01-01", "9999-12-31T23:59:59-12:00",
    ],
)  # fmt: skip
@pytest.mark.parametrize("param", ["from", "to"])
def test_other_times_are_refused(param: str, text: str) -> None:
    """What is no time names its parameter."""
    with pytest.raises(WrongFilter) as wrong:
        parse([(param, text)], NOW)
    assert wrong.value.param == param


@pytest.mark.parametrize("text", ["0001-01-01", "0001-12-31T23:59:59Z", "9998-01-02", "9999-12-31", "253402300799"])
def test_the_ends_of_the_calendar_are_refused(text: str) -> None:
    """A time from which a zone or the next bar of a chart would reach past the calendar is out of range."""
    with pytest.raises(WrongFilter, match="out of range"):
        parse([("to", text)], NOW)


@pytest.mark.parametrize(
    "name", ["", "Berlin", "europe", "Europe", "../etc/passwd", "/etc/passwd", "right/UTC", "UTC\n"]
)
def test_other_zones_are_refused(name: str) -> None:
    """Only an IANA name is a zone."""
    with pytest.raises(WrongFilter) as wrong:
        parse([("tz", name)], NOW)
    assert wrong.value.param == "tz"


@given(st.integers(0, 253339228800_000000))
def test_a_time_that_was_told_is_read_back_exactly(moment: int) -> None:
    """What the book says about a time finds that time again."""
    assert moment_us(rfc3339(moment), NOW, zone("UTC")) == moment
    assert epoch_us(at(moment)) == moment


def test_repeated_words_mean_any_of_them() -> None:
    """Values are kept in order, exclusions apart, repetitions once."""
    asked = parse([("model", "gpt-*"), ("model", "!gpt-4*"), ("model", "o3"), ("model", "gpt-*")], NOW)
    assert asked.model == Words(("gpt-*", "o3"), ("gpt-4*",))
    assert parse([("tag.team", "red"), ("tag.team", "!blue")], NOW).tags == (("team", Words(("red",), ("blue",))),)


@pytest.mark.parametrize(
    ("param", "text", "field", "means"),
    [
        ("min_duration_ms", "1.5", "duration_us", Range(1500, None)),
        ("min_duration_ms", "0.0001", "duration_us", Range(1, None)),
        ("max_duration_ms", "0.0019", "duration_us", Range(None, 1)),
        ("min_cost_usd", "0.000045", "cost_nano", Range(45_000, None)),
        ("max_cost_usd", "1", "cost_nano", Range(None, 1_000_000_000)),
        ("min_tokens", "0", "tokens", Range(0, None)),
        ("max_tokens", "150", "tokens", Range(None, 150)),
    ],
)
def test_bounds_are_whole_numbers_of_what_the_row_keeps(param: str, text: str, field: str, means: Range) -> None:
    """A bound between two values is moved inwards."""
    assert getattr(parse([(param, text)], NOW), field) == means


@pytest.mark.parametrize(
    ("param", "text"),
    [
        ("min_duration_ms", "-1"), ("min_duration_ms", "1e3"), ("max_duration_ms", "nan"), ("min_cost_usd", "inf"),
        ("min_cost_usd", "999999999999"), ("max_cost_usd", "$1"), ("min_tokens", "1.5"), ("max_tokens", "1_000"),
        ("min_tokens", ""), ("status", "40"), ("status", "4x"), ("status", "ok"), ("status", "!"), ("status", "0xx"),
        ("type", "chats"), ("type", "x*"), ("type", "?hat"), ("outcome", "done"), ("cost_state", "cheap"),
        ("stream", "yes"), ("model", ""), ("model", "!"), ("key", "*" * 17), ("user", "x" * 1001), ("user", "a\0b"),
        ("session", "\ud800"), ("tag.team", ""), ("tag.", "x"), ("models", "x"), ("Model", "x"), ("limit", "5"),
        ("by", "model"), ("sort", "time"), ("q", "?!"), ("q", "!"), ("", "x"), ("tag.\ud800", "x"),
    ],
)  # fmt: skip
def test_wrong_values_name_their_parameter(param: str, text: str) -> None:
    """Nothing that cannot mean anything is ignored."""
    with pytest.raises(WrongFilter) as wrong:
        parse([(param, text)], NOW)
    assert wrong.value.param == ("tag" if "\ud800" in param else param)
    str(wrong.value).encode()


@pytest.mark.parametrize(
    ("param", "text"),
    [
        ("limit", "0"), ("limit", "1001"), ("limit", "ten"), ("limit", "-5"), ("sort", "model"), ("sort", ""),
        ("order", "down"), ("order", "DESC"),
    ],
)  # fmt: skip
def test_wrong_paging_names_its_parameter(param: str, text: str) -> None:
    """Limit, sort and order take only what they promise."""
    with pytest.raises(WrongFilter) as wrong:
        parse([(param, text)], NOW, also=PAGING)
    assert wrong.value.param == param


@pytest.mark.parametrize("name", [*[name for name in FILTERS if name.startswith(("min", "max"))], "from", "to", "tz", *PAGING, *GROUPING])  # fmt: skip  # noqa: E501
def test_single_values_cannot_be_repeated(name: str) -> None:
    """A parameter of which only one value could count is refused the second time."""
    value = {"tz": "UTC", "sort": "time", "order": "asc", "by": "model"}.get(name, "1")
    with pytest.raises(WrongFilter) as wrong:
        parse([(name, value), (name, value)], NOW, also=(*PAGING, *GROUPING))
    assert wrong.value.param == name


@pytest.mark.parametrize("value", [*get_args(CallType), "c*", "!chat", "*"])
def test_every_call_type_can_be_asked_for(value: str) -> None:
    """Names of types, patterns that some type fits, and exclusions are right."""
    assert parse([("type", value)], NOW).type


def test_cursors_fit_only_their_own_question() -> None:
    """The shape changes with filter and order, and not with what moves between two pages."""
    plain = parse([("model", "x")], NOW, also=PAGING).shape
    moved = [("to", "1h"), ("model", "x"), ("limit", "7"), ("cursor", "c"), ("sort", "time"), ("order", "desc")]
    assert parse(moved, NOW, also=PAGING).shape == plain
    for other in ([("model", "y")], [("model", "x"), ("sort", "cost")], [("model", "x"), ("order", "asc")], []):
        assert parse(other, NOW, also=PAGING).shape != plain


def test_what_takes_nothing_refuses_everything() -> None:
    """A route without parameters names the one it was given."""
    refuse_all([])
    with pytest.raises(WrongFilter) as wrong:
        refuse_all([("model", "x")])
    assert wrong.value.param == "model"
