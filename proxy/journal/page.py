"""A page of memory that processes share, and that outlives them: a file, mapped.

Its room is taken at once. Where there is none (`/dev/shm` may be full), the first write to it would end the process by
a signal; memory that nobody else sees takes its place then, because serving comes before counting.
"""

import logging
import mmap
import os
from pathlib import Path

from proxy.journal.reserving import reserve

log = logging.getLogger("tollbook.journal")


def mapped(fd: int, size: int, path: Path) -> mmap.mmap:
    """So many bytes of this file, which is open as `fd`; what stands there already stays."""
    try:
        if os.fstat(fd).st_size < size:
            reserve(fd, size)
        return mmap.mmap(fd, size)
    except OSError as error:
        log.error("there is no page of memory at %s (%s): what is counted there ends with this process", path, error)
        return mmap.mmap(-1, size)
