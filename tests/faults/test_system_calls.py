"""Whatever happens at any system call of those that keep a call, what was promised is in the book, each call once.

Here a few places are tried; `make endurance` tries every one.
"""

import asyncio
from pathlib import Path

import pytest

from tests.endurance.steps import Round
from tests.faults.rounds import buffered_although, filled_although, kept_although
from tests.faults.strace import needs_strace

pytestmark = [needs_strace, pytest.mark.timeout(180)]


@pytest.mark.parametrize(
    ("kept", "names", "nth"),
    [
        (kept_although, "pwritev,pwritev2", 1),
        (kept_although, "pwritev,pwritev2", 14),
        (kept_although, "fallocate", 2),
        (buffered_although, "pwritev,pwritev2", 1),
        (buffered_although, "pwritev,pwritev2", 2),
        (buffered_although, "fallocate", 2),
    ],
)
async def test_what_was_promised_is_kept_wherever_the_worker_is_killed(
    tmp_path: Path, kept: Round, names: str, nth: int
) -> None:
    """A worker killed at any step of its journal leaves every call that it was promised, and no other twice."""
    assert await kept(tmp_path, "signal=SIGKILL", nth, names) == ""


@pytest.mark.parametrize("kept", [kept_although, buffered_although])
@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
async def test_a_refused_write_of_the_journal_is_tried_again(tmp_path: Path, kept: Round, error: str) -> None:
    """When the disk refuses a write of the journal once, that call is kept all the same, and the worker goes on."""
    assert await kept(tmp_path, f"error={error}", 2, "pwritev,pwritev2") == ""


@pytest.mark.parametrize(
    ("name", "nth"), [("pwrite64", 60), ("pwrite64", 110), ("fdatasync", 3), ("unlink", 1), ("unlink", 3)]
)
async def test_no_call_is_lost_or_doubled_wherever_the_store_is_killed(tmp_path: Path, name: str, nth: int) -> None:
    """A store killed before, within or after any of its writes, syncs and unlinkings leaves each call once."""
    assert await filled_although(tmp_path, "signal=SIGKILL", nth, name) == ""


@pytest.mark.parametrize("what", ["fdatasync error=EIO", "pwrite64 error=ENOSPC", "pwrite64 error=EIO"])
async def test_a_disk_that_fails_once_costs_no_call(tmp_path: Path, what: str) -> None:
    """A sync or write of the book that fails is no loss: the store begins again from the journal."""
    calls, _, error = what.partition(" ")
    for nth in (2, 6):
        assert await filled_although(tmp_path / str(nth), error, nth, calls) == ""
        await asyncio.sleep(0)
