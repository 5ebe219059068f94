"""The parent: opens the listening sockets, starts the workers and the store, restarts what dies, ends in order.

It holds the sockets, so connections wait in their queues while a child is being replaced, and it touches neither
calls nor the book, so nothing of theirs can bring it down.

A new configuration is served by new workers: the ones before take no more connections, serve those they have to their
end, and leave. The store is ended and started anew; the journal keeps what comes meanwhile.
"""

import asyncio
import fcntl
import itertools
import logging
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Container, Coroutine
from dataclasses import replace
from pathlib import Path

from proxy import log as logged
from proxy import service_manager
from proxy.children import Child
from proxy.config.mistakes import ConfigError
from proxy.config.model import Address, Config
from proxy.hangup import Hangup
from proxy.listening import address_of, listen
from proxy.open_files import ask_for_enough
from proxy.sandbox.mark import unmark

LOCK = "lock"
_WORKERS_WITHIN_S = 60.0  # what takes longer hangs, and must not keep every later reload waiting
_STORE_WITHIN_S = 60.0  # a store may have to finish, and the next one to open its book

log = logging.getLogger("tollbook.parent")


class CannotStart(Exception):
    """Why, in one sentence."""


class Parent:
    """Everything `tollbook serve` runs, from `start` to `stop`."""

    def __init__(self, config: Config) -> None:
        self.config = self._asked = _resolved(config)
        self._children: list[Child] = []
        self._numbers = itertools.count(1)
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
            self._unlock()
            raise CannotStart("\n".join(problems))
        self._calls, self._questions = listening["proxy.listen"], listening["dashboard.listen"]
        self.proxy_address = address_of(self._calls)
        self.dashboard_address = address_of(self._questions)
        # The children name the address to people: the port that was found, where any would do.
        listening_at = replace(self.config.proxy.listen, port=self.proxy_address.port)
        self.config = replace(self.config, proxy=replace(self.config.proxy, listen=listening_at))

    async def start(self) -> None:
        """Start the children and wait until each is ready.

        Raises:
            CannotStart: one of them could not.
        """
        self._store = Child("store", 0, [self._questions], self.config)
        self._workers = self._new_workers(self.config)
        self._children = [self._store, *self._workers]
        for child in self._children:
            child.begin()
        for child in self._children:
            if not await child.ready():
                await self.stop()
                raise CannotStart(f"the {child.kind} process could not start; what it said stands above")

    async def reload(self, asked: Config) -> tuple[str, ...]:
        """Serve by this configuration from now on, without cutting a call.

        Returns:
            The keys of what is asked for and needs a restart; it stays as it is.

        Raises:
            CannotStart: the new workers could not, or the dashboard would be open to strangers. Then everything stays
                as it is. Also when calls would be open to them that were not.
        """
        config, fixed = self._within_reach(_resolved(asked))
        if config.dashboard.token is None and not config.dashboard.listen.loopback:
            raise CannotStart(
                f"dashboard.listen stays {config.dashboard.listen} until a restart, and beyond this machine a token is "
                "needed; there would be none any more"
            )
        opened = _opened_to_strangers(self.config, asked, config)
        if opened:
            raise CannotStart(
                f"proxy.listen stays {config.proxy.listen} until a restart, and beyond this machine "
                f"{', '.join(opened)} would be open to whoever reaches it"
            )
        newcomers = self._new_workers(config)
        self._children += newcomers
        for child in newcomers:
            child.begin()
        if not await _all_ready(newcomers):
            await self._end(newcomers)
            raise CannotStart("new workers could not start, so the ones there are serve on as before")
        self.config = config
        for child in self._workers:
            child.let_go("succeeded")
        self._workers = newcomers
        if not await self._store.renew(config, _STORE_WITHIN_S):
            log.error("the store is not back yet; the journal keeps what comes, and it is tried again")
        self._children = [child for child in self._children if not child.over]
        return fixed

    @property
    def leaving(self) -> int:
        """How many workers serve calls of before a reload to their end."""
        return sum(not child.over for child in self._children) - len(self._workers) - 1

    async def stop(self) -> None:
        """Workers first, so that the store reads their last notes; then the store."""
        for kind in ("worker", "store"):
            ending = [child for child in self._children if child.kind == kind]
            for child in ending:
                for listening in child.sockets:
                    listening.close()  # who comes now is refused; in our queue nobody would ever answer
            await self._end(ending)
        self.release()

    def release(self) -> None:
        """Give back what `claim` took."""
        self._calls.close()
        self._questions.close()
        self._unlock()

    def _new_workers(self, config: Config) -> list[Child]:
        return [Child("worker", next(self._numbers), [self._calls], config) for _ in range(config.proxy.workers)]

    def _within_reach(self, asked: Config) -> tuple[Config, tuple[str, ...]]:
        """What of this can be served without a restart, and the keys of what cannot."""
        was, now = self._asked, self.config
        fixed = {
            "proxy.listen": was.proxy.listen != asked.proxy.listen,
            "dashboard.listen": was.dashboard.listen != asked.dashboard.listen,
            "store.data_dir": was.store.data_dir != asked.store.data_dir,
        }
        config = replace(
            asked,
            proxy=replace(asked.proxy, listen=now.proxy.listen),
            dashboard=replace(asked.dashboard, listen=now.dashboard.listen),
            store=replace(asked.store, data_dir=now.store.data_dir),
        )
        return config, tuple(key for key, differs in fixed.items() if differs)

    async def _end(self, children: list[Child]) -> None:
        for child in children:
            child.let_go("stop")
        await asyncio.gather(*(child.ended() for child in children))
        await asyncio.gather(*(child.forget() for child in children))
        self._children = [child for child in self._children if child not in children]

    def _unlock(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


async def _all_ready(children: list[Child]) -> bool:
    """Whether all of them are, in time."""
    try:
        async with asyncio.timeout(_WORKERS_WITHIN_S):
            return all([await child.ready() for child in children])
    except TimeoutError:
        return False


def _opened_to_strangers(was: Config, asked: Config, config: Config) -> list[str]:
    """The upstreams that need no key any more because the listener was to be this machine's, which it is not yet."""
    if config.proxy.listen.loopback or not asked.proxy.listen.loopback:
        return []
    before = {name for name, upstream in was.upstreams.items() if upstream.access == "open"}
    return [
        f"upstreams.{name}"
        for name, upstream in asked.upstreams.items()
        if upstream.access == "open" and upstream.api_key is not None and name not in before
    ]


def _resolved(config: Config) -> Config:
    return replace(config, store=replace(config.store, data_dir=config.store.data_dir.resolve()))


async def run(
    config: Config,
    announce: Callable[[Parent], None],
    also: Callable[[Parent], Awaitable[None]],
    again: Callable[[], Config] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; `also` runs beside it and is cancelled with it.

    `again` reads the configuration once more, at a SIGHUP; without it, there is nothing to read.

    Raises:
        CannotStart: before anything was served.
    """
    os.umask(0o077)  # prompts and answers are nobody else's
    logged.begin("parent", config)
    parent = Parent(config)
    parent.claim()
    if not config.sandbox and unmark(config.store.data_dir):
        log.warning("%s was a demo's; what is in it is kept from now on", config.store.data_dir)
    _ask_for_files(config)
    loop = asyncio.get_running_loop()
    end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.set)
    reread = asyncio.Event()
    if again is not None:
        hangup = Hangup()
        loop.add_signal_handler(signal.SIGHUP, lambda: (end if hangup.of_the_terminal() else reread).set())
    if not await _started(parent, end):
        return
    announce(parent)
    service_manager.tell("READY=1")
    beside = [asyncio.create_task(_beside(also, parent))]
    if again is not None:
        beside.append(asyncio.create_task(_reloading(parent, reread, again)))
    try:
        await end.wait()
    finally:
        service_manager.tell("STOPPING=1")
        for one in beside:
            one.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        await parent.stop()


async def _reloading(parent: Parent, reread: asyncio.Event, again: Callable[[], Config]) -> None:
    """One reload after the other; however often it is asked for during one, once more afterwards."""
    while True:
        await reread.wait()
        reread.clear()
        service_manager.tell("RELOADING=1")
        try:
            config = again()
            _ask_for_files(config)
            fixed = await parent.reload(config)
        except ConfigError as error:
            for mistake in error.mistakes:
                log.error("not reloaded: %s", mistake)
        except CannotStart as reason:
            log.error("not reloaded: %s", reason)
        except Exception:  # what nobody foresaw must not make every later SIGHUP go unheard
            log.exception("not reloaded, or not wholly")
        else:
            logged.begin("parent", config)
            for key in fixed:
                log.warning("%s needs a restart and stays as it is; all else is in force", key)
            log.info("reloaded %s; %s", config.source or "the defaults", _still_there(parent.leaving))
        service_manager.tell("READY=1")


def _ask_for_files(config: Config) -> None:
    too_few = ask_for_enough(config.proxy)
    if too_few is not None:
        log.warning("%s. %s", too_few.problem, too_few.remedy)


def _still_there(leaving: int) -> str:
    if not leaving:
        return "no call of before is under way"
    return f"{leaving} earlier worker{'s' if leaving > 1 else ''} will leave once what is under way has ended"


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


def serve(config: Config, again: Callable[[], Config]) -> int:
    """`tollbook serve`: the exit status. `again` reads the configuration once more."""
    return until_stopped(run(config, _announce, _nothing, again))


def until_stopped(running: Coroutine[None, None, None]) -> int:
    """Run to the end: the exit status. What keeps it from starting is said on stderr, a line each."""
    try:
        asyncio.run(running)
    except CannotStart as problem:
        for line in str(problem).splitlines():
            log.error("%s", line)
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
