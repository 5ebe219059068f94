"""A client that sends every recorded request, a few at once, and looks at nothing that comes back."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import aiohttp
from yarl import URL

from tests.recordings.corpus import Recording
from tests.recordings.transport import CODINGS
from tests.recordings.upstream import NUMBER

_AT_ONCE = 16
_SET_BY_THE_CLIENT = {"accept-encoding", "content-length", "host", "connection", "transfer-encoding"}


@dataclass(frozen=True, slots=True)
class Received:
    """What the client got."""

    call_id: str
    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


async def sent(proxy: str, corpus: Mapping[int, Recording], seed: int) -> dict[int, Received]:
    """Send every request, a few at once, as a client that looks at nothing."""
    received: dict[int, Received] = {}
    waiting = iter(corpus.values())

    async def send_all(session: aiohttp.ClientSession) -> None:
        for recording in waiting:
            received[recording.number] = await _one(session, proxy, recording, seed)

    skipped = {"User-Agent", "Accept", "Accept-Encoding", "Content-Type"}
    async with aiohttp.ClientSession(auto_decompress=False, skip_auto_headers=skipped) as session:
        await asyncio.gather(*(send_all(session) for _ in range(_AT_ONCE)))
    return received


async def _one(session: aiohttp.ClientSession, proxy: str, recording: Recording, seed: int) -> Received:
    dice = random.Random(f"{seed} client {recording.number}")
    headers = [(name, value) for name, value in recording.request_headers if name not in _SET_BY_THE_CLIENT]
    headers.append((NUMBER, str(recording.number)))
    if offered := [coding for coding in CODINGS if dice.random() < 0.5]:
        headers.append(("Accept-Encoding", ", ".join(offered)))
    chunked = dice.random() < 0.2 and recording.request
    async with session.request(
        recording.method,
        URL(f"{proxy}/{recording.upstream}{recording.target}", encoded=True),
        headers=headers,
        data=_in_pieces(recording.request, dice) if chunked else recording.request,
        allow_redirects=False,
    ) as response:
        body = await response.read()
        return Received(response.headers["x-tollbook-call-id"], response.status, response.raw_headers, body)


async def _in_pieces(body: bytes, dice: random.Random) -> AsyncIterator[bytes]:
    while body:
        size = dice.randint(1, 50_000)
        yield body[:size]
        body = body[size:]
