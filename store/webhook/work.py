"""The telling at work, from the start of the store to its end."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp

from proxy.config.model import Config
from store.webhook import memory
from store.webhook.queue import Patience
from store.webhook.receiver import Receiver
from store.webhook.standing import Standing
from store.webhook.teller import Passed, Teller

_AS_SET = Patience()


@asynccontextmanager
async def telling(
    config: Config,
    passed: Passed,
    patience: Patience = _AS_SET,
    now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
) -> AsyncIterator[Callable[[], Standing | None]]:
    """Tell the configured receiver of the budgets that `passed` a mark; gives how that goes, None without a receiver.

    At the end, attempts under way have a moment to be answered; what then still waits is in the file.
    """
    url, secret = config.credits.webhook_url, config.credits.webhook_secret
    if url is None or secret is None:
        yield lambda: None
        return
    remembered = await asyncio.to_thread(memory.read, config.store.data_dir)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(force_close=True),  # messages are too rare to keep a connection for
        timeout=aiohttp.ClientTimeout(total=patience.answer_s),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"user-agent": "tollbook"},
    ) as session:
        teller = Teller(
            Receiver(session, url, secret, patience.answer_s),
            config.store.data_dir,
            remembered,
            passed,
            patience,
            now_us,
        )
        watching = asyncio.create_task(teller.watch(), name="tollbook-webhook-watch")
        sending = asyncio.create_task(teller.send(), name="tollbook-webhook-send")
        try:
            yield teller.standing
        finally:
            teller.stop()
            await asyncio.wait({sending}, timeout=patience.last_s)
            sending.cancel()
            ends = await asyncio.gather(watching, sending, return_exceptions=True)
            await teller.save()
            for end in ends:
                if isinstance(end, Exception):
                    raise end
