"""Up to when ended calls are counted: two numbers on a page of memory that the store writes and every worker reads.

Everything that a journal held at that moment (of the clock that all processes of a machine share) is in the counters,
and what follows from it is in the edition of `standing.json` that the page names, or in a later one.
"""

import os
from pathlib import Path

from proxy.journal.page import mapped
from proxy.journal.tally import tally_dir

FILE = "counted"
_SIZE = 16


class CountedPage:
    """The page of a data directory; made by whoever comes first."""

    def __init__(self, data_dir: Path) -> None:
        path = tally_dir(data_dir) / FILE
        fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            self._page = mapped(fd, _SIZE, path)
        finally:
            os.close(fd)
        # Each number is one store: `struct.pack_into` writes zeros first, which somebody might read.
        self._counted_to = memoryview(self._page)[:8].cast("d")
        self._edition = memoryview(self._page)[8:].cast("Q")

    def write(self, counted_to: float, edition: int) -> None:
        """The store's word. The edition comes first, so that nobody reads a new moment with what was said before it."""
        self._edition[0] = edition
        self._counted_to[0] = counted_to

    def read(self) -> tuple[float, int]:
        """Up to when everything is counted, and the edition that says what follows, or a later one."""
        counted_to = self._counted_to[0]
        return counted_to, self._edition[0]

    def close(self) -> None:
        """Unmap it; the page stays."""
        self._counted_to.release()
        self._edition.release()
        self._page.close()
