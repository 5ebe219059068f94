"""Where a child process begins: `python -m proxy.child worker|store LIFELINE_FD SOCKET_FD...`.

Children are started afresh, not forked, so none inherits a loop, a thread or a database handle.
"""

import logging
import os
import socket
import sys

import uvloop

from proxy.lifeline import Lifeline


def main() -> None:
    """Run one child until its lifeline ends."""
    kind, lifeline_fd, *socket_fds = sys.argv[1:]
    os.umask(0o077)
    logging.basicConfig(level=logging.WARNING, format=f"tollbook {kind}: %(levelname)s %(message)s")
    # What aiohttp would log of a request it could not parse may hold a credential.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    lifeline = Lifeline(int(lifeline_fd))
    config = lifeline.configuration()
    sockets = [socket.socket(fileno=int(fd)) for fd in socket_fds]
    if kind == "store":
        from store.service import keep as run
    else:
        from proxy.worker import work as run
    uvloop.run(run(config, sockets, lifeline))


if __name__ == "__main__":
    main()
