"""Takes the room that a file is going to need, so that a full disk shows before anything is written."""

import os

_ZEROS = bytes(1024 * 1024)


def reserve(fd: int, size: int) -> None:
    """Have the disk keep so many bytes for this file, of which nothing is written yet.

    Raises:
        OSError: there is no such room.
    """
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(fd, 0, size)
        return
    position = 0  # macOS knows no such call; there zeros do it
    while position < size:
        position += os.pwrite(fd, _ZEROS[: size - position], position)
