"""What ties a child process to its parent: one socket, by which each notices at once that the other is gone.

The parent sends the configuration, and later the word that a successor has been started, or to stop; the child says
when it is ready. The end of the file, from a parent that died, means the same as the word to stop: children drain and
leave, they are never orphans.
"""

import asyncio
import pickle
import signal
import socket
import struct
from typing import Literal

from proxy.config.model import Config

_LENGTH = struct.Struct("<I")
_READY = b"R"

Word = Literal["stop", "succeeded"]
"""`stop`: end now, in order. `succeeded`: another one does this work from now on; finish what is begun, then end."""

_SAID: dict[Word, bytes] = {"stop": b"S", "succeeded": b"N"}
_MEANS: dict[bytes, Word] = {said: word for word, said in _SAID.items()} | {b"": "stop"}


class CannotServe(Exception):
    """Why a child cannot begin, in one sentence."""


class Lifeline:
    """The child's end."""

    def __init__(self, fd: int) -> None:
        self._socket = socket.socket(fileno=fd)
        self._words: asyncio.Queue[Word] | None = None

    def configuration(self) -> Config:
        """What the parent sent first."""
        (length,) = _LENGTH.unpack(self._exactly(_LENGTH.size))
        config = pickle.loads(self._exactly(length))  # noqa: S301 - our own parent wrote it
        if not isinstance(config, Config):
            raise TypeError("the parent sent something else than a configuration")
        return config

    def _exactly(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            piece = self._socket.recv(size - len(data))
            if not piece:
                raise SystemExit(0)  # the parent is gone before we began
            data += piece
        return bytes(data)

    def ready(self) -> None:
        """Tell the parent that calls are accepted."""
        self._socket.setblocking(False)
        try:
            self._socket.send(_READY)
        except OSError:
            pass  # the parent is gone; `word` will notice

    async def word(self) -> Word:
        """Wait for what the parent says next; SIGTERM to this process alone, and the parent's end, mean `stop`."""
        if self._words is None:
            self._words = self._heard()
        return await self._words.get()

    def _heard(self) -> "asyncio.Queue[Word]":
        loop = asyncio.get_running_loop()
        words: asyncio.Queue[Word] = asyncio.Queue()
        loop.add_signal_handler(signal.SIGTERM, words.put_nowait, "stop")
        # Ctrl-C reaches the whole process group; the parent decides what it means.
        loop.add_signal_handler(signal.SIGINT, lambda: None)
        self._socket.setblocking(False)

        def read() -> None:
            try:
                data = self._socket.recv(1)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                loop.remove_reader(self._socket)
            words.put_nowait(_MEANS[data])

        loop.add_reader(self._socket, read)
        return words


class ParentEnd:
    """The parent's end."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end

    def send_configuration(self, config: Config) -> None:
        """The first thing a child reads. Blocks until it is taken or buffered."""
        data = pickle.dumps(config)
        self._socket.setblocking(True)
        self._socket.sendall(_LENGTH.pack(len(data)) + data)
        self._socket.setblocking(False)

    def say(self, word: Word) -> None:
        """Say this."""
        try:
            self._socket.send(_SAID[word])
        except OSError:
            pass  # it is gone already

    async def ready(self) -> bool:
        """Wait until the child is ready: True; False when it ended instead."""
        try:
            return await asyncio.get_running_loop().sock_recv(self._socket, 1) == _READY
        except OSError:
            return False

    def close(self) -> None:
        """Let go."""
        self._socket.close()


def pair() -> tuple[ParentEnd, socket.socket]:
    """A new lifeline: the parent's end, and the socket that the child inherits."""
    ours, theirs = socket.socketpair()
    return ParentEnd(ours), theirs
