"""One writer for a data directory: whoever holds this lock, and nobody else, opens the book for writing."""

import asyncio
import fcntl
import os
from pathlib import Path

STORE_LOCK = "store.lock"


class Held(Exception):
    """Another process is writing this book."""


def take(path: Path) -> int:
    """Take an exclusive lock for as long as the returned descriptor stays open.

    Raises:
        Held: somebody else has it.
    """
    fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        raise Held(f"{path.parent} is in use by another process") from None
    return fd


async def take_when_free(path: Path, patience_s: float) -> int:
    """The same, waiting a while for a predecessor that is still finishing."""
    deadline = asyncio.get_running_loop().time() + patience_s
    while True:
        try:
            return take(path)
        except Held:
            if asyncio.get_running_loop().time() > deadline:
                raise
        await asyncio.sleep(0.1)
