"""The upstream side by a client of our own: HTTP/1.1 over pooled connections, and nothing a relay does not need.

It does not follow, decode, retry, add headers beside the framing, keep cookies or read the environment. A request whose
connection closes before the answer began is never sent again: nobody can tell whether the upstream has begun to work.
"""

import asyncio
from collections.abc import AsyncIterable, Callable
from functools import partial

from proxy.config.model import Upstream
from proxy.upstream import Answer, Asking, UpstreamFault
from proxy.upstream.by_aiohttp import AiohttpAsker
from proxy.upstream.connecting import Connecting, why_not
from proxy.upstream.connection import ByTls, Connection, Plain
from proxy.upstream.incoming import Incoming
from proxy.upstream.origin import Origin, origin_of
from proxy.upstream.pool import Pool
from proxy.upstream.silence import SilenceWatch, Wait

_COPIED = 32 * 1024  # bytes of a body up to which one write of head and body together costs less than two
_SAYS_LENGTH = frozenset({"POST", "PUT", "PATCH"})  # a body is expected of these: none is said to be none


class OwnAsker:
    """The connections of one worker to all upstreams. Websockets are opened by aiohttp, whose frames they speak."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._pool = Pool()
        self._connecting = Connecting()
        self._silence = SilenceWatch()
        self._uploads: set[asyncio.Task[None]] = set()
        self._opening = AiohttpAsker()

    async def ask(self, upstream: Upstream, asking: Asking) -> Answer:
        """Send the request and wait for the head of the answer."""
        if asking.switches:
            return await self._opening.ask(upstream, asking)
        origin = origin_of(upstream.base_url)
        connection = self._pool.take(origin) or await self._connected(origin, upstream)
        wait = self._silence.begin(upstream.read_timeout_s)
        answer = Incoming(self._loop, upstream.name, wait, self._silence)
        body = asking.body
        whole = body is None or isinstance(body, bytes)
        connection.expect(answer, asking.method, upstream.name, sent_all=whole)
        head = _head(origin, asking)
        try:
            if isinstance(body, bytes) and len(body) > _COPIED:
                connection.write(head)
                connection.write(body)
            elif body is None or isinstance(body, bytes):
                connection.write(head + body if body else head)
            else:
                connection.write(head)
                upload = self._loop.create_task(_upload(connection, answer, body, asking.length, wait))
                self._uploads.add(upload)
                upload.add_done_callback(self._uploads.discard)
                answer.uploading(upload)
            await answer.head()
        except BaseException:
            answer.close()
            raise
        return answer

    async def close(self) -> None:
        """Close all connections."""
        self._silence.close()
        self._pool.close()
        await self._opening.close()
        for upload in self._uploads:
            upload.cancel()

    async def _connected(self, origin: Origin, upstream: Upstream) -> Connection:
        name = upstream.name
        kind: Callable[..., Plain | ByTls] = ByTls if origin.tls else Plain
        make = partial(kind, self._loop, partial(self._pool.put, origin))
        try:
            return await self._connecting.connect(origin, make, upstream.connect_timeout_s)
        except TimeoutError as error:
            raise UpstreamFault("upstream_unreachable", f"{name} did not accept a connection in time") from error
        except OSError as error:
            message = f"{name} could not be reached at {origin.named.decode()}: {why_not(error)}"
            raise UpstreamFault("upstream_unreachable", message) from error


def _head(origin: Origin, asking: Asking) -> bytes:
    lines = [b"%b %b%b HTTP/1.1\r\nHost: %b\r\n" % (
        asking.method.encode("ascii"), origin.prefix, asking.target.encode("utf-8", "surrogateescape"), origin.named
    )]  # fmt: skip
    lines += [b"%b: %b\r\n" % pair for pair in asking.headers]
    body = asking.body
    if isinstance(body, bytes):
        lines.append(b"Content-Length: %d\r\n\r\n" % len(body))
    elif body is None:
        lines.append(b"Content-Length: 0\r\n\r\n" if asking.method in _SAYS_LENGTH else b"\r\n")
    elif asking.length is not None:
        lines.append(b"Content-Length: %d\r\n\r\n" % asking.length)
    else:
        lines.append(b"Transfer-Encoding: chunked\r\n\r\n")
    return b"".join(lines)


async def _upload(
    connection: Connection, answer: Incoming, body: AsyncIterable[bytes], length: int | None, wait: Wait
) -> None:
    """Send a body as it comes. While it is the client that pauses, the upstream is not silent."""
    left = length
    try:
        wait.suspend()
        async for chunk in body:
            wait.extend()
            if answer.over:
                return  # whoever answered does not want the rest
            if left is not None:
                left -= len(chunk)
            connection.write(chunk if length is not None else b"%x\r\n%b\r\n" % (len(chunk), chunk))
            await connection.drained()
            wait.suspend()
        wait.extend()
        if left:
            raise ValueError(f"the body is {left} bytes shorter than was said")
        if length is None:
            connection.write(b"0\r\n\r\n")
        connection.uploaded()
    except ConnectionError:
        return  # the upstream is gone, and the answer knows
    except asyncio.CancelledError:
        connection.abort()
        raise
    except Exception as error:
        # Half a body must not pass for a whole one: the upstream sees the connection end.
        answer.fail(error)
        connection.abort()
