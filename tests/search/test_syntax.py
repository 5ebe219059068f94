"""Whatever is asked for is words, phrases and beginnings of words, and never a syntax error."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.filters import Words, WrongFilter, parse
from store.search.letters import spaced
from store.search.syntax import any_expression, expression

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SIGNS = st.sampled_from(
    ["a", "b", "é", "東", '"', "*", "!", "(", ")", "^", ":", "-", "+", "AND", "OR", "NOT", "NEAR", " "]
)


class Shelf:
    """One table like those of the index."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:")
        self.connection.execute(
            "create virtual table words using fts5("
            "asked, answered, content='', columnsize=0, tokenize='unicode61 remove_diacritics 2')"
        )

    def holds(self, *texts: str) -> None:
        for number, text in enumerate(texts, 1):
            self.connection.execute("insert into words (rowid, asked) values (?, ?)", (number, spaced(text)))

    def finds(self, asked: str) -> list[int]:
        found = self.connection.execute("select rowid from words where words match ?", (expression(asked),))
        return sorted(number for (number,) in found)


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    made = Shelf()
    yield made
    made.connection.close()


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("refund", [1]),
        ("REFUND", [1]),
        ("invoice refund", [1]),
        ("refund weather", []),
        ('"refund the invoice"', [1]),
        ('"invoice the refund"', []),
        ('"refund the', [1]),
        ("refu*", [1]),
        ("refu", []),
        ('"the inv"*', [1]),
        ("café", [2]),
        ("cafe", [2]),
        ("foo-bar", [3]),
        ("foo bar", [3]),
        ("bar-foo", []),
        ("NOT", [3]),
        ("weather OR refund", []),
        ("asked : refund", []),
        ("東京", [4]),
        ("京東", []),
        ("天気", [4]),
        ("東*", [4]),
        ("4a*", []),
        ("ไทย", [5]),
        ("- refund !", [1]),
        ('"" refund', [1]),
    ],
)
def test_what_is_asked_for_is_found(shelf: Shelf, asked: str, found: list[int]) -> None:
    """Words in any order, phrases as they stand, beginnings with a star; case, accents and signs do not matter."""
    shelf.holds(
        "Please refund the invoice", "The Café in Berlin, nice weather", "foo-bar is NOT an operator",
        "東京の天気はどうですか", "ภาษาไทยง่าย",
    )  # fmt: skip
    assert shelf.finds(asked) == found


@given(st.one_of(st.text(max_size=200), st.lists(SIGNS, max_size=40).map("".join)))
def test_no_text_is_a_syntax_error(text: str) -> None:
    """Any text either has nothing to search for, or is an expression that the engine takes."""
    try:
        expression(text)
    except ValueError:
        return
    shelf = Shelf()
    try:
        shelf.holds(text.replace("*", ""))
        shelf.finds(text)
        both = any_expression((text, 'plain "words"'))
        shelf.connection.execute("select rowid from words where words match ?", (both,)).fetchall()
    finally:
        shelf.connection.close()


def test_very_many_words_are_no_error(shelf: Shelf) -> None:
    """A value as long as a parameter may be is searched for like any other."""
    words = [chr(ord("a") + number % 26) + str(number) for number in range(200)]
    shelf.holds(" ".join(words))
    assert shelf.finds(" ".join(words)) == [1]


@pytest.mark.parametrize("text", ["", "!", "*", '"', '""', "!*", "... -", "!!", "(^)", "a*", 'word "b a"*'])
def test_what_has_nothing_to_search_for_is_refused(text: str) -> None:
    """Without a letter or a digit, or with one letter for a beginning, the parameter is named as wrong."""
    with pytest.raises(WrongFilter) as wrong:
        parse([("q", text)], NOW)
    assert wrong.value.param == "q"


def test_texts_are_a_filter_like_others() -> None:
    """`q` can be repeated and excluded, belongs to the cursor's shape, and is in no sum."""
    asked = parse([("q", "a b"), ("q", "!c"), ("q", "!c")], NOW)
    assert asked.q == Words(("a b",), ("c",))
    assert not asked.only_dimensions
    assert asked.shape != parse([("q", "a b")], NOW).shape
