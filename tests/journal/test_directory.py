"""A run counts as alive while its worker holds it, and never because somebody looks."""

import fcntl
import os
from pathlib import Path

from proxy.journal.directory import LOCK, alive, claim, held


def test_looking_does_not_count_as_living(tmp_path: Path) -> None:
    """While one process looks whether a dead run lives, another that looks sees it dead."""
    own = claim(tmp_path, "boot")
    assert alive(own.path)
    own.release()
    looking = os.open(own.path / LOCK, os.O_RDONLY)
    try:
        fcntl.flock(looking, fcntl.LOCK_SH)
        assert not alive(own.path)
        assert not held(own.path / LOCK)
    finally:
        os.close(looking)


def test_a_lock_that_is_not_there_is_held_by_nobody(tmp_path: Path) -> None:
    """Neither a missing file nor a missing directory is held, and looking makes neither."""
    assert not held(tmp_path / LOCK)
    assert not alive(tmp_path / "boot")
    assert not list(tmp_path.iterdir())
