"""The side of a command: asks, hears how far it is, and is told how it ended."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from proxy.keys import desk
from store.errands.lines import FILE, LONGEST, Done, Errand, Progressed, Refused, line, read_told

T = TypeVar("T")


class NobodyThere(Exception):
    """No store takes errands in this data directory."""


class NotDone(Exception):
    """The store did not do it, or not to its end; the message says why."""


class Ended(NotDone):
    """The store ended in the middle of it."""


async def errand(data_dir: Path, asked: Errand, result: type[T], heard: Callable[[Progressed], None]) -> T:
    """Have the running store do this.

    Raises:
        NobodyThere: none is running.
        NotDone: it is not done; `Ended` when the store is gone.
    """
    try:
        with desk.address(data_dir, FILE) as path:
            reader, writer = await asyncio.open_unix_connection(path, limit=LONGEST)
    except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError) as error:
        raise NobodyThere(str(data_dir)) from error
    try:
        writer.write(line(asked))
        await writer.drain()
        while said := await reader.readline():
            match read_told(said):
                case Progressed() as progressed:
                    heard(progressed)
                case Refused(message=message):
                    raise NotDone(message)
                case Done(result=told):
                    return msgspec.json.decode(told, type=result)
    except (ConnectionError, ValueError, msgspec.MsgspecError) as error:
        raise Ended(f"the store ended before it was done ({error})") from error
    finally:
        writer.close()
    raise Ended("the store ended before it was done")


async def takes_errands(data_dir: Path, within_s: float) -> bool:
    """Whether a store answers in this data directory. It is asked for nothing, and says so."""
    try:
        async with asyncio.timeout(within_s):
            with desk.address(data_dir, FILE) as path:
                reader, writer = await asyncio.open_unix_connection(path, limit=LONGEST)
            try:
                writer.write(b"\n")
                await writer.drain()
                return isinstance(read_told(await reader.readline()), Refused)
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError, msgspec.MsgspecError):
        return False
