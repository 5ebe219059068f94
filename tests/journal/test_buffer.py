"""Notes that are in no file yet: nobody waits for the disk, and a worker's death takes none of them along."""

import asyncio
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import msgspec
import pytest

from proxy.config.model import Config
from proxy.journal.appender import Appender
from proxy.journal.buffer import Buffer, left_in
from proxy.journal.directory import claim
from proxy.journal.notes import Note, Numbered, decode, encode
from proxy.journal.tally import Tally, tally_dir
from proxy.journal.writer import Journal
from tests.house import open_house, upstreams
from tests.journal.runs import HandWritten, asked, ended, framed, ingested, rows, started, whole_call
from tests.journal.test_writer import Hanging, noted
from tests.relay.conftest import OpenUpstream, raw_upstream
from tests.relay.neighbours import sized

__all__ = ["raw_upstream"]  # a fixture

pytestmark = pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="takes memory that processes share")


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """A data directory without pages of an earlier one of that name."""
    shutil.rmtree(tally_dir(tmp_path), ignore_errors=True)
    tally_dir(tmp_path)
    yield tmp_path
    shutil.rmtree(tally_dir(tmp_path), ignore_errors=True)


def a_buffer(data_dir: Path, half_bytes: int = 10_000) -> Buffer:
    """That of the run named boot."""
    buffer = Buffer.of_run(data_dir, "boot", half_bytes)
    assert buffer is not None
    return buffer


def notes_left(data_dir: Path) -> list[Note | Numbered]:
    """The notes in it."""
    return [decode(payload) for _, payload in left_in(data_dir, "boot")]


# ------------------------------------------------------------------------------ the buffer itself


def test_what_was_kept_is_found(data_dir: Path) -> None:
    """Notes are found with their numbers, in order, whichever half they stand in; a removed buffer holds none."""
    buffer = a_buffer(data_dir, half_bytes=300)
    payloads = [bytes([number]) * 40 for number in range(1, 11)]
    assert all(buffer.keep(number, payload, 0) for number, payload in enumerate(payloads, 1))
    assert left_in(data_dir, "boot") == list(enumerate(payloads, 1))
    assert not buffer.keep(11, bytes(40), 0)
    assert left_in(data_dir, "boot") == list(enumerate(payloads, 1))
    buffer.close()
    assert left_in(data_dir, "boot") == []


def test_halves_take_turns(data_dir: Path) -> None:
    """A half is used again once all in it is in files, and not before: what is in none is there at any moment."""
    buffer = a_buffer(data_dir, half_bytes=1000)
    written = 0
    for number in range(1, 2000):
        while not buffer.keep(number, number.to_bytes(4, "little") * 7, written):
            written += 1
        left = dict(left_in(data_dir, "boot"))
        assert set(range(written + 1, number + 1)) <= left.keys()
        assert all(payload == left_number.to_bytes(4, "little") * 7 for left_number, payload in left.items())
        if number % 7 == 0:
            written = max(written, number - 9)
            buffer.turn(written)
    buffer.close()


def test_a_note_larger_than_a_half_is_not_kept(data_dir: Path) -> None:
    """There is no room for it at any time, and what is there stays."""
    buffer = a_buffer(data_dir, half_bytes=100)
    assert buffer.keep(1, b"x" * 50, 0)
    assert not buffer.keep(2, b"x" * 101, 1)
    assert buffer.keep(3, b"y" * 88, 2)
    buffer.close()


def test_a_buffer_that_died_young(data_dir: Path) -> None:
    """One that has no size yet, or not all of it, holds nothing."""
    path = tally_dir(data_dir) / "boot.notes"
    for size in (0, 5, 4096, 5000):
        path.write_bytes(bytes(size))
        assert left_in(data_dir, "boot") == []


