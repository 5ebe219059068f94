"""A body as a worker keeps it, piece by piece as it comes."""

import asyncio
import random
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from proxy.capture import Capture
from proxy.journal.notes import Body

PATIENCE_S = 30.0


def captured(pieces: Iterable[bytes], limit: int, coding: str) -> Body:
    """What a worker keeps of a body that came in these pieces."""

    async def capture() -> Body:
        with ThreadPoolExecutor(1) as thread:
            body = Capture(limit, coding, thread)
            for piece in pieces:
                body.add(piece)
            return await body.complete(PATIENCE_S)

    return asyncio.run(capture())


def one_by_one(body: bytes) -> list[bytes]:
    """Byte by byte."""
    return [body[at : at + 1] for at in range(len(body))]


def cut_anywhere(body: bytes, dice: random.Random) -> list[bytes]:
    """In pieces of any size, most of them small, some empty."""
    pieces = []
    while body:
        size = min(dice.choice((0, 1, 2, 3, 7, 100, 1000, 20_000)), len(body))
        pieces.append(body[:size])
        body = body[size:]
    return pieces
