"""Up to when ended calls are counted: two numbers on a page of memory that the store writes and every worker reads.

Everything that a journal held at that moment (of the clock that all processes of a machine share) is in the counters,
and what follows from it is in the edition of `standing.json` that the page names, or in a later one.
"""

import os
import struct
from pathlib import Path

from proxy.journal.page import mapped
from proxy.journal.tally import tally_dir

FILE = "counted"
_NUMBERS = struct.Struct("<dQ")


class CountedPage:
    """The page of a data directory; made by whoever comes first."""

    def __init__(self, data_dir: Path) -> None:
        path = tally_dir(data_dir) / FILE
        fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            self._page = mapped(fd, _NUMBERS.size, path)
        finally:
            os.close(fd)

    def write(self, counted_to: float, edition: int) -> None:
        """The store's word. A reader between the two numbers is off by one look."""
        _NUMBERS.pack_into(self._page, 0, counted_to, edition)

    def read(self) -> tuple[float, int]:
        """Up to when everything is counted, and the edition that says what follows."""
        counted_to, edition = _NUMBERS.unpack_from(self._page, 0)
        return counted_to, edition

    def close(self) -> None:
        """Unmap it; the page stays."""
        self._page.close()
