"""`tollbook demo`, running, as tests and screenshots use it."""

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

DEMO = (sys.executable, "-m", "proxy.cli", "demo", "--listen", "127.0.0.1:0", "--dashboard", "127.0.0.1:0")


@dataclass
class Demo:
    """A running demo."""

    process: asyncio.subprocess.Process
    said: str
    proxy: str
    dashboard: str

    async def stop(self) -> int:
        """End it as Ctrl-C does: the exit status."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGINT)
        return await self.process.wait()


@asynccontextmanager
async def demo(data_dir: Path | None, *more: str) -> AsyncIterator[Demo]:
    """`tollbook demo` in this data directory, ended with the block."""
    place = () if data_dir is None else ("--data-dir", str(data_dir))
    process = await asyncio.create_subprocess_exec(
        *DEMO, *place, *more, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    said = ""
    while (line := (await process.stdout.readline()).decode()) and "Try:" not in said:
        said += line
        if "Try:" in line:
            break
    addresses = re.findall(r"http://[\d.]+:\d+", said)
    running = Demo(process, said, *(addresses or ("", "")))
    try:
        yield running
    finally:
        await running.stop()
