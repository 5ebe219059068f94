"""Pages that could not be filled in time are continued where that is right, and refused where it is not."""

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.call import Call
from store.filters import ORDERS, PAGING, Filter, parse
from store.moments import at
from store.questions import logs
from store.questions.every_call import pages
from store.reader import NoAnswer, Reader, Source, TookTooLong
from tests.books import NOON_US, a_book, a_call
from tests.questions import generated

HURRIED = partial(logs, allowed_s=0, calls_at_once=3)


@given(generated.books, generated.filters, st.sampled_from(ORDERS))
@settings(max_examples=30, deadline=None)
async def test_hurried_pages_hold_the_same_calls(calls: list[Call], params: list[tuple[str, str]], order: str) -> None:
    """However little is read at a time, the pages together are the calls in their order."""
    asked = parse([*params, ("order", order)], at(NOON_US), also=PAGING)
    with tempfile.TemporaryDirectory() as directory:
        async with Reader.open(a_book(Path(directory), calls)) as reader:
            hurried = [call async for page in pages(reader, asked, HURRIED) for call in page]
            assert hurried == [call async for page in pages(reader, asked) for call in page]


async def test_an_order_that_takes_too_long_is_refused(tmp_path: Path) -> None:
    """Sorted by anything but time, calls that were not all looked at are not told as if they were in order."""
    calls = [a_call(duration_us=n, started_at_us=NOON_US + n * 60_000_000) for n in range(50)]
    async with Reader.open(a_book(tmp_path, calls)) as reader:
        assert len([page async for page in pages(reader, Filter(sort="time"), HURRIED)]) > 1
        with pytest.raises(TookTooLong, match="sort by time"):
            _ = [page async for page in pages(reader, Filter(sort="duration"), HURRIED)]


class Failing:
    """A source that fails at some of its snapshots."""

    def __init__(self, source: Source, failures: set[int]) -> None:
        self._source, self._failures, self._asked = source, failures, 0

    def snapshot(self) -> Any:
        self._asked += 1
        if self._asked in self._failures:
            raise NoAnswer("the book cannot be read just now")
        return self._source.snapshot()


@pytest.mark.parametrize(("failures", "whole"), [({2, 3}, True), ({2, 3, 4}, False), ({1}, False)])
async def test_a_moment_of_trouble_does_not_end_an_export(tmp_path: Path, failures: set[int], whole: bool) -> None:
    """A page is asked for again twice; the first one is not, since whoever asked is there to be told."""
    async with Reader.open(a_book(tmp_path, [a_call() for _ in range(1001)])) as reader:
        read = pages(Failing(reader, failures), Filter())
        if whole:
            assert sum([len(page) async for page in read]) == 1001
        else:
            with pytest.raises(NoAnswer):
                _ = [page async for page in read]
