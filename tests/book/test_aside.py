"""Filling the book steps aside for whoever wants the processor, but not when it is behind."""

import asyncio
import os
from pathlib import Path

import pytest

from store import aside
from store.aside import Aside
from tests.journal.runs import HandWritten, an_ingest, framed, stored, whole_call


@pytest.fixture
def asides(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """One for each time that a thread steps aside."""
    if not hasattr(os, "sched_yield"):
        pytest.skip("this system knows no stepping aside")
    found: list[None] = []
    monkeypatch.setattr(os, "sched_yield", lambda: found.append(None))
    return found


def test_every_few_things(asides: list[None]) -> None:
    """All things come, in order, and others have their turn every eighth."""
    assert list(Aside().each(iter(range(20)))) == list(range(20))
    assert len(asides) == 2


def test_not_when_there_is_hurry(asides: list[None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is behind goes on, and steps aside again a while later."""
    one = Aside()
    one.hurry()
    assert list(one.each(range(20))) == list(range(20))
    assert asides == []
    later = aside.time.monotonic() + 10
    monkeypatch.setattr(aside.time, "monotonic", lambda: later)
    assert list(one.each(range(20))) == list(range(20))
    assert len(asides) == 2


def test_a_system_that_knows_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody can step aside, things come all the same."""
    monkeypatch.setattr(aside, "_STEPS_ASIDE", None)
    assert list(Aside().each(range(20))) == list(range(20))


async def test_the_book_is_filled_like_this(
    asides: list[None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few calls: with stepping aside. More than one batch takes: without, after the first."""
    monkeypatch.setattr(
        aside, "_HURRY_S", 600.0
    )  # a machine may be so busy that the rest takes longer than two seconds
    run = HandWritten(tmp_path)
    run.write(1, *framed(*(note for seq in range(1, 41) for note in whole_call(seq))))
    ingest = an_ingest(tmp_path)
    await stored(ingest, 40)
    few = len(asides)
    assert few >= 5 * 4  # each of five steps and more, once for eight calls
    run.write(2, *framed(*(note for seq in range(41, 2001) for note in whole_call(seq))))
    await stored(ingest, 2000)
    await asyncio.to_thread(ingest.stop)
    assert len(asides) - few < 6 * 2000 / 8 / 2
    run.die()
