"""A Unix socket that only its owner can reach, in the place of one that a store before left behind."""

import os
import socket
from contextlib import suppress


def listening(path: str) -> socket.socket:
    """The socket. Whoever holds the lock of the store is alone here, so what is there is nobody's.

    Raises:
        OSError: it cannot be made.
    """
    with suppress(FileNotFoundError):
        os.unlink(path)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        os.fchmod(made.fileno(), 0o600)  # before it has a name
        made.bind(path)
        made.listen()
        made.setblocking(False)
    except BaseException:
        made.close()
        raise
    return made
