"""The journal's writer: everything in order, across segments, and never a client that waits for a disk."""

import asyncio
import errno
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from proxy.journal.appender import Appender
from proxy.journal.directory import OwnDirectory, alive, claim, segments
from proxy.journal.ladder import Step
from proxy.journal.notes import Asked, Body, Ended, Note, Numbered, Started, decode
from proxy.journal.room import Room
from proxy.journal.segment import Record, scan
from proxy.journal.tally import Tally, read_tally, tally_dir
from proxy.journal.writer import Journal
from tests.journal.runs import asked, ended, started, whole_call


@pytest.fixture
def tally(tmp_path: Path) -> Tally:
    """The counts of a run."""
    return Tally(tmp_path, "boot")


@pytest.fixture
def directory(tmp_path: Path) -> OwnDirectory:
    """The directory of a run."""
    return claim(tmp_path, "boot")


def notes_in(path: Path) -> list[Note]:
    """The notes in one file; fails on damage."""
    found: list[Note] = []
    for one in scan(path.read_bytes(), sealed=True):
        assert isinstance(one, Record), one
        note = decode(one.payload)
        if not isinstance(note, Numbered):
            found.append(note)
    return found


def noted(directory: OwnDirectory) -> list[Note]:
    """All notes in the files of a run, in order; fails on damage."""
    return [note for _, path in segments(directory.path) for note in notes_in(path)]


async def in_place(directory: OwnDirectory) -> None:
    """Wait until the journal's thread has made the directory again."""
    async with asyncio.timeout(20):
        while not directory.in_place():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


async def test_notes_are_in_the_file_when_the_wait_is_over(directory: OwnDirectory, tally: Tally) -> None:
    """A note waited for is in the file, after all notes put before it."""
    journal = Journal(directory, tally, patience_s=30)
    expected: list[Note] = []
    for seq in range(1, 50):
        for note in whole_call(seq):
            ticket = journal.put(note)
            expected.append(note)
        assert await journal.written(ticket)
        assert noted(directory) == expected
    await journal.close()
    assert tally["late_notes"] == 0


async def test_notes_go_on_in_the_next_segment(directory: OwnDirectory, tally: Tally) -> None:
    """Notes fill many small segments in order; one larger than a segment gets its own."""
    journal = Journal(directory, tally, patience_s=30, segment_bytes=2000)
    expected: list[Note] = []
    for seq in range(1, 100):
        call = started(seq)
        size = 10_000 if seq % 10 == 0 else 300
        for note in (call, asked(call, size), ended(call)):
            expected.append(note)
            journal.put(note)
        if seq % 7 == 0:
            assert await journal.written(seq * 3)
    await journal.close()
    assert noted(directory) == expected
    assert len(segments(directory.path)) > 10


async def test_a_burst_is_written_whole(directory: OwnDirectory, tally: Tally) -> None:
    """Many more notes than one write holds, put at once, are all written in order."""
    journal = Journal(directory, tally, patience_s=30)
    notes = [note for seq in range(1, 1001) for note in whole_call(seq)]
    for note in notes:
        ticket = journal.put(note)
    assert await journal.written(ticket)
    await journal.close()
    assert noted(directory) == notes


async def test_finished_segments_keep_no_spare_room(directory: OwnDirectory, tally: Tally) -> None:
    """A closed journal's files hold records only."""
    journal = Journal(directory, tally)
    journal.put(started(1))
    await journal.close()
    ((_, path),) = segments(directory.path)
    *_, record = scan(path.read_bytes(), sealed=True)
    assert record.end == path.stat().st_size


async def test_a_stalled_loop_loses_no_patience_with_the_disk(directory: OwnDirectory, tally: Tally) -> None:
    """A note that was written while the loop could not run is written, however late the loop looks at the clock."""
    journal = Journal(directory, tally, patience_s=0.02)
    for seq in range(1, 4):
        journal.put(started(seq))
        waiting = journal.written(journal.put(ended(started(seq))))
        time.sleep(0.2)  # noqa: ASYNC251 - the stall
        assert await waiting
    await journal.close()
    assert tally["late_notes"] == 0


