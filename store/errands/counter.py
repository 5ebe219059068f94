"""The store's side: takes one errand at a time, says how far it is, and hears when whoever asked has left."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec

from proxy.keys import desk
from store.errands.lines import FILE, LONGEST, Done, Errand, Progressed, Refused, line, read_errand
from store.listening import listening

log = logging.getLogger("tollbook.store")

_PATIENCE_S = 10.0  # with somebody who has come and says nothing
_LAST_S = 2.0  # for what is under way when everything ends


class Tell:
    """What an errand under way tells whoever asked for it, and knows of them."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self.left = False

    def still_wanted(self) -> bool:
        """Whether whoever asked is still there."""
        return not self.left

    def progress(self, done: int, changed: int) -> None:
        """Said only to who listens: nothing piles up for one that was stopped."""
        if not self.left and not self._writer.transport.get_write_buffer_size():
            self._writer.write(line(Progressed(done, changed)))


Handler = Callable[[Errand, Tell], Awaitable[msgspec.Struct]]
"""Does an errand; what it raises is told as the reason why it is not done."""


@asynccontextmanager
async def at_the_counter(data_dir: Path, handler: Handler) -> AsyncIterator[None]:
    """Take errands while the block lasts. A store that cannot open the socket goes on without."""
    counter = _Counter(handler)
    server: asyncio.Server | None = None
    try:
        with desk.address(data_dir, FILE) as path:
            server = await asyncio.start_unix_server(counter.serve, sock=listening(path), limit=LONGEST)
    except OSError as error:
        log.warning("commands cannot ask for anything to be changed: no socket in %s: %s", data_dir, error)
    try:
        yield
    finally:
        if server is not None:
            server.close()
        await counter.end()
        with suppress(OSError):
            (data_dir / FILE).unlink()


class _Counter:
    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._busy = asyncio.Lock()
        self._serving: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One who has come."""
        task = asyncio.current_task()
        if task is not None:
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)
        try:
            said = await self._answer(reader, writer)
            if said is not None:
                writer.write(line(said))
                await writer.drain()
        except (ConnectionError, TimeoutError):
            pass  # they left
        finally:
            writer.close()

    async def end(self) -> None:
        """Those who are here are told no more. What was begun is left where it is."""
        for task in self._serving:
            task.cancel()
        if self._serving:  # a disk that hangs must not keep the store from ending
            await asyncio.wait(self._serving, timeout=_LAST_S)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Done | Refused | None:
        try:
            asked = await asyncio.wait_for(reader.readline(), _PATIENCE_S)
            if not asked.endswith(b"\n"):
                return None
            errand = read_errand(asked)
        except (ValueError, msgspec.MsgspecError) as error:
            return Refused(f"this is no errand that the running store knows: {error}")
        if self._busy.locked():
            return Refused("the store is busy with another errand; try again when it is done")
        async with self._busy:
            tell = Tell(writer)
            leaving = asyncio.create_task(_left(reader, tell))
            try:
                return Done(msgspec.Raw(msgspec.json.encode(await self._handler(errand, tell))))
            except Exception as reason:  # also what nobody foresaw: the store lives on, and whoever asked is told
                return Refused(str(reason) or type(reason).__name__)
            finally:
                leaving.cancel()


async def _left(reader: asyncio.StreamReader, tell: Tell) -> None:
    """They say nothing more, so whatever comes now is their leaving."""
    with suppress(OSError, ValueError):
        await reader.read(1)
    tell.left = True
