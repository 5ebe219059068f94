"""An upstream that issues a number with every answer: small ones, streams, large ones, errors, and broken ones."""

import asyncio
import itertools
import json
import random
from contextlib import suppress

from aiohttp import web
from aiohttp.test_utils import TestServer

ISSUED = "issued-"


class Issuing:
    """Answers whatever is asked; remembers every number it issued, and for which request."""

    def __init__(self, seed: int = 1) -> None:
        self._dice = random.Random(seed)
        self._numbers = itertools.count(1)
        self.issued: dict[str, str] = {}  # number: the request's own
        self._server: TestServer | None = None

    async def start(self) -> str:
        """Its base URL."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post("/v1/chat/completions", self._chat)
        self._server = TestServer(app)
        await self._server.start_server(access_log=None)
        return str(self._server.make_url("/")).rstrip("/")

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.close()

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        asked = json.loads(await request.read())
        number = f"{ISSUED}{next(self._numbers):08d}"
        self.issued[number] = asked["user"]
        kind = asked["kind"]
        if kind == "error":
            return web.json_response({"error": {"message": "no", "type": "server_error"}}, status=500,
                                     headers={"x-request-id": number})  # fmt: skip
        if kind == "stream":
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "x-request-id": number})
            with suppress(ConnectionError):  # whoever asked is gone, or dead
                await self._stream(request, response, number)
            return response
        content = "x" * (300_000 if kind == "large" else 200)
        return web.json_response({
            "id": number, "object": "chat.completion", "model": "gpt-4o-mini-2024-07-18",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
        }, headers={"x-request-id": number})  # fmt: skip

    async def _stream(self, request: web.Request, response: web.StreamResponse, number: str) -> None:
        await response.prepare(request)
        for place in range(self._dice.randint(2, 30)):
            await response.write(_event(number, {"content": f"w{place} "}))
            if self._dice.random() < 0.3:
                await asyncio.sleep(self._dice.random() * 0.02)
        await response.write(_event(number, {}, "stop"))
        await response.write(
            b'data: {"id":"%s","model":"gpt-4o-mini-2024-07-18","choices":[],'
            b'"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}\n\n' % number.encode()
        )
        await response.write(b"data: [DONE]\n\n")


def _event(number: str, delta: dict[str, str], reason: str | None = None) -> bytes:
    chunk = {
        "id": number, "object": "chat.completion.chunk", "model": "gpt-4o-mini-2024-07-18",
        "choices": [{"index": 0, "delta": delta, "finish_reason": reason}],
    }  # fmt: skip
    return f"data: {json.dumps(chunk)}\n\n".encode()
