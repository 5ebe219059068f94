"""A terminal of a given width, and what a command prints on it."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

from tests.cli.conftest import ROOT

_STYLE = re.compile(r"\x1b\[[0-9;]*m")


def seen_on_terminal(width: int, *arguments: object) -> tuple[int, str]:
    """The exit status, and everything that was sent to the terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR", "LINES")}
    process = subprocess.Popen(
        [sys.executable, "-m", "proxy.cli", *map(str, arguments)],
        cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs, env={**environment, "TERM": "xterm-256color"},
    )  # fmt: skip
    os.close(theirs)
    seen = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # how a terminal says that nobody has it open any more
            break
        if not piece:
            break
        seen += piece
    os.close(ours)
    return process.wait(), seen.decode().replace("\r\n", "\n")


def unstyled(text: str) -> str:
    """The text without our own colours; any other control sequence stays."""
    return _STYLE.sub("", text)
