"""Filling the book steps aside for whoever wants the processor, but not when it is behind."""

import asyncio
import os
from pathlib import Path

import pytest

from store import aside
from store.aside import NEVER, Aside
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


def test_once(asides: list[None]) -> None:
    """Between two steps others have their turn, unless nobody is in the way."""
    Aside().once()
    assert len(asides) == 1
    NEVER.once()
    assert list(NEVER.each(range(20))) == list(range(20))
    assert len(asides) == 1


def test_who_stays_behind_hurries(asides: list[None], monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch that leaves something is no hurry yet; batches that do so for half a second are."""
    now = aside.time.monotonic()
    monkeypatch.setattr(aside.time, "monotonic", lambda: now)
    one = Aside()
    for later, all_done, hurries in (
        (0.0, False, False),
        (0.4, False, False),
        (0.1, True, False),  # it has caught up
        (0.4, False, False),
        (0.4, False, False),
        (0.2, False, True),
    ):
        now += later
        one.passed(all_done=all_done)
        asides.clear()
        one.once()
        assert (not asides) == hurries


def test_a_system_that_knows_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody can step aside, things come all the same."""
    monkeypatch.setattr(aside, "_STEPS_ASIDE", False)
    Aside().once()
    assert list(Aside().each(range(20))) == list(range(20))


async def test_the_book_is_filled_like_this(
    asides: list[None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few calls: with stepping aside. Many batches one after the other: without, after the second."""
    monkeypatch.setattr(aside, "_BEHIND_S", 0.0)
    monkeypatch.setattr(aside, "_HURRY_S", 600.0)  # a machine may be so busy that two seconds are over before the rest
    run = HandWritten(tmp_path)
    run.write(1, *framed(*(note for seq in range(1, 41) for note in whole_call(seq))))
    ingest = an_ingest(tmp_path)
    await stored(ingest, 40)
    few = len(asides)
    assert few >= 8 * 4  # each of eight steps and more, once for eight calls
    run.write(2, *framed(*(note for seq in range(41, 4001) for note in whole_call(seq))))
    await stored(ingest, 4000)
    await asyncio.to_thread(ingest.stop)
    assert len(asides) - few < 8 * 4000 / 8 / 2
    run.die()
