"""What a worker that died had noted and not written to a file yet: a last segment of its journal, in memory."""

import os
import tempfile
from pathlib import Path

from proxy.journal import buffer, segment


def as_segment(data_dir: Path, boot_id: str, after: int) -> int | None:
    """The notes numbered higher than `after` in the buffer of this run, as a file without a name; None: there are none.

    The same after each start of the store: neither the buffer nor the journal changes any more.
    """
    left = [payload for number, payload in buffer.left_in(data_dir, boot_id) if number > after]
    if not left:
        return None
    fd = _file_without_name()
    with os.fdopen(os.dup(fd), "wb") as file:
        for payload in left:
            file.write(segment.header(payload))
            file.write(payload)
    return fd


def _file_without_name() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("tollbook-notes", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
