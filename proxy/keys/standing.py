"""Which budgets are used up or nearly so, and which models have no price: a small file that the store replaces.

The store says; workers keep what it said last, so that a store that is gone, or a book that cannot be read, neither
opens the door nor shuts it. A budget that was changed since is not held against anybody until the store says so anew,
and one whose period is over has begun again, whether the store is there to say it or not.
"""

import os
from pathlib import Path

import msgspec

from proxy.keys.used_up import UsedUp

FILE = "standing.json"
_VERSION = 1

Holder = tuple[str, str]
"""`key` or `group`, and the name."""


class Published(msgspec.Struct, frozen=True):
    """What the file says."""

    edition: int = 0  # grows with every change
    version: int = _VERSION
    used_up: tuple[UsedUp, ...] = ()
    near: tuple[Holder, ...] = ()  # those whose next calls may use a budget up
    unpriced: tuple[tuple[str, str], ...] = ()  # upstream, and the model as it is asked for


_decode = msgspec.json.Decoder(Published).decode


def publish(data_dir: Path, published: Published) -> None:
    """Replace the file, at once and whole. What a power cut takes of it, the store says again when it starts.

    Raises:
        OSError: it says what it said before.
    """
    beside = data_dir / f".{FILE}"
    beside.touch(mode=0o600)
    beside.write_bytes(msgspec.json.encode(published))
    beside.replace(data_dir / FILE)


def which(data_dir: Path) -> tuple[int, int, int] | None:
    """Tells one file from another that took its place; None when there is none.

    Raises:
        OSError: it cannot be told.
    """
    try:
        about = os.stat(data_dir / FILE)
    except FileNotFoundError:
        return None
    return about.st_ino, about.st_mtime_ns, about.st_size


def read(data_dir: Path) -> Published:
    """What the file says.

    Raises:
        OSError: there is none, or it cannot be read.
        ValueError: it is not what it should be.
    """
    try:
        found = _decode((data_dir / FILE).read_bytes())
    except RecursionError:
        raise ValueError("nested without end") from None
    if found.version != _VERSION:
        raise ValueError("another version")
    return found
