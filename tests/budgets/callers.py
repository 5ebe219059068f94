"""Clients that call one after the other, many at once, and what they were told."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field

import aiohttp

from tests.budgets.conftest import CHAT


@dataclass
class Told:
    """The answers of many clients, and when the first refusal came."""

    statuses: Counter[int | None] = field(default_factory=Counter)
    first_refusal_at: float | None = None

    def hear(self, status: int | None) -> None:
        """One answer; None: the connection broke."""
        self.statuses[status] += 1
        if status == 429 and self.first_refusal_at is None:
            self.first_refusal_at = time.time()


async def call(session: aiohttp.ClientSession, proxy: str, key: str | None = None) -> int | None:
    """One call; its status, or None where the proxy went away."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        async with session.post(f"{proxy}/groq/v1/chat/completions", json=CHAT, headers=headers) as answer:
            await answer.read()
            return answer.status
    except aiohttp.ClientError:
        return None


async def until_refused(proxy: str, clients: int, key: str | None = None) -> Told:
    """So many clients, each calling until it is refused."""
    told = Told()

    async def client(session: aiohttp.ClientSession) -> None:
        for _ in range(2000):
            status = await call(session, proxy, key)
            told.hear(status)
            if status == 429:
                return
        raise AssertionError("never refused")

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=clients)) as session:
        await asyncio.gather(*(client(session) for _ in range(clients)))
    return told