async def test_waiting_ends_when_the_disk_does_not_answer(
    directory: OwnDirectory, tally: Tally, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a disk every wait ends by itself and is counted late; with it again, everything is written in order."""
    away = directory.path.with_name("away")
    directory.path.rename(away)
    journal = Journal(directory, tally, patience_s=0.01)
    notes = [note for seq in range(1, 11) for note in whole_call(seq)]
    tickets = [journal.put(note) for note in notes]
    assert await asyncio.gather(*map(journal.written, tickets)) == [False] * len(tickets)
    assert tally["late_notes"] == len(tickets)
    away.rename(directory.path)
    async with asyncio.timeout(20):
        while not await journal.written(tickets[-1]):  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.01)  # nothing more is put: the writer tries again by itself
    assert noted(directory) == notes
    await journal.close()
    assert tally["lost_notes"] == 0
    assert "cannot be written" in caplog.text


async def test_what_cannot_be_kept_is_counted(directory: OwnDirectory, tally: Tally) -> None:
    """Without a disk memory stays bounded: bodies go first, then the oldest calls, counted; the newest are kept."""
    away = directory.path.with_name("away")
    directory.path.rename(away)
    journal = Journal(directory, tally, patience_s=0.01, memory_bytes=200_000)
    calls = [started(seq) for seq in range(1, 3001)]
    for call in calls:
        journal.put(call)
        ticket = journal.put(asked(call, 10_000))
        assert not await journal.written(ticket)
        if tally["lost_notes"] > 100:
            break
        await asyncio.sleep(0.001)
    assert tally["lost_notes"] > 100
    assert (tally["step"], journal.in_memory) == (Step.LOSING, True)
    put = calls.index(call) + 1
    assert put - tally["lost_notes"] > 50  # with their bodies there would be room for twenty
    calls = calls[:put]
    away.rename(directory.path)
    await journal.close()
    kept = {note.call_id for note in noted(directory) if isinstance(note, Started)}  # without it the rest is nothing
    assert {call.call_id for call in calls[-30:]} <= kept
    assert tally["lost_notes"] == sum(call.call_id not in kept for call in calls)


class Hanging(OwnDirectory):
    """The directory of a run on a disk that hangs until told to answer."""

    answers = threading.Event()

    def segment(self, number: int) -> Path:
        """Where the next segment goes, once the disk answers."""
        self.answers.wait()
        return OwnDirectory.segment(self, number)


@pytest.fixture
def hanging(directory: OwnDirectory) -> Iterator[Hanging]:
    """The directory of a run whose disk hangs."""
    Hanging.answers.clear()
    yield Hanging(directory.path, directory.boot_id, directory.lock_fd)
    Hanging.answers.set()


async def test_bodies_are_left_out_while_a_disk_hangs(hanging: Hanging, tally: Tally) -> None:
    """Past 64 MB that wait for a disk, notes are kept without their bodies, until it has caught up."""
    journal = Journal(hanging, tally, patience_s=0.02)
    large = b"x" * 1_000_000  # one object: what counts is its length
    for seq in range(1, 101):
        call = started(seq)
        journal.put(call)
        journal.put(Asked(call.call_id, Body(len(large), large)))
        ticket = journal.put(ended(call))
    assert not await journal.written(ticket)
    hanging.answers.set()
    async with asyncio.timeout(20):
        while not await journal.written(ticket):  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.01)
    later = whole_call(101)
    for note in later:
        journal.put(note)
    await journal.close()
    notes = noted(hanging)
    assert [type(note) for note in notes] == [Started, Asked, Ended] * 101
    assert notes[-3:] == later
    bodies = [note.body for note in notes if isinstance(note, Asked)][:-1]
    assert {body.size for body in bodies} == {len(large)}
    whole = [len(body.head) == len(large) for body in bodies]
    assert whole == sorted(whole, reverse=True)
    assert 60 < sum(whole) < 70
    assert notes[-4].body.truncated  # type: ignore[union-attr]
    assert tally["lost_notes"] == 0


async def test_a_write_that_hangs_is_waited_for_once(hanging: Hanging, tally: Tally) -> None:
    """Who has waited in vain for a write spares all others that; after a second of it the step is memory."""
    journal = Journal(hanging, tally, patience_s=0.05)
    ticket = journal.put(*whole_call(1))
    assert not await journal.written(ticket)
    waiter = journal.written(ticket)
    assert (waiter.done(), journal.in_memory) == (True, False)
    async with asyncio.timeout(20):
        while not journal.in_memory:
            journal.written(ticket)
            await asyncio.sleep(0.01)
    assert tally["step"] == Step.MEMORY
    hanging.answers.set()
    async with asyncio.timeout(20):
        while journal.in_memory:  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.01)
    assert tally["step"] == Step.FULL
    assert await journal.written(ticket)
    await journal.close()


async def test_calls_are_lost_whole_when_a_disk_hangs_for_long(hanging: Hanging, tally: Tally) -> None:
    """Past twice the bound new calls are lost, each counted once and none in part; calls begun before still end."""
    journal = Journal(hanging, tally, patience_s=30)
    first = started(1)
    journal.put(first)
    large = b"x" * 70_000_000
    journal.put(Asked(first.call_id, Body(len(large), large)))
    put = 1
    while tally["lost_notes"] < 100:
        put += 1
        for note in whole_call(put):
            ticket = journal.put(note)
        assert put < 200_000
    assert not await journal.written(ticket)  # nobody waits for a note that is lost
    assert (tally["step"], journal.in_memory) == (Step.LOSING, True)
    ticket = journal.put(ended(first))
    hanging.answers.set()
    async with asyncio.timeout(20):
        while not await journal.written(ticket):  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.01)
    assert (tally["step"], journal.in_memory) == (Step.FULL, False)
    later = whole_call(put + 1)
    for note in later:
        journal.put(note)
    await journal.close()
    notes = noted(hanging)
    assert len(notes) == 3 * (put - tally["lost_notes"] + 1)
    assert len({note.call_id for note in notes}) == put - tally["lost_notes"] + 1
    assert {note.call_id for note in notes[-4:]} == {first.call_id, later[0].call_id}
    assert tally["lost_notes"] == 100


async def test_stopping_without_a_disk(directory: OwnDirectory, tally: Tally, caplog: pytest.LogCaptureFixture) -> None:
    """A journal whose disk is gone still closes; what it gives up is counted, logged and not called written."""
    directory.path.rename(directory.path.with_name("away"))
    journal = Journal(directory, tally, patience_s=30)
    for note in whole_call(1) + whole_call(2):
        ticket = journal.put(note)
    waiter = journal.written(ticket)
    async with asyncio.timeout(20):
        await journal.close()
    assert not await waiter
    assert tally["lost_notes"] == 2
    assert "6 notes of 2 calls are in no file" in caplog.text


async def test_a_file_that_cannot_be_closed_stops_no_note(
    directory: OwnDirectory, tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fails where a file is closed, as a network's may, costs no later note."""
    close, here = os.close, threading.get_ident()

    def close_and_fail(fd: int) -> None:
        close(fd)
        if threading.get_ident() != here:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "close", close_and_fail)
    journal = Journal(directory, tally, patience_s=30, room=Room(directory.path.parents[1], every_s=0))
    assert await journal.written(journal.put(*whole_call(1)))
    shutil.rmtree(directory.path)  # so that the file is ended, and another begun
    await in_place(directory)
    expected = whole_call(2)
    assert await asyncio.wait_for(journal.written(journal.put(*expected)), 20)
    assert noted(directory) == expected
    monkeypatch.undo()
    await journal.close()