def test_there_may_be_no_room_for_one(data_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is told, nothing is left of it, and calls wait for the disk as they would without one."""
    free = os.statvfs("/dev/shm")
    assert Buffer.of_run(data_dir, "boot", free.f_blocks * free.f_frsize) is None
    assert "wait for the disk instead" in caplog.text
    assert list(tally_dir(data_dir).iterdir()) == []


def test_no_buffer_on_a_disk(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory of a file on a disk may stop whoever writes to it: none is better."""
    monkeypatch.setattr("proxy.journal.buffer.tally_dir", lambda data_dir: data_dir)
    assert Buffer.of_run(data_dir, "boot") is None
    assert list(data_dir.glob("*.notes")) == []


# ------------------------------------------------------------------------------ the journal with one


async def test_nobody_waits_for_a_disk_that_hangs(data_dir: Path) -> None:
    """Notes outlive the worker before they are in a file, so nobody waits; with the disk again all are in order."""
    Hanging.answers.clear()
    directory, tally = claim(data_dir, "boot"), Tally(data_dir, "boot")
    hanging = Hanging(directory.path, directory.boot_id, directory.lock_fd)
    journal = Journal(hanging, tally, patience_s=30, buffer=a_buffer(data_dir))
    notes = [note for seq in range(1, 11) for note in whole_call(seq)]
    for note in notes:
        async with asyncio.timeout(5):
            assert await journal.written(journal.put(note))
    assert notes_left(data_dir) == notes
    await asyncio.sleep(0.05)  # the thread has them, and hangs
    assert noted(directory) == []
    Hanging.answers.set()
    await journal.close()
    assert noted(directory) == notes
    assert tally["late_notes"] == 0
    assert left_in(data_dir, "boot") == []
    tally.close()


async def test_whoever_needs_the_file_waits_for_it(data_dir: Path) -> None:
    """What the store must be able to read is waited for, whatever the buffer has, and need not gather before."""
    Hanging.answers.clear()
    directory, tally = claim(data_dir, "boot"), Tally(data_dir, "boot")
    hanging = Hanging(directory.path, directory.boot_id, directory.lock_fd)
    journal = Journal(hanging, tally, patience_s=30, buffer=a_buffer(data_dir))
    notes = whole_call(1)
    ticket = journal.put(*notes)
    assert await journal.written(ticket)
    waiting = [journal.filed(ticket), journal.filed(ticket, at_once=True)]
    await asyncio.sleep(0.1)
    assert not any(one.done() for one in waiting)
    Hanging.answers.set()
    async with asyncio.timeout(20):
        assert await asyncio.gather(*waiting) == [True, True]
    assert noted(directory) == notes
    await journal.close()
    tally.close()


async def test_without_room_in_it_the_file_is_waited_for(data_dir: Path) -> None:
    """A note that is not kept, and all that follow until it is in a file, wait for that while patience lasts."""
    Hanging.answers.clear()
    directory, tally = claim(data_dir, "boot"), Tally(data_dir, "boot")
    hanging = Hanging(directory.path, directory.boot_id, directory.lock_fd)
    journal = Journal(hanging, tally, patience_s=0.05, buffer=a_buffer(data_dir, half_bytes=10_000))
    small, large, later = whole_call(1), asked(started(2), 20_000), whole_call(3)
    assert await journal.written(journal.put(*small))
    assert not await journal.written(journal.put(large))
    ticket = journal.put(*later)
    assert not await journal.written(ticket)
    assert tally["late_notes"] == 2
    Hanging.answers.set()
    async with asyncio.timeout(20):
        while not await journal.written(ticket):  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.01)
    assert await journal.written(journal.put(*whole_call(4)))
    await journal.close()
    assert noted(directory)[:7] == [*small, large, *later]
    tally.close()


