"""The parent's children: each process started, watched, replaced when it dies unasked, and ended when asked.

A child is a worker or the store. It is started with its configuration and inherits the listening sockets; what it is
told later is one word over its lifeline.
"""

import asyncio
import contextlib
import logging
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Literal

from proxy.config.model import Config
from proxy.lifeline import ParentEnd, Word, pair

GRACE_S = 5.0
"""Past the time a child may take to drain."""
_RESTART_S = (0.0, 0.1, 0.5, 1.0, 2.0, 5.0)
_SETTLED_S = 10.0  # a child that lived this long starts its count of failures anew

Kind = Literal["worker", "store"]

log = logging.getLogger("tollbook.parent")


class Child:
    """One child, from `begin` until it has `ended` for good; the process changes, the child stays."""

    def __init__(self, kind: Kind, number: int, sockets: Sequence[socket.socket], config: Config) -> None:
        """`number` tells it from others of its kind, in what it logs."""
        self.kind = kind
        self.sockets = sockets
        self.config = config
        self._number = number
        self._process: subprocess.Popen[bytes] | None = None
        self._lifeline: ParentEnd | None = None
        self._up = asyncio.Event()  # whether the process there is now is ready
        self._was_up = False
        self._last = asyncio.Event()  # nothing takes the place of this process
        self._watch: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Start it, and keep it alive."""
        self._watch = asyncio.create_task(self._keep())

    async def ready(self) -> bool:
        """Wait until it is ready: True; False when it cannot even start once."""
        if self._watch is None:
            return False
        up = asyncio.create_task(self._up.wait())
        try:
            await asyncio.wait([up, self._watch], return_when=asyncio.FIRST_COMPLETED)
        finally:
            up.cancel()
        return self._up.is_set()

    def let_go(self, word: Word) -> None:
        """Tell it to end in this way. Nothing takes its place, however it ends."""
        self._last.set()
        self._say(word)

    async def renew(self, config: Config, within_s: float) -> bool:
        """End this process and start another with this configuration; whether that was ready in time."""
        self.config = config
        self._say("succeeded")
        self._up.clear()
        await self._gone_within(self.patience_s)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._up.wait(), within_s)
        return self._up.is_set()

    async def ended(self) -> None:
        """Wait for a child that was let go; take it down when it does not end."""
        await self._gone_within(self.patience_s)

    async def forget(self) -> None:
        """Watch it no more."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)

    @property
    def over(self) -> bool:
        """Whether it is gone for good."""
        return self._watch is None or self._watch.done()

    @property
    def patience_s(self) -> float:
        """How long its process may take to end."""
        return self.config.proxy.shutdown_timeout_s + GRACE_S

    def _say(self, word: Word) -> None:
        if self._process is None:
            return
        if not self._up.is_set():
            self._process.terminate()  # it does not listen to its lifeline yet
        elif self._lifeline is not None:
            self._lifeline.say(word)

    async def _gone_within(self, patience_s: float) -> None:
        process = self._process
        if process is None:
            return
        try:
            await asyncio.wait_for(_gone(process), patience_s)
        except TimeoutError:
            process.kill()
            await _gone(process)

    async def _keep(self) -> None:
        """Keep it alive; returns when it is let go and gone, or cannot even start once."""
        loop = asyncio.get_running_loop()
        failures = 0
        while not self._last.is_set():
            began, config = loop.time(), self.config
            try:
                await self._live(config)
                how = "ended unasked"
            except OSError as error:  # no more processes, files or memory: perhaps in a moment
                how = f"could not be started ({error.strerror})"
            if self._last.is_set() or not self._was_up:
                return
            if config is not self.config:
                continue  # it made room for one with another configuration
            failures = 0 if loop.time() - began > _SETTLED_S else failures + 1
            log.warning("the %s process %s; starting another", self.kind, how)
            await asyncio.sleep(_RESTART_S[min(failures, len(_RESTART_S) - 1)])

    async def _live(self, config: Config) -> None:
        """One process, from its start to its end.

        Raises:
            OSError: it cannot be started.
        """
        process, lifeline = self._launched(config)
        self._process, self._lifeline = process, lifeline
        try:
            if await lifeline.ready():
                self._was_up = True
                self._up.set()
            await _gone(process)
        finally:
            self._up.clear()
            lifeline.close()

    def _launched(self, config: Config) -> tuple[subprocess.Popen[bytes], ParentEnd]:
        lifeline, theirs = pair()
        fds = [theirs.fileno(), *(listening.fileno() for listening in self.sockets)]
        try:
            process = subprocess.Popen(  # noqa: S603 - ourselves
                [sys.executable, "-P", "-m", "proxy.child", self.kind, *map(str, [self._number, *fds])],
                pass_fds=fds,
                stdin=subprocess.DEVNULL,
            )
        except OSError:
            lifeline.close()
            raise
        finally:
            theirs.close()
        with contextlib.suppress(OSError):  # it died at once; whoever waits for it will see
            lifeline.send_configuration(config)
        return process, lifeline


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
