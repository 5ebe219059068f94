"""The parent: opens the listening sockets, starts the workers and the store, restarts what dies, ends in order.

It holds the sockets, so connections wait in their queues while a child is being replaced, and it touches neither
calls nor the book, so nothing of theirs can bring it down.
"""

import asyncio
import contextlib
import fcntl
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Container, Coroutine
from dataclasses import dataclass, field, replace
from pathlib import Path

from proxy import log as logged
from proxy.config.model import Address, Config
from proxy.lifeline import ParentEnd, pair
from proxy.listening import address_of, listen
from proxy.open_files import ask_for_enough

LOCK = "lock"
_GRACE_S = 5.0  # past the time a child may take to drain
_RESTART_S = (0.0, 0.1, 0.5, 1.0, 2.0, 5.0)
_SETTLED_S = 10.0  # a child that lived this long starts its count of failures anew

log = logging.getLogger("tollbook.parent")


class CannotStart(Exception):
    """Why, in one sentence."""


@dataclass(slots=True)
class _Child:
    """One child process, replaced whenever it dies unasked."""

    kind: str
    number: int  # which of the workers
    sockets: list[socket.socket]
    process: subprocess.Popen[bytes] | None = None
    lifeline: ParentEnd | None = None
    failures: int = 0
    up: asyncio.Event = field(default_factory=asyncio.Event)


class Parent:
    """Everything `tollbook serve` runs, from `start` to `stop`."""

    def __init__(self, config: Config) -> None:
        self.config = replace(config, store=replace(config.store, data_dir=config.store.data_dir.resolve()))
        self._children: list[_Child] = []
        self._watches: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()
        self._lock = -1
        self.proxy_address: Address | None = None
        self.dashboard_address: Address | None = None

    def claim(self) -> None:
        """Take the data directory and the addresses.

        Raises:
            CannotStart: naming everything that stands in the way.
        """
        problems: list[str] = []
        listening: dict[str, socket.socket] = {}
        try:
            self._lock = _claim_data_dir(self.config.store.data_dir)
        except CannotStart as problem:
            problems.append(str(problem))
        for key, address in (
            ("proxy.listen", self.config.proxy.listen),
            ("dashboard.listen", self.config.dashboard.listen),
        ):
            try:
                listening[key] = listen(address)
            except OSError as error:
                # The addresses of names have errors of their own, which strerror does not know.
                reason = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
                problems.append(f"{key}: cannot listen on {address}: {reason}")
        if problems:
            for one in listening.values():
                one.close()
            self._let_go()
            raise CannotStart("\n".join(problems))
        calls, asked = listening["proxy.listen"], listening["dashboard.listen"]
        self.proxy_address = address_of(calls)
        self.dashboard_address = address_of(asked)
        # The children name the address to people: the port that was found, where any would do.
        listening_at = replace(self.config.proxy.listen, port=self.proxy_address.port)
        self.config = replace(self.config, proxy=replace(self.config.proxy, listen=listening_at))
        self._children = [_Child("store", 0, [asked])]
        self._children += [_Child("worker", number + 1, [calls]) for number in range(self.config.proxy.workers)]

    async def start(self) -> None:
        """Start the children and wait until each is ready.

        Raises:
            CannotStart: one of them could not.
        """
        self._watches = [asyncio.create_task(self._watch(child)) for child in self._children]
        for child in self._children:
            ready = asyncio.create_task(child.up.wait())
            await asyncio.wait([ready, *self._watches], return_when=asyncio.FIRST_COMPLETED)
            if not child.up.is_set():
                ready.cancel()
                await self.stop()
                raise CannotStart(f"the {child.kind} process could not start; what it said stands above")

    async def stop(self) -> None:
        """Workers first, so that the store reads their last notes; then the store."""
        self._stopping.set()
        patience_s = self.config.proxy.shutdown_timeout_s + _GRACE_S
        for kind in ("worker", "store"):
            ending = [child for child in self._children if child.kind == kind]
            for child in ending:
                for listening in child.sockets:
                    listening.close()  # who comes now is refused; in our queue nobody would ever answer
                if child.process is not None and not child.up.is_set():
                    child.process.terminate()  # it does not listen to its lifeline yet
                elif child.lifeline is not None:
                    child.lifeline.stop()
            await asyncio.gather(*(_ended(child, patience_s) for child in ending))
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)
        self._let_go()

    def release(self) -> None:
        """Give back what `claim` took, when nothing was started."""
        for listening in {one for child in self._children for one in child.sockets}:
            listening.close()
        self._let_go()

    def _let_go(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    async def _watch(self, child: _Child) -> None:
        """Keep one child alive; returns only when it cannot even start once."""
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            began = loop.time()
            process, lifeline = self._launch(child)
            if await lifeline.ready():
                child.up.set()
            await _gone(process)
            lifeline.close()
            if self._stopping.is_set() or not child.up.is_set():
                return
            child.failures = 0 if loop.time() - began > _SETTLED_S else child.failures + 1
            log.warning("the %s process ended unasked; starting another", child.kind)
            await asyncio.sleep(_RESTART_S[min(child.failures, len(_RESTART_S) - 1)])

    def _launch(self, child: _Child) -> tuple[subprocess.Popen[bytes], ParentEnd]:
        lifeline, theirs = pair()
        fds = [theirs.fileno(), *(listening.fileno() for listening in child.sockets)]
        process = subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-m", "proxy.child", child.kind, *map(str, [child.number, *fds])],
            pass_fds=fds,
            stdin=subprocess.DEVNULL,
        )
        theirs.close()
        with contextlib.suppress(OSError):  # it died at once; the watch will see
            lifeline.send_configuration(self.config)
        child.process, child.lifeline = process, lifeline
        return process, lifeline


