"""Room for files is taken before it is needed, also where the system has no call for it (macOS)."""

import os
from pathlib import Path

import pytest

from proxy.journal.directory import claim
from proxy.journal.room import BALLAST, Room
from proxy.journal.tally import Tally
from proxy.journal.writer import Journal
from tests.journal.runs import whole_call
from tests.journal.test_writer import noted


@pytest.fixture(autouse=True, params=[True, False], ids=["a call", "zeros"])
def a_call_for_it(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the system has one."""
    if not request.param:
        monkeypatch.delattr(os, "posix_fallocate")


async def test_notes_are_written(tmp_path: Path) -> None:
    """The journal writes its notes in segments of which the disk keeps the whole room."""
    tally = Tally(tmp_path, "boot")
    directory = claim(tmp_path, "boot")
    journal = Journal(directory, tally, patience_s=30, segment_bytes=3_000_000)
    assert await journal.written(journal.put(*whole_call(1)))
    status = directory.segment(1).stat()
    assert status.st_size == 3_000_000 <= status.st_blocks * 512
    await journal.close()
    assert len(noted(directory)) == 3


def test_the_ballast_takes_room(tmp_path: Path) -> None:
    """The ballast is as large on the disk as it says."""
    disk = (10**12, 10**12)
    Room(tmp_path, 32_000_000, holds_ballast=True, look=lambda _: disk).look()
    status = (tmp_path / BALLAST).stat()
    assert status.st_size == 2_000_000 <= status.st_blocks * 512
