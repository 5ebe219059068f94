"""Websockets are opened by aiohttp's client, whose frames they speak; and it is what the own client is held against.

Its defaults are those of a client, so most are turned off: it must not follow, decode, retry, add headers, keep
cookies, time out a long generation, or read the environment. What cannot be turned off: it asks again when GET, HEAD,
OPTIONS, PUT or DELETE found a pooled connection closed (aio-libs/aiohttp#7297), never for POST; it drops a lone
trailing `?`, and header bytes that are not UTF-8.
"""

import functools
import socket
from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence

import aiohttp
from aiohttp import ClientResponse, ClientTimeout, DummyCookieJar, TCPConnector
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from proxy.config.model import Upstream
from proxy.upstream import Answer, Asking, UpstreamFault
from proxy.upstream.connecting import why_not
from proxy.upstream.end_of_tls import left_in
from proxy.upstream.silence import Silence, SilenceWatch, Wait
from proxy.websocket.peer import Peer

_NOT_ADDED = frozenset({"User-Agent", "Accept", "Accept-Encoding", "Content-Type"})
_LARGEST_HEADER = 64 * 1024
_READ_BUFFER = 64 * 1024
_POOL_IDLE_S = 12.0  # below what upstreams keep: narrows the race of a connection that closes as we use it
_KEEPALIVE_OPTIONS = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 60), ("TCP_KEEPCNT", 5))

_BROKEN = (aiohttp.ClientError, Silence, TimeoutError, OSError, ValueError)


