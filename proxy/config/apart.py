"""Reads the configuration in a process of its own, for one that stays: the validation library that reading takes, a
third of what the parent would be, goes with it.
"""

import pickle
import signal
import subprocess
import sys
from pathlib import Path
from typing import TypedDict, Unpack

from proxy.config.mistakes import ConfigError
from proxy.config.model import Config


class Flags(TypedDict, total=False):
    """What the command line lays over the file, each time it is read."""

    data_dir: Path | None
    listen: str | None
    dashboard: str | None
    workers: int | None
    log_format: str | None


def load_apart(path: Path | None, **flags: Unpack[Flags]) -> Config:
    """As `proxy.config.load.load`, with the same environment and working directory. Blocks for some 0.2 s.

    Raises:
        ConfigError: the configuration is wrong.
        OSError: no process can be started.
        subprocess.CalledProcessError: it ended without an answer.
    """
    done = subprocess.run(
        [sys.executable, "-P", "-m", "proxy.config.apart"],  # nothing from the folder it is started in
        input=pickle.dumps((path, flags)),
        stdout=subprocess.PIPE,
        check=True,
    )
    answer = pickle.loads(done.stdout)  # noqa: S301 - our own child wrote it
    if isinstance(answer, Config):
        return answer
    mistakes, rest = answer
    raise ConfigError(mistakes, rest)


def main() -> None:
    """Answer `load_apart`: a `Config`, or the mistakes and the rest of a `ConfigError`."""
    # What the terminal sends to the whole group is for the parent; this one dies with its pipe, without a word.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from proxy.config.load import load

    path, flags = pickle.load(sys.stdin.buffer)  # noqa: S301 - our own parent wrote it
    answer: object
    try:
        answer = load(path, **flags)
    except ConfigError as error:
        answer = error.mistakes, error.rest
    pickle.dump(answer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
