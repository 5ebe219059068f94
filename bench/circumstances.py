"""When, with what, and on which machine something was measured."""

import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from bench import peers
from bench.lab import ROOT, Tools

_PACKAGES = ("aiohttp", "uvloop", "httptools", "msgspec", "zstandard")


def circumstances(module: str, how: str, tools: Tools) -> str:
    """A sentence."""
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    nginx = ""
    if tools.nginx is not None:
        said = subprocess.run([tools.nginx, "-v"], capture_output=True, text=True, check=False)
        nginx = f", {said.stderr.strip().rpartition(' ')[2]}"
    command = " ".join([f"python -m {module}", *sys.argv[1:]])
    return (
        f"Measured {time.strftime('%Y-%m-%d')} by `{command}` {how}; {_machine()}, "
        f"Python {platform.python_version()}, {packages}{nginx}, revision {_revision()}."
    )


def others(measured: Iterable[str]) -> str:
    """Which other proxies these are."""
    found = [
        f"- **{name}** is {version}: {peers.ABOUT[name]}." for name in measured if (version := peers.version(name))
    ]
    return "\n".join(found)


def _machine() -> str:
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    model = models[0].partition(":")[2].strip() if models else platform.machine()
    return f"{os.cpu_count()} x {model}, Linux {platform.release()}"


def _revision() -> str:
    asked = ["git", "describe", "--always", "--dirty"]
    said = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    return said.stdout.strip() or "unknown"
