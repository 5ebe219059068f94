"""Makes one system call of a process fail, or kills the process at it: the n-th one, for every n until all is over.

Needs `strace`, and leave to trace; where either is missing, tests that ask for it are skipped and say so.
"""

import asyncio
import functools
import shutil
import subprocess
import sys
from asyncio.subprocess import PIPE
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@functools.cache
def works() -> bool:
    """Whether processes can be traced here."""
    strace = shutil.which("strace")
    command = [strace or "", "-o", "/dev/null", "-e", "inject=getpid:error=EIO", "true"]
    return strace is not None and subprocess.run(command, capture_output=True, check=False).returncode == 0


needs_strace = pytest.mark.skipif(not works(), reason="takes strace, and leave to trace processes")


@dataclass(frozen=True, slots=True)
class Ran:
    """How a process ended that something happened to."""

    status: int  # negative: the signal
    said: list[str]  # lines of stdout
    log: str  # stderr
    struck: bool  # whether it came as far as the call that was meant


async def run(calls: str, what: str, nth: int, module: str, *arguments: str, trace: Path) -> Ran:
    """Run `python -m MODULE` with something done at the n-th of these system calls, counted by thread.

    `what` is in strace's words: `signal=SIGKILL`, `error=EIO`.
    """
    process = await asyncio.create_subprocess_exec(
        "strace", "-f", "-qq", "-o", str(trace), "-e", f"trace={calls}", "-e", "signal=none",
        "-e", f"inject={calls}:{what}:when={nth}", sys.executable, "-m", module, *arguments,
        cwd=ROOT, stdout=PIPE, stderr=PIPE,
    )  # fmt: skip
    said, log = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    struck = process.returncode < 0 or _struck(trace)
    return Ran(process.returncode, said.decode().split("\n")[:-1], log.decode(), struck)


def _struck(trace: Path) -> bool:
    return "(INJECTED" in trace.read_text(errors="replace")
