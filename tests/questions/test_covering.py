"""Coverings: every moment is summed once, under its own label, from the coarsest tables that can tell it."""

from collections import Counter
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from store.filters import GROUPING, Filter, parse
from store.moments import at, epoch_us
from store.questions.covering import CALLS, Piece, cover, tables_for
from store.questions.local_time import Stretch, offsets, stretches
from store.sums import (
    DAY_KEYS,
    DAY_MODELS,
    DAY_SUMS,
    DAY_US,
    HOUR_KEYS,
    HOUR_MODELS,
    HOUR_US,
    QUARTER_MODELS,
    QUARTER_US,
)
from tests.books import NOON_US
from tests.questions import generated

NOW = at(NOON_US)
MODELS, KEYS, ALL = (DAY_MODELS, HOUR_MODELS, QUARTER_MODELS, CALLS), (DAY_KEYS, HOUR_KEYS, CALLS), (DAY_SUMS, CALLS)
FIRST = epoch_us(generated.FIRST)
Params = list[tuple[str, str]]

families = st.sampled_from((MODELS, KEYS, ALL, MODELS[1:], KEYS[1:]))
units = st.sampled_from(((), ("hour",), ("day",), ("month",), ("day", "hour")))


def asked_by(params: Params, by: list[str]) -> Filter:
    return parse([*params, *([("by", ",".join(by))] if by else [])], NOW, also=GROUPING)


def wanted(zone: str, by: tuple[str, ...], start: int, stop: int) -> list[Stretch]:
    return list(stretches(by, offsets(ZoneInfo(zone), start, stop), start, stop))


@given(families, st.sampled_from(generated.ZONES), units, generated.moments(), generated.moments())
@settings(max_examples=300, deadline=None)
@example(KEYS, "Asia/Kathmandu", ("day",), FIRST, FIRST + 9 * DAY_US)
@example(MODELS, "Australia/Lord_Howe", ("day", "hour"), FIRST + 1, FIRST + 3 * DAY_US + 5)
def test_every_moment_is_counted_once_under_its_own_label(
    tables: tuple[Any, ...], zone: str, by: tuple[str, ...], one: int, other: int
) -> None:
    """At every moment, what is added less what is taken away is one for the moment's label and none for any other."""
    start, stop = sorted((one, other))
    meant = wanted(zone, by, start, stop)
    pieces = cover(tables, meant)
    edges = {edge for each in (*pieces, *meant) for edge in (each.start_us, each.stop_us)}
    for edge in edges:
        counted: Counter[tuple[str, ...]] = Counter()
        for piece in pieces:
            if piece.start_us <= edge < piece.stop_us:
                for labels, sign in piece.shares:
                    counted[labels] += sign
        labels = [stretch.labels for stretch in meant if stretch.start_us <= edge < stretch.stop_us]
        assert {label: count for label, count in counted.items() if count} == dict.fromkeys(labels, 1)


@given(families, st.sampled_from(generated.ZONES), units, generated.moments(), generated.moments())
@settings(max_examples=200, deadline=None)
def test_no_piece_is_read_twice_and_none_begins_within_a_unit(
    tables: tuple[Any, ...], zone: str, by: tuple[str, ...], one: int, other: int
) -> None:
    """No two pieces are the same stretch of one table, and their ends are whole units of it."""
    start, stop = sorted((one, other))
    pieces = cover(tables, wanted(zone, by, start, stop))
    for table in tables:
        of_table = [piece for piece in pieces if piece.table is table]
        assert all(piece.start_us % table.unit_us == piece.stop_us % table.unit_us == 0 for piece in of_table)
        assert len({(piece.start_us, piece.stop_us) for piece in of_table}) == len(of_table)


def test_a_crooked_span_is_whole_days_with_its_ends_read_finely() -> None:
    """Most of a day or quarter is the whole of it with the rest taken away; less is read finely."""
    start, stop = 10 * DAY_US - QUARTER_US - 5, 12 * DAY_US + HOUR_US + QUARTER_US + 7
    assert cover(MODELS, [Stretch(start, stop)]) == [
        Piece(CALLS, start, 10 * DAY_US - QUARTER_US, (((), 1),)),
        Piece(QUARTER_MODELS, 10 * DAY_US - QUARTER_US, 10 * DAY_US, (((), 1),)),
        Piece(DAY_MODELS, 10 * DAY_US, 12 * DAY_US, (((), 1),)),
        Piece(HOUR_MODELS, 12 * DAY_US, 12 * DAY_US + HOUR_US, (((), 1),)),
        Piece(QUARTER_MODELS, 12 * DAY_US + HOUR_US, 12 * DAY_US + HOUR_US + QUARTER_US, (((), 1),)),
        Piece(CALLS, 12 * DAY_US + HOUR_US + QUARTER_US, stop, (((), 1),)),
    ]
    assert cover(MODELS, [Stretch(10 * DAY_US + QUARTER_US, 11 * DAY_US)]) == [
        Piece(DAY_MODELS, 10 * DAY_US, 11 * DAY_US, (((), 1),)),
        Piece(QUARTER_MODELS, 10 * DAY_US, 10 * DAY_US + QUARTER_US, (((), -1),)),
    ]


