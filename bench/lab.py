"""The bench's own directory, and what this machine has: a C compiler, nginx, processors to keep apart."""

import os
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
LAB = HERE / "lab"  # ignored by git; on the disk of the checkout, not on tmpfs


class Missing(Exception):
    """Something the measurements cannot do without, in one sentence."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What was found; `gaps` says what was not, and what that costs."""

    upstream: Path
    client: Path
    nginx: Path | None
    gaps: tuple[str, ...]


def prepare() -> Tools:
    """Compile the upstream and the client, look for the rest.

    Raises:
        Missing: there is no C compiler, or it refused.
    """
    LAB.mkdir(exist_ok=True)
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise Missing(
            "there is no C compiler (cc, gcc or clang): the fake upstream and the load client are written in C, "
            "because ones in Python would use more processor time than what they measure"
        )
    for name in ("fakeup", "loadgen"):
        _compile(compiler, name)
    gaps: list[str] = []
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if nginx is None:
        gaps.append("nginx is not installed: there is no figure for a plain reverse proxy in C")
    if len(os.sched_getaffinity(0)) < 2:
        gaps.append("one processor only: upstream, client and subject share it, so calls/s and delays say little")
    return Tools(LAB / "fakeup", LAB / "loadgen", Path(nginx) if nginx else None, tuple(gaps))


def _compile(compiler: str, name: str) -> None:
    sources = (HERE / f"{name}.c", HERE / "shape.h")
    target = LAB / name
    if target.exists() and target.stat().st_mtime > max(source.stat().st_mtime for source in sources):
        return
    done = subprocess.run([compiler, "-O2", "-o", target, sources[0]], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Missing(f"{compiler} did not compile {sources[0].name}: {done.stderr.strip()[:500]}")


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def places() -> tuple[set[int], set[int]]:
    """The processors of the tools, and of the subject."""
    all_of_them = sorted(os.sched_getaffinity(0))
    if len(all_of_them) < 2:
        return set(all_of_them), set(all_of_them)
    return {all_of_them[0]}, set(all_of_them[1:])
