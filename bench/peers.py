"""Other proxies for model APIs, each in an environment of its own: `python -m bench.peers` installs them.

What is measured without them is whole; they are for comparison, and cost a gigabyte of disk.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench.lab import LAB
from bench.workloads import PEERS

HOME = LAB / "peers"
_VERSION = "version"
_LITELLM = "1.106.12"  # newer ones want a part that the registry lacks
_MITMPROXY = "12.3.1"  # Python 3.12 and newer; an older Python gets the newest that it can run
_PORTKEY = "1.15.2"
_KEY = "sk-bench-0123456789abcdef0123456789abcdef"  # what the load client sends


class CannotInstall(Exception):
    """Why, in one sentence."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How one is started and called."""

    command: list[str]
    path: str = "/v1/chat/completions"
    environment: dict[str, str] = field(default_factory=dict)
    headers: tuple[str, ...] = ()
    rewrites: bool = True  # it writes bodies anew, so bytes cannot be compared
    alive: str = "/"


ABOUT = {
    "litellm": "its proxy with one worker and a master key, as it comes, without a database (its engine for one comes "
    "from no registry), which is favourable to it",
    "portkey": "its gateway under Node.js, as it comes",
    "mitmproxy": "mitmdump as a reverse proxy; streams passed on at once, flows with their bodies written to a file",
}


def version(name: str) -> str | None:
    """What is installed; None when it is not."""
    file = HOME / name / _VERSION
    return file.read_text().strip() if file.exists() else None


def launch(name: str, port: int, upstream_port: int) -> Launch:
    """How to start this one in front of that upstream."""
    return _LAUNCHES[name](port, f"http://127.0.0.1:{upstream_port}")


def _litellm(port: int, upstream: str) -> Launch:
    config = HOME / "litellm" / "config.yaml"
    config.write_text(
        "model_list:\n  - model_name: gpt-4o-mini\n    litellm_params:\n      model: openai/gpt-4o-mini\n"
        f"      api_base: {upstream}/v1\n      api_key: sk-upstream\n"
        f"litellm_settings:\n  num_retries: 0\n  request_timeout: 600\ngeneral_settings:\n  master_key: {_KEY}\n"
    )
    command = [
        str(HOME / "litellm/bin/litellm"), "--config", str(config), "--host", "127.0.0.1", "--port", str(port),
        "--num_workers", "1",
    ]  # fmt: skip
    alone = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False", "LITELLM_MODE": "PRODUCTION"}
    return Launch(command, environment=alone, alive="/health/liveliness")


def _portkey(port: int, upstream: str) -> Launch:
    started = HOME / "portkey/node_modules/@portkey-ai/gateway/build/start-server.js"
    return Launch(
        [shutil.which("node") or "node", str(started), f"--port={port}", "--headless"],
        environment={"TRUSTED_CUSTOM_HOSTS": "127.0.0.1", "NODE_ENV": "production"},
        headers=("x-portkey-provider: openai", f"x-portkey-custom-host: {upstream}/v1"),
    )


def _mitmproxy(port: int, upstream: str) -> Launch:
    flows = HOME / "mitmproxy" / "flows"
    flows.unlink(missing_ok=True)
    command = [
        str(HOME / "mitmproxy/bin/mitmdump"), "--mode", f"reverse:{upstream}", "--listen-host", "127.0.0.1",
        "--listen-port", str(port), "-q", "-w", str(flows), "--set", "stream_large_bodies=1",
        "--set", "store_streamed_bodies=true", "--set", f"confdir={HOME / 'mitmproxy/conf'}",
    ]  # fmt: skip
    return Launch(command, rewrites=False)


_LAUNCHES: dict[str, Callable[[int, str], Launch]] = {
    "litellm": _litellm, "portkey": _portkey, "mitmproxy": _mitmproxy,
}  # fmt: skip


def _by_pip(name: str, wanted: str, python: str) -> str:
    home = HOME / name
    if not (home / "bin/python").exists():
        _run([python, "-m", "venv", str(home)])
    _run([str(home / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wanted])
    asked = "import sys, importlib.metadata as m; print(m.version(sys.argv[1]), 'on Python', sys.version.split()[0])"
    return _run([str(home / "bin/python"), "-c", asked, name])


def _install_litellm() -> str:
    return _by_pip("litellm", f"litellm[proxy]=={_LITELLM}", sys.executable)


def _install_mitmproxy() -> str:
    newer = _newer_python()
    wanted = "mitmproxy" if newer is None else f"mitmproxy=={_MITMPROXY}"
    return _by_pip("mitmproxy", wanted, newer or sys.executable)


def _newer_python() -> str | None:
    """One that the current mitmproxy runs on."""
    candidates = [sys.executable, *(found for name in ("python3.13", "python3.12") if (found := shutil.which(name)))]
    candidates += map(str, sorted((Path.home() / ".pyenv/versions").glob("3.1[23]*/bin/python"), reverse=True))
    for one in candidates:
        asked = [one, "-c", "import sys; sys.exit(sys.version_info < (3, 12))"]
        if not subprocess.run(asked, capture_output=True, check=False).returncode:
            return one
    return None


def _install_portkey() -> str:
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        raise CannotInstall("it takes Node.js and npm")
    _run([
        npm, "install", "--prefix", str(HOME / "portkey"), "--ignore-scripts", "--no-audit", "--no-fund",
        f"@portkey-ai/gateway@{_PORTKEY}",
    ])  # fmt: skip
    return f"{_PORTKEY} on Node.js {_run([node, '--version'])}"


def _run(command: list[str]) -> str:
    """What it printed.

    Raises:
        CannotInstall: it failed.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise CannotInstall(f"{os.path.basename(command[0])} said: {' '.join(last)[:300]}")
    return done.stdout.strip()


_INSTALLS: dict[str, Callable[[], str]] = {
    "litellm": _install_litellm, "portkey": _install_portkey, "mitmproxy": _install_mitmproxy,
}  # fmt: skip


def main() -> int:
    """The exit status: 1 when one could not be installed."""
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__)
    parser.add_argument("--only", default=",".join(PEERS), help="which, joined by commas")
    status = 0
    for name in parser.parse_args().only.split(","):
        if name not in _INSTALLS:
            parser.error(f"there is no peer {name}; there are {', '.join(PEERS)}")
        (HOME / name).mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        try:
            found = _INSTALLS[name]()
        except CannotInstall as reason:
            print(f"{name} is not installed: {reason}.")
            status = 1
        else:
            (HOME / name / _VERSION).write_text(found + "\n")
            print(f"{name} {found}, in {time.monotonic() - began:.0f} s")
    return status


if __name__ == "__main__":
    sys.exit(main())
