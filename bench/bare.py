"""The yardstick: a pass-through with aiohttp on both sides and nothing else. It keeps nothing, checks nothing.

usage: python -m bench.bare PORT UPSTREAM_URL [PORT UPSTREAM_URL]...
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable

import aiohttp
import uvloop
from aiohttp import web
from multidict import CIMultiDict

HOP = {
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding",
    "upgrade", "host", "content-length",
}  # fmt: skip
_SMALL = 65536


async def serve(places: list[tuple[int, str]]) -> None:
    """Relay from each port to its upstream until killed."""
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=12),  # as long as the worker keeps them
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=None),
        skip_auto_headers=("User-Agent",),
    )

    for port, upstream in places:
        runner = web.ServerRunner(web.Server(_relay(session, upstream), access_log=None), handler_cancellation=True)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port, backlog=4096).start()
    await asyncio.Event().wait()


def _relay(session: aiohttp.ClientSession, upstream: str) -> Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]:
    async def relay(request: web.BaseRequest) -> web.StreamResponse:
        headers = CIMultiDict((name, value) for name, value in request.headers.items() if name.lower() not in HOP)
        body = await request.read() if request.can_read_body else None
        async with session.request(
            request.method, upstream + request.path_qs, headers=headers, data=body, allow_redirects=False
        ) as answer:
            passed = CIMultiDict((name, value) for name, value in answer.headers.items() if name.lower() not in HOP)
            length = answer.headers.get("Content-Length")
            if length is not None and int(length) <= _SMALL:
                return web.Response(status=answer.status, headers=passed, body=await answer.read())
            response = web.StreamResponse(status=answer.status, headers=passed)
            if length is not None:
                response.content_length = int(length)
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            await response.write_eof()
            return response

    return relay


if __name__ == "__main__":
    uvloop.run(serve([(int(port), url) for port, url in zip(sys.argv[1::2], sys.argv[2::2], strict=True)]))