async def test_what_is_written_comes_along_to_a_directory_made_again(
    directory: OwnDirectory, tally: Tally, tmp_path: Path
) -> None:
    """A store that has not looked since a segment began finds it, though its directory was moved away meanwhile."""
    journal = Journal(directory, tally, patience_s=30, room=Room(tmp_path, every_s=0))
    first, second, third = whole_call(1), whole_call(2), whole_call(3)
    assert await journal.written(journal.put(*first))
    (tmp_path / "journal").rename(tmp_path / "away")
    assert await journal.written(journal.put(*second))
    await in_place(directory)
    assert await asyncio.wait_for(journal.written(journal.put(*third)), 20)
    assert noted(directory) == [*first, *second, *third]
    await journal.close()
    assert sorted(path.name for path in directory.path.iterdir()) == ["00000001.seg", "00000002.seg", "lock"]


async def test_a_full_segment_comes_along_as_well(directory: OwnDirectory, tally: Tally, tmp_path: Path) -> None:
    """Where a segment is full as its directory is moved away, no other can be begun there; it comes along first."""
    journal = Journal(directory, tally, patience_s=30, segment_bytes=1, room=Room(tmp_path, every_s=0))
    first, second = whole_call(1), whole_call(2)
    assert await journal.written(journal.put(*first))
    (tmp_path / "journal").rename(tmp_path / "away")
    assert await asyncio.wait_for(journal.written(journal.put(*second)), 20)
    assert noted(directory) == [*first, *second]
    await journal.close()


