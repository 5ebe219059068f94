"""`python -m tests.faults.filling DATA_DIR CALLS`: the store's thread, until so many calls are in the book."""

import sqlite3
import sys
import time
from pathlib import Path

from store.ingest import Ingest
from tests.journal.runs import an_ingest


def begun(data_dir: Path) -> Ingest:
    """Begin; once more when that fails, as the parent of the store does."""
    try:
        return an_ingest(data_dir)
    except sqlite3.Error:
        return an_ingest(data_dir)


def main(data_dir: Path, calls: int) -> None:
    """Fill the book, and leave in order."""
    ingest = begun(data_dir)
    until = time.monotonic() + 60
    while ingest.live().stored < calls and time.monotonic() < until:
        time.sleep(0.02)
    ingest.stop()
    sys.stdout.write(f"{ingest.live().stored}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
