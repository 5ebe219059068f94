"""Plays sample calls through a proxy, as clients would, one after another at a steady beat.

A call that fails is part of the show: the proxy writes it down, and nothing is raised or retried here.
"""

import asyncio
from collections.abc import Iterable

import aiohttp

from proxy.sandbox.scenes import SampleCall

_PATIENCE = aiohttp.ClientTimeout(total=60)


async def play(base_url: str, calls: Iterable[SampleCall], *, every_s: float = 1.5) -> int:
    """Send the calls, a new one every so often, without waiting for slow ones; returns how many were sent.

    Runs until the calls are used up or it is cancelled; calls under way are cancelled with it.
    """
    sent = 0
    async with aiohttp.ClientSession(timeout=_PATIENCE) as session, asyncio.TaskGroup() as running:
        for call in calls:
            running.create_task(play_one(session, base_url, call))
            sent += 1
            await asyncio.sleep(every_s)
    return sent


async def play_one(session: aiohttp.ClientSession, base_url: str, call: SampleCall) -> int | None:
    """Send one call and read its answer; the status, or None when there was no whole answer."""
    url = f"{base_url}/{call.upstream}{call.path}"
    try:
        async with session.request(call.method, url, headers=call.sent_headers(), data=call.body or None) as answer:
            if call.fate == "client_left":
                await answer.content.readany()
                return None  # leaving the block unread closes the connection
            await answer.read()
            return answer.status
    except (aiohttp.ClientError, TimeoutError):
        return None