async def test_a_segment_that_cannot_come_along_stops_no_note(
    directory: OwnDirectory, tally: Tally, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the directory made again has no room for what was written, it has what comes next."""

    def no_room(path: Path, to: Path) -> Path:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path, None, to)

    journal = Journal(directory, tally, patience_s=30, room=Room(tmp_path, every_s=0))
    assert await journal.written(journal.put(*whole_call(1)))
    shutil.rmtree(directory.path)
    monkeypatch.setattr(Path, "rename", no_room)
    await in_place(directory)
    second = whole_call(2)
    assert await asyncio.wait_for(journal.written(journal.put(*second)), 20)
    assert noted(directory) == second
    await journal.close()
    assert sorted(path.name for path in directory.path.iterdir()) == ["00000002.seg", "lock"]


async def test_cancelled_waits_do_no_harm(directory: OwnDirectory, tally: Tally) -> None:
    """A wait that is cancelled cancels neither the writing nor other waits."""
    journal = Journal(directory, tally, patience_s=30)
    first, second = journal.put(started(1)), journal.put(started(2))
    journal.written(first).cancel()
    assert await journal.written(second)
    await journal.close()
    assert len(noted(directory)) == 2


_LIMITED = """
import asyncio, resource, sys
from pathlib import Path
from proxy.journal.directory import claim
from proxy.journal.tally import Tally
from proxy.journal.writer import Journal
from tests.journal.runs import whole_call

async def main():
    data_dir = Path(sys.argv[1])
    directory, tally = claim(data_dir, "boot"), Tally(data_dir, "boot")
    limit = int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    journal = Journal(directory, tally, patience_s=0.02, segment_bytes=50_000)
    for seq in range(1, 101):
        for note in whole_call(seq):
            ticket = journal.put(note)
        tally.count("received")
        await journal.written(ticket)
    print(tally["late_notes"], flush=True)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await journal.close()

asyncio.run(main())
"""


@pytest.mark.parametrize(("limit", "late"), [(1_000_000, False), (1000, True)])
def test_files_that_may_not_grow(tmp_path: Path, limit: int, late: bool) -> None:
    """When the system refuses every byte (EFBIG here, as ENOSPC would), nobody waits long and nothing is torn."""
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED, str(tmp_path), str(limit)], capture_output=True, text=True, check=True
    )
    assert (int(done.stdout) > 0) == late
    directory = OwnDirectory(tmp_path / "journal" / "boot", "boot", -1)
    assert len(noted(directory)) == 300
    counts = read_tally(tmp_path, "boot")
    assert counts is not None
    assert (counts["received"], counts["lost_notes"]) == (100, 0)


@contextmanager
def small_disk(path: Path, size: str) -> Iterator[Path]:
    """A disk with room for so much."""
    path.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path], capture_output=True).returncode:
        pytest.skip("mounting needs root")
    try:
        yield path
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)


def fill(disk: Path) -> Path:
    """Take all the room there is; removing the file returned gives it back."""
    ballast = disk / "ballast"
    ballast.write_bytes(b"x" * (os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize))
    return ballast


def test_tiny_disk(tmp_path: Path) -> None:
    """On a full disk the notes wait in memory, and are written once there is room again."""

    async def scenario(disk: Path) -> None:
        directory = claim(disk, "boot")
        ballast = fill(disk)
        tally = Tally(tmp_path, "boot")
        journal = Journal(directory, tally, patience_s=0.02, segment_bytes=50_000)
        notes = [note for seq in range(1, 21) for note in whole_call(seq)]
        for note in notes:
            ticket = journal.put(note)
        assert not await journal.written(ticket)
        ballast.unlink()
        await journal.close()
        assert noted(directory) == notes
        directory.release()

    with small_disk(tmp_path / "disk", "200k") as disk:
        asyncio.run(scenario(disk))


def test_more_waits_than_the_disk_can_hold(tmp_path: Path) -> None:
    """What waited on a full disk is written piece by piece as room appears, though it never has room for all of it."""

    async def scenario(disk: Path) -> None:
        directory = claim(disk, "boot")
        ballast = fill(disk)
        tally = Tally(tmp_path, "boot")
        journal = Journal(directory, tally, patience_s=0.02)
        notes: list[Note] = [asked(started(seq), 500_000) for seq in range(1, 41)]
        for note in notes:
            ticket = journal.put(note)
        assert not await journal.written(ticket)
        ballast.unlink()
        found: list[Note] = []
        async with asyncio.timeout(20):
            while not await journal.written(ticket):
                for _, path in segments(directory.path)[:-1]:  # as the store does: read what is finished, remove it
                    found += notes_in(path)
                    path.unlink()
                await asyncio.sleep(0.01)
        await journal.close()
        assert found
        assert found + noted(directory) == notes
        assert tally["lost_notes"] == 0
        directory.release()

    with small_disk(tmp_path / "disk", "12m") as disk:
        asyncio.run(scenario(disk))


def test_lock_tells_the_living_from_the_dead(tmp_path: Path) -> None:
    """A run is alive while its process holds the lock, and no longer, however that process ends."""
    script = (
        "import sys; from pathlib import Path; from proxy.journal.directory import claim;"
        "held = claim(Path(sys.argv[1]), 'boot'); print(flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    path = tmp_path / "journal" / "boot"
    assert alive(path)
    process.kill()
    process.communicate()
    assert not alive(path)


def test_counts_of_an_earlier_version_are_read(tmp_path: Path) -> None:
    """A page that has fewer counts is read: what its version did not count is zero."""
    tally = Tally(tmp_path, "boot")
    tally.count("received", 7)
    tally.close()
    os.truncate(tally_dir(tmp_path) / "boot", 8 * 5)
    counts = read_tally(tmp_path, "boot")
    assert counts is not None
    assert (counts["received"], counts["turned_away"]) == (7, 0)


def test_pages_are_found_where_disks_are_full(tmp_path: Path) -> None:
    """A process that starts when nothing can be written to any disk finds the directory of the others' pages."""
    script = (
        "import resource, sys; from pathlib import Path; from proxy.journal.tally import tally_dir;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY)); print(tally_dir(Path(sys.argv[1])))"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.stdout == f"{tally_dir(tmp_path)}\n", done.stderr


def test_counts_survive_their_process(tmp_path: Path) -> None:
    """The page of counts holds its last numbers after kill -9."""
    script = (
        "import os, sys; from pathlib import Path; from proxy.journal.tally import Tally;"
        "t = Tally(Path(sys.argv[1]), 'boot'); [t.count('received') for _ in range(1234)]; t.count('malformed', 5);"
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    counts = read_tally(tmp_path, "boot")
    assert counts is not None
    assert (counts["received"], counts["malformed"], counts["ended"]) == (1234, 5, 0)


async def test_a_failure_nobody_foresaw_ends_no_thread(
    directory: OwnDirectory, tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a write raises, it is tried again: a journal whose thread is gone would lose all that follows."""
    journal = Journal(directory, tally, patience_s=30)
    append, failed = Appender.append, threading.Event()

    def fail_once(self: Appender, payloads: Sequence[bytes]) -> None:
        if not failed.is_set():
            failed.set()
            raise RuntimeError("nobody foresaw this")
        append(self, payloads)

    monkeypatch.setattr(Appender, "append", fail_once)
    expected = whole_call(1)
    for note in expected:
        ticket = journal.put(note)
    assert await asyncio.wait_for(journal.written(ticket), 60)
    assert failed.is_set()
    assert noted(directory) == list(expected)
    await journal.close()
