"""How large the files of a data directory are, and how much room is left: what growth is told from.

Looks at the disk: not for the event loop, whose disk may be the one that hangs.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FILES: Final = ("book.db", "bodies.db", "search.db")


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes of each database with its write-ahead log; a file that is not there has none."""

    book: int
    bodies: int
    search: int


def look(data_dir: Path) -> Sizes:
    """How large they are now."""
    return Sizes(*(_size(data_dir, name) for name in FILES))


def free_bytes(data_dir: Path) -> int | None:
    """How much more fits onto its disk; None when that cannot be told."""
    try:
        disk = os.statvfs(data_dir)
    except OSError:
        return None
    return disk.f_bavail * disk.f_frsize


def _size(data_dir: Path, name: str) -> int:
    total = 0
    for path in (data_dir / name, data_dir / f"{name}-wal"):
        try:
            total += path.stat().st_size
        except OSError:
            continue
    return total
