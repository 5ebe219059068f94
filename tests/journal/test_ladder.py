"""The ladder: less is kept while the disk fills, more again when there is room, and every step is told."""

import asyncio
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from proxy.config.builtin import BUILTIN
from proxy.config.model import Capture, Config
from proxy.journal.directory import claim
from proxy.journal.ladder import MEANING, Step, ballast_size, by_room, low_mark
from proxy.journal.notes import Asked, Body, Ended, Note, Told
from proxy.journal.room import BALLAST, Room, Space
from proxy.journal.tally import Tally, read_tally, tally_dir
from proxy.journal.writer import Journal
from store.metering import Meter, Noted
from store.spared import LEFT_OUT, spared
from tests.journal.runs import asked, ended, started, whole_call
from tests.journal.test_writer import noted

LOW = 8_000_000
DISK = 1_000_000_000


class Disk:
    """A disk of which a test says how much is free; what the ballast takes is taken from it."""

    def __init__(self, data_dir: Path, free: int = DISK) -> None:
        self.free = free
        self._data_dir = data_dir

    def __call__(self, _: Path) -> Space | None:
        ballast = self._data_dir / BALLAST
        return self.free - (ballast.stat().st_size if ballast.exists() else 0), DISK


def room_on(disk: Disk, data_dir: Path) -> Room:
    return Room(data_dir, LOW, holds_ballast=True, look=disk, every_s=0)


