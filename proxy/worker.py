"""One relaying process: builds its parts, serves until told to stop, and leaves nothing running unnoted.

Order of stopping: no new connections, running calls drain, what is left is noted as interrupted, the journal is
written out, the process ends. One that has a successor first serves the connections it has to their end.
"""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from proxy.admission import Admission
from proxy.call_id import CallIds
from proxy.calls import Calls
from proxy.config.model import Config
from proxy.floods import Floods
from proxy.forward import Parts
from proxy.journal.appender import NO_ROOM
from proxy.journal.buffer import Buffer
from proxy.journal.directory import OwnDirectory, claim, claim_later, new_boot_id
from proxy.journal.room import Room
from proxy.journal.tally import Tally
from proxy.journal.writer import Journal
from proxy.keys.keyring import Keyring
from proxy.keys.known_standing import KnownStanding
from proxy.lifeline import Lifeline
from proxy.listening import BACKLOG
from proxy.loop_watch import LoopWatch
from proxy.me import Me
from proxy.open_files import ask_for_enough
from proxy.server import ProxyServer
from proxy.upstream.asker import OwnAsker

LEAVING_S = 3600.0
"""How long a worker that has a successor may take to end: as long as providers let a realtime session last."""
_LOOKS_EVERY_S = 0.1


class Worker:
    """The parts of a relaying process, from `start` to `stop`."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._servers: list[asyncio.Server] = []

    async def start(self, sockets: list[socket.socket]) -> None:
        """Begin to serve on these sockets."""
        config = self._config
        boot_id = new_boot_id()
        # The page of counts is there before the directory can be seen, so no reader finds one without the other.
        self._tally = Tally(config.store.data_dir, boot_id)
        self._directory = directory = _claimed(config.store.data_dir, boot_id, self._tally)
        room = Room(config.store.data_dir, config.store.low_space, holds_ballast=True)
        patience_s = config.proxy.journal_wait_ms / 1000 / 2  # a call waits for its beginning, and for its end
        buffer = Buffer.of_run(config.store.data_dir, boot_id)
        self._journal = Journal(directory, self._tally, patience_s=patience_s, room=room, buffer=buffer)
        self._decoding = ThreadPoolExecutor(1, "tollbook-decoding")
        self._asker = OwnAsker()
        self._standing = KnownStanding(config.store.data_dir, config.groups)
        self._standing.start()
        self.keyring = Keyring(config.store.data_dir, self._standing)
        self.keyring.start()
        admission = Admission(config, self.keyring)
        parts = Parts(config, self._journal, self._tally, self._asker, self._decoding, CallIds(), admission, Floods())
        self._calls = Calls(parts, Me(config, self.keyring))
        too_few = ask_for_enough(config.proxy)  # of which the parent has told
        limits = config.proxy if too_few is None else replace(config.proxy, max_connections=too_few.connections)
        self._server = ProxyServer(self._calls.handle, self._tally, limits)
        loop = asyncio.get_running_loop()
        for listening in sockets:
            self._servers.append(await loop.create_server(self._server, sock=listening, backlog=BACKLOG))
        self._watch = LoopWatch(self._tally)
        self._watch.start()

    async def leave(self) -> None:
        """Take no new connections, and wait until those there are have ended.

        None is closed under a client that may be about to ask: it is told so with its next answer.
        """
        self._calls.leaving = True
        for server in self._servers:
            server.close()
        loop = asyncio.get_running_loop()
        until = loop.time() + LEAVING_S
        # The server tells nobody that a connection has ended.
        while (self._server.connections or self._calls.under_way) and loop.time() < until:  # noqa: ASYNC110
            await asyncio.sleep(_LOOKS_EVERY_S)

    async def stop(self) -> None:
        """Drain, note what is left, and close."""
        self._calls.leaving = self._calls.stopping = True  # connections that stay say so with their next answer
        for server in self._servers:
            server.close()
        self._server.pre_shutdown()
        await self._calls.drain(self._config.proxy.shutdown_timeout_s)
        await self._server.shutdown(0.5)
        await self._asker.close()
        await self._journal.close()
        self._decoding.shutdown(wait=False, cancel_futures=True)
        self.keyring.close()
        self._standing.close()
        self._watch.close()
        self._tally.close()
        self._directory.release()


def _claimed(data_dir: Path, boot_id: str, tally: Tally) -> OwnDirectory:
    """A full disk keeps nobody from serving: the notes wait in memory until there is room for their directory."""
    try:
        return claim(data_dir, boot_id)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        tally.tell_without_room(data_dir)
        return claim_later(data_dir, boot_id)


async def work(config: Config, sockets: list[socket.socket], lifeline: Lifeline) -> None:
    """Serve until the parent says stop, or is gone; or that a successor serves, and then what is begun."""
    worker = Worker(config)
    await worker.start(sockets)
    lifeline.ready()
    if await lifeline.word() == "succeeded":
        ends = [asyncio.create_task(worker.leave()), asyncio.create_task(lifeline.word())]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for one in ends:
            one.cancel()
    await worker.stop()
