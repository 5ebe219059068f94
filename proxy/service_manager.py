"""Tells the service manager where the parent stands, if it was started by one that wants to know."""

import contextlib
import os
import socket
import time
from typing import Literal

State = Literal["READY=1", "RELOADING=1", "STOPPING=1"]


def tell(state: State) -> None:
    """One datagram by the protocol of sd_notify(3); nobody waits for it, and nobody minds if it cannot be sent.

    See https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html.
    """
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    lines: list[str] = [state]
    if state == "RELOADING=1":  # by this clock it is told apart which reload was asked for when
        lines.append(f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.setblocking(False)
        channel.connect(f"\0{address[1:]}" if address.startswith("@") else address)
        channel.send("\n".join(lines).encode())
