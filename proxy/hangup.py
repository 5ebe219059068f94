"""Tells the two meanings of SIGHUP apart: somebody asks for the configuration to be read again, or the terminal that
this was started in is gone, and everything started in it shall end.
"""

import os
import signal


class Hangup:
    """Made before any SIGHUP is handled: it remembers whether there is a terminal, and whether its end matters."""

    def __init__(self) -> None:
        # `nohup` has it ignored, so that the end of the terminal ends nothing.
        self._ends = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN and _has_terminal()

    def of_the_terminal(self) -> bool:
        """Whether a SIGHUP that came now means that the terminal is gone."""
        return self._ends and not _has_terminal()


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True
