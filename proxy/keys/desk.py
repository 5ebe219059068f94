"""Where workers ask the store about the holder of a key: a Unix socket in the data directory, its owner's alone.

Nobody else can reach it, so it asks for no token: who asks is a worker, which has seen the key itself. The address of
such a socket may be no longer than a hundred bytes or so, and a data directory may: on Linux it is reached by a
descriptor of its directory.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

FILE = "desk.sock"
ROUTE = "/me"
NAME = "key"
"""The parameter that names the key."""


@contextlib.contextmanager
def address(data_dir: Path, file: str = FILE) -> Iterator[str]:
    """How the socket, or another of this directory, is called while the block lasts.

    Raises:
        OSError: there is no such directory.
    """
    if sys.platform != "linux":
        yield str(data_dir / file)
        return
    directory = os.open(data_dir, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{file}"
    finally:
        os.close(directory)