async def test_what_could_not_be_written_at_the_end_stays(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A journal that is closed while the disk refuses leaves in its buffer what it has to give up."""
    directory, tally = claim(data_dir, "boot"), Tally(data_dir, "boot")
    journal = Journal(directory, tally, patience_s=30, buffer=a_buffer(data_dir))
    assert await journal.filed(journal.put(*whole_call(1)))

    def refused(appender: Appender, payloads: list[bytes]) -> None:
        raise OSError(errno.EIO, "refused")

    monkeypatch.setattr(Appender, "append", refused)
    journal.put(*(notes := whole_call(2)))
    await journal.close()
    assert notes_left(data_dir)[-3:] == notes
    journal.put(*whole_call(3))  # too late, and harmless
    tally.close()


async def test_nobody_waits_for_others_for_long(data_dir: Path) -> None:
    """Calls that come together go on together, but not once nobody comes any more."""
    directory, tally = claim(data_dir, "boot"), Tally(data_dir, "boot")
    tally.count("received", 1_000_000)
    journal = Journal(directory, tally, patience_s=30, buffer=a_buffer(data_dir, half_bytes=1_000_000))
    waiting: list[asyncio.Future[bool]] = []
    for seq in range(1, 200):
        waiting.append(journal.written(journal.put(*whole_call(seq))))
        await asyncio.sleep(0)
        assert sum(not one.done() for one in waiting) < 70
    async with asyncio.timeout(20):
        assert all(await asyncio.gather(*waiting))
    await journal.close()
    tally.close()


async def test_notes_in_files_leave_it(data_dir: Path) -> None:
    """However many notes come, those in files make room for the next, and nobody waits in vain."""
    directory, tally = claim(data_dir, "boot"), Tally(data_dir, "boot")
    journal = Journal(directory, tally, patience_s=30, buffer=a_buffer(data_dir, half_bytes=20_000))
    notes = [note for seq in range(1, 501) for note in whole_call(seq)]
    for note in notes:
        assert await journal.written(journal.put(note))
    await journal.close()
    assert noted(directory) == notes
    tally.close()


# ------------------------------------------------------------------------------ what the store makes of it


class Left(HandWritten):
    """A run that left notes in its buffer."""

    def __init__(self, data_dir: Path) -> None:
        super().__init__(data_dir)
        self._data_dir = data_dir

    def leave(self, first: int, *notes: Note) -> None:
        """Notes with the numbers from `first` on."""
        buffer = Buffer.of_run(self._data_dir, self.directory.boot_id)
        assert buffer is not None
        for number, note in enumerate(notes, first):
            assert buffer.keep(number, encode(note), 0)


async def test_calls_in_no_file(data_dir: Path) -> None:
    """A worker that died before anything of its calls was in a file: they are in the book, and nothing of it stays."""
    run = Left(data_dir)
    begun, half = started(2), started(3)
    run.leave(1, *whole_call(1), begun, half, asked(half))
    run.tally.count("received", 3)
    run.die()
    counters = await ingested(data_dir)
    assert [row["outcome"] for row in await rows(data_dir)] == ["completed", "interrupted", "interrupted"]
    assert [row["model"] for row in await rows(data_dir)] == ["gpt-4o", None, "gpt-4o"]
    assert (counters["received"], counters["stored"]) == (3, 3)
    assert not any(name.startswith("lost.") and count for name, count in counters.items())
    assert list(tally_dir(data_dir).glob(f"{run.directory.boot_id}*")) == []


@pytest.mark.parametrize("in_files", range(8))
async def test_notes_in_a_file_and_in_the_buffer_are_read_once(data_dir: Path, in_files: int) -> None:
    """The thread had written some of what is still in the buffer: each call is a row, each repeat is counted once."""
    run = Left(data_dir)
    call, again = started(2), started(3)
    repeat = msgspec.structs.replace(ended(again), outcome="rejected", repeats=call.call_id)
    notes = [*whole_call(1), call, ended(call), again, repeat]
    run.write(1, *framed(Numbered(1), *notes[:in_files]))
    run.leave(1, *notes)
    run.tally.count("received", 3)
    run.die()
    counters = await ingested(data_dir)
    assert len(await rows(data_dir)) == 2
    assert (counters["received"], counters["stored"], counters["repeats"]) == (3, 3, 1)


async def test_a_write_that_was_cut(data_dir: Path) -> None:
    """The kernel ends a long write between two pages when it kills: the buffer has the note whole."""
    run = Left(data_dir)
    notes = [*whole_call(1), *whole_call(2)]
    records = framed(Numbered(1), *notes)
    run.write(1, *records[:4], records[4][:20])
    run.leave(2, *notes[1:])
    run.tally.count("received", 2)
    run.die()
    counters = await ingested(data_dir)
    assert (counters["stored"], counters.get("lost.unwritten", 0), counters.get("lost.damaged", 0)) == (2, 0, 0)


async def test_notes_that_were_given_up_are_no_gap(data_dir: Path) -> None:
    """Numbers in the file go on behind notes that the disk refused for too long; what is left goes on from there."""
    run = Left(data_dir)
    first, last = whole_call(1), whole_call(3)
    run.write(1, *framed(Numbered(1), *first), *framed(Numbered(7), last[0]))
    run.leave(7, *last)
    run.tally.count("received", 3)
    run.tally.count("lost_notes", 1)
    run.die()
    counters = await ingested(data_dir)
    assert [row["outcome"] for row in await rows(data_dir)] == ["completed", "completed"]
    assert (counters["stored"], counters["lost.disk"]) == (2, 1)


async def test_a_store_that_dies_while_it_reads_reads_again(data_dir: Path) -> None:
    """What it had in the book of a buffer it does not count twice: repeats, too."""
    run = Left(data_dir)
    call = started(1)
    repeats: list[Note] = []
    for seq in range(2, 6):
        again = started(seq)
        repeats += again, msgspec.structs.replace(ended(again), repeats=call.call_id)
    run.write(1, *framed(Numbered(1), call))
    run.leave(1, call, ended(call), *repeats)
    run.tally.count("received", 5)
    run.die()
    pages = {path: path.read_bytes() for path in tally_dir(data_dir).iterdir()}
    journal = {path: path.read_bytes() for path in run.directory.path.iterdir()}
    await ingested(data_dir)
    # As if it had died after its commit: all is there once more, and the run is not accounted for.
    run.directory.path.mkdir()
    for path, data in (pages | journal).items():
        path.write_bytes(data)
    counters = await ingested(data_dir)
    assert (counters["received"], counters["stored"], counters["repeats"]) == (5, 5, 4)
    assert len(await rows(data_dir)) == 1


# ------------------------------------------------------------------------------ a whole house


async def test_a_worker_leaves_no_buffer_behind(raw_upstream: OpenUpstream, tmp_path: Path) -> None:
    """Only its user may read the buffer of a worker that serves; afterwards nothing of what was said is in memory."""
    upstream = await raw_upstream(sized(b'{"said": "canary"}', b"Content-Type: application/json"))
    async with (
        open_house(tmp_path, Config(upstreams=upstreams(upstream.url))) as house,
        aiohttp.ClientSession() as client,
    ):
        async with client.post(f"{house.proxy}/groq/v1/chat/completions", data=b"{}") as answer:
            assert await answer.read() == b'{"said": "canary"}'
        (path,) = tally_dir(tmp_path).glob("*.notes")
        assert b"canary" in path.read_bytes()
        assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert list(tally_dir(tmp_path).glob("*.notes")) == []