def test_the_steps_down_and_up(tmp_path: Path) -> None:
    """Each mark is a step down, the ballast goes at its own; the way up needs half as much room again at each."""
    disk = Disk(tmp_path)
    room, ballast = room_on(disk, tmp_path), tmp_path / BALLAST
    assert (room.look(), ballast.stat().st_size) == (Step.FULL, LOW // 16)
    size = LOW // 16
    for free, step, there in (
        (LOW + size, Step.FULL, True), (LOW + size - 1, Step.BODIES_OFF, True),
        (LOW // 4 + size, Step.BODIES_OFF, True), (LOW // 4 + size - 1, Step.BALLAST_RELEASED, False),
        (LOW // 8, Step.BALLAST_RELEASED, False), (LOW // 8 - 1, Step.METADATA_ONLY, False),
        (0, Step.METADATA_ONLY, False),
        (LOW * 3 // 16 - 1, Step.METADATA_ONLY, False), (LOW * 3 // 16, Step.BALLAST_RELEASED, False),
        (LOW * 3 // 8 - 1, Step.BALLAST_RELEASED, False), (LOW * 3 // 8, Step.BODIES_OFF, False),
        (LOW * 3 // 2 - 1, Step.BODIES_OFF, False), (LOW * 3 // 2, Step.FULL, True), (LOW * 3 // 2, Step.FULL, True),
    ):  # fmt: skip
        disk.free = free
        assert (room.look(), ballast.exists()) == (step, there), free


@given(free=st.integers(0, DISK), before=st.sampled_from(list(Step)[:4]), low=st.integers(1, DISK))
def test_a_step_is_not_left_again_at_once(free: int, before: Step, low: int) -> None:
    """With the same room the next look finds the same step, with or without the ballast taken or thrown off by it."""
    step = by_room(before, free, low)
    assert by_room(step, free, low) == step
    if before < Step.BALLAST_RELEASED <= step:
        assert by_room(step, free + ballast_size(low), low) >= Step.BALLAST_RELEASED
    if step == Step.FULL < before:
        assert by_room(step, free - ballast_size(low), low) == Step.FULL


def test_the_mark_of_a_small_disk_is_small() -> None:
    """Unless it was chosen, the mark is 256 MB, or a twentieth of a disk that is small."""
    assert (low_mark(None, 10**12), low_mark(None, 10**9), low_mark(3, 10**9)) == (256_000_000, 50_000_000, 3)


def test_what_cannot_be_told_changes_nothing(tmp_path: Path) -> None:
    """A disk that does not tell its room leaves the step as it was."""
    room = Room(tmp_path, LOW, look=lambda _: None, every_s=0)
    room.step = Step.BODIES_OFF
    assert room.look() == Step.BODIES_OFF


def test_two_may_hold_and_release_the_ballast(tmp_path: Path) -> None:
    """Workers do not stand in each other's way: one holds what another finds held, and releases what is released."""
    disk = Disk(tmp_path)
    rooms = [room_on(disk, tmp_path) for _ in range(2)]
    for free, there in ((DISK, True), (0, False), (DISK, True)):
        disk.free = free
        for room in rooms:
            room.look()
            assert (tmp_path / BALLAST).exists() == there
    assert rooms[0].release()
    assert not rooms[1].release()


def test_every_step_is_explained() -> None:
    """Each says what is not kept and, but for the first, what to do, in a last sentence of its own."""
    assert set(MEANING) == set(Step)
    assert all("room" in MEANING[step].rpartition(". ")[2] for step in list(Step)[1:])
    assert all(less < more for less, more in pairwise(Step))


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Callable[[], dict[str, int]]]:
    """What the page of counts tells."""

    def read() -> dict[str, int]:
        counts = read_tally(tmp_path, "boot")
        assert counts is not None
        return counts

    return read  # type: ignore[return-value]


async def until(holds: Callable[[], bool]) -> None:
    """Wait for it."""
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.01)


async def test_the_journal_goes_down_and_up_with_the_room(tmp_path: Path) -> None:
    """The journal notices by itself how much room there is, tells the loop and the page, and goes up again."""
    disk, directory, tally = Disk(tmp_path), claim(tmp_path, "boot"), Tally(tmp_path, "boot")
    journal = Journal(directory, tally, patience_s=30, room=room_on(disk, tmp_path))
    kept: list[Note] = []
    for seq, (free, step) in enumerate(
        ((DISK, Step.FULL), (LOW - 1, Step.BODIES_OFF), (0, Step.METADATA_ONLY), (DISK, Step.FULL)), start=1
    ):
        disk.free = free
        await until(lambda step=step: tally["step"] == step)  # type: ignore[misc]
        assert (journal.saving, journal.in_memory) == (step > Step.FULL, False)
        call = started(seq)
        told = Told(call.call_id, False, Body(2, b"{}"))
        for note in (call, asked(call), told, ended(call)):
            ticket = journal.put(note)
            bare = step == Step.METADATA_ONLY and isinstance(note, Asked | Ended)
            kept.append(replace(note, body=Body(note.body.size, spared=True)) if bare else note)  # type: ignore[union-attr]
        assert await journal.written(ticket)
    assert tally["step_since_us"] > 0
    await journal.close()
    assert noted(directory) == kept
    assert (tally["lost_notes"], tally["late_notes"]) == (0, 0)


async def test_nobody_waits_for_a_disk_that_refuses(tmp_path: Path) -> None:
    """Once the disk has refused twice no note is waited for; the step is memory, until everything is written."""
    directory, tally = claim(tmp_path, "boot"), Tally(tmp_path, "boot")
    journal = Journal(directory, tally, patience_s=3600)
    away = directory.path.with_name("away")
    directory.path.rename(away)
    notes = whole_call(1)
    ticket = journal.put(*notes)
    async with asyncio.timeout(20):
        assert not await journal.written(ticket)
    assert (tally["step"], journal.in_memory) == (Step.MEMORY, True)
    waiter = journal.written(ticket)
    assert waiter.done()
    assert not waiter.result()
    away.rename(directory.path)
    await until(lambda: not journal.in_memory)
    assert await journal.written(ticket)
    assert tally["step"] == Step.FULL
    await journal.close()
    assert noted(directory) == notes
    assert (tally["lost_notes"], tally["late_notes"]) == (0, 2)


def test_the_page_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    """What a page that is shorter does not tell is 0: a worker of an earlier version may have left it."""
    tally = Tally(tmp_path, "boot")
    tally.count("received", 7)
    tally.stand_on(Step.MEMORY)
    path = tally_dir(tmp_path) / "boot"
    path.write_bytes(path.read_bytes()[:40])
    counts = read_tally(tmp_path, "boot")
    assert counts is not None
    assert (counts["received"], counts["step"], counts["step_since_us"]) == (7, 0, 0)


def _noted(request: Body, answer: Body) -> Noted:
    call = started(1)
    return Noted("boot", call, Asked(call.call_id, request), replace(ended(call), body=answer))


SMALL = Body(2, b"{}")
USAGE = ended(started(1)).body


@pytest.mark.parametrize(
    ("request_body", "answer", "there", "configured", "marked", "kept"),
    [
        (SMALL, USAGE, True, True, False, True),
        (SMALL, USAGE, False, True, True, False),
        (SMALL, USAGE, False, False, False, False),
        (SMALL, replace(USAGE, spared=True), True, True, True, True),
        (SMALL, replace(USAGE, spared=True), True, False, False, False),
        (Body(90_000, spared=True), USAGE, True, True, True, True),
        (Body(2, spared=True), Body(90, spared=True), True, False, True, False),
        (Body(2, spared=True), Body(90, spared=True), False, False, True, False),
        (Body(0), Body(0), False, True, False, False),
    ],
)
def test_a_row_says_what_was_left_out(
    request_body: Body, answer: Body, there: bool, configured: bool, marked: bool, kept: bool
) -> None:
    """A call is marked when less of it is kept than was configured, and only then; its tokens are read all the same."""
    noted = _noted(request_body, answer)
    capture = Capture("full" if configured else "none")
    (entry,) = spared([noted], [Meter(Config(upstreams=BUILTIN, capture=capture)).meter(noted)], keep_bodies=there)
    assert entry.call.anomalies == ((LEFT_OUT,) if marked else ())
    assert (entry.request is not None or entry.response is not None) == kept
    tokens = entry.call.reading.tokens
    if answer.head:
        assert tokens is not None
        assert (tokens.input, tokens.output) == (3, 2)
    else:
        assert tokens is None or tokens.source != "reported"
