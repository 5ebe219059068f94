"""The data directory: that it is there, that only its owner can look into it, and that the disk has room."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from proxy.cli.checkup.finding import Finding, fail, ok, warn

LEAST_FREE = 1_000_000_000  # bytes
_FOR_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_NAMED_AT_MOST = 3


def files(data_dir: Path) -> Iterator[Finding]:
    """Findings about the directory and what is in it."""
    try:
        there = data_dir.stat()
    except FileNotFoundError:
        yield from _not_there(data_dir)
        return
    except OSError as error:
        yield fail("data directory", f"{data_dir}: {error.strerror}", "Name another one with --data-dir.")
        return
    mode = there.st_mode
    if not stat.S_ISDIR(mode):
        yield fail("data directory", f"{data_dir} is not a directory", "Name another one with --data-dir.")
        return
    if os.access(data_dir, os.R_OK | os.W_OK | os.X_OK):
        yield ok("data directory", f"{data_dir} is there and can be written")
    else:
        yield fail("data directory", f"{data_dir} cannot be written", _remedy(data_dir, there.st_uid))
        return
    yield _modes(data_dir, mode)
    yield _room(data_dir)


def _remedy(data_dir: Path, owner: int) -> str:
    if os.statvfs(data_dir).f_flag & os.ST_RDONLY:
        return (
            "Its disk is read-only: what is there can be looked at; name another one with --data-dir to record calls."
        )
    if owner != os.getuid():
        return f"Make it yours: chown {os.getuid()} {data_dir}"
    return f"chmod u+rwx {data_dir}"


def _not_there(data_dir: Path) -> Iterator[Finding]:
    above = next(parent for parent in data_dir.absolute().parents if parent.exists())
    if os.access(above, os.W_OK | os.X_OK):
        yield ok("data directory", f"{data_dir} is not there yet; the first `tollbook serve` makes it")
        yield _room(above)
    else:
        yield fail(
            "data directory", f"{data_dir} is not there, and {above} cannot be written", "Name another with --data-dir."
        )


def _modes(data_dir: Path, mode: int) -> Finding:
    if stat.S_IMODE(mode) & _FOR_OTHERS:
        return warn(
            "permissions",
            f"{data_dir} is open to other users of this machine (mode {stat.S_IMODE(mode):04o})",
            f"chmod 700 {data_dir}",
        )
    # The directory shuts others out; the files still matter to whoever copies them elsewhere.
    open_files = sorted(
        path
        for path in data_dir.rglob("*")
        if not path.is_symlink() and path.is_file() and stat.S_IMODE(path.stat().st_mode) & _FOR_OTHERS
    )
    if open_files:
        named = ", ".join(str(path.relative_to(data_dir)) for path in open_files[:_NAMED_AT_MOST])
        more = f" and {len(open_files) - _NAMED_AT_MOST} more" if len(open_files) > _NAMED_AT_MOST else ""
        return warn("permissions", f"Not private: {named}{more}", f"chmod -R go= {data_dir}")
    return ok("permissions", "Only you can read what is kept")


def _room(place: Path) -> Finding:
    free = os.statvfs(place).f_bavail * os.statvfs(place).f_frsize
    if free < LEAST_FREE:
        return warn("disk", f"Only {_size(free)} are free", "Make room: when the disk is full, calls are not recorded.")
    return ok("disk", f"{_size(free)} are free")


def _size(count: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
