"""`tollbook serve` as a user runs it: processes of its own, real signals, its book asked over HTTP."""

import asyncio
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import psutil

ROOT = Path(__file__).parents[2]


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


class Served:
    """One `tollbook serve`."""

    def __init__(self, process: Process, proxy: str, dashboard: str) -> None:
        self.process = process
        self.proxy = proxy
        self.dashboard = dashboard

    def child(self, kind: str) -> psutil.Process:
        """The living child of this kind: `worker` or `store`."""
        (found,) = (one for one in self.children() if kind in one.cmdline())
        return found

    def children(self) -> list[psutil.Process]:
        """All children that live."""
        found = psutil.Process(self.process.pid).children()
        return [one for one in found if _lives(one)]

    async def another(self, kind: str, than: psutil.Process) -> psutil.Process:
        """Wait for the child that takes the place of one that died."""
        for _ in range(3000):
            for one in self.children():
                with suppress(psutil.NoSuchProcess):
                    if one.pid != than.pid and kind in one.cmdline():
                        return one
            await asyncio.sleep(0.02)
        raise AssertionError(f"no other {kind} was started")

    async def asked(self, path: str) -> dict[str, Any]:
        """What the query endpoint answers, once it answers."""
        async with aiohttp.ClientSession() as session:
            for _ in range(1200):
                try:
                    async with session.get(self.dashboard + path) as answer:
                        assert answer.status == 200
                        return dict(await answer.json())
                except aiohttp.ClientError:
                    await asyncio.sleep(0.05)
        raise AssertionError("the dashboard does not answer")

    async def text(self, path: str) -> str:
        """What the dashboard answers there, as it is."""
        async with aiohttp.ClientSession() as session, session.get(self.dashboard + path) as answer:
            assert answer.status == 200
            return await answer.text()

    async def rows(self, count: int) -> list[dict[str, Any]]:
        """The rows, newest first, once there are so many."""
        found: list[dict[str, Any]] = []
        for _ in range(3000):
            found = (await self.asked("/api/logs?limit=1000"))["logs"]
            if len(found) >= count:
                break
            await asyncio.sleep(0.02)
        assert len(found) == count, (found, await self.asked("/api/health"))
        return found

    async def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal; the exit status and what was said on stderr."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        _, said = await asyncio.wait_for(self.process.communicate(), 60)
        assert self.process.returncode is not None
        return self.process.returncode, said.decode()


async def launch(
    data_dir: Path, config: Path, *options: str, open_files: tuple[int, int] | None = None, folder: Path = ROOT
) -> Process:
    """Start it in this folder, on ports that the system chooses unless told otherwise.

    `open_files`: the soft and the hard limit it starts with.
    """
    limits = [] if open_files is None else ["sh", "-c", 'ulimit -Sn $0 && ulimit -Hn $1 && shift && exec "$@"']
    limits += map(str, open_files or ())
    addresses = [] if "--listen" in options else ["--listen", "127.0.0.1:0"]
    addresses += [] if "--dashboard" in options else ["--dashboard", "127.0.0.1:0"]
    return await asyncio.create_subprocess_exec(
        *limits, sys.executable, "-P", "-m", "proxy.cli", "serve", "--data-dir", str(data_dir), "--config", str(config),
        *addresses, *options, cwd=folder, stdout=PIPE, stderr=PIPE, start_new_session=True,
    )  # fmt: skip


async def serve(
    data_dir: Path, config: Path, *options: str, open_files: tuple[int, int] | None = None, folder: Path = ROOT
) -> Served:
    """Start it and wait for the addresses it prints."""
    process = await launch(data_dir, config, *options, open_files=open_files, folder=folder)
    assert process.stdout is not None
    found: list[str] = []
    while len(found) < 2:
        try:
            line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
        except BaseException:
            process.kill()
            raise
        if not line:
            _, said = await process.communicate()
            raise AssertionError(said.decode())
        found += re.findall(r"http://[\d.]+:\d+", line)
    return Served(process, found[0], found[1])
