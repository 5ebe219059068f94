"""Where a child process begins: `python -m proxy.child worker|store NUMBER LIFELINE_FD SOCKET_FD...`.

Children are started afresh, not forked, so none inherits a loop, a thread or a database handle.
"""

import gc
import logging
import os
import signal
import socket
import sys

import uvloop

from proxy import log as logged
from proxy.lifeline import CannotServe, Lifeline
from proxy.memory import give_back_from_time_to_time


def main() -> None:
    """Run one child until its lifeline ends."""
    kind, number, lifeline_fd, *socket_fds = sys.argv[1:]
    os.umask(0o077)
    # It may reach the whole process group; the parent decides what it means.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    lifeline = Lifeline(int(lifeline_fd))
    config = lifeline.configuration()
    logged.begin(kind, config, int(number))
    if kind == "store":
        from store.service import keep as run
    else:
        from proxy.worker import work as run
    collect_seldom()
    give_back_from_time_to_time()
    sockets = [socket.socket(fileno=int(fd)) for fd in socket_fds]
    try:
        uvloop.run(run(config, sockets, lifeline))
    except CannotServe as reason:
        logging.getLogger("tollbook").critical("%s", reason)
        sys.exit(1)


def collect_seldom() -> None:
    """What is made until now stays: the collector need not look at it again, and less often at the rest."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


if __name__ == "__main__":
    main()
