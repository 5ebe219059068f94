"""The register's file, `keys.json` in the data directory: read whole, replaced whole, never written in place.

It is no part of the book: a database that is locked, missing or full neither opens the door nor shuts it.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from proxy.keys.key import Key

FILE = "keys.json"
LOCK = "keys.lock"
_VERSION = 1


class Unreadable(Exception):
    """Why the register cannot be read, in words that go on from its name."""


class _Register(msgspec.Struct, frozen=True):
    version: int
    keys: tuple[Key, ...] = ()


class _Version(msgspec.Struct, frozen=True):
    version: int


_read_version = msgspec.json.Decoder(_Version).decode
_read_register = msgspec.json.Decoder(_Register).decode


def read(path: Path) -> tuple[Key, ...]:
    """All keys of this file.

    Raises:
        FileNotFoundError: there is none yet.
        Unreadable: it is not what it should be.
        OSError: it cannot be opened.
    """
    data = path.read_bytes()
    try:
        if _read_version(data).version != _VERSION:
            raise Unreadable("was written by another version of Tollbook")
        return _read_register(data).keys
    except (ValueError, RecursionError) as error:  # also what is no text, or nested without end
        raise Unreadable(f"is damaged: {error}") from None


@contextlib.contextmanager
def locked(data_dir: Path) -> Iterator[None]:
    """Nobody else changes the register meanwhile. Waits for whoever does; makes the directory if need be."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    fd = _opened(data_dir / LOCK)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def replace(path: Path, keys: tuple[Key, ...]) -> None:
    """Put these keys in the place of those; after a power cut the file holds the one or the other."""
    data = msgspec.json.format(msgspec.json.encode(_Register(_VERSION, keys)), indent=1)
    beside = path.with_suffix(".new")
    fd = _opened(beside)
    try:
        os.ftruncate(fd, 0)
        with open(fd, "wb", closefd=False) as file:
            file.write(data)
        os.fsync(fd)
    finally:
        os.close(fd)
    beside.replace(path)
    above = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(above)
    finally:
        os.close(above)


def _opened(path: Path) -> int:
    """A file that is its owner's alone: who owns the directory, also when it is root who makes a key."""
    fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    if os.geteuid() == 0:
        owner = os.stat(path.parent)
        os.fchown(fd, owner.st_uid, owner.st_gid)
    return fd
