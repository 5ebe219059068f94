"""Clients that send mixed calls without pause, each with a number of its own, and note what they received in full."""

import asyncio
import json
import random
from dataclasses import dataclass, field

import aiohttp

_KINDS = ("small", "small", "small", "stream", "stream", "large", "error", "leaves", "long request")


@dataclass
class Seen:
    """What the clients know. Numbers of requests are theirs, ids are the proxy's."""

    sent: set[str] = field(default_factory=set)  # requests that were begun
    received: dict[str, tuple[str, str]] = field(default_factory=dict)  # request: (id, number issued), whole answers
    cut: int = 0  # answers that broke off, or never came
    left: int = 0  # answers the client turned its back on

    def add(self, other: "Seen") -> None:
        self.sent |= other.sent
        self.received |= other.received
        self.cut += other.cut
        self.left += other.left


class Load:
    """So many clients at once, from `start` to `stop`."""

    def __init__(self, clients: int, seed: int) -> None:
        self.seen = Seen()
        self._clients = clients
        self._seed = seed
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False
        self._proxy = ""

    def start(self, proxy: str) -> None:
        """Begin against this address."""
        self._proxy, self._stopping = proxy, False
        self._tasks = [asyncio.create_task(self._client(number)) for number in range(self._clients)]

    async def answered(self, count: int) -> None:
        """Wait until so many answers were received in full; no longer than half a minute."""
        for _ in range(1500):
            if len(self.seen.received) >= count:
                return
            await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """Let the calls under way end, and wait for them."""
        self._stopping = True
        await asyncio.gather(*self._tasks)
        self._seed += 1

    async def _client(self, number: int) -> None:
        dice = random.Random(f"{self._seed} {number}")
        timeout = aiohttp.ClientTimeout(total=20)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while not self._stopping:
                request = f"{self._seed}-{number}-{dice.getrandbits(48):012x}"
                try:
                    await self._call(session, dice, request)
                except (aiohttp.ClientError, TimeoutError, ConnectionError):
                    self.seen.cut += 1
                    await asyncio.sleep(0.1)

    async def _call(self, session: aiohttp.ClientSession, dice: random.Random, request: str) -> None:
        kind = dice.choice(_KINDS)
        body = {
            "model": "gpt-4o-mini", "user": request, "stream": kind in ("stream", "leaves"),
            "kind": "stream" if kind == "leaves" else "small" if kind == "long request" else kind,
            "messages": [{"role": "user", "content": "y" * (150_000 if kind == "long request" else 100)}],
        }  # fmt: skip
        if body["stream"]:
            body["stream_options"] = {"include_usage": True}
        self.seen.sent.add(request)
        async with session.post(
            f"{self._proxy}/openai/v1/chat/completions", data=json.dumps(body),
            headers={"Content-Type": "application/json"},
        ) as answer:  # fmt: skip
            if kind == "leaves" and dice.random() < 0.7:
                await answer.content.readany()
                self.seen.left += 1
                answer.close()
                return
            whole = await answer.read()
            if answer.headers.get("x-tollbook-error") is not None:
                self.seen.cut += 1  # ours, not the upstream's: no number in it
                return
            issued = answer.headers["x-request-id"]
            assert answer.status == 500 or issued.encode() in whole
            if body["stream"] and not whole.endswith(b"data: [DONE]\n\n"):
                self.seen.cut += 1
                return
            self.seen.received[request] = (answer.headers["x-tollbook-call-id"], issued)
