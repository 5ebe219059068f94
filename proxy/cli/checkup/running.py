"""Whether `serve` runs here, whether its ports are free or ours, and how the journal stands."""

import errno
import json
import socket
import time
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from proxy.cli.checkup.finding import Finding, fail, ok, warn
from proxy.config.model import Address, Config
from proxy.journal.directory import JOURNAL, alive, held, segments
from proxy.journal.ladder import Step
from proxy.parent import LOCK

_PATIENCE_S = 2.0
_ANY_HOST = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what listens on all is asked on loopback


def running(config: Config) -> Iterator[Finding]:
    """Findings about the processes and what lies between them."""
    runs = is_running(config.store.data_dir)
    yield ok("serve", "It is running" if runs else "It is not running")
    for name, address in (("proxy port", config.proxy.listen), ("dashboard port", config.dashboard.listen)):
        yield port(name, address, runs=runs)
    if runs:
        yield from _told_by_itself(config)
        yield from waits_unread(config.store.data_dir, time.time())
    else:
        yield from _left_behind(config.store.data_dir)


def is_running(data_dir: Path) -> bool:
    """Whether a `serve` holds this data directory, or a worker of one that died still lives."""
    journal = data_dir / JOURNAL
    try:
        return held(data_dir / LOCK) or (
            journal.is_dir() and any(alive(place) for place in journal.iterdir() if place.is_dir())
        )
    except PermissionError:  # another user's
        return False


def port(name: str, address: Address, *, runs: bool) -> Finding:
    """Whether the address can be listened on, or is where our own `serve` answers."""
    if runs and _answers(address):
        return ok(name, f"{address} answers")
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address.host, address.port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return fail(
                name, f"{address} is taken by another program", f"Stop it, or choose another port: {_FLAGS[name]}"
            )
        return fail(name, f"{address}: {error.strerror or error}", f"Choose another address: {_FLAGS[name]}")
    if runs:
        return warn(name, f"`serve` runs, but not on {address}", "It may have been started with other flags.")
    return ok(name, f"{address} is free")


_FLAGS = {"proxy port": "--listen HOST:PORT", "dashboard port": "--dashboard HOST:PORT"}


def _answers(address: Address) -> bool:
    return _get(address, "/healthz") is not None


def _get(address: Address, path: str, headers: dict[str, str] | None = None) -> bytes | None:
    connection = HTTPConnection(_ANY_HOST.get(address.host, address.host), address.port, timeout=_PATIENCE_S)
    try:
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        return answer.read() if answer.status == 200 else None
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()


def _told_by_itself(config: Config) -> Iterator[Finding]:
    token = config.dashboard.token
    headers = {"Authorization": f"Bearer {token.reveal()}"} if token is not None else None
    told = _get(config.dashboard.listen, "/api/health", headers)
    if told is None:
        return
    try:
        health: dict[str, Any] = json.loads(told)
        waiting, lag_ms = int(health["waiting"]), float(health["lag_ms"])
        ladder = health["ladder"]
        step, means, error = str(ladder["step"]), str(ladder["means"]), ladder["book_error"]
    except (ValueError, KeyError, TypeError):
        yield warn("journal", "The health endpoint answers something else", "Is another version running?")
        return
    if lag_ms > _LATE_MS:
        yield warn(
            "journal",
            f"{waiting:,} calls wait to enter the book, the oldest for {lag_ms / 1000:.0f} s",
            "Look at what `serve` prints; a full or slow disk is the usual reason.",
        )
    else:
        yield ok("journal", f"{waiting:,} calls wait to enter the book")
    yield kept(step, means)
    if error is not None:
        yield fail("book", f"It cannot be written: {error}", "Calls wait in the journal. Make room, or free the book.")
    yield from stood_still(health)


def kept(step: str, means: str) -> Finding:
    """How much is kept while the disk fills (`proxy/journal/ladder.py`)."""
    if step == Step.FULL.label:
        return ok("what is kept", "Everything, as configured")
    what, _, next_ = means.rpartition(". ")
    grade = warn if step == Step.BODIES_OFF.label else fail
    return grade("what is kept", f"{what} (step: {step})", next_)


_LATE_MS = 10_000
_STALLED_MS = 1_000
_UNREAD_S = 600.0


def stood_still(health: Mapping[str, Any]) -> Iterator[Finding]:
    """A stall of a worker that was long enough to be felt by every call of it."""
    longest_ms = health.get("longest_stall_ms", 0)
    if longest_ms >= _STALLED_MS:
        yield warn(
            "workers",
            f"A worker stood still for {longest_ms / 1000:.1f} s, and every call it had with it",
            "`serve` printed the line at which it stood; if it did not, the machine was too busy, or asleep.",
        )


def waits_unread(data_dir: Path, now: float) -> Iterator[Finding]:
    """What workers that are gone left, and a running store has not read for long; nothing where all is well."""
    journal = data_dir / JOURNAL
    if not journal.is_dir():
        return
    left = 0
    for place in journal.iterdir():
        try:
            written = [path.stat().st_mtime for _, path in segments(place)] if place.is_dir() else []
            left += bool(written) and max(written) < now - _UNREAD_S and not alive(place)
        except OSError:
            continue  # read and removed while we looked
    if left:
        yield warn(
            "journal",
            f"Notes of {left} earlier {'run' if left == 1 else 'runs'} wait for the running store, and did not change "
            f"for {_UNREAD_S / 60:.0f} minutes",
            "Look at what `serve` prints: the book cannot be written, or a note not be read.",
        )


def _left_behind(data_dir: Path) -> Iterator[Finding]:
    journal = data_dir / JOURNAL
    if not journal.is_dir():
        return
    left = [place for place in journal.iterdir() if place.is_dir() and segments(place)]
    if left:
        yield warn(
            "journal",
            f"Notes of {len(left)} earlier {'run' if len(left) == 1 else 'runs'} have not entered the book yet",
            "The next `tollbook serve` reads them.",
        )
    else:
        yield ok("journal", "Everything noted is in the book")