async def run(config: Config, announce: Callable[[Parent], None], also: Callable[[Parent], Awaitable[None]]) -> None:
    """Serve until SIGTERM or SIGINT; `also` runs beside it and is cancelled with it.

    Raises:
        CannotStart: before anything was served.
    """
    os.umask(0o077)  # prompts and answers are nobody else's
    logged.begin("parent", config)
    parent = Parent(config)
    parent.claim()
    too_few = ask_for_enough(config.proxy)
    if too_few is not None:
        print(f"tollbook: {too_few.problem}. {too_few.remedy}", file=sys.stderr)  # noqa: T201
    loop = asyncio.get_running_loop()
    end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.set)
    if not await _started(parent, end):
        return
    announce(parent)
    beside = asyncio.create_task(_beside(also, parent))
    try:
        await end.wait()
    finally:
        beside.cancel()
        await asyncio.gather(beside, return_exceptions=True)
        await parent.stop()


async def _started(parent: Parent, end: asyncio.Event) -> bool:
    """Whether all children are ready; False when the end came first."""
    starting = asyncio.create_task(parent.start())
    ending = asyncio.create_task(end.wait())
    await asyncio.wait([starting, ending], return_when=asyncio.FIRST_COMPLETED)
    ending.cancel()
    if starting.done():
        await starting  # raises what kept it from starting
        return True
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)
    await parent.stop()
    return False


async def _beside(also: Callable[[Parent], Awaitable[None]], parent: Parent) -> None:
    await also(parent)


async def _nothing(_: Parent) -> None:
    pass


def obstacles(config: Config, besides: Container[str]) -> list[str]:
    """What else would keep this configuration from serving; keys in `besides` are wrong already."""
    parent = Parent(config)
    try:
        parent.claim()
    except CannotStart as problem:
        return [line for line in str(problem).splitlines() if line.partition(":")[0] not in besides]
    parent.release()
    return []


def serve(config: Config) -> int:
    """`tollbook serve`: the exit status."""
    return until_stopped(run(config, _announce, _nothing))


def until_stopped(running: Coroutine[None, None, None]) -> int:
    """Run to the end: the exit status. What keeps it from starting is said on stderr, a line each."""
    try:
        asyncio.run(running)
    except CannotStart as problem:
        for line in str(problem).splitlines():
            print(f"tollbook: {line}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _announce(parent: Parent) -> None:
    if parent.config.log.format == "json":  # what is collected is nothing else than such lines
        log.info("relays calls on http://%s", parent.proxy_address)
        log.info("answers questions on http://%s", parent.dashboard_address)
        return
    print(f"Tollbook relays calls on  http://{parent.proxy_address}")  # noqa: T201
    print(f"and answers questions on  http://{parent.dashboard_address}", flush=True)  # noqa: T201


def _claim_data_dir(path: Path) -> int:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(path / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except (FileExistsError, NotADirectoryError) as error:
        raise CannotStart(f"store.data_dir: {path} is not a directory") from error
    except OSError as error:
        raise CannotStart(f"store.data_dir: {path} is not writable: {error.strerror}") from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        raise CannotStart(f"store.data_dir: {path} is in use by another Tollbook") from None
    return fd


async def _gone(process: subprocess.Popen[bytes]) -> None:
    """Wait for a process's end, in a thread of its own: the loop's pool has room for a few such waits only."""
    loop = asyncio.get_running_loop()
    over = asyncio.Event()

    def wait() -> None:
        process.wait()
        with contextlib.suppress(RuntimeError):  # the loop is closed; nobody waits any more
            loop.call_soon_threadsafe(over.set)

    threading.Thread(target=wait, name=f"tollbook-wait-{process.pid}", daemon=True).start()
    await over.wait()


async def _ended(child: _Child, patience_s: float) -> None:
    """Wait for a child that was told to stop; take it down when it does not."""
    if child.process is None:
        return
    try:
        await asyncio.wait_for(_gone(child.process), patience_s)
    except TimeoutError:
        child.process.kill()
        await _gone(child.process)
