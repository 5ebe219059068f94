"""Gives memory back to the system that a rush of calls took, and that nothing uses any more.

What is freed between things still in use stays with the process: `malloc` gives back by itself only what is free at
the end of its heap. So a minute with a thousand slow streams would be seen in the size of a process for ever.
"""

import mmap
import threading
from pathlib import Path

_STATM = Path("/proc/self/statm")  # https://man7.org/linux/man-pages/man5/proc_pid_statm.5.html
_PAGE = mmap.PAGESIZE
_LOOK_S = 10.0
_TOLD = (
    "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost",
)  # fmt: skip
_WORTH_BYTES = 16 << 20
"""Giving back takes some 0.1 ms for each megabyte, in which nobody here gets more than half a kilobyte of memory."""


class Heap:
    """What the C library keeps for this process.

    Raises:
        AttributeError: that library is not glibc, or older than 2.33.
        OSError: there is no /proc.
        MemoryError: foreign functions cannot be called where no memory may be written and executed.
    """

    def __init__(self) -> None:
        import ctypes  # here, because this alone can fail

        class Mallinfo2(ctypes.Structure):  # https://man7.org/linux/man-pages/man3/mallinfo.3.html
            _fields_ = [(name, ctypes.c_size_t) for name in _TOLD]

        library = ctypes.CDLL(None)
        self._look = library.mallinfo2
        self._look.restype = Mallinfo2
        self._trim = library.malloc_trim
        self._least = self._not_used()

    def give_back(self, worth: int = _WORTH_BYTES) -> bool:
        """Give back what is free, if so much more is there that nothing uses than there was; whether it was done."""
        # Compared with what was seen before, because code and Python's own small objects are among it.
        self._least = min(self._least, now := self._not_used())
        if now - self._least < worth:
            return False
        self._trim(0)
        self._least = self._not_used()
        return True

    def _not_used(self) -> int:
        """Bytes in memory that the C library has not given to anybody."""
        pages = int(_STATM.read_text().split()[1])
        told = self._look()
        return pages * _PAGE - int(told.uordblks) - int(told.hblkhd)


def give_back_from_time_to_time() -> None:
    """Until the process ends, from a thread of its own; not at all where the C library has no way to."""
    try:
        heap = Heap()
    except (AttributeError, OSError, MemoryError):
        return

    def keep() -> None:
        never = threading.Event()
        while not never.wait(_LOOK_S):
            heap.give_back()

    threading.Thread(target=keep, name="tollbook-memory", daemon=True).start()
