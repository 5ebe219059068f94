"""The sockets that the parent opens and its children inherit."""

import socket

from proxy.config.model import Address

BACKLOG = 1024  # connections that may wait while a child is being replaced


def listen(address: Address) -> socket.socket:
    """A socket that takes connections on this address.

    Raises:
        OSError: it is taken, not ours, or no address.
    """
    host = "127.0.0.1" if address.host == "localhost" else address.host
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, address.port))
        listening.listen(BACKLOG)
        listening.setblocking(False)
    except BaseException:
        listening.close()
        raise
    return listening


def address_of(listening: socket.socket) -> Address:
    """Where it listens, with the port that the system chose."""
    host, port = listening.getsockname()[:2]
    return Address(host, port)