def _socket(address: aiohttp.connector.AddrInfoType) -> socket.socket:
    """A socket that notices a dead peer: models think for minutes, and routers forget idle flows."""
    family, kind, protocol, _, _ = address
    made = socket.socket(family=family, type=kind, proto=protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEPALIVE_OPTIONS:
        if hasattr(socket, option):
            made.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return made


class _Connection(ResponseHandler):
    """Tells whoever reads a body when it turns out not to be HTTP: aiohttp leaves him waiting, even without a limit.
    And takes what came by TLS before it ended."""

    def connection_lost(self, exc: BaseException | None) -> None:
        if self.transport is not None:
            for data in left_in(self.transport):
                self.data_received(data)
        super().connection_lost(exc)

    def set_exception(self, exc: BaseException, *cause: BaseException) -> None:
        payload = self._payload
        super().set_exception(exc, *cause)
        if isinstance(exc, HttpProcessingError) and payload is not None and not payload.is_eof():
            payload.set_exception(aiohttp.ClientPayloadError("broken framing"))


class _Connector(TCPConnector):
    """Makes connections of that kind."""

    def __init__(self) -> None:
        super().__init__(limit=0, keepalive_timeout=_POOL_IDLE_S, ttl_dns_cache=10, socket_factory=_socket)
        kind: type[ResponseHandler] = _Connection
        self._factory = functools.partial(kind, loop=self._loop)


class AiohttpAsker:
    """One client session for all upstreams of a worker."""

    def __init__(self) -> None:
        self._session = aiohttp.ClientSession(
            connector=_Connector(),
            cookie_jar=DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            raise_for_status=False,
            skip_auto_headers=_NOT_ADDED,
            max_line_size=_LARGEST_HEADER,
            max_field_size=_LARGEST_HEADER,
            max_headers=256,
            read_bufsize=_READ_BUFFER,
        )
        self._timeouts: dict[str, ClientTimeout] = {}
        self._silence = SilenceWatch()

    async def ask(self, upstream: Upstream, asking: Asking) -> Answer:
        """Send the request and wait for the head of the answer."""
        timeout = self._timeouts.get(upstream.name)
        if timeout is None:
            timeout = self._timeouts[upstream.name] = ClientTimeout(total=None, sock_connect=upstream.connect_timeout_s)
        headers = _in_one_case([(_text(name), _text(value)) for name, value in asking.headers])
        if asking.length is not None:
            headers.append(("Content-Length", str(asking.length)))
        wait = self._silence.begin(upstream.read_timeout_s)
        try:
            with wait:
                response = await self._session.request(
                    asking.method,
                    URL(upstream.base_url + asking.target, encoded=True),
                    headers=headers,
                    data=asking.body if isinstance(asking.body, bytes | None) else _watched(asking.body, wait),
                    allow_redirects=False,
                    timeout=timeout,
                )
        except BaseException as error:
            self._silence.done(wait)
            if isinstance(error, _BROKEN):
                raise _fault(error, upstream, answered=False) from error
            raise
        if response.status == 101 and not asking.switches:
            response.close()
            self._silence.done(wait)
            raise UpstreamFault("upstream_broke_off", f"{upstream.name} switched protocols without being asked")
        return _Answer(response, upstream, wait, self._silence)

    async def close(self) -> None:
        """Close all connections."""
        self._silence.close()
        await self._session.close()


async def _watched(body: AsyncIterable[bytes], wait: Wait) -> AsyncIterator[bytes]:
    """The body; while it is the client that pauses, the upstream is not silent."""
    wait.suspend()
    async for chunk in body:
        wait.extend()
        yield chunk
        wait.suspend()
    wait.extend()


def _in_one_case(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Repeated headers under one spelling: aiohttp drops all but the last of those that differ in case."""
    names = {name.lower() for name, _ in headers}
    if len(names) == len(headers):
        return headers
    spelling: dict[str, str] = {}
    return [(spelling.setdefault(name.lower(), name), value) for name, value in headers]


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


class _Answer:
    __slots__ = ("_content", "_response", "_silence", "_upstream", "_wait", "headers", "reason", "status")

    def __init__(self, response: ClientResponse, upstream: Upstream, wait: Wait, silence: SilenceWatch) -> None:
        self.status: int = response.status
        self.reason: bytes = (response.reason or "").encode("utf-8", "surrogateescape")
        self.headers: Sequence[tuple[bytes, bytes]] = response.raw_headers
        self._response = response
        self._content = response.content
        self._upstream = upstream
        self._wait = wait
        self._silence = silence

    def ready(self) -> bytes:
        if self._content.exception() is not None:
            return b""
        return self._content.read_nowait(-1)

    def at_end(self) -> bool:
        return self._content.exception() is None and self._content.at_eof()

    async def pour(self, sink: Callable[[bytes], bool]) -> bool:
        return False  # what it answers to an opening is short

    async def chunk(self) -> bytes:
        try:
            with self._wait:
                return await self._content.readany()
        except _BROKEN as error:
            raise _fault(error, self._upstream, answered=True) from error

    def take_over(self, write_timeout_s: float) -> Peer:
        self._silence.done(self._wait)  # whoever speaks in turns is silent for long; pings tell whether it lives
        connection = self._response.connection
        if connection is None or connection.protocol is None or connection.transport is None:
            raise UpstreamFault("upstream_broke_off", f"{self._upstream.name} closed the connection as it opened")
        peer = Peer(connection.protocol, connection.transport, masks=True, write_timeout_s=write_timeout_s)
        connection.protocol.set_parser(peer.reader, peer.queue, data_received_cb=peer.heard)
        return peer

    def close(self) -> None:
        self._silence.done(self._wait)
        if not self._response.closed:
            self._response.close()


def _fault(error: Exception, upstream: Upstream, *, answered: bool) -> UpstreamFault:
    """Says in our words what aiohttp's exceptions mean when they come from the upstream side."""
    name = upstream.name
    match error:
        case aiohttp.ConnectionTimeoutError():
            return UpstreamFault("upstream_unreachable", f"{name} did not accept a connection in time")
        case Silence() | TimeoutError():
            return UpstreamFault("upstream_timed_out", f"{name} was silent for {upstream.read_timeout_s:g} s")
        case aiohttp.ClientConnectorError():
            return UpstreamFault("upstream_unreachable", f"{name} could not be reached: {why_not(error.os_error)}")
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientPayloadError() | OSError() if answered:
            return UpstreamFault("upstream_broke_off", f"{name} closed the connection in the middle of its answer")
        case aiohttp.ServerDisconnectedError() | OSError():
            return UpstreamFault("upstream_broke_off", f"{name} closed the connection without answering")
        case _:
            return UpstreamFault("upstream_broke_off", f"{name} did not answer in HTTP that can be relayed")
