"""A loop on which time jumps: ten minutes are over at once.

Only for what waits by the loop's clock. Threads and the book live at their own pace.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.conftest import OpenHouse, houses
from tests.relay.neighbours import RawUpstream, Script


class Jumping(asyncio.SelectorEventLoop):
    """Its clock is set forward by hand: what should last minutes is over at once, and nothing else lasts longer."""

    ahead = 0.0  # seconds

    def time(self) -> float:
        """The loop's clock."""
        return super().time() + self.ahead

    async def jump(self, seconds: float) -> None:
        """Let so much time pass, and then everybody on this loop do what is to be done."""
        self.ahead += seconds
        await asyncio.sleep(0.02)


def jumping() -> Jumping:
    """The loop that runs."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, Jumping)
    return loop


def hurried(
    tmp_path: Path,
    script: Script,
    told: Callable[[OpenHouse, str], Awaitable[Any]],
    loop: Callable[[], asyncio.AbstractEventLoop] = Jumping,
) -> Any:
    """Play it with an upstream that plays `script`; `told` gets a factory of houses and the upstream's address."""

    async def main() -> Any:
        upstream = RawUpstream()
        await upstream.open(script)
        try:
            async with houses(tmp_path) as house:
                return await told(house, upstream.url)
        finally:
            await upstream.close()

    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(main())