@pytest.mark.parametrize(
    ("zone", "moved_hours"),
    [("Etc/GMT-2", 2), ("Etc/GMT+5", 5), ("Etc/GMT-12", 12), ("Etc/GMT+12", 12), ("Pacific/Kiritimati", 10)],
)
def test_local_days_move_only_what_lies_between_the_midnights(zone: str, moved_hours: int) -> None:
    """Of each local day only the shift is read finely, or what it leaves of a day: once, for both neighbours."""
    start, stop = FIRST // DAY_US * DAY_US, FIRST // DAY_US * DAY_US + 10 * DAY_US
    pieces = cover(KEYS, wanted(zone, ("day",), start, stop))
    days = [piece for piece in pieces if piece.table is DAY_KEYS]
    assert sum(piece.stop_us - piece.start_us for piece in days) == 10 * DAY_US
    hours = [piece for piece in pieces if piece.table is HOUR_KEYS]
    assert {piece.stop_us - piece.start_us for piece in hours} == {moved_hours * HOUR_US}
    assert len(hours) == 10
    for piece in hours:
        assert sorted(sign for _, sign in piece.shares) == [-1, 1]
    assert {piece.table for piece in pieces} == {DAY_KEYS, HOUR_KEYS}


def test_quarter_hour_zones_read_a_quarter_of_an_hour_from_rows() -> None:
    """Where the hours of keys do not fit a zone, what is moved is whole hours and the quarter that is left of one."""
    start, stop = FIRST // DAY_US * DAY_US, FIRST // DAY_US * DAY_US + 5 * DAY_US
    pieces = cover(KEYS, wanted("Asia/Kathmandu", ("day",), start, stop))
    rows = [piece for piece in pieces if piece.table is CALLS]
    assert {piece.stop_us - piece.start_us for piece in rows} == {QUARTER_US}
    assert len(rows) == 5
    assert {piece.table for piece in cover(MODELS, wanted("Asia/Kathmandu", ("day",), start, stop))} == {
        DAY_MODELS,
        HOUR_MODELS,
        QUARTER_MODELS,
    }


def test_a_change_of_the_clocks_within_a_day_keeps_the_day_whole() -> None:
    """The day on which Berlin turns its clocks back is 25 hours of one label, and not read from rows."""
    start = epoch_us(generated.FIRST.replace(day=24))
    days = wanted("Europe/Berlin", ("day",), start, start + 3 * DAY_US)
    assert [(day.labels, (day.stop_us - day.start_us) // HOUR_US) for day in days] == [
        (("2026-10-24",), 22), (("2026-10-25",), 25), (("2026-10-26",), 24), (("2026-10-27",), 1),
    ]  # fmt: skip
    assert {piece.table for piece in cover(MODELS, days)} == {DAY_MODELS, HOUR_MODELS}


@pytest.mark.parametrize(
    ("params", "by", "tables"),
    [
        ([], [], MODELS),
        ([], ["day"], MODELS),
        ([], ["minute"], CALLS),
        ([], ["status"], CALLS),
        ([("status", "error")], ["model"], CALLS),
        ([("min_tokens", "1")], [], CALLS),
        ([("key", "laptop")], [], KEYS),
        ([("key", "laptop")], ["hour", "group"], KEYS[1:]),
        ([("model", "gpt-*")], ["hour", "type"], MODELS[1:]),
        ([("upstream", "openai")], ["month", "model"], MODELS),
        ([("model", "gpt-*")], ["key"], ALL),
        ([("model", "gpt-*"), ("group", "research")], ["day"], ALL),
        ([], ["model", "key"], ALL),
        ([("model", "gpt-*")], ["hour", "key"], CALLS),
    ],
)
def test_sums_answer_what_they_are_kept_by(params: Params, by: list[str], tables: Any) -> None:
    """The tables are those of the family that has every dimension, as far as their time is not too coarse."""
    assert tuple(tables_for(asked_by(params, by), by)) == (tables if isinstance(tables, tuple) else (tables,))
