"""How large the files of a data directory are: what the store notes once in a while, so that growth can be told."""

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


def _size(data_dir: Path, name: str) -> int:
    total = 0
    for path in (data_dir / name, data_dir / f"{name}-wal"):
        try:
            total += path.stat().st_size
        except OSError:
            continue
    return total
