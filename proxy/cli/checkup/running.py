"""Whether `serve` runs here, whether its ports are free or ours, and how the journal stands."""

import errno
import json
import socket
from collections.abc import Iterator
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
        ladder, lost = health["ladder"], int(health["lost"]["total"])
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
    yield _kept(step, means)
    if error is not None:
        yield fail("book", f"It cannot be written: {error}", "Calls wait in the journal. Make room, or free the book.")
    if lost:
        yield warn("lost calls", f"{lost:,} were lost since the book began", "The health page says why.")


def _kept(step: str, means: str) -> Finding:
    """How much is kept while the disk fills."""
    if step == Step.FULL.label:
        return ok("what is kept", "Everything, as configured")
    what, _, next_ = means.rpartition(". ")
    grade = warn if step == Step.BODIES_OFF.label else fail
    return grade("what is kept", f"{what} (step: {step})", next_)


_LATE_MS = 10_000


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
